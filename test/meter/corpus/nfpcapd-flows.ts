import { readdirSync } from 'node:fs';
import { runProcess } from '../../helpers/processes.ts';
import { makeTempFolder } from '../../helpers/temp.ts';
import { requireTool } from '../../helpers/tools.ts';
import { type FlowSums, type OneFlow, spelled, sumFlows } from './flow-sums.ts';
import type { Trace } from './traces.ts';

/** The longest timeouts that nfpcapd takes, so that it cuts as few flows as can be, s. */
const TIMEOUTS = '3600,3600';
/** Entries of its cache: by default half a million, which it takes long to make. */
const NODES = '20000';

/** Runs `nfpcapd -r` over a trace and reads its files with nfdump. Undefined when it does not read the capture: it has no such link type. */
export async function nfpcapdFlows({ path }: Trace): Promise<FlowSums | undefined> {
  using folder = makeTempFolder('nfpcapd');
  const args = ['-r', path, '-w', folder.path, '-e', TIMEOUTS, '-B', NODES];
  const { code, stdout, stderr } = await runProcess(requireTool('nfpcapd'), args);
  if (code !== 0) {
    if (/[Uu]nsupported|not supported/.test(stdout + stderr)) return undefined;
    throw new Error(`nfpcapd: exit ${code} ${stdout}${stderr}`);
  }
  const files = readdirSync(folder.path).filter((name) => /^nfcapd\.\d+$/.test(name));
  const all: OneFlow[] = [];
  for (const file of files) {
    const { stdout: json } = await runProcess(requireTool('nfdump'), ['-r', folder.join(file), '-o', 'json']);
    if (!json.includes('No matching flows')) all.push(...(JSON.parse(json) as NfdumpRow[]).map(flowOf));
  }
  return sumFlows(all);
}

type NfdumpRow = Readonly<Record<string, number | string | undefined>>;

function flowOf(row: NfdumpRow): OneFlow {
  const number = (name: string): number => Number(row[name] ?? 0);
  return {
    proto: number('proto'),
    src: spelled(String(row['src4_addr'] ?? row['src6_addr'])),
    sport: number('src_port'),
    dst: spelled(String(row['dst4_addr'] ?? row['dst6_addr'])),
    dport: number('dst_port') || number('icmp_type') * 256 + number('icmp_code'),
    packets: number('in_packets'),
    bytes: number('in_bytes'),
  };
}
