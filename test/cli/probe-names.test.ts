import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseAddress } from '#weir/util/address.js';
import { encodePcap } from '../helpers/pcap.ts';
import { tempFolder } from '../helpers/temp.ts';
import { parseNdjson, startCollector, weir } from '../helpers/weir.ts';
import { dnsMessage, handshakeMessage, QUERY, RESPONSE, TO_QUESTION, TYPE, wireName } from '../meter/names/messages.ts';
import { cryptoFrame, initialPacket } from '../meter/names/quic-packets.ts';

const address = (text: string) => parseAddress(text) ?? [0, 0, 0, 0];
const [CLIENT, RESOLVER, SERVER] = [address('10.0.0.1'), address('10.0.0.53'), address('192.0.2.1')];

/** A client that asks for a name, and then connects to the address it is told. */
function capture(): string {
  const name = wireName('shop.example');
  const hello = handshakeMessage('quic.shop.example', ['h3']);
  const told = { owner: TO_QUESTION, type: TYPE.a, data: Buffer.from('c0000201', 'hex') };
  const file = tempFolder().join('names.pcap');
  const flow = (
    second: number,
    from: typeof CLIENT,
    fromPort: number,
    to: typeof CLIENT,
    toPort: number,
    payload: Buffer,
  ) => ({
    time: (1_700_000_000 + second) * 1e6,
    source: from,
    sourcePort: fromPort,
    destination: to,
    destinationPort: toPort,
    payload,
  });
  writeFileSync(
    file,
    encodePcap([
      flow(0, CLIENT, 40_000, RESOLVER, 53, dnsMessage(QUERY, [name])),
      flow(1, RESOLVER, 53, CLIENT, 40_000, dnsMessage(RESPONSE, [name], [told])),
      flow(
        2,
        CLIENT,
        50_000,
        SERVER,
        443,
        initialPacket(cryptoFrame(hello, 0, hello.length), { id: Buffer.alloc(8, 5) }),
      ),
      flow(3, SERVER, 443, CLIENT, 50_000, Buffer.alloc(1200, 0x40)),
    ]),
  );
  return file;
}

const COLUMNS = ['src_addr', 'dns_query', 'tls_server_name', 'tls_alpn', 'src_dns_name', 'dst_dns_name'];
const query = async (data: string) => {
  const { stdout } = await weir([
    'query',
    '--data',
    data,
    '--raw',
    '--order',
    'time_start',
    '--format',
    'ndjson',
    '--columns',
    COLUMNS.join(','),
  ]);
  return parseNdjson<Record<string, string | null>>(stdout).map((row) =>
    Object.fromEntries(Object.entries(row).filter(([, value]) => value !== null && value !== '')),
  );
};

describe('weir probe --names', () => {
  it('reads no names unless it is told to', async () => {
    const { stdout } = await weir(['probe', '-r', capture(), '--ndjson', '-q']);
    expect(parseNdjson(stdout)).toHaveLength(4);
    expect(stdout).not.toContain('example');
  });

  it('stores names with the flows, and says what it has read', async () => {
    const data = tempFolder('data').path;
    const { code, stdout } = await weir(['probe', '-r', capture(), '--data', data, '--names', 'dns,quic']);
    expect(code).toBe(0);
    expect(stdout).toContain('Names: 2 DNS messages, 0 TLS and 1 QUIC clients, 0 HTTP requests, 1 address record\n');
    expect(await query(data)).toEqual([
      { src_addr: '10.0.0.1', dns_query: 'shop.example' },
      { src_addr: '10.0.0.53', dns_query: 'shop.example' },
      { src_addr: '10.0.0.1', tls_server_name: 'quic.shop.example', tls_alpn: 'h3', dst_dns_name: 'shop.example' },
      { src_addr: '192.0.2.1', tls_server_name: 'quic.shop.example', tls_alpn: 'h3', src_dns_name: 'shop.example' },
    ]);
  });

  it('exports by IPFIX the names that have an element', async () => {
    const collector = await startCollector();
    const { code } = await weir([
      'probe',
      '-r',
      capture(),
      '-n',
      `127.0.0.1:${collector.port}`,
      '--names',
      'all',
      '-q',
    ]);
    expect(code).toBe(0);
    await collector.stop();
    expect(await query(collector.data)).toEqual([
      { src_addr: '10.0.0.1', dns_query: 'shop.example' },
      { src_addr: '10.0.0.53', dns_query: 'shop.example' },
      { src_addr: '10.0.0.1', tls_server_name: 'quic.shop.example' },
      { src_addr: '192.0.2.1', tls_server_name: 'quic.shop.example' },
    ]);
  });

  it('shows names in the lines of flows, each once', async () => {
    const { stdout } = await weir(['probe', '-r', capture(), '--print', '--utc', '-q', '--names', 'all']);
    const lines = stdout.split('\n').filter((line) => line.includes('example'));
    expect(lines.map((line) => line.slice(line.indexOf(' s ') + 3))).toEqual([
      'dns shop.example',
      'dns shop.example',
      'tls quic.shop.example dst shop.example',
      'tls quic.shop.example src shop.example',
    ]);
  });

  it('says what it does not know', async () => {
    const { code, stderr } = await weir(['probe', '-r', capture(), '--names', 'smtp']);
    expect([code, stderr]).toEqual([2, expect.stringContaining('Give one or more of dns, tls, http, quic')]);
  });
});

describe('docs/probe-names.md', () => {
  it('names every column and kind', () => {
    const text = readFileSync(new URL('../../docs/probe-names.md', import.meta.url), 'utf8');
    for (const name of ['dns', 'tls', 'http', 'quic', ...COLUMNS.slice(1), 'http_host', 'http_method', 'http_target'])
      expect(text).toContain(`\`${name}\``);
  });
});
