import { uptime } from 'node:os';
import type { Writable } from 'node:stream';
import type { TransportOptions } from '../export/link-transport.ts';
import { FlowToolsLines, type FlowToolsLinesCounters } from '../nat/flow-tools-lines.ts';
import { FileLines, streamLines } from '../sink/file-lines.ts';
import { LineSink, type LineSinkCounters } from '../sink/line-sink.ts';
import { createSyslog } from '../sink/syslog.ts';
import type { SyslogTarget } from '../sink/syslog-target.ts';

export interface NatCopiesOptions {
  readonly syslog: readonly { readonly text: string; readonly target: SyslogTarget }[];
  /** Paths; `-` is `stdout`. */
  readonly csv: readonly string[];
  readonly stdout: Writable;
  /** What stands as the exporter's address. */
  readonly exporter: string;
  readonly hasIpv6?: boolean | undefined;
  readonly tls?: TransportOptions['tls'];
  /** ms since the epoch. */
  readonly now: () => number;
}

/** Copies of what is told of connections, as lines of flow-tools' CSV: `lines` is to be one of the exporter's listeners. Inert until `start`. */
export class NatCopies {
  readonly lines: FlowToolsLines;
  readonly #sinks: readonly LineSink[];

  constructor({ syslog, csv, stdout, exporter, hasIpv6, tls, now }: NatCopiesOptions) {
    this.#sinks = [
      ...syslog.map(({ text, target }) => new LineSink({ name: text, transport: createSyslog(target, { tls, now }) })),
      ...csv.map((path) => {
        const transport = path === '-' ? streamLines(stdout) : new FileLines(path);
        return new LineSink({ name: path, transport });
      }),
    ];
    this.lines = new FlowToolsLines({
      exporter,
      // As sysUptime of a router: since the machine was started.
      bootMillis: Math.floor(now() - uptime() * 1000),
      hasIpv6,
      take: (line) => {
        for (const sink of this.#sinks) sink.write(line);
      },
    });
  }

  /** Throws WEIR_SEND for what cannot be opened; nothing is left open then. */
  async start(): Promise<void> {
    const started: LineSink[] = [];
    try {
      for (const sink of this.#sinks) {
        await sink.start();
        started.push(sink);
      }
    } catch (error) {
      await Promise.all(started.map((sink) => sink.close(0)));
      throw error;
    }
  }

  /** Files are opened anew, under their names: they have been rotated. */
  reopen(): void {
    for (const sink of this.#sinks) sink.reopen();
  }

  counters(): FlowToolsLinesCounters & { readonly copies: readonly LineSinkCounters[] } {
    return { ...this.lines.counters, copies: this.#sinks.map((sink) => sink.counters()) };
  }

  /** Waits for what is taken, and closes. */
  async close(): Promise<void> {
    await Promise.all(this.#sinks.map((sink) => sink.close()));
  }
}
