import type { Address } from '../util/address.ts';
import { createChooser, type Random, zipfWeights } from './random.ts';

/** What routing knows about a host; the same for a host each time it appears. */
export interface Host {
  readonly v4: number;
  readonly v6: Address;
  readonly as: number;
  readonly mask: number;
  readonly mask6: number;
  /** SNMP index of the interface that leads to it. */
  readonly interface: number;
  /** The router that leads to it; 0 for a directly connected network. */
  readonly nextHop: number;
  readonly nextHop6: Address;
  /** Ephemeral ports its system uses: the first one, and how many. */
  readonly firstPort: number;
  readonly ports: number;
}

/** The hosts of a mid-size network and of the Internet as seen from it, each drawn with Zipf-like popularity. */
export interface Population {
  client(): Host;
  server(): Host;
  resolver(): Host;
  outside(): Host;
  /** Any address in the inside networks, used or not: what a scan from outside hits. */
  anyInside(): Host;
}

interface Network {
  readonly v4: number;
  readonly mask: number;
  readonly as: number;
  readonly interface: number;
  readonly nextHop: number;
}

const OWN_AS = 64_512;
/** Sizes of the population: a site or campus of some thousand users, and the part of the Internet they talk to. */
const SIZE = {
  clients: 3000,
  clientNetworks: 64,
  servers: 120,
  outside: 60_000,
  outsideNetworks: 3000,
  systems: 700,
} as const;
const UPLINKS: readonly { interface: number; nextHop: number; share: number }[] = [
  { interface: 501, nextHop: 0xc6120001, share: 0.55 },
  { interface: 502, nextHop: 0xc6120005, share: 0.3 },
  { interface: 517, nextHop: 0xc6120009, share: 0.1 },
  { interface: 530, nextHop: 0xc612000d, share: 0.05 },
];

/** Builds the population that `random` determines. */
export function createPopulation(random: Random): Population {
  const insideNetworks = Array.from({ length: SIZE.clientNetworks }, (_, i): Network => {
    const mask = i % 8 === 0 ? 22 : 24;
    return {
      v4: 0x0a000000 + i * 0x0400,
      mask,
      as: OWN_AS,
      interface: 1 + (i % 12),
      nextHop: i % 4 === 0 ? 0x0aff0001 : 0,
    };
  });
  const serverNetwork: Network = { v4: 0xcb007100, mask: 24, as: OWN_AS, interface: 40, nextHop: 0 };
  const outsideNetworks = createOutsideNetworks(random);

  const clients = Array.from({ length: SIZE.clients }, () => {
    const network = insideNetworks[random.below(insideNetworks.length)]!;
    return createHost(network, random, 10);
  });
  const servers = Array.from({ length: SIZE.servers }, () => createHost(serverNetwork, random, 0));
  const chooseNetwork = createChooser(zipfWeights(outsideNetworks.length, 0.6), random);
  const outside = Array.from({ length: SIZE.outside }, () => createHost(outsideNetworks[chooseNetwork()]!, random, 0));
  const resolvers = [...servers.slice(0, 2), ...outside.slice(0, 4)];

  const chooseClient = createChooser(zipfWeights(clients.length, 0.6), random);
  const chooseServer = createChooser(zipfWeights(servers.length, 1.1), random);
  const chooseOutside = createChooser(zipfWeights(outside.length, 0.9), random);
  const chooseResolver = createChooser([8, 6, 2, 2, 1, 1], random);
  return {
    client: () => clients[chooseClient()]!,
    server: () => servers[chooseServer()]!,
    resolver: () => resolvers[chooseResolver()]!,
    outside: () => outside[chooseOutside()]!,
    anyInside: () =>
      createHost(
        random.float() < 0.3 ? serverNetwork : insideNetworks[random.below(insideNetworks.length)]!,
        random,
        0,
      ),
  };
}

/** Networks announced by some hundred autonomous systems, of the sizes seen in the routing table, each reached over one uplink. */
function createOutsideNetworks(random: Random): Network[] {
  const systems = Array.from({ length: SIZE.systems }, () => 1 + random.below(64_000));
  const chooseSystem = createChooser(zipfWeights(systems.length, 0.9), random);
  const chooseMask = createChooser([2, 2, 4, 8, 6, 8, 12, 9, 16, 55], random);
  const chooseUplink = createChooser(
    UPLINKS.map(({ share }) => share),
    random,
  );
  const uplinkOf = systems.map(() => UPLINKS[chooseUplink()]!);
  return Array.from({ length: SIZE.outsideNetworks }, (): Network => {
    const system = chooseSystem();
    const mask = 15 + chooseMask();
    const uplink = uplinkOf[system]!;
    return {
      v4: (publicAddress(random) & (-1 << (32 - mask))) >>> 0,
      mask,
      as: systems[system]!,
      interface: uplink.interface,
      nextHop: uplink.nextHop,
    };
  });
}

/** An address that is neither private, loopback, link-local, reserved nor multicast. */
function publicAddress(random: Random): number {
  for (;;) {
    const address = random.u32();
    const first = address >>> 24;
    const isSpecial =
      first === 0 ||
      first === 10 ||
      first === 127 ||
      first >= 224 ||
      address >>> 20 === 0xac1 ||
      address >>> 16 === 0xc0a8;
    if (!isSpecial && address >>> 16 !== 0xa9fe && first !== 100 && first !== 198 && first !== 203) return address;
  }
}

/** A host of `network`; addresses are IPv6's from a documentation or provider prefix made of the same number. */
function createHost(network: Network, random: Random, firstHost: number): Host {
  const room = 2 ** (32 - network.mask) - 2 - firstHost;
  const v4 = network.v4 + 1 + firstHost + random.below(Math.max(1, room));
  const isInside = network.as === OWN_AS;
  const mask6 = isInside ? 64 : 32 + (network.mask - 15);
  const upper = isInside ? 0x20010db8 : 0x2a000000 + (network.as << 4);
  const lower = isInside ? (network.v4 >>> 8) & 0xffff : (network.v4 >>> 8) << 8;
  const unixPorts = random.float() < 0.5;
  return {
    v4,
    v6: [upper >>> 0, lower >>> 0, random.u32(), random.u32()],
    as: network.as,
    mask: network.mask,
    mask6,
    interface: network.interface,
    nextHop: network.nextHop,
    nextHop6: network.nextHop === 0 ? [0, 0, 0, 0] : [0xfe800000, 0, 0, network.nextHop & 0xff],
    firstPort: unixPorts ? 32_768 : 49_152,
    ports: unixPorts ? 28_232 : 16_384,
  };
}
