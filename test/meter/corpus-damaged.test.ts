import { readFileSync, writeFileSync } from 'node:fs';
import { Readable, Writable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { main } from '#weir/cli/main.js';
import { describeCorpus } from '../helpers/corpus.ts';
import { tempFolder } from '../helpers/temp.ts';
import { weir } from '../helpers/weir.ts';
import { listTraces } from './corpus/traces.ts';
import { meterTrace } from './corpus/weir-flows.ts';

/*
 * The whole command over the fuzz captures of the corpus, and over damaged copies of its traces. It ends well, or says that the file is no capture; it never fails
 * otherwise, and what it metered is what it prints and exports.
 */

/** Ways to run it, besides `-r FILE`. */
const WAYS: readonly (readonly string[])[] = [
  ['--tunnels', 'outer'],
  ['-a', '--tunnels', 'both', '--names', 'all'],
  ['-b', '-T', 'ether', '--tunnels', 'inner', '-m', '20'],
  ['-t', 'maxlife=1', '-t', 'expint=1', '-T', 'src_addr,dst_port,tunnel_id', '-s', 'random:2'],
];

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `weir` in this process: all of it but the start of a process. */
async function run(args: readonly string[]): Promise<Ended> {
  const said = { stdout: '', stderr: '' };
  const keep = (name: 'stdout' | 'stderr'): Writable =>
    new Writable({
      write(chunk: Buffer, _encoding, done) {
        said[name] += chunk.toString();
        done();
      },
    });
  const io = {
    stdin: Readable.from([]),
    stdout: keep('stdout'),
    stderr: keep('stderr'),
    env: {},
    now: Date.now,
    onSignal: () => () => {},
  };
  const code = await main(args, io);
  return { code, ...said };
}

interface Summary {
  readonly meteredPackets: number;
  readonly meteredBytes: number;
  readonly records: number;
}

/** Packets and octets of flows as JSON lines, and how many there are. */
function sumsOf(ndjson: string): Summary {
  const flows = ndjson
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Record<string, number>);
  const sum = (...columns: string[]): number =>
    flows.reduce((total, flow) => total + columns.reduce((part, column) => part + (flow[column] ?? 0), 0), 0);
  return {
    meteredPackets: sum('packets', 'reverse_packets'),
    meteredBytes: sum('bytes', 'reverse_bytes'),
    records: flows.length,
  };
}

/** Runs the command over a capture in one of the ways, and looks at what it prints and exports. Resolves to whether it has read the capture. */
async function check(path: string, way: readonly string[], exported: string, name: string): Promise<boolean> {
  const outputs = ['--ndjson', '--format', 'json', '-n', `ipfix:${exported}`];
  const { code, stdout, stderr } = await run(['probe', '-r', path, ...outputs, '-m', '1000', ...way]);
  if (code !== 0) {
    expect(stderr, name).toMatch(/^error: .*\n(.*\n)? {2}\(WEIR_INPUT\)\n$/);
    expect(code, name).toBe(1);
    return false;
  }
  const summary = JSON.parse(stderr.split('\n').findLast((line) => line.startsWith('{')) ?? '') as Summary;
  const { meteredPackets, meteredBytes, records } = summary;
  expect(sumsOf(stdout), name).toEqual({ meteredPackets, meteredBytes, records });
  const decoded = await run(['decode', exported, '--format', 'ndjson', '-q']);
  expect(sumsOf(decoded.stdout), name).toEqual({ meteredPackets, meteredBytes, records });
  return true;
}

/** Names of captures that somebody has made, or found, to break a program. */
const HOSTILE =
  /fuzz|oobr|overflow|crash|segv|asan|trunc|invalid|bad|corrupt|malformed|garbage|negative|zero|cve|missing|infinite|too-long/;

describeCorpus('the whole command over the fuzz captures of the corpus', (corpus) => {
  const traces = listTraces(corpus).filter(({ name }) => HOSTILE.test(name));

  it('there are some', () => {
    expect(traces.length).toBeGreaterThan(70);
  });

  it.each(WAYS.map((way) => ({ name: way.join(' '), way })))(
    '$name',
    async ({ way }) => {
      const exported = tempFolder('damaged').join('export.ipfix');
      for (const { name, path } of traces) expect(await check(path, way, exported, name), name).toBe(true);
    },
    120_000,
  );

  it('every trace, one after the other in one process', async () => {
    const all = listTraces(corpus);
    const files = all.flatMap(({ path }) => ['-r', path]);
    const { code, stdout } = await weir(['probe', ...files, '-a', '--format', 'json']);
    expect(code).toBe(0);
    const { meteredPackets, nonIp, tooShort } = JSON.parse(stdout) as Record<string, number>;
    const each = all.map((trace) => meterTrace(trace).statistics);
    const sum = (name: 'meteredPackets' | 'nonIp' | 'tooShort') => each.reduce((total, one) => total + one[name], 0);
    expect({ meteredPackets, nonIp, tooShort }).toEqual({
      meteredPackets: sum('meteredPackets'),
      nonIp: sum('nonIp'),
      tooShort: sum('tooShort'),
    });
  }, 60_000);
});

const MUTATIONS = 200;
/** Traces above this are not damaged, to keep the time short; octets. */
const MOST = 64 << 10;

/** Numbers from 0 to below 2³², always the same for a seed (xorshift32). */
function numbers(seed: number): () => number {
  let state = seed || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}

/** A copy of a capture with octets changed, cut off, left out or repeated; now and then gzipped before or after. */
function damaged(content: Buffer, next: () => number): Buffer {
  const below = (most: number): number => next() % Math.max(1, most);
  if (below(10) === 0) return damaged(gzipSync(content), next);
  let bytes = Buffer.from(content);
  for (let times = 1 + below(8); times > 0; times--) {
    const at = below(bytes.length);
    const length = below(Math.min(64, bytes.length - at));
    switch (below(5)) {
      case 0:
        bytes = bytes.subarray(0, at);
        break;
      case 1:
        bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + length)]);
        break;
      case 2:
        bytes = Buffer.concat([bytes.subarray(0, at + length), bytes.subarray(at)]);
        break;
      default:
        for (let i = 0; i <= length % 8 && at + i < bytes.length; i++) bytes[at + i] = next();
    }
  }
  return below(10) === 0 ? gzipSync(bytes) : bytes;
}

describeCorpus('the whole command over damaged captures', (corpus) => {
  it(`${MUTATIONS} damaged copies of traces`, async () => {
    const small = listTraces(corpus).map((trace) => ({ ...trace, content: readFileSync(trace.path) }));
    const bases = small.filter(({ content }) => content.length <= MOST);
    const folder = tempFolder('damaged');
    const [file, exported] = [folder.join('damaged.pcap'), folder.join('export.ipfix')];
    let read = 0;
    for (let seed = 1; seed <= MUTATIONS; seed++) {
      const next = numbers(seed * 2_654_435_761);
      const { name, content } = bases[next() % bases.length] as (typeof bases)[number];
      writeFileSync(file, damaged(content, next));
      const way = WAYS[seed % WAYS.length] as readonly string[];
      if (await check(file, way, exported, `${name}, seed ${seed}`)) read++;
    }
    // Most can be read up to the damage; some are no captures any more.
    expect(read).toBeGreaterThan(MUTATIONS / 2);
    expect(read).toBeLessThan(MUTATIONS);
  }, 120_000);
});
