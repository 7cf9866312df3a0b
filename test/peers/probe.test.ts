import { describeWithTool } from '../helpers/tools.ts';
import { asBiflow, weirProbe } from './probe-exporter.ts';
import { testExporters } from './suite.ts';

describeWithTool(['nfcapd', 'nfdump'], 'weir probe exports to weir and to nfcapd', () => {
  testExporters([
    { name: 'weir probe v1', meter: weirProbe(1) },
    { name: 'weir probe v5', meter: weirProbe(5) },
    { name: 'weir probe v9', meter: weirProbe(9) },
    { name: 'weir probe IPFIX', meter: weirProbe(10) },
    { name: 'weir probe IPFIX with VLAN and MAC', meter: weirProbe(10, ['-T', 'ether']) },
    { name: 'weir probe bidirectional IPFIX', meter: weirProbe(10, ['-b']), asNfdumpHasIt: asBiflow },
  ]);
});
