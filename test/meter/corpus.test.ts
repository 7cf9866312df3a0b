import { existsSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { describeCorpus } from '../helpers/corpus.ts';
import { sumLines } from './corpus/flow-sums.ts';
import { ndpiFlows } from './corpus/ndpi-flows.ts';
import { NDPI_REASONS, NDPI_WAYS } from './corpus/ndpi-reasons.ts';
import { NFPCAPD_REASONS } from './corpus/nfpcapd-reasons.ts';
import { expectExplained, reasonsFor, tracesOf } from './corpus/reasons.ts';
import { flowsOf, seePackets } from './corpus/seen-packets.ts';
import { SOFTFLOWD_REASONS } from './corpus/softflowd-reasons.ts';
import { listTraces } from './corpus/traces.ts';
import { meterTrace } from './corpus/weir-flows.ts';
import { zeekRuns } from './corpus/zeek-flows.ts';
import { ZEEK_REASONS, ZEEK_WAYS } from './corpus/zeek-reasons.ts';

/*
 * Every packet trace of the corpus is metered, and its flows are compared with what the trace's own project expects of it. What is explained is explained packet by
 * packet: the flows must be exactly those of weir's packets, changed for the reasons that name the trace.
 */

describeCorpus('every packet trace of the corpus', (corpus) => {
  const traces = listTraces(corpus);

  it.each(['outer', 'inner', 'both'] as const)('tunnels %s: its flows are the sums of its packets', (tunnels) => {
    for (const trace of traces) {
      const { sums, statistics, stats } = meterTrace(trace, tunnels);
      expect(sumLines(sums), trace.name).toEqual(sumLines(flowsOf(seePackets(trace, tunnels))));
      // One record for each, since no timeout cuts them.
      expect(statistics.records, trace.name).toBe(sums.size);
      const { packets, meteredPackets, nonIp, tooShort } = statistics;
      expect(packets, trace.name).toBe(stats.packets);
      if (tunnels !== 'both') expect(meteredPackets, trace.name).toBe(packets - nonIp - tooShort);
    }
  });

  it('there are as many of them as ever', () => {
    expect(traces.length).toBeGreaterThan(400);
  });

  it('the reasons name traces of it, each once', () => {
    const names = new Set([...traces.map(({ name }) => name), ...zeekRuns(corpus).map(({ log }) => log)]);
    for (const reason of [SOFTFLOWD_REASONS, NFPCAPD_REASONS, NDPI_REASONS, ZEEK_REASONS].flat()) {
      const named = tracesOf(reason);
      expect(new Set(named).size, reason.why).toBe(named.length);
      for (const name of named) expect(names, reason.why).toContain(name);
    }
  });
});

describeCorpus('what nDPI expects of its traces', (corpus) => {
  const traces = listTraces(corpus, ['ndpi']).flatMap((trace) => {
    const theirs = ndpiFlows(trace);
    return theirs === undefined ? [] : [{ ...trace, theirs }];
  });

  it.each(traces)('$name', (trace) => {
    const packets = () => seePackets(trace, 'inner');
    expectExplained({
      ours: meterTrace(trace, 'inner').sums,
      packets,
      theirs: trace.theirs,
      reasons: reasonsFor(NDPI_REASONS, trace.name),
      ways: NDPI_WAYS,
    });
  });
});

describeCorpus('the connections that Zeek expects of its traces', (corpus) => {
  it.each(zeekRuns(corpus))('$log', ({ log, trace, sums }) => {
    const packets = () => seePackets(trace, 'both');
    expectExplained({
      ours: meterTrace(trace, 'both').sums,
      packets,
      theirs: sums,
      reasons: reasonsFor(ZEEK_REASONS, trace.name, log),
      ways: ZEEK_WAYS,
    });
  });
});

describeCorpus('the packets that tcpdump expects of its traces', (corpus) => {
  const rows = readFileSync(`${corpus}/tcpdump/TESTLIST.tsv`, 'utf8').trim().split('\n').slice(1);
  const runs = rows.flatMap((row) => {
    const [run = '', capture = '', expected = '', options = ''] = row.split('\t');
    const name = `tcpdump/traffic/${capture}`;
    const [path, out] = [`${corpus}/${name}`, `${corpus}/tcpdump/traffic/${expected}`];
    // Those with a filter, and those that leave packets out, say nothing of all of them.
    const isWhole = !/--( |skip)|-c /.test(options);
    return isWhole && existsSync(path) && existsSync(out) ? [{ run, name, path, out }] : [];
  });

  it.each(runs)('$run: as many as it numbers', ({ name, path, out }) => {
    const numbers = readFileSync(out, 'utf8').matchAll(/^ *(\d+) {2}/gm);
    expect(meterTrace({ name, path }).stats.packets).toBe(Math.max(0, ...[...numbers].map(([, one]) => Number(one))));
  });
});
