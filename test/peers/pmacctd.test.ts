import { describeWithTool } from '../helpers/tools.ts';
import type { PeerFlow } from './compare.ts';
import { pmacctd } from './exporters.ts';
import { testExporters } from './suite.ts';

describeWithTool(['pmacctd', 'nfcapd', 'nfdump'], 'nfprobe of pmacctd exports to weir and to nfcapd', () => {
  testExporters([
    { name: 'pmacctd v5', meter: pmacctd(5), golden: 'pmacctd-v5' },
    { name: 'pmacctd v9', meter: pmacctd(9), golden: 'pmacctd-v9', asNfdumpHasIt: withoutIcmp },
    { name: 'pmacctd IPFIX', meter: pmacctd(10), golden: 'pmacctd-ipfix' },
  ]);
});

/**
 * nfprobe puts type and code of ICMP into the destination port (type × 256 + code) in all three versions. nfcapd 1.7.1 takes them from there in v5 and
 * IPFIX, while in v9 it takes them only from ICMP_TYPE (32) and otherwise shows 0. weir keeps the port as it was sent.
 */
function withoutIcmp(flow: PeerFlow): PeerFlow {
  return flow.proto === 1 || flow.proto === 58 ? { ...flow, dport: 0 } : flow;
}
