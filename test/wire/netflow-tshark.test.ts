import { writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { encodePcap } from '../helpers/pcap.ts';
import { runProcess } from '../helpers/processes.ts';
import { makeTempFolder } from '../helpers/temp.ts';
import { describeWithTool, requireTool } from '../helpers/tools.ts';
import { fromHex } from './build.ts';
import { AGGREGATES, type FixedDatagram, FLOWS } from './fixed-datagrams.ts';

/* A second opinion on the layouts: tshark must find the same values in the same datagrams. */

/** Our columns and tshark's fields. */
const FIELDS: Readonly<Record<string, string>> = {
  src_addr: 'cflow.srcaddr',
  dst_addr: 'cflow.dstaddr',
  src_prefix: 'cflow.srcnet',
  dst_prefix: 'cflow.dstnet',
  src_mask: 'cflow.srcmask',
  dst_mask: 'cflow.dstmask',
  next_hop: 'cflow.nexthop',
  in_if: 'cflow.inputint',
  out_if: 'cflow.outputint',
  flow_count: 'cflow.flows',
  packets: 'cflow.packets',
  bytes: 'cflow.octets',
  src_port: 'cflow.srcport',
  dst_port: 'cflow.dstport',
  proto: 'cflow.protocol',
  tcp_flags: 'cflow.tcpflags',
  tos: 'cflow.tos',
  src_as: 'cflow.srcas',
  dst_as: 'cflow.dstas',
  ipv4RouterSc: 'cflow.routersc',
};

/** What tshark shows, by our names; tshark writes numbers in either base. */
async function opinion(datagram: FixedDatagram): Promise<Record<string, unknown>> {
  using folder = makeTempFolder('tshark');
  const end = { address: [0, 0, 0xffff, 0xc000_0201], port: 2055 } as const;
  const payload = Uint8Array.from(fromHex(datagram.hex));
  const packet = { time: 1.79e15, source: end.address, sourcePort: end.port, payload };
  const path = folder.join('one.pcap');
  writeFileSync(path, encodePcap([{ ...packet, destination: end.address, destinationPort: end.port }]));
  const names = Object.keys(FIELDS);
  const wanted = names.flatMap((name) => ['-e', FIELDS[name] as string]);
  const reading = ['-r', path, '-d', 'udp.port==2055,cflow', '-T', 'fields', '-E', 'separator=;'];
  const { stdout } = await runProcess(requireTool('tshark'), [...reading, ...wanted]);
  const values = stdout.trimEnd().split(';');
  return Object.fromEntries(
    names.map((name, i) => [name, values[i]?.includes('.') ? values[i] : Number(values[i] || Number.NaN)]),
  );
}

describeWithTool('tshark', 'tshark reads the fixed formats as weir does', () => {
  // tshark has no v6.
  const known = [...FLOWS, ...AGGREGATES].filter(({ name }) => name !== 'v6' && !name.includes('48'));
  it.each(known)('$name', async (datagram) => {
    const { columns, tsharkDiffers = [] } = datagram;
    const theirs = await opinion(datagram);
    const { extra } = columns as { extra?: Record<string, unknown> };
    const ours = { ...columns, ...extra } as Record<string, unknown>;
    const compared = Object.keys(FIELDS).filter((name) => ours[name] !== undefined);
    expect(compared.length).toBeGreaterThan(5);
    for (const name of compared) {
      if (tsharkDiffers.includes(name)) expect(theirs[name], name).not.toBe(ours[name]);
      else expect(theirs[name], name).toBe(ours[name]);
    }
  });
});
