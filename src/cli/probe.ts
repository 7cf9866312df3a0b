import type { CommandModule } from './command.ts';
import { addProbeFlags, type ProbeFlags } from './probe-flags.ts';
import { runProbe } from './probe-run.ts';

const EXAMPLES = `
It reads packets, meters them into flows, and sends these to collectors, stores them, or prints them. A capture is metered as fast as it is read; at its
end, and at Ctrl-C or SIGTERM, all flows are exported and a summary is printed. Interfaces are captured by tcpdump or dumpcap, which need CAP_NET_RAW.
FILTER chooses packets in tcpdump's language (man pcap-filter).

Without -a, flows of a capture end only when the cache is full and at the end, as with softflowd -r; with -a, or -t, by their timeouts in the time of
the packets. The letters are softflowd's; docs/moving-from-softflowd.md tells what differs.

Examples:
  weir probe -r trace.pcap                                     what is in it: a summary
  weir probe -r trace.pcap --print                             its flows
  weir probe -r trace.pcap.gz -n 192.0.2.7:2055 -v 9           to a collector, as NetFlow v9
  weir probe -i eth0 -n 192.0.2.7:4739                         live, as IPFIX
  weir probe -i eth0 --data ./weir-data 'not port 22'          into a data folder: weir query reads it
  weir probe -i eth0 -n ipfix+tls://collector.example --tls-ca ca.pem -n 192.0.2.8:2055
  weir probe -i eth0 -v sflow -n 192.0.2.7 -s random:1000      packets sampled, as sFlow

See also: weir ctl, docs/probe.md
`;

/** Adds the flags of `weir probe` and its action. */
export const build: CommandModule['build'] = (command, io, exit) => {
  addProbeFlags(command.argument('[filter...]', 'which packets, such as: host 192.0.2.7 and not port 22'))
    .addHelpText('after', EXAMPLES)
    .action(async (words: string[], flags: ProbeFlags) => {
      exit(await runProbe(words.join(' '), flags, io));
    });
};
