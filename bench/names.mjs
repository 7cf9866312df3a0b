// What reading names costs the meter: the same packets in memory, metered without names, with each kind, and with all; one core.
import { createCipheriv } from 'node:crypto';
import { FlowBatch } from '../dist/flow/batch.js';
import { Meter } from '../dist/meter/meter.js';
import { NAME_KINDS } from '../dist/meter/names/name-kinds.js';
import { NameReader } from '../dist/meter/names/name-reader.js';
import { clientInitialKeys, QUIC_VERSIONS } from '../dist/meter/names/quic-keys.js';
import { DEFAULT_TIMEOUTS } from '../dist/meter/timeouts.js';
import { LINK_TYPE } from '../dist/wire/packet/link-types.js';
import { show, table } from './lib/table.mjs';

const PACKETS = 3_000_000;
const MAX_FLOWS = 262_144;
const ROUNDS = 3;
/** Distinct conversations, again and again with other ports. */
const CONVERSATIONS = 400_000;
/** Packets of one conversation besides the one with the name: half of them full. */
const OTHERS = 24;

const SRC_ADDR = 26;
const SRC_PORT = 34;

export async function bench({ flows }) {
  // The quick run asks for fewer flows.
  const packets = flows < 1_000_000 ? PACKETS / 10 : PACKETS;
  const choices = [[], ...Object.keys(NAME_KINDS).map((kind) => [kind]), Object.keys(NAME_KINDS)];
  const results = choices.map((kinds) => ({ kinds, seconds: Number.POSITIVE_INFINITY, found: 0 }));
  // In turn, so that a busy moment of the machine falls on all; the first round also warms up.
  for (let round = 0; round < ROUNDS; round++) for (const result of results) measure(result, packets);
  const [{ seconds: without }] = results;
  const label = (kinds) => (kinds.length === 0 ? 'no names' : kinds.length === 1 ? kinds[0] : 'all');
  console.log(`${packets} packets, a ClientHello, request, query or Initial packet in each ${OTHERS + 1}`);
  console.log(
    table([
      ['names', 'M packets per CPU-second', 'ns per packet more', 'names read', 'µs per name'],
      ...results.map(({ kinds, seconds, found }) => [
        label(kinds),
        show(packets / seconds / 1e6),
        show(((seconds - without) / packets) * 1e9),
        found,
        found === 0 ? '–' : show(((seconds - without) / found) * 1e6),
      ]),
    ]),
  );
  return { results, comparisons: [] };
}

/** Processor time of one round, if it is the least so far. */
function measure(result, packets) {
  const batch = new FlowBatch();
  const sink = {
    batch() {
      if (!batch.hasRoom(8)) batch.clear();
      return batch;
    },
  };
  const { kinds } = result;
  const names =
    kinds.length === 0 ? undefined : new NameReader({ kinds: new Set(kinds), maxFlows: MAX_FLOWS, seed: 1 });
  const meter = new Meter(options(names), sink);
  const before = process.cpuUsage();
  feed(meter, packets);
  const { user, system } = process.cpuUsage(before);
  const seconds = (user + system) / 1e6;
  if (seconds >= result.seconds) return;
  result.seconds = seconds;
  result.found = Object.values(names?.statistics().found ?? {}).reduce((sum, count) => sum + count, 0);
}

function options(names) {
  return {
    keys: 'full',
    isBiflow: false,
    timeouts: DEFAULT_TIMEOUTS,
    expiry: 'when-full',
    maxFlows: MAX_FLOWS,
    maxBytes: 1 << 28,
    tunnels: 'outer',
    sampling: undefined,
    names,
    exporter: [0, 0, 0xffff, 1],
    observationDomain: 0,
    seed: [1, 2],
    random: () => 0.5,
  };
}

/** Conversations one after the other, thirty at a time, each with its name in its first packet with payload. */
function feed(meter, packets) {
  const atATime = 30;
  let sent = 0;
  for (let first = 0; sent < packets; first += atATime) {
    for (let step = 0; step <= OTHERS; step++) {
      for (let i = first; i < first + atATime && sent < packets; i++, sent++) {
        const naming = NAMING[i % NAMING.length];
        const packet = step === 0 ? naming : naming[9 + 14] === 17 ? OTHER_UDP : OTHER_TCP;
        const conversation = i % CONVERSATIONS;
        packet.writeUInt32BE(0x0a000000 | (conversation >> 5), SRC_ADDR);
        packet.writeUInt16BE(1024 + ((conversation * 7) & 0x7fff), SRC_PORT);
        meter.packet(packet, 0, packet.length, packet.length, 1.7e15 + sent, LINK_TYPE.ethernet, 0);
      }
    }
  }
}

const hex = (value, octets) => value.toString(16).padStart(octets * 2, '0');
const OTHER_TCP = tcp(443, Buffer.alloc(700, 0x17));
const OTHER_UDP = udp(443, Buffer.alloc(700, 0x40));
/** Of ten conversations five are of TLS, two of QUIC, two of DNS, and one of HTTP. */
const NAMING = [
  ...Array.from({ length: 5 }, (_, i) => tcp(443, record(clientHello(`host${i}.example.com`)))),
  ...Array.from({ length: 2 }, () => udp(443, initial(clientHello('quic.example.com')))),
  ...Array.from({ length: 2 }, (_, i) => udp(53, query(`name${i}.example.com`))),
  tcp(80, Buffer.from('GET /index.html?a=b HTTP/1.1\r\nHost: www.example.com\r\nUser-Agent: bench\r\n\r\n')),
];

function ip(protocol, payload) {
  const header = `02000000000b02000000000a08004500${hex(20 + payload.length, 2)}00004000ff${hex(protocol, 1)}0000`;
  return Buffer.concat([Buffer.from(`${header}0a000001c0000201`, 'hex'), payload]);
}

function tcp(to, payload) {
  return ip(6, Buffer.concat([Buffer.from(`0400${hex(to, 2)}00000001000000005018ffff00000000`, 'hex'), payload]));
}

function udp(to, payload) {
  return ip(17, Buffer.concat([Buffer.from(`0400${hex(to, 2)}${hex(8 + payload.length, 2)}0000`, 'hex'), payload]));
}

function query(name) {
  const labels = name.split('.').map((label) => hex(label.length, 1) + Buffer.from(label).toString('hex'));
  return Buffer.from(`123401000001000000000000${labels.join('')}0000010001`, 'hex');
}

/** As large as a browser's of some years ago: 500 octets. */
function clientHello(name) {
  const sni = Buffer.from(name).toString('hex');
  const length = sni.length / 2;
  const extensions = [
    // Application protocols h2 and http/1.1.
    '0010000e000c02683208687474702f312e31',
    `0000${hex(length + 5, 2)}${hex(length + 3, 2)}00${hex(length, 2)}${sni}`,
    `0015${hex(300, 2)}${'00'.repeat(300)}`,
  ].join('');
  const suites = '1301'.repeat(16);
  const body = `0303${'07'.repeat(32)}20${'08'.repeat(32)}${hex(32, 2)}${suites}0100${hex(extensions.length / 2, 2)}${extensions}`;
  return Buffer.from(`01${hex(body.length / 2, 3)}${body}`, 'hex');
}

function record(message) {
  return Buffer.concat([Buffer.from(`160301${hex(message.length, 2)}`, 'hex'), message]);
}

/** An Initial packet of QUIC version 1, protected (RFC 9001 section 5). */
function initial(message) {
  const id = Buffer.from('8394c8f03e515708', 'hex');
  const { key, iv, hp } = clientInitialKeys(QUIC_VERSIONS[0], id);
  const payload = Buffer.alloc(1200);
  payload.set(Buffer.concat([Buffer.from(`0600${hex(0x4000 | message.length, 2)}`, 'hex'), message]));
  const header = Buffer.from(`c00000000108${id.toString('hex')}0000${hex(0x4000 | (payload.length + 17), 2)}00`, 'hex');
  const cipher = createCipheriv('aes-128-gcm', key, iv).setAAD(header);
  const sealed = Buffer.concat([cipher.update(payload), cipher.final(), cipher.getAuthTag()]);
  const mask = createCipheriv('aes-128-ecb', hp, null).update(sealed.subarray(3, 19));
  header[0] ^= mask[0] & 0x0f;
  header[header.length - 1] ^= mask[1];
  return Buffer.concat([header, sealed]);
}
