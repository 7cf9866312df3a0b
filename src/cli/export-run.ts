import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createEncoder, type Encoder, elementNumbers } from '../export/encoder.ts';
import type { EncoderCounters } from '../export/losses.ts';
import { storedBatches } from '../export/stored-batches.ts';
import { readStoredNames, StoredNames } from '../export/stored-names.ts';
import type { ExportTarget } from '../export/target.ts';
import type { TimeForm } from '../export/template-fields.ts';
import { parseFilter } from '../filter/parser.ts';
import { isInterrupt, QueryDuck } from '../query/duck.ts';
import { grouped } from '../query/output/humanize.ts';
import { noFlowsText } from '../query/output/summary.ts';
import { openSource } from '../query/source.ts';
import { parseSpan } from '../query/time.ts';
import { type AnonymizeFlags, readAnonymity } from './anonymize-flags.ts';
import { type MessageSender, openSender, type SenderFlags } from './export-sender.ts';
import { filterOptions } from './filter-options.ts';
import { EXIT, type Io, write } from './io.ts';
import { openOutput } from './output-file.ts';
import { counted, createProgress } from './sending.ts';
import { type ZoneFlags, zoneOf } from './zone.ts';

export interface ExportFlags extends SenderFlags, ZoneFlags, AnonymizeFlags {
  readonly to: string;
  readonly data: string;
  readonly config?: string;
  readonly from?: string;
  readonly until?: string;
  readonly rate?: number;
  readonly speed?: number;
  readonly mtu?: number;
  readonly templateRefresh?: number;
  readonly templateMessages?: number;
  readonly times?: TimeForm;
  readonly sample?: 'header' | 'ip';
  readonly format: 'text' | 'json';
  readonly columns?: string;
  readonly partition?: 'day' | 'hour';
  readonly memory?: string;
}

const UDP_RATE = 10_000;

/** Exports stored records to a target. Resolves to the exit code. */
export async function exportRecords(
  filterText: string,
  target: ExportTarget,
  flags: ExportFlags,
  io: Io,
): Promise<number> {
  const zone = zoneOf(flags);
  const filter = parseFilter(filterText, { zone, ...(await filterOptions(flags.config)) });
  const anonymity = await readAnonymity(flags, io);
  const source = await openSource(flags.data, parseSpan(flags.from, flags.until, { now: io.now(), zone }));
  let encoder: Encoder | undefined;
  const output =
    target.transport === 'file' ? await openOutput(target.path === '-' ? undefined : target.path, true, io) : undefined;
  const sent = output === undefined ? target : { ...target, path: output.path };
  const sender = await openSender(sent, flags, () => encoder?.reset());
  let names = new StoredNames([]);
  encoder = createEncoder({ ...encoderOptions(target, flags, sender), names: (domain) => names.of(domain) });
  const duck = new QueryDuck({ temporary: join(tmpdir(), `weir-export-${process.pid}`) });
  const asked = { toStop: false };
  const stopListening = io.onSignal((kind) => {
    if (kind !== 'stop') return;
    asked.toStop = true;
    duck.cancel();
  });
  const progress = createProgress(io);
  const clock = () => performance.now();
  const begun = clock();
  const pause = createPause(flags.speed, flags.rate ?? (sender.isDatagram ? UDP_RATE : 0), clock, () => asked.toStop);
  const seconds = () => (clock() - begun) / 1000;
  try {
    await sender.start();
    await duck.open();
    // Names tell who somebody is, and those of users have their addresses.
    const carriesNames = target.protocol === 'netflow9' || target.protocol === 'ipfix';
    if (carriesNames && anonymity === undefined) names = await readStoredNames(duck, source, filter);
    for await (const { batch, receivedMillis } of storedBatches(
      duck,
      source,
      filter,
      elementNumbers(target.protocol),
      anonymity,
    )) {
      await pause.until(receivedMillis);
      if (names.advance(receivedMillis)) encoder.renewNames();
      for (const message of encoder.encode(batch, { exportMillis: receivedMillis })) {
        await pause.message();
        await sender.ready();
        if (asked.toStop) break;
        sender.send(message);
      }
      progress.show(() => summary(encoder.counters, seconds()));
      if (asked.toStop) break;
    }
  } catch (error) {
    if (!(isInterrupt(error) && asked.toStop)) {
      await output?.discard();
      throw error;
    }
  } finally {
    progress.clear();
    stopListening();
    duck.close();
    await sender.close();
  }
  await (asked.toStop ? output?.discard() : output?.finish());
  await tell(encoder.counters, names.ambiguous, seconds(), flags, sender, io);
  if (isEmpty(encoder.counters) && !asked.toStop) io.stderr.write(`  ${noFlowsText(source, zone)}\n`);
  return asked.toStop || sender.failed() > 0 ? EXIT.failed : EXIT.ok;
}

/** Whether there were no records, not even any that the format cannot carry. */
function isEmpty({ records, refused }: EncoderCounters): boolean {
  return records === 0 && Object.values(refused).every((count) => count === 0);
}

function encoderOptions(
  target: ExportTarget,
  flags: ExportFlags,
  sender: MessageSender,
): Parameters<typeof createEncoder>[0] {
  // Where nothing is lost, templates are sent once.
  const refresh = sender.isDatagram
    ? {}
    : { refreshMillis: Number.POSITIVE_INFINITY, refreshMessages: Number.POSITIVE_INFINITY };
  return {
    protocol: target.protocol,
    maxLength: flags.mtu ?? sender.longest,
    sample: flags.sample ?? 'header',
    ...refresh,
    ...(flags.times === undefined ? {} : { times: flags.times }),
    ...(flags.templateRefresh === undefined ? {} : { refreshMillis: flags.templateRefresh }),
    ...(flags.templateMessages === undefined ? {} : { refreshMessages: flags.templateMessages }),
  };
}

/** Waiting: for the time of a batch when the original timing is kept, and for the next message when there is a rate. */
function createPause(speed: number | undefined, rate: number, clock: () => number, isStopped: () => boolean) {
  let origin: { readonly time: number; readonly clock: number } | undefined;
  let tokens = 1;
  let last = clock();
  return {
    async until(time: number): Promise<void> {
      if (speed === undefined) return;
      origin ??= { time, clock: clock() };
      const due = origin.clock + (time - origin.time) / speed;
      while (clock() < due && !isStopped()) await sleep(Math.min(200, Math.max(1, due - clock())));
    },
    async message(): Promise<void> {
      if (speed !== undefined || rate === 0) return;
      while (tokens < 1 && !isStopped()) {
        const now = clock();
        tokens = Math.min(tokens + ((now - last) * rate) / 1000, Math.max(1, rate / 20));
        last = now;
        if (tokens < 1) await sleep(1);
      }
      tokens--;
    },
  };
}

function summary({ records, messages, octets }: EncoderCounters, seconds: number): string {
  const rate = seconds > 0 ? `: ${grouped(records / seconds)} records/s` : '';
  return `${counted(records, 'record')} in ${counted(messages, 'message')} (${grouped(octets)} bytes) in ${seconds.toFixed(1)} s${rate}`;
}

async function tell(
  counters: EncoderCounters,
  ambiguous: number,
  seconds: number,
  flags: ExportFlags,
  sender: MessageSender,
  io: Io,
): Promise<void> {
  const nonZero = (counts: Readonly<Record<string, number>>) =>
    Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0));
  const losses = {
    refused: nonZero(counters.refused),
    changed: nonZero(counters.changed),
    omitted: nonZero(counters.omitted),
    extra: nonZero(counters.extra),
    names: nonZero({ ...counters.names, ambiguous }),
  };
  if (flags.format === 'json') {
    const { records, messages, octets } = counters;
    const totals = {
      records,
      messages,
      octets,
      seconds: Number(seconds.toFixed(3)),
      failed: sender.failed(),
      ...losses,
    };
    await write(io.stdout, `${JSON.stringify(totals)}\n`);
  } else {
    io.stderr.write(`exported ${summary(counters, seconds)}\n`);
    for (const [name, counts] of Object.entries(losses)) {
      if (Object.keys(counts).length > 0) io.stderr.write(`  ${name}: ${listed(counts)}\n`);
    }
  }
  for (const note of sender.notes()) io.stderr.write(`  ${note}\n`);
}

/** Causes that are named on a line for people. */
const NAMED = 12;

/** The most frequent causes, each with its count. */
function listed(counts: Readonly<Record<string, number>>): string {
  const sorted = Object.entries(counts).sort(([, a], [, b]) => b - a);
  const named = sorted.slice(0, NAMED).map(([cause, count]) => `${cause} ${grouped(count)}`);
  if (sorted.length > NAMED) named.push(`and ${sorted.length - NAMED} more (--format json has all)`);
  return named.join(', ');
}
