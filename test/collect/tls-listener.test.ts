import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { parseListenUrl } from '#weir/collect/listen-url.js';
import { StreamListener } from '#weir/collect/stream-listener.js';
import type { TlsSettings } from '#weir/collect/tls-settings.js';
import { certificateMaker, type Identity } from '../helpers/certificates.ts';
import { spawnProcess } from '../helpers/processes.ts';
import { makeTempFolder } from '../helpers/temp.ts';
import { describeWithTool, requireTool } from '../helpers/tools.ts';
import { connectTo, counted, eventually, hex, listen, MESSAGES } from './stream-tools.ts';

const ALL = Buffer.concat(MESSAGES);
const EXPECTED = MESSAGES.map(hex);

describeWithTool('openssl', 'a TLS listener', () => {
  const folder = makeTempFolder('tls');
  let [authority, stranger, server, exporter, impostor]: Identity[] = [];
  beforeAll(() => {
    const make = certificateMaker(folder.path);
    authority = make.authority('authority');
    stranger = make.authority('stranger');
    server = make.signed('collector', authority);
    exporter = make.signed('exporter', authority);
    impostor = make.signed('impostor', stranger);
  });
  afterAll(() => folder.remove());

  const settings = (changes: Partial<TlsSettings> = {}): TlsSettings => ({
    cert: server?.cert ?? '',
    key: server?.key ?? '',
    ca: authority?.cert,
    clientCertificates: 'none',
    minimumVersion: 'TLSv1.2',
    ...changes,
  });

  /** A client with a certificate, or none; resolves once the handshake has succeeded on its side. */
  async function dial(listener: StreamListener, identity?: Identity, more: ConnectionOptions = {}): Promise<TLSSocket> {
    const socket = connect({
      host: '127.0.0.1',
      port: listener.bound?.port ?? 0,
      ...(authority === undefined ? {} : { ca: authority.cert }),
      checkServerIdentity: () => undefined,
      ...(identity === undefined ? {} : { cert: identity.cert, key: identity.key }),
      ...more,
    });
    socket.on('error', () => {}).resume();
    onTestFinished(() => {
      socket.destroy();
    });
    await new Promise((resolve) => {
      socket.once('secureConnect', resolve).once('close', resolve);
    });
    return socket;
  }

  it('receives messages from an exporter without a certificate when it asks for none', async () => {
    const { listener, sessions } = await listen('tls://127.0.0.1:0', { tls: settings() });
    for (const [index, maxVersion] of (['TLSv1.2', 'TLSv1.3'] as const).entries()) {
      const socket = await dial(listener, undefined, { maxVersion });
      socket.write(ALL);
      await eventually(() => sessions[index]?.messages).toEqual(EXPECTED);
      expect(listener.sessions(1)).toMatchObject([
        { protocol: maxVersion, subject: '', messages: 3, bytes: ALL.length },
      ]);
      socket.end();
      await eventually(() => sessions[index]?.ended).toBe(true);
    }
    expect(counted(listener.counters().ended)).toEqual({ ended: 2 });
  });

  it('takes only exporters with a certificate of its authorities when it requires one', async () => {
    const { listener, sessions } = await listen('tls://127.0.0.1:0', {
      tls: settings({ clientCertificates: 'required' }),
    });
    for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
      for (const identity of [undefined, impostor]) (await dial(listener, identity, { maxVersion })).write(ALL);
    }
    await eventually(() => counted(listener.counters().ended)).toEqual({ client_certificate: 4 });
    expect(sessions).toEqual([]);
    (await dial(listener, exporter)).write(ALL);
    await eventually(() => sessions[0]?.messages).toEqual(EXPECTED);
    expect(sessions[0]?.peer.subject).toBe('O=Netweir tests,CN=exporter');
  });

  it('takes both when certificates are optional, and names only the one that is proven', async () => {
    const { listener, sessions } = await listen('tls://127.0.0.1:0', {
      tls: settings({ clientCertificates: 'optional' }),
    });
    for (const [index, identity] of [undefined, impostor, exporter].entries()) {
      (await dial(listener, identity)).write(ALL);
      await eventually(() => sessions[index]?.messages).toEqual(EXPECTED);
    }
    expect(sessions.map(({ peer }) => peer.subject)).toEqual(['', '', 'O=Netweir tests,CN=exporter']);
  });

  it('speaks no TLS older than it is told, and no plain TCP', async () => {
    const { listener, sessions } = await listen('tls://127.0.0.1:0', { tls: settings({ minimumVersion: 'TLSv1.3' }) });
    await dial(listener, undefined, { maxVersion: 'TLSv1.2' });
    await eventually(() => counted(listener.counters().ended)).toEqual({ handshake: 1 });
    (await connectTo(listener)).write(ALL);
    await eventually(() => counted(listener.counters().ended)).toEqual({ handshake: 2 });
    (await connectTo(listener)).end();
    await eventually(() => counted(listener.counters().ended)).toEqual({ handshake: 3 });
    expect(sessions).toEqual([]);
    expect(listener.counters().open).toBe(0);
  });

  it('refuses TLS 1.1 whatever is configured', async () => {
    const { listener } = await listen('tls://127.0.0.1:0', { tls: settings() });
    await dial(listener, undefined, { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' });
    await eventually(() => counted(listener.counters().ended)).toEqual({ handshake: 1 });
  });

  it('gives handshakes up that stall, and good connections do not notice', async () => {
    let now = 0;
    const { listener, sessions } = await listen('tls://127.0.0.1:0', {
      tls: settings(),
      limits: { handshake: 100 },
      deps: { clock: () => now },
    });
    const good = await dial(listener);
    good.write(MESSAGES[0] as Uint8Array);
    const stalled = await Promise.all(Array.from({ length: 50 }, () => connectTo(listener)));
    // A client hello that never ends, for half of them.
    for (const socket of stalled.slice(25)) socket.write(Uint8Array.of(0x16, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3));
    await eventually(() => listener.counters().open).toBe(51);
    now = 101;
    await eventually(() => counted(listener.counters().ended)).toEqual({ handshake_timeout: 50 });
    good.write(Buffer.concat(MESSAGES.slice(1)));
    await eventually(() => sessions[0]?.messages).toEqual(EXPECTED);
    expect(listener.counters()).toMatchObject({ open: 1, messages: 3 });
  });

  it('takes new certificates while it runs', async () => {
    const { listener } = await listen('tls://127.0.0.1:0', { tls: settings() });
    const before = await dial(listener);
    if (exporter === undefined) throw new Error('no certificate');
    listener.setCredentials({ cert: exporter.cert, key: exporter.key, ca: undefined });
    const after = await dial(listener);
    expect([before, after].map((socket) => socket.getPeerCertificate().subject.CN)).toEqual(['collector', 'exporter']);
  });

  it('resumes no session, so that every connection shows its certificate', async () => {
    const { listener, sessions } = await listen('tls://127.0.0.1:0', {
      tls: settings({ clientCertificates: 'required' }),
    });
    for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
      const tickets: Buffer[] = [];
      const first = await dial(listener, exporter, { maxVersion });
      first.on('session', (ticket) => tickets.push(ticket));
      first.write(ALL);
      const count = sessions.length;
      await eventually(() => sessions.at(-1)?.messages.length).toBe(3);
      const again = await dial(listener, exporter, { maxVersion, session: tickets.at(-1) ?? first.getSession() });
      expect(again.isSessionReused()).toBe(false);
      again.write(ALL);
      await eventually(() => sessions.length).toBeGreaterThan(count);
    }
    await eventually(() => sessions.map(({ peer }) => peer.subject)).toEqual(
      Array.from({ length: 4 }, () => 'O=Netweir tests,CN=exporter'),
    );
  });

  it('reads what has arrived before it closes', async () => {
    const { listener, sessions } = await listen('tls://127.0.0.1:0', { tls: settings() });
    const socket = await dial(listener);
    await eventually(() => sessions.length).toBe(1);
    await new Promise((resolve) => socket.write(ALL, resolve));
    await listener.close();
    expect(sessions).toMatchObject([{ messages: EXPECTED, ended: true }]);
    await eventually(() => socket.closed).toBe(true);
  });

  it('receives from openssl s_client, with a certificate', async () => {
    const { listener, sessions } = await listen('tls://127.0.0.1:0', {
      tls: settings({ clientCertificates: 'required' }),
    });
    const args = ['s_client', '-quiet', '-no_ign_eof', '-connect', `127.0.0.1:${listener.bound?.port}`];
    const identity = ['-cert', exporter?.certFile ?? '', '-key', exporter?.keyFile ?? ''];
    const trust = ['-CAfile', authority?.certFile ?? '', '-verify_return_error'];
    spawnProcess(requireTool('openssl'), [...args, ...identity, ...trust], { input: ALL });
    await eventually(() => sessions[0]?.messages).toEqual(EXPECTED);
    await eventually(() => sessions[0]?.ended).toBe(true);
  });

  it.each<[string, () => TlsSettings | undefined, RegExp]>([
    ['nothing is configured', () => undefined, /no certificate and key/],
    ['the key is of another certificate', () => settings({ key: exporter?.key ?? '' }), /key/i],
    ['the certificate is no PEM', () => settings({ cert: 'hello' }), /PEM|start line/i],
  ])('cannot start when %s', async (_, tls, says) => {
    const listener = new StreamListener({
      url: parseListenUrl('tls://127.0.0.1:0'),
      onSession: () => expect.unreachable(),
      tls: tls(),
    });
    await expect(listener.start()).rejects.toMatchObject({
      code: 'WEIR_LISTEN',
      message: expect.stringMatching(says) as string,
    });
    await listener.close();
  });
});
