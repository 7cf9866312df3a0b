import type { Host, Population } from './population.ts';
import { createChooser, type Random } from './random.ts';

/** One direction of one conversation, as a router that meters it would export it. */
export interface Flow {
  readonly from: Host;
  readonly to: Host;
  readonly sourcePort: number;
  /** Type × 256 + code for ICMP, as routers export it. */
  readonly destinationPort: number;
  /** IPv4's number; an IPv6 exporter writes 58 for ICMP. */
  readonly protocol: number;
  readonly tcpFlags: number;
  readonly tos: number;
  readonly packets: number;
  /** Bytes of the packets with their IP headers; below 2^32. */
  readonly bytes: number;
  /** From first to last packet, ms. */
  readonly duration: number;
  /** From the last packet to the export, ms. */
  readonly age: number;
}

interface Service {
  readonly share: number;
  readonly protocol: 1 | 6 | 17 | 47 | 50;
  readonly port: number;
  readonly way: 'out' | 'in' | 'inside' | 'resolve' | 'peer' | 'scan';
  /** Median bytes of payload asked and answered, and how far they spread (sigma of the logarithm). */
  readonly ask: number;
  readonly answer: number;
  readonly spread: number;
}

/** What a mid-size network's flows are: by number, mostly web and name look-ups; by volume, the web's tail. */
const SERVICES: readonly Service[] = [
  { share: 33, protocol: 6, port: 443, way: 'out', ask: 1400, answer: 5200, spread: 1.5 },
  { share: 9, protocol: 17, port: 443, way: 'out', ask: 2600, answer: 8000, spread: 1.5 },
  { share: 5, protocol: 6, port: 80, way: 'out', ask: 420, answer: 2600, spread: 1.6 },
  { share: 20, protocol: 17, port: 53, way: 'resolve', ask: 38, answer: 120, spread: 0.45 },
  { share: 2, protocol: 17, port: 123, way: 'out', ask: 48, answer: 48, spread: 0 },
  { share: 1, protocol: 6, port: 22, way: 'out', ask: 2600, answer: 3600, spread: 1.7 },
  { share: 1.6, protocol: 6, port: 993, way: 'out', ask: 900, answer: 3200, spread: 1.3 },
  { share: 0.8, protocol: 6, port: 25, way: 'in', ask: 9000, answer: 700, spread: 1.4 },
  { share: 9, protocol: 6, port: 443, way: 'in', ask: 1300, answer: 7800, spread: 1.5 },
  { share: 2, protocol: 6, port: 80, way: 'in', ask: 380, answer: 900, spread: 1.1 },
  { share: 3, protocol: 6, port: 445, way: 'inside', ask: 2400, answer: 3100, spread: 1.6 },
  { share: 1.5, protocol: 6, port: 389, way: 'inside', ask: 600, answer: 1500, spread: 1.0 },
  { share: 1.5, protocol: 6, port: 5432, way: 'inside', ask: 1800, answer: 4000, spread: 1.6 },
  { share: 1.2, protocol: 17, port: 161, way: 'inside', ask: 90, answer: 110, spread: 0.4 },
  { share: 1.5, protocol: 17, port: 0, way: 'peer', ask: 700, answer: 900, spread: 1.9 },
  { share: 1, protocol: 6, port: 0, way: 'peer', ask: 3000, answer: 9000, spread: 2 },
  { share: 3.5, protocol: 6, port: 0, way: 'scan', ask: 0, answer: 0, spread: 0 },
  { share: 2.6, protocol: 1, port: 0, way: 'out', ask: 56, answer: 56, spread: 0 },
  { share: 0.3, protocol: 50, port: 0, way: 'out', ask: 40_000, answer: 60_000, spread: 2 },
  { share: 0.1, protocol: 47, port: 0, way: 'out', ask: 30_000, answer: 30_000, spread: 2 },
];

const SCANNED_PORTS: readonly number[] = [
  22, 23, 80, 443, 445, 1433, 2323, 3306, 3389, 5060, 5555, 6379, 8080, 8443, 9200,
];
const SYN = 0x02;
const RST = 0x04;
const PSH = 0x08;
const ACK = 0x10;
const WHOLE_SESSION = 0x1b;
/** The router exports a flow that is still alive after this long (ms), and one that was silent for as long as the other. */
const ACTIVE_TIMEOUT = 60_000;
const INACTIVE_TIMEOUT = 15_000;
const TCP_SEGMENT = 1400;
/** A conversation's second direction leaves the flow cache at most this many flows after the first. */
const REPLY_WINDOW = 512;

/** An endless sequence of flows: call it for the next one. The same `random` state gives the same flows. */
export function createFlowSource(population: Population, random: Random): () => Flow {
  const chooseService = createChooser(
    SERVICES.map(({ share }) => share),
    random,
  );
  const replies: (Flow | undefined)[] = Array.from({ length: REPLY_WINDOW });
  let position = 0;
  return () => {
    position = (position + 1) % REPLY_WINDOW;
    const reply = replies[position];
    if (reply !== undefined) {
      replies[position] = undefined;
      return reply;
    }
    const [flow, back] = createConversation(SERVICES[chooseService()]!, population, random);
    if (back !== undefined) {
      const slot = (position + 1 + random.below(REPLY_WINDOW - 1)) % REPLY_WINDOW;
      // A slot that is taken loses its reply: some conversations are seen one way only, as with asymmetric routes.
      replies[slot] ??= back;
    }
    return flow;
  };
}

function createConversation(service: Service, population: Population, random: Random): [Flow, Flow | undefined] {
  const { way } = service;
  if (way === 'scan') return createScan(population, random);
  const from = way === 'in' ? population.outside() : population.client();
  const to =
    way === 'resolve'
      ? population.resolver()
      : way === 'in' || way === 'inside'
        ? population.server()
        : population.outside();
  const hasPorts = service.protocol === 6 || service.protocol === 17;
  const clientPort = hasPorts ? from.firstPort + random.below(from.ports) : 0;
  const serverPort = !hasPorts ? 0 : way === 'peer' ? 1024 + random.below(64_000) : service.port;
  const tos = random.float() < 0.9 ? 0 : [0x20, 0x28, 0x48, 0x68, 0xb8][random.below(5)]!;
  const common = { protocol: service.protocol, tos };
  const isLookup = service.protocol === 17 && service.answer < 200;
  const isPing = service.protocol === 1;

  const ask = Math.ceil(random.logNormal(service.ask, service.spread * 0.6));
  const isElephant = !isLookup && !isPing && random.float() < 0.012;
  const volume = isElephant ? random.pareto(400_000, 1.1) : random.logNormal(service.answer, service.spread);
  const answer = Math.min(Math.ceil(volume), 3_000_000_000);

  const header = service.protocol === 6 ? (random.float() < 0.7 ? 52 : 40) : 28;
  const rounds = isPing ? 1 + Math.floor(random.logNormal(0.8, 1)) : isLookup && random.float() < 0.03 ? 2 : 1;
  const answerPackets =
    isLookup || isPing ? rounds : segments(answer) + (service.protocol === 6 ? 3 + random.below(4) : random.below(3));
  const askPackets =
    isLookup || isPing
      ? rounds
      : segments(ask) + Math.ceil(answerPackets * (0.45 + random.float() * 0.25)) + (service.protocol === 6 ? 2 : 0);
  const scale = isLookup || isPing ? rounds : 1;
  const timing = createTiming(service.protocol, Math.max(askPackets, answerPackets), isElephant, random);
  const flags = service.protocol === 6 ? timing.flags : 0;
  const kept = (count: number) => Math.max(1, Math.ceil(count * timing.kept));
  const forth: Flow = {
    from,
    to,
    sourcePort: clientPort,
    destinationPort: isPing ? 0x0800 : serverPort,
    packets: kept(askPackets),
    bytes: kept(ask * scale + askPackets * header),
    tcpFlags: flags,
    duration: askPackets === 1 ? 0 : timing.duration,
    age: timing.age,
    ...common,
  };
  const answered = random.float() < (isPing ? 0.7 : 0.97);
  if (!answered)
    return [
      { ...forth, packets: 1, bytes: Math.min(ask, 1200) + header, duration: 0, tcpFlags: flags === 0 ? 0 : SYN },
      undefined,
    ];
  const back: Flow = {
    from: to,
    to: from,
    sourcePort: serverPort,
    destinationPort: clientPort,
    packets: kept(answerPackets),
    bytes: kept(answer * scale + answerPackets * header),
    tcpFlags: flags,
    duration: answerPackets === 1 ? 0 : Math.max(0, timing.duration - random.below(30)),
    age: timing.age,
    ...common,
  };
  return [forth, back];
}

/** A SYN from outside at an address that mostly does not answer. */
function createScan(population: Population, random: Random): [Flow, Flow | undefined] {
  const from = population.outside();
  const to = population.anyInside();
  const sourcePort = 1024 + random.below(64_000);
  const destinationPort = SCANNED_PORTS[random.below(SCANNED_PORTS.length)]!;
  const bytes = random.float() < 0.6 ? 40 : 44;
  const age = INACTIVE_TIMEOUT + random.below(1000);
  const common = { protocol: 6, tos: 0, packets: 1, duration: 0, age };
  const probe: Flow = { from, to, sourcePort, destinationPort, bytes, tcpFlags: SYN, ...common };
  if (random.float() > 0.2) return [probe, undefined];
  return [
    probe,
    {
      from: to,
      to: from,
      sourcePort: destinationPort,
      destinationPort: sourcePort,
      bytes: 40,
      tcpFlags: RST | ACK,
      ...common,
    },
  ];
}

interface Timing {
  readonly duration: number;
  readonly age: number;
  /** The flags of all its packets together. */
  readonly flags: number;
  /** The share of the conversation that falls into this flow. */
  readonly kept: number;
}

/** How long a conversation lasted, how long ago it ended when it was exported, and what of it the router saw until then. */
function createTiming(protocol: number, packets: number, isElephant: boolean, random: Random): Timing {
  const roundTrip = random.logNormal(25, 0.8);
  const idle = random.float() < 0.35 ? random.logNormal(5000, 1.2) : 0;
  const perPacket = (isElephant ? 1.2 : 3) * random.logNormal(1, 0.7);
  const duration = Math.round(roundTrip * (protocol === 6 ? 3 : 1) + packets * perPacket + (packets > 2 ? idle : 0));
  if (duration > ACTIVE_TIMEOUT) {
    // Still running, so no FIN is in sight yet.
    const kept = ACTIVE_TIMEOUT / duration;
    return { duration: ACTIVE_TIMEOUT - random.below(500), age: random.below(1000), flags: SYN | PSH | ACK, kept };
  }
  const isClosed = protocol === 6 && random.float() < 0.85;
  const flags = isClosed ? (random.float() < 0.78 ? WHOLE_SESSION : WHOLE_SESSION | RST) : SYN | PSH | ACK;
  return { duration, age: isClosed ? random.below(1500) : INACTIVE_TIMEOUT + random.below(1000), flags, kept: 1 };
}

function segments(bytes: number): number {
  return Math.max(1, Math.ceil(bytes / TCP_SEGMENT));
}
