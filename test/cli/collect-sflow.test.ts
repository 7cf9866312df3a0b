import { createSocket } from 'node:dgram';
import { writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { tempFolder } from '../helpers/temp.ts';
import { parseNdjson, startCollector, weir } from '../helpers/weir.ts';
import { ip4 } from '../wire/build.ts';
import {
  address,
  counterSample,
  datagram,
  flowSample,
  header,
  INTERFACE_COUNTERS,
  record,
  sample,
  tcpFrame,
  words,
  xdrText,
} from '../wire/sflow/build.ts';

const FRAME = header(tcpFrame(), { length: 1018 });
const ETHERNET = record(2, words(...Array.from({ length: 13 }, (_, i) => i)));
const HOST = record(2000, xdrText('db1'), words(1, 2, 3, 4), words(3, 2), xdrText('6.1'));
const ROUTE = record(1003, address('192.0.2.1'), words(1, 64_500, 3, 1, 2, 1, 64_501), words(0), words(100));
const SOCKET = record(2100, words(6), ip4('10.0.0.1'), ip4('10.0.0.2'), words(80, 40_000));
const DISCARD = sample(5, words(1, 0, 3, 0, 3, 0, 257, 1), FRAME);

it('weir collect stores samples of every mixture, discards and counters, and weir sql finds them', async () => {
  const config = tempFolder('config').join('weir.yaml');
  writeFileSync(
    config,
    'identity: { exporters: [ { network: 127.0.0.1, domain: 5, exporter: 192.0.2.9, name: leaf-9 } ] }\n',
  );
  const collector = await startCollector({ args: ['--config', config] });
  const socket = createSocket('udp4');
  const datagrams = Array.from({ length: 50 }, (_, i) =>
    datagram(
      [
        flowSample([FRAME], { sequence: i * 3 }),
        flowSample([FRAME, ROUTE], { sequence: i * 3 + 1 }),
        flowSample([SOCKET], { sequence: i * 3 + 2 }),
        DISCARD,
        // A class that the table has no room for must not cost the other rows.
        sample(4, words(i, 70_000, 1, 1), HOST),
        counterSample([INTERFACE_COUNTERS, ETHERNET], i, 7),
      ],
      { sequence: i, subAgent: 4 },
    ),
  );
  for (const bytes of datagrams) {
    await new Promise((resolve) => socket.send(bytes, collector.port, collector.host, resolve));
  }
  // Another sub-agent, whose exporter is configured.
  const other = datagram([flowSample([FRAME])], { subAgent: 5 });
  await new Promise((resolve) => socket.send(other, collector.port, collector.host, resolve));
  socket.close();
  await collector.stop();
  const sql = async (text: string): Promise<Record<string, unknown>[]> => {
    const { code, stdout, stderr } = await weir(['sql', text, '--data', collector.data, '--format', 'ndjson']);
    expect(code, stderr).toBe(0);
    return parseNdjson(stdout);
  };
  const kinds =
    'record_kind, count(*)::int n, sum(bytes)::int b, sum(dropped_packets)::int d, count(src_as)::int routed';
  expect(await sql(`select ${kinds} from flows where observation_domain = 4 group by 1 order by 1`)).toEqual([
    { record_kind: 'discard', n: 50, b: null, d: 50, routed: 0 },
    { record_kind: 'sample', n: 150, b: 100 * 1018, d: null, routed: 50 },
  ]);
  expect(
    await sql(`select kind, count(*)::int n, max(in_octets)::varchar o from counters group by 1 order by 1`),
  ).toEqual([
    { kind: 'ethernet', n: 50, o: null },
    { kind: 'host_description', n: 50, o: null },
    { kind: 'interface', n: 50, o: '9007199254740993' },
  ]);
  const values = `select distinct counters.values->>'hostname' h, agent_addr, sub_agent::int s from counters where kind = 'host_description'`;
  expect(await sql(values)).toEqual([{ h: 'db1', agent_addr: '192.0.2.200', s: 4 }]);
  const named = ['query', '--data', collector.data, '--format', 'ndjson', '--by', 'exporter,exporter_name,sender'];
  const { stdout } = await weir(named);
  expect(parseNdjson(stdout)).toMatchObject([
    { exporter: '192.0.2.200', exporter_name: null, sender: '127.0.0.1', flows: 150 },
    { exporter: '192.0.2.9', exporter_name: 'leaf-9', sender: '127.0.0.1', flows: 1 },
  ]);
  expect(await sql('select exporter, sender, sum(datagrams)::int n from quality group by all order by n')).toEqual([
    { exporter: '192.0.2.9', sender: '127.0.0.1', n: 1 },
    { exporter: '192.0.2.200', sender: '127.0.0.1', n: 50 },
  ]);
}, 60_000);
