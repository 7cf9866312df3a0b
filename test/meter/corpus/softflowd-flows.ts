import { runProcess } from '../../helpers/processes.ts';
import { makeTempFolder } from '../../helpers/temp.ts';
import { requireTool } from '../../helpers/tools.ts';
import { bothWays, type FlowSums, spelled, sumFlows } from './flow-sums.ts';
import type { Trace } from './traces.ts';

/** What softflowd says of a trace. */
export interface SoftflowdFlows {
  readonly sums: FlowSums;
  /** Undefined when it does not read the link type. */
  readonly packets: number | undefined;
}

/** Lines that softflowd writes of ended flows when it debugs: both directions, though it exports none. */
const ENDED =
  /^EXPIRED: seq:\d+ \[(\S+)\]:(\d+) <> \[(\S+)\]:(\d+) proto:(\d+) octets>:(\d+) packets>:(\d+) octets<:(\d+) packets<:(\d+)/gm;

/** Runs `softflowd -r` over a trace. Each conversation is one flow, whatever its timeouts. */
export async function softflowdFlows({ path }: Trace): Promise<SoftflowdFlows> {
  using folder = makeTempFolder('softflowd');
  const args = ['-r', path, '-D', '-c', 'none', '-p', folder.join('pid'), '-m', '100000'];
  const { stdout, stderr } = await runProcess(requireTool('softflowd'), args);
  const said = stdout + stderr;
  const flows = [...said.matchAll(ENDED)].flatMap(([, src = '', sport, dst = '', dport, ...numbers]) => {
    const [proto = 0, bytes = 0, packets = 0, bytesBack = 0, packetsBack = 0] = numbers.map(Number);
    const ends = { proto, src: spelled(src), sport: Number(sport), dst: spelled(dst), dport: Number(dport) };
    return bothWays(ends, { packets, bytes }, { packets: packetsBack, bytes: bytesBack });
  });
  const processed = /^Packets processed: (\d+)/m.exec(said)?.[1];
  if (processed === undefined && !said.includes('Unsupported datalink type'))
    throw new Error(`softflowd has read nothing: ${said}`);
  return { sums: sumFlows(flows), packets: processed === undefined ? undefined : Number(processed) };
}
