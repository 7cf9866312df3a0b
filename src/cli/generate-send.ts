import { setTimeout as sleep } from 'node:timers/promises';
import { pace } from '../export/pacer.ts';
import { createUdpSender } from '../export/udp-sender.ts';
import { createTraffic } from '../generate/traffic.ts';
import { WeirError } from '../util/errors.ts';
import { type GenerateFlags, summary, tell } from './generate-output.ts';
import { EXIT, type Io } from './io.ts';
import { checkRefused, createProgress, sendingNotes, type Target } from './sending.ts';

/** Sends generated flows over UDP. Resolves to the exit code. */
export async function sendTraffic(target: Target, flags: GenerateFlags, io: Io): Promise<number> {
  if (flags.rate !== undefined && flags.rateDatagrams !== undefined) {
    throw new WeirError('WEIR_USAGE', '--rate and --rate-datagrams say the same thing twice.', {
      hint: 'Give one of them.',
    });
  }
  if (flags.from !== undefined || flags.duration !== undefined) {
    throw new WeirError('WEIR_USAGE', '--from and --duration are for --write.', {
      hint: 'Sent flows have the times of now; stop with --seconds.',
    });
  }
  const traffic = createTraffic(flags);
  const sender = createUdpSender(target);
  const clock = () => performance.now();
  const progress = createProgress(io);
  let isStopped = false;
  let isExhausted = false;
  const stopListening = io.onSignal((kind) => {
    isStopped ||= kind === 'stop';
  });
  try {
    for (let exporter = 0; exporter < flags.exporters; exporter++) await sender.open(exporter);
    const begun = clock();
    const deadline = flags.seconds === undefined ? Number.POSITIVE_INFINITY : begun + flags.seconds * 1000;
    const step = (due: number): number => {
      const { totals } = traffic;
      const before = flags.rate === undefined ? totals.datagrams : totals.flows;
      const now = io.now();
      for (let done = 0; done < due; ) {
        const datagram = traffic.next(now);
        if (datagram === undefined) {
          isExhausted = true;
          break;
        }
        sender.send(datagram, traffic.exporter);
        done = (flags.rate === undefined ? totals.datagrams : totals.flows) - before;
      }
      return (flags.rate === undefined ? totals.datagrams : totals.flows) - before;
    };
    await pace({
      rate: flags.rate ?? flags.rateDatagrams,
      step,
      isDone() {
        checkRefused(sender.counters, target, flags.keepGoing === true);
        progress.show(() => summary(traffic, (clock() - begun) / 1000));
        return isStopped || isExhausted || clock() >= deadline;
      },
      backlog: () => sender.backlog(),
      clock,
    });
    const seconds = (clock() - begun) / 1000;
    // "Port unreachable" comes after the datagram; a short run must wait for it.
    await sleep(20);
    checkRefused(sender.counters, target, flags.keepGoing === true);
    progress.clear();
    await tell(traffic, seconds, flags, io, { refused: sender.counters.refused, failed: sender.counters.failed });
    for (const note of sendingNotes(sender.counters)) io.stderr.write(`  ${note}\n`);
    return sender.counters.failed > 0 ? EXIT.failed : EXIT.ok;
  } finally {
    progress.clear();
    stopListening();
    await sender.close();
  }
}
