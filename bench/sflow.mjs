// sFlow alone: datagrams of version 5 in memory to columns, one core. Raw headers of 128 octets with extended switch data, as switches send them,
// seven samples a datagram; once all of one kind, once a mix with IPv6, UDP, ICMP, VLAN tags and routes.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { timeOnce } from './lib/process.mjs';
import { compare, show, table } from './lib/table.mjs';

const GOAL = 2;
const DATAGRAMS = 10_000;
const SAMPLES = 7;
const here = (name) => fileURLToPath(new URL(name, import.meta.url));

export async function bench() {
  const folder = mkdtempSync(join(tmpdir(), 'weir-bench-sflow-'));
  const results = [];
  try {
    for (const [name, isMixed] of [
      ['TCP over IPv4', false],
      ['mixed', true],
    ]) {
      const file = join(folder, name.replaceAll(' ', '-'));
      writeFileSync(file, recording(isMixed));
      const { flows, seconds } = JSON.parse(timeOnce(process.execPath, [here('decode-weir.mjs'), file]).stdout);
      results.push({ name, samples: flows, seconds });
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  const speed = ({ samples, seconds }) => samples / seconds / 1e6;
  console.log(table([['samples', 'weir M samples/s'], ...results.map((result) => [result.name, show(speed(result))])]));
  const comparisons = results.map((result) =>
    compare(
      `sFlow v5 raw headers, ${result.name}`,
      'M samples/s',
      speed(result),
      undefined,
      undefined,
      `≥ ${GOAL}`,
      (x) => x >= GOAL,
    ),
  );
  return { results, comparisons };
}

/** Datagrams as `decode-weir.mjs` reads them: [u16le length][datagram]… */
function recording(isMixed) {
  const pieces = [];
  for (let i = 0; i < DATAGRAMS; i++) {
    const samples = Array.from({ length: SAMPLES }, (_, k) => sample(i * SAMPLES + k, isMixed));
    const head = words(5, 1, 0xc0000202, 0, i, i * 100, SAMPLES);
    const datagram = Buffer.concat([head, ...samples]);
    const length = Buffer.alloc(2);
    length.writeUInt16LE(datagram.length);
    pieces.push(length, datagram);
  }
  return Buffer.concat(pieces);
}

function sample(n, isMixed) {
  const header = Buffer.alloc(128);
  const vlan = isMixed && n % 3 === 0;
  const isIpv6 = isMixed && n % 4 === 0;
  const protocol = isMixed ? [6, 17, 6, isIpv6 ? 58 : 1, 6][n % 5] : 6;
  header.writeUIntBE(0x020000000000 + (n % 1000), 0, 6);
  header.writeUIntBE(0x020000100000 + (n % 999), 6, 6);
  let at = 12;
  if (vlan) {
    header.writeUInt32BE(0x81000000 + (n % 4000), at);
    at += 4;
  }
  header.writeUInt16BE(isIpv6 ? 0x86dd : 0x0800, at);
  at += 2;
  if (isIpv6) {
    header.writeUInt32BE(0x60000000, at);
    header.writeUInt16BE(1400, at + 4);
    header[at + 6] = protocol;
    header[at + 7] = 64;
    header.writeUInt32BE(0x20010db8, at + 8);
    header.writeUInt32BE(n, at + 20);
    header.writeUInt32BE(0x20010db8, at + 24);
    header.writeUInt32BE(n * 7, at + 36);
    at += 40;
  } else {
    header.writeUInt32BE(0x45000578, at);
    header[at + 8] = 64;
    header[at + 9] = protocol;
    header.writeUInt32BE(0x0a000000 + (n % 65_536), at + 12);
    header.writeUInt32BE(0xc6336400 + (n % 256), at + 16);
    at += 20;
  }
  header.writeUInt16BE(1024 + (n % 60_000), at);
  header.writeUInt16BE(443, at + 2);
  if (protocol === 6) header.writeUInt16BE(0x5018, at + 12);
  const records = [
    record(1, Buffer.concat([words(1, 1422, 4, 128), header])),
    record(1001, words(vlan ? n % 4000 : 10, 0, 20, 0)),
    ...(isMixed && n % 2 === 0 ? [record(1002, words(1, 0xc0000201, 24, 20))] : []),
  ];
  const body = Buffer.concat([words(n, 3, 1024, n * 1024, 0, 3, 4, records.length), ...records]);
  return Buffer.concat([words(1, body.length), body]);
}

function record(format, data) {
  return Buffer.concat([words(format, data.length), data]);
}

function words(...values) {
  const bytes = Buffer.alloc(values.length * 4);
  values.forEach((value, i) => bytes.writeUInt32BE(value >>> 0, i * 4));
  return bytes;
}
