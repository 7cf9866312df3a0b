import type { Probe } from '../app/probe.ts';
import type { ControlTarget } from '../meter/control/answer.ts';
import { ControlServer } from '../meter/control/control-server.ts';
import { defaultSocket } from '../meter/control/socket-path.ts';
import type { Timeouts } from '../meter/timeouts.ts';
import { messageOf } from '../util/errors.ts';
import type { Io } from './io.ts';
import type { ProbeFlags } from './probe-flags.ts';
import { exportedTotals } from './probe-summary.ts';

/** Debug levels there are: 0 says what goes wrong, 1 a line of figures each second as well. */
const MOST_DEBUG = 1;

/** What `weir ctl` can do with a probe that runs in this process. */
export class ProbeControl {
  readonly #probe: Probe;
  readonly #timeouts: Readonly<Timeouts>;
  readonly #stop: () => void;
  readonly #io: Io;
  #server: ControlServer | undefined;
  /** How much the probe says. */
  debugLevel = 0;
  /** Whether it was told to end without exporting its flows. */
  isDiscarding = false;

  /** `stop` ends the probe. */
  constructor(probe: Probe, timeouts: Readonly<Timeouts>, stop: () => void, io: Io) {
    this.#probe = probe;
    this.#timeouts = timeouts;
    this.#stop = stop;
    this.#io = io;
  }

  /** Listens where `-c` says, or for live captures in the usual place. Throws WEIR_CONTROL for the former; the latter is only a warning. */
  async start({ control, read }: ProbeFlags, log: { warn(fields: object, text: string): void }): Promise<void> {
    const usual =
      read === undefined ? defaultSocket({ env: this.#io.env, isRoot: process.getuid?.() === 0 }) : undefined;
    const path = control ?? usual;
    if (path === undefined || path === 'none') return;
    const server = new ControlServer(path, this.#target(), { pid: process.pid, since: this.#io.now() });
    try {
      await server.start();
      this.#server = server;
    } catch (error) {
      if (control !== undefined) throw error;
      log.warn({ error: messageOf(error) }, 'weir ctl cannot reach this probe');
    }
  }

  async close(): Promise<void> {
    await this.#server?.close();
  }

  #target(): ControlTarget {
    const probe = this.#probe;
    return {
      timeouts: this.#timeouts,
      status: () => {
        const status = probe.status();
        return { ...status, exported: exportedTotals(status) };
      },
      dumpFlows: () => probe.meter?.dumpFlows() ?? [],
      expireAll: () => {
        const flows = probe.meter?.expireAll() ?? 0;
        probe.outputs.flush();
        return flows;
      },
      deleteAll: () => probe.meter?.deleteAll() ?? 0,
      renewTemplates: () => probe.renewTemplates(),
      setGathering: (isGathering) => {
        if (probe.meter !== undefined) probe.meter.isGathering = isGathering;
      },
      debug: (change) => {
        this.debugLevel = Math.min(MOST_DEBUG, Math.max(0, this.debugLevel + change));
        return this.debugLevel;
      },
      end: (isDiscarding) => {
        this.isDiscarding = isDiscarding;
        this.#stop();
      },
    };
  }
}
