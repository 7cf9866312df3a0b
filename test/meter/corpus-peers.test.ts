import { beforeAll, expect, it } from 'vitest';
import { corpusFolder } from '../helpers/corpus.ts';
import { describeUnless } from '../helpers/skip.ts';
import { describeWithTool } from '../helpers/tools.ts';
import type { FlowSums } from './corpus/flow-sums.ts';
import { nfpcapdFlows } from './corpus/nfpcapd-flows.ts';
import { NFPCAPD_REASONS } from './corpus/nfpcapd-reasons.ts';
import { expectExplained, type Reason, reasonsFor } from './corpus/reasons.ts';
import { seePackets } from './corpus/seen-packets.ts';
import { softflowdFlows } from './corpus/softflowd-flows.ts';
import { SOFTFLOWD_REASONS } from './corpus/softflowd-reasons.ts';
import { listTraces, type Trace } from './corpus/traces.ts';
import { meterTrace } from './corpus/weir-flows.ts';

/*
 * softflowd and nfpcapd meter every packet trace of the corpus, and weir the same. Most flows are the same in packets and octets; where they are not, theirs must be
 * exactly those of weir's packets, changed for the reasons that name the trace, and each of these must be needed.
 */

const AT_ONCE = 3;

/** Flows of a program of all traces, a few at a time. */
async function meterAll(
  traces: readonly Trace[],
  meter: (trace: Trace) => Promise<FlowSums>,
): Promise<Map<string, FlowSums>> {
  const all = new Map<string, FlowSums>();
  const waiting = [...traces];
  const work = async (): Promise<void> => {
    for (let trace = waiting.shift(); trace !== undefined; trace = waiting.shift())
      all.set(trace.name, await meter(trace));
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return all;
}

function compare(meter: (trace: Trace) => Promise<FlowSums>, reasons: readonly Reason[], least: number): void {
  // The suite is skipped without a corpus, and its traces are then not read.
  const traces = corpusFolder === undefined ? [] : listTraces(corpusFolder);
  let theirs = new Map<string, FlowSums>();
  beforeAll(async () => {
    theirs = await meterAll(traces, meter);
  }, 300_000);

  it.each(traces)('$name', (trace) => {
    expectExplained({
      ours: meterTrace(trace).sums,
      packets: () => seePackets(trace),
      theirs: theirs.get(trace.name) as FlowSums,
      reasons: reasonsFor(reasons, trace.name),
    });
  });

  it('most of the traces need no reason', () => {
    const same = traces.filter(({ name }) => reasonsFor(reasons, name).length === 0);
    expect(same.length).toBeGreaterThan(least);
  });
}

describeUnless(
  corpusFolder === undefined ? 'no ../shared/corpus beside this checkout' : undefined,
  'flows of every packet trace of the corpus',
  () => {
    describeWithTool('softflowd', 'by softflowd', () => {
      compare(async (trace) => (await softflowdFlows(trace)).sums, SOFTFLOWD_REASONS, 280);
    });
    describeWithTool(['nfpcapd', 'nfdump'], 'by nfpcapd', () => {
      compare(async (trace) => (await nfpcapdFlows(trace)) ?? new Map(), NFPCAPD_REASONS, 260);
    });
  },
);
