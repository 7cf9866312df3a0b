import { chmodSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { checkTls } from '#weir/cli/check-tls.js';
import { loadConfig } from '#weir/config/load.js';
import { loadTls, validity } from '#weir/config/tls.js';
import { certificateMaker, type Identity } from '../helpers/certificates.ts';
import { makeTempFolder } from '../helpers/temp.ts';
import { describeWithTool } from '../helpers/tools.ts';

const DAY = 86_400_000;

describeWithTool('openssl', 'the certificates of TLS listeners', () => {
  const folder = makeTempFolder('certificates');
  let [authority, server, other]: Identity[] = [];
  beforeAll(() => {
    const make = certificateMaker(folder.path);
    authority = make.authority('authority');
    server = make.signed('collector', authority);
    other = make.signed('other', authority);
    for (const { keyFile } of [server, other]) chmodSync(keyFile, 0o600);
    writeFileSync(folder.join('text'), 'hello');
  });
  afterAll(() => folder.remove());

  const config = (flags: Record<string, unknown> = {}) =>
    loadConfig({
      flags: {
        listen: ['tls://127.0.0.1:0'],
        'tls.cert': server?.certFile,
        'tls.key': server?.keyFile,
        'tls.ca': authority?.certFile,
        ...flags,
      },
    });

  it('are read from their files', () => {
    expect(loadTls(config())).toEqual({
      cert: server?.cert,
      key: server?.key,
      ca: authority?.cert,
      clientCertificates: 'required',
      minimumVersion: 'TLSv1.2',
    });
    expect(loadTls(config({ listen: ['udp://127.0.0.1:0'], 'tls.cert': '/nowhere' }))).toBeUndefined();
  });

  it.each<[string, () => Record<string, unknown>, RegExp]>([
    ['is missing', () => ({ 'tls.cert': '/nowhere/a.pem' }), /there is no file \/nowhere\/a\.pem \(tls\.cert\)/],
    ['is a folder', () => ({ 'tls.key': '/' }), /cannot read \/ \(tls\.key\)/],
    ['is no certificate', () => ({ 'tls.cert': folder.join('text') }), /text \(tls\.cert\) cannot be used/],
    ['is no key', () => ({ 'tls.key': folder.join('text') }), /text \(tls\.key\) cannot be used/],
    ['is no authority', () => ({ 'tls.ca': folder.join('text') }), /text \(tls\.ca\) cannot be used/],
    ['is the key of another', () => ({ 'tls.key': other?.keyFile }), /is not the key of the certificate/],
  ])('are refused when a file %s', async (_, flags, says) => {
    const wrong = config(flags());
    expect(() => loadTls(wrong)).toThrow(expect.objectContaining({ code: 'WEIR_CONFIG' }) as Error);
    expect(() => loadTls(wrong)).toThrow(says);
    expect(await checkTls(wrong, Date.now())).toMatchObject([{ name: 'certificate', status: 'failure' }]);
  });

  it('are checked: valid now, for some time, and the key nobody else’s', async () => {
    const { from, to, subject } = validity(server?.cert ?? '');
    expect(subject).toBe('O=Netweir tests, CN=collector');
    const states = async (now: number, flags = {}) =>
      (await checkTls(config(flags), now)).map(({ name, status }) => `${name} ${status}`);
    expect(await states(Date.now())).toEqual(['certificate ok', 'authority ok']);
    expect(await states(to - 10 * DAY)).toEqual(['certificate warning', 'authority warning']);
    expect(await states(to + DAY)).toEqual(['certificate failure', 'authority failure']);
    expect(await states(from - DAY)).toEqual(['certificate failure', 'authority failure']);
    expect(await states(Date.now(), { 'tls.client_certificates': 'optional' })).toContain(
      'client certificates warning',
    );
    chmodSync(server?.keyFile ?? '', 0o644);
    expect(await states(Date.now())).toContain('permissions warning');
    chmodSync(server?.keyFile ?? '', 0o600);
  });
});
