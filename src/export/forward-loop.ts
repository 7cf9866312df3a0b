import type { ListenUrl } from '../collect/listen-url.ts';
import { type Address, isV4, parseAddress } from '../util/address.ts';
import { WeirError } from '../util/errors.ts';
import type { ForwardTarget } from './forwarder.ts';

/** What of the world a look for loops needs. */
export interface LoopDeps {
  /** Addresses of a name, as text; rejects when it has none. */
  readonly lookup: (host: string) => Promise<readonly string[]>;
  /** Addresses of this host's interfaces, as text. */
  readonly interfaces: () => readonly string[];
}

/**
 * Throws WEIR_USAGE when a target is one of the listening addresses: what is sent there would come back for ever. A listener on all addresses is met
 * through every address of this host. Names are looked up; one that cannot be is left to those who will use it.
 */
export async function refuseLoops(
  targets: readonly ForwardTarget[],
  listeners: readonly ListenUrl[],
  deps: LoopDeps,
): Promise<void> {
  const own = deps.interfaces().flatMap(read);
  for (const target of targets) {
    const near = listeners.filter(({ port }) => port === target.port);
    if (near.length === 0) continue;
    const reached = (await addressesOf(target.host, deps)).map(asDestination);
    for (const listener of near) {
      const bound = await addressesOf(listener.host, deps);
      const meets = (to: Address): boolean =>
        bound.some(
          (at) => isSame(at, to) || (takesAll(at, to) && (isLoopback(to) || own.some((one) => isSame(one, to)))),
        );
      if (!reached.some(meets)) continue;
      throw new WeirError(
        'WEIR_USAGE',
        `the target ${target.text} is this forwarder's own listener ${listener.text}: datagrams would go round for ever`,
        {
          hint: 'Give the collector another port, or listen on one address only, such as --listen udp://192.0.2.1:2055.',
          details: { target: target.text, listen: listener.text },
        },
      );
    }
  }
}

async function addressesOf(host: string, { lookup }: LoopDeps): Promise<Address[]> {
  const written = read(host);
  return written.length > 0 ? written : (await lookup(host).catch(() => [])).flatMap(read);
}

function read(text: string): Address[] {
  const address = parseAddress(text, { zone: 'strip' });
  return address === undefined ? [] : [address];
}

/** What is sent to 0.0.0.0 or ::, systems send to the loopback address. */
function asDestination(address: Address): Address {
  if (!isUnspecified(address)) return address;
  return isIpv4(address) ? [0, 0, 0xffff, 0x7f00_0001] : [0, 0, 0, 1];
}

/** Whether a listener at `at` takes what is sent to every address of this host: 0.0.0.0 of IPv4, `[::]` of both families. */
function takesAll(at: Address, to: Address): boolean {
  return isUnspecified(at) && (!isIpv4(at) || isIpv4(to));
}

function isSame(a: Address, b: Address): boolean {
  return a.every((word, index) => word === b[index]);
}

function isIpv4([w0, w1, w2]: Address): boolean {
  return isV4(w0, w1, w2);
}

function isUnspecified(address: Address): boolean {
  return address[3] === 0 && (isIpv4(address) || address.every((word) => word === 0));
}

/** 127.0.0.0/8 or ::1. */
function isLoopback(address: Address): boolean {
  return isIpv4(address) ? address[3] >>> 24 === 127 : isSame(address, [0, 0, 0, 1]);
}
