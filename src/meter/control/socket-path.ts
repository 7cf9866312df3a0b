import { existsSync } from 'node:fs';

const NAME = 'weir-probe.ctl';
/** What a unit of systemd calls its RuntimeDirectory, below /run. */
const SERVICE = '/run/weir-probe';

/** What decides where the control socket is. */
export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly isRoot: boolean;
}

/** Where a probe listens to commands unless it is told: in the folder for what lives as long as the process. Undefined where there is none. */
export function defaultSocket({ env, isRoot }: Surroundings): string | undefined {
  // A service has its own folder there; several are separated by colons (systemd.exec(5)).
  const folder = env['RUNTIME_DIRECTORY']?.split(':')[0] || (isRoot ? '/run' : env['XDG_RUNTIME_DIR']);
  return folder === undefined || folder === '' ? undefined : `${folder}/${NAME}`;
}

/** Where to look for a probe unless it is told: the user's own, or else the service's. */
export function findSocket(surroundings: Surroundings, exists: (path: string) => boolean = existsSync): string {
  const own = defaultSocket(surroundings);
  const service = `${SERVICE}/${NAME}`;
  if (own !== undefined && (exists(own) || !exists(service))) return own;
  return service;
}
