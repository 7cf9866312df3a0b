import { readFileSync, writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { runProcess } from '../helpers/processes.ts';
import { repositoryPath } from '../helpers/repository.ts';
import { tempFolder } from '../helpers/temp.ts';
import { describeWithTool, requireTool } from '../helpers/tools.ts';
import { parseNdjson, weir } from '../helpers/weir.ts';
import { Nfcapd } from '../peers/nfcapd.ts';

const sql = async (data: string, statement: string) =>
  parseNdjson((await weir(['sql', '--data', data, '--format', 'ndjson', statement])).stdout);
const load = async (data: string, ...args: string[]) => weir(['store', 'import', '--data', data, '--utc', ...args]);

describe('captures', () => {
  it.each(['pmacctd-ipfix', 'fprobe-v5'])('are stored as they were received: %s', async (name) => {
    const data = tempFolder().join('data');
    const file = repositoryPath(`test/captures/${name}.pcap`);
    const { code, stdout } = await load(data, file);
    const decoded = parseNdjson((await weir(['decode', '--format', 'ndjson', '--quiet', file])).stdout);
    expect(code).toBe(0);
    expect(stdout).toMatch(new RegExp(`^${file}: ${decoded.length} flows? from \\d+ datagrams?\\n$`));
    const [total] = await sql(
      data,
      'select count(*) n, sum(bytes) bytes, min(time_received)::varchar received from flows',
    );
    const sum = decoded.reduce((bytes, flow) => bytes + Number(flow['bytes'] ?? 0), 0);
    expect([Number(total?.['n']), Number(total?.['bytes'])]).toEqual([decoded.length, sum]);
    // Not the time of the import.
    expect(String(total?.['received'])).toBe(
      String(decoded.map((flow) => String(flow['time_received'])).sort((a, b) => a.localeCompare(b))[0])
        .replace('T', ' ')
        .replace(/\.?0*Z$/, ''),
    );
    const [quality] = await sql(data, 'select sum(records)::bigint n from quality');
    expect(Number(quality?.['n'])).toBe(decoded.length);
  });

  it('in gzip, and IPFIX files with --exporter', async () => {
    const folder = tempFolder();
    const file = folder.join('flows.ipfix');
    const data = folder.join('data');
    await load(data, repositoryPath('test/captures/fprobe-v5.pcap'));
    expect((await weir(['export', '--data', data, '--to', file])).code).toBe(0);
    writeFileSync(`${file}.gz`, gzipSync(readFileSync(file)));
    const again = folder.join('again');
    expect(await load(again, '--exporter', '192.0.2.9', `${file}.gz`)).toMatchObject({ code: 0 });
    const [one, other] = await Promise.all(
      [data, again].map((dir) => sql(dir, 'select count(*)::int n, sum(bytes)::bigint::varchar b from flows')),
    );
    expect(other).toEqual(one);
    expect(await sql(again, 'select distinct exporter from flows')).toEqual([{ exporter: '192.0.2.9' }]);
  });

  it('that cannot be read change nothing, nor do those before them', async () => {
    const folder = tempFolder();
    writeFileSync(folder.join('bad'), 'no capture at all, that is');
    const data = folder.join('data');
    const { code, stderr } = await load(data, repositoryPath('test/captures/fprobe-v5.pcap'), folder.join('bad'));
    expect(code).toBe(1);
    expect(stderr).toContain('WEIR_INPUT');
    expect((await weir(['store', 'verify', '--data', data])).stdout).toContain('0 files');
  });
});

const OLD =
  'ts,te,td,sa,da,sp,dp,pr,flg,fwd,stos,ipkt,ibyt,opkt,obyt,in,out,sas,das,smk,dmk,dtos,dir,nh,nhb,svln,dvln,ismc,odmc,idmc,osmc,mpls1,mpls2,eng,exid,tr';
const FORMS = {
  '1.6 and 1.7.1': `${OLD}
2026-03-01 10:00:00,2026-03-01 10:00:01,1.500,10.0.0.1,192.0.2.1,1234,443,TCP,...AP.S.,0,8,5,600,0,0,3,4,64512,64513,24,16,0,0,10.0.0.254,0.0.0.0,0,7,00:00:00:00:00:00,00:00:00:00:00:00,00:1b:21:00:00:01,00:00:00:00:00:00,16-0-1,0-0-0,1/2,1,2026-03-01 10:00:02.250
2026-03-01 10:00:03,2026-03-01 10:00:03,0.000,2001:db8::1,2001:db8::2,0,8.0,ICMP6,........,0,0,1,64,0,0,3,4,0,0,0,0,0,0,0.0.0.0,0.0.0.0,0,0,00:00:00:00:00:00,00:00:00:00:00:00,00:00:00:00:00:00,00:00:00:00:00:00,0-0-0,0-0-0,0/0,1,2026-03-01 10:00:05.000
this is no record
Summary
flows,bytes,packets,avg_bps,avg_pps,avg_bpp
2,664,6,1,1,1
`,
  '1.7 with long names': `firstSeen,duration,proto,srcAddr,srcPort,dstAddr,dstPort,packets,bytes,flows
2026-03-01 10:00:00.000,1.500,6,10.0.0.1,1234,192.0.2.1,443,5,600,1
2026-03-01 10:00:03.000,0.000,ICMP6,2001:db8::1,0,2001:db8::2,8.0,1,64,1
x,0,0,0,0,0,0,0,0,0
`,
  '1.7 with times in ms': `cnt,af,firstSeen,lastSeen,proto,srcAddr,srcPort,dstAddr,dstPort,srcAS,dstAS,input,output,flags,srcTos,packets,bytes
1,2,1772359200000,1772359201500,6,10.0.0.1,1234,192.0.2.1,443,64512,64513,3,4,...AP.S.,8,5,600
2,10,1772359203000,1772359203000,58,2001:db8::1,0,2001:db8::2,2048,0,0,3,4,........,0,1,64
3,2,y,1,2
`,
};

describe('nfdump’s CSV', () => {
  it.each(Object.entries(FORMS))('of %s', async (_, text) => {
    const folder = tempFolder();
    writeFileSync(folder.join('a.csv'), text);
    const { code, stdout, stderr } = await load(folder.join('data'), folder.join('a.csv'));
    expect({ code, stdout }).toEqual({ code: 0, stdout: `${folder.join('a.csv')}: 2 flows\n` });
    expect(stderr).toContain('1 record could not be read, the first of them number 4');
    const rows = await sql(
      folder.join('data'),
      'select time_start::varchar s, time_end::varchar e, src_addr a, dst_addr d, src_port p, proto, packets, bytes from flows order by 1',
    );
    expect(rows.map((row) => Object.values(row).map(String))).toEqual([
      ['2026-03-01 10:00:00', '2026-03-01 10:00:01.5', '10.0.0.1', '192.0.2.1', '1234', '6', '5', '600'],
      ['2026-03-01 10:00:03', '2026-03-01 10:00:03', '2001:db8::1', '2001:db8::2', '0', '58', '1', '64'],
    ]);
  });

  it('has what else its columns tell, and nothing where nfdump writes 0 for nothing', async () => {
    const folder = tempFolder();
    writeFileSync(folder.join('a.csv'), FORMS['1.6 and 1.7.1']);
    await load(folder.join('data'), '--exporter', '192.0.2.7', folder.join('a.csv'));
    const [row] = await sql(
      folder.join('data'),
      'select tcp_flags, tos, src_as, src_mask, next_hop, bgp_next_hop, src_vlan, dst_vlan, dst_mac, mpls_labels, engine_type, engine_id, exporter, time_received::varchar t from flows order by time_start',
    );
    expect(row).toMatchObject({
      tcp_flags: 26,
      tos: 8,
      src_as: 64512,
      src_mask: 24,
      next_hop: '10.0.0.254',
      bgp_next_hop: null,
      src_vlan: null,
      dst_vlan: 7,
    });
    expect(row).toMatchObject({
      mpls_labels: '16',
      engine_type: 1,
      engine_id: 2,
      exporter: '192.0.2.7',
      t: '2026-03-01 10:00:02.25',
    });
    const [, icmp] = await sql(
      folder.join('data'),
      'select icmp_type, icmp_code, dst_port from flows order by time_start',
    );
    expect(icmp).toEqual({ icmp_type: 8, icmp_code: 0, dst_port: null });
  });
});

describeWithTool(['nfcapd', 'nfdump'], 'what nfdump prints', () => {
  it('as CSV and as JSON has the sums that nfdump tells', async () => {
    const nfcapd = await Nfcapd.start();
    try {
      const sent = await weir([
        'generate',
        `udp://127.0.0.1:${nfcapd.port}`,
        '--flows',
        '3000',
        '--version',
        '9',
        '--rate',
        '3000',
      ]);
      expect(sent.code).toBe(0);
      const { flows, packets, bytes } = await nfcapd.stop();
      const folder = tempFolder();
      for (const form of ['csv', 'json']) {
        const { stdout } = await runProcess(requireTool('nfdump'), ['-R', nfcapd.folder, '-o', form], {
          env: { TZ: 'UTC' },
        });
        writeFileSync(folder.join('out'), stdout);
        expect(await load(folder.join(form), folder.join('out'))).toMatchObject({ code: 0, stderr: '' });
        const [row] = await sql(
          folder.join(form),
          'select count(*)::int n, sum(packets)::bigint p, sum(bytes)::bigint b from flows',
        );
        expect(Object.values(row ?? {}).map(Number)).toEqual([flows, packets, bytes]);
      }
    } finally {
      await nfcapd.remove();
    }
  });
});
