import { expect, it } from 'vitest';
import { type Namespace, namespace, plugCable, whyNoNetwork } from '../helpers/namespace.ts';
import type { Running } from '../helpers/processes.ts';
import { repositoryPath } from '../helpers/repository.ts';
import { describeUnless } from '../helpers/skip.ts';
import { tempFolder } from '../helpers/temp.ts';
import { parseNdjson, weir } from '../helpers/weir.ts';

const WEIR = repositoryPath('bin/weir.js');
const [DATAGRAMS, PAYLOAD] = [500, 100];
/** Sends datagrams to 198.18.0.2 port 9, some to each of ten source ports. */
const SENDER = `
  const { createSocket } = require('node:dgram');
  (async () => {
    for (let port = 5000; port < 5010; port++) {
      const socket = createSocket('udp4');
      await new Promise((resolve) => socket.bind(port, resolve));
      for (let i = 0; i < ${DATAGRAMS / 10}; i++)
        await new Promise((resolve) => socket.send(Buffer.alloc(${PAYLOAD}), 9, '198.18.0.2', resolve));
      socket.close();
    }
  })();
`;

/** Two hosts on a cable, the far one with a probe's place. Nobody listens at port 9: its answers are ICMP. */
async function twoHosts(): Promise<{ near: Namespace; far: Namespace }> {
  const [near, far] = [await namespace('probe'), await namespace('probe')];
  await plugCable(
    { namespace: near, name: 'near', addresses: ['198.18.0.1/24'] },
    { namespace: far, name: 'far', addresses: ['198.18.0.2/24'] },
  );
  return { near, far };
}

async function startCollector(far: Namespace, data: string): Promise<Running> {
  const listen = ['--listen', 'udp://127.0.0.1:2055', '--listen', 'udp://127.0.0.1:6343'];
  const collector = far.start(process.execPath, [WEIR, 'collect', '--data', data, ...listen]);
  await collector.waitFor('"msg":"collecting"');
  return collector;
}

const query = async (data: string, ...args: readonly string[]) =>
  parseNdjson((await weir(['query', '--data', data, '--format', 'ndjson', ...args])).stdout);
const sent = { flows: 10, packets: DATAGRAMS, bytes: DATAGRAMS * (PAYLOAD + 28) };

describeUnless(whyNoNetwork(['tcpdump']), 'weir probe -i', () => {
  it('meters what comes over an interface, to a collector and a store at once, and exports the rest when it is told to end', async () => {
    const { near, far } = await twoHosts();
    const folder = tempFolder('probe');
    const [collected, stored] = [folder.join('collected'), folder.join('stored')];
    const collector = await startCollector(far, collected);
    const flags = ['-i', '7:far', '-n', '127.0.0.1:2055', '-v', '9', '--data', stored, '-t', 'udp=1', '-t', 'expint=1'];
    const probe = far.start(process.execPath, [WEIR, 'probe', ...flags, 'udp', 'dst', 'port', '9']);
    await probe.waitFor('far: is captured by');
    await near.run(process.execPath, ['-e', SENDER]);
    // The flows have ended by their timeout, before anybody says stop.
    await expect.poll(async () => (await query(collected, '--raw')).length, { timeout: 20_000 }).toBe(10);
    await near.run(process.execPath, ['-e', SENDER]);
    const { code, stdout } = await probe.stop('SIGINT');
    expect({ code, isTold: stdout.includes(`Packets processed: ${2 * DATAGRAMS}\n`) }).toEqual({
      code: 0,
      isTold: true,
    });
    await collector.stop();
    for (const data of [collected, stored]) {
      const flows = await query(data, '--raw', '--columns', 'in_if,src_port,packets,bytes,exporter');
      const sum = (name: string) => flows.reduce((total, flow) => total + Number(flow[name]), 0);
      expect({ packets: sum('packets'), bytes: sum('bytes') }).toEqual({
        packets: 2 * sent.packets,
        bytes: 2 * sent.bytes,
      });
      expect(flows.every(({ in_if: input, exporter }) => input === 7 && exporter === '127.0.0.1')).toBe(true);
    }
  });

  it('samples packets, and tells counters of the interface, as sFlow', async () => {
    const { near, far } = await twoHosts();
    const data = tempFolder('probe').join('data');
    const collector = await startCollector(far, data);
    const flags = [
      '-i',
      'far',
      '-v',
      'sflow',
      '-n',
      '127.0.0.1:6343',
      '-s',
      'count:5',
      '--counters',
      '1',
      '--exporter',
      '192.0.2.9',
    ];
    const probe = far.start(process.execPath, [WEIR, 'probe', ...flags, 'udp', 'dst', 'port', '9']);
    await probe.waitFor('far: is captured by');
    await near.run(process.execPath, ['-e', SENDER]);
    const counters = async () =>
      parseNdjson(
        (await weir(['sql', '--data', data, '--format', 'ndjson', 'select max(in_octets) octets from counters']))
          .stdout,
      );
    await expect
      .poll(async () => Number((await counters())[0]?.['octets']), { timeout: 20_000, interval: 500 })
      .toBeGreaterThan(sent.bytes);
    expect(await probe.stop('SIGINT')).toMatchObject({ code: 0 });
    await collector.stop();
    const samples = await query(data, '--columns', 'exporter,sampling_rate,packets,src_addr', '--raw');
    expect(samples.length).toBe(DATAGRAMS / 5);
    expect(samples[0]).toMatchObject({ exporter: '192.0.2.9', sampling_rate: 5, src_addr: '198.18.0.1' });
  });

  it('says which interfaces there are when it is given another', async () => {
    const { far } = await twoHosts();
    const { code, stderr } = await far.start(process.execPath, [WEIR, 'probe', '-i', 'near']).finished;
    expect(code).toBe(1);
    expect(stderr).toMatch(/there is no interface near[\s\S]*There are .*far/);
  });
});
