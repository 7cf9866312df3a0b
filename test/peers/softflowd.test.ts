import { describeWithTool } from '../helpers/tools.ts';
import type { PeerFlow } from './compare.ts';
import { softflowd } from './exporters.ts';
import { testExporters } from './suite.ts';

describeWithTool(['softflowd', 'nfcapd', 'nfdump'], 'softflowd exports to weir and to nfcapd', () => {
  testExporters([
    { name: 'softflowd v5', meter: softflowd(5), golden: 'softflowd-v5' },
    { name: 'softflowd v9', meter: softflowd(9), golden: 'softflowd-v9', asNfdumpHasIt: withoutIcmp6 },
    { name: 'softflowd IPFIX', meter: softflowd(10), golden: 'softflowd-ipfix' },
    // v5 cannot carry IPv6: softflowd then meters it and exports nothing of it.
    { name: 'softflowd v5 with -6', meter: softflowd(5, ['-6']) },
    { name: 'softflowd v9 with -6', meter: softflowd(9, ['-6']), asNfdumpHasIt: withoutIcmp6 },
    // RFC 5103: both directions in one record, the other one in elements of PEN 29305.
    { name: 'softflowd bidirectional IPFIX', meter: softflowd(10, ['-b']), golden: 'softflowd-ipfix-bidirectional' },
    { name: 'softflowd IPFIX with times in nanoseconds', meter: softflowd(10, ['-A', 'nano']) },
    {
      name: 'softflowd IPFIX with VLAN and MAC',
      meter: softflowd(10, ['-T', 'ether']),
      golden: 'softflowd-ipfix-ether',
    },
  ]);
});

/**
 * softflowd sends type and code of ICMPv6 in icmpTypeCodeIPv6 (139). nfcapd 1.7.1 knows that element in IPFIX, but not in v9, where only ICMP_TYPE (32)
 * counts, and shows 0.
 */
function withoutIcmp6(flow: PeerFlow): PeerFlow {
  return flow.proto === 58 ? { ...flow, dport: 0 } : flow;
}
