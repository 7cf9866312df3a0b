import { readdirSync, readFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { WeirError } from '../../util/errors.ts';

/** Stands for all interfaces. */
export const ANY = 'any';

/** A network interface to capture from. */
export interface InterfaceName {
  readonly name: string;
  /** The number that its packets are told with; undefined: the system's. */
  readonly index: number | undefined;
}

/** Reads `NAME` or `INDEX:NAME`. Throws WEIR_USAGE. */
export function parseInterface(text: string): InterfaceName {
  const [, digits, name = ''] = /^(?:(\d+):)?(.*)$/s.exec(text) ?? [];
  const index = digits === undefined ? undefined : Number(digits);
  // Linux's rule (dev_valid_name), with room for the longer names of others.
  if (/^[^\s/]{1,64}$/.test(name) && (index === undefined || index <= 0xffff_ffff)) return { name, index };
  throw new WeirError('WEIR_USAGE', `${JSON.stringify(text.slice(0, 80))} is no name of an interface.`, {
    hint: 'For example eth0, any, or 3:eth0 to have its packets told with the interface number 3.',
  });
}

const FOLDER = '/sys/class/net';

/** The system's number of an interface (ifIndex); 0 where it is not known: no such interface, `any`, no Linux. */
export function systemIndex(name: string): number {
  if (name === ANY || name === '.' || name === '..') return 0;
  try {
    return Number(readFileSync(`${FOLDER}/${name}/ifindex`, 'latin1')) || 0;
  } catch {
    return 0;
  }
}

/** The interfaces that there are, for people who named another one. */
export function interfaceNames(): string[] {
  try {
    return readdirSync(FOLDER);
  } catch {
    return Object.keys(networkInterfaces());
  }
}
