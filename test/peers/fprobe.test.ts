import { whyNoNetwork } from '../helpers/namespace.ts';
import { describeUnless } from '../helpers/skip.ts';
import type { PeerFlow } from './compare.ts';
import { fprobe } from './exporters.ts';
import { testExporters } from './suite.ts';

describeUnless(
  whyNoNetwork(['fprobe', 'tcpreplay', 'nfcapd', 'nfdump']),
  'fprobe exports to weir and to nfcapd',
  () => {
    testExporters([
      { name: 'fprobe v1', meter: fprobe(1), golden: 'fprobe-v1', asNfdumpHasIt: icmpFromSourcePort },
      { name: 'fprobe v5', meter: fprobe(5), golden: 'fprobe-v5', asNfdumpHasIt: icmpFromSourcePort },
      { name: 'fprobe v7', meter: fprobe(7), golden: 'fprobe-v7', asNfdumpHasIt: icmpFromSourcePort },
    ]);
  },
);

/**
 * fprobe puts the type of ICMP into the source port and the code into the destination port ("icmp_trick" of its README). nfcapd takes a source port of
 * ICMP for the type, shows it as type × 256 and loses the code. weir keeps both ports as they were sent.
 */
function icmpFromSourcePort(flow: PeerFlow): PeerFlow {
  return flow.proto === 1 && flow.sport !== 0 ? { ...flow, sport: 0, dport: flow.sport * 256 } : flow;
}
