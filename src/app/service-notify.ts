import { spawn } from 'node:child_process';

/** What systemd is told of a service (sd_notify). Does nothing where nobody listens. */
export interface ServiceNotifier {
  /** The service is ready; from now on the watchdog is fed. */
  ready(status: string): void;
  /** One line of how it goes, for `systemctl status`. */
  status(text: string): void;
  /** The service is stopping. Resolves when systemd has been told. */
  stopping(): Promise<void>;
}

export interface NotifyOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** systemd-notify(1), or what takes its place. */
  readonly command?: string;
}

const SILENT: ServiceNotifier = { ready: () => {}, status: () => {}, stopping: () => Promise.resolve() };
/** A child that hangs is ended, ms. */
const PATIENCE = 5000;
/** Between lines of status, ms. */
const STATUS_PAUSE = 5000;

/**
 * Tells systemd by way of systemd-notify(1), since Node has no sockets of its kind; the unit needs `NotifyAccess=all` for that. The watchdog is fed at half of
 * its interval from the event loop: a program that hangs is restarted.
 */
export function createServiceNotifier({ env, command = 'systemd-notify' }: NotifyOptions): ServiceNotifier {
  if ((env['NOTIFY_SOCKET'] ?? '') === '') return SILENT;
  const interval = watchdogMillis(env);
  let timer: NodeJS.Timeout | undefined;
  let said = '';
  let saidAt = Number.NEGATIVE_INFINITY;
  let isBusy = false;
  const tell = (...states: string[]): Promise<void> => {
    const child = spawn(command, states, { stdio: 'ignore', timeout: PATIENCE });
    return new Promise((resolve) => {
      // A missing program, or a socket that has gone: whoever asked to be told will notice.
      child.once('error', () => resolve()).once('close', () => resolve());
    });
  };
  return {
    ready(status) {
      void tell('READY=1', `STATUS=${oneLine(status)}`);
      if (interval === undefined) return;
      timer = setInterval(() => void tell('WATCHDOG=1'), interval / 2);
      timer.unref();
    },
    status(text) {
      const line = oneLine(text);
      const now = performance.now();
      if (isBusy || line === said || now - saidAt < STATUS_PAUSE) return;
      said = line;
      saidAt = now;
      isBusy = true;
      void tell(`STATUS=${line}`).then(() => {
        isBusy = false;
      });
    },
    stopping() {
      clearInterval(timer);
      return tell('STOPPING=1', 'STATUS=stopping');
    },
  };
}

/** The watchdog's interval, ms; undefined when there is none, or when it is for another process. */
function watchdogMillis(env: NotifyOptions['env']): number | undefined {
  const micros = Number(env['WATCHDOG_USEC'] ?? 0);
  const pid = env['WATCHDOG_PID'];
  if (!(micros > 0) || (pid !== undefined && Number(pid) !== process.pid)) return undefined;
  return micros / 1000;
}

function oneLine(text: string): string {
  return text.replaceAll(/\s*\n\s*/g, ' ').slice(0, 500);
}
