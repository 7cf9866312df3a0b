import { writeFileSync } from 'node:fs';
import { connect } from 'node:tls';
import { expect, it } from 'vitest';
import { certificateMaker } from '../helpers/certificates.ts';
import { tempFolder } from '../helpers/temp.ts';
import { describeWithTool } from '../helpers/tools.ts';
import { startCollector, weir } from '../helpers/weir.ts';
import { logOf } from './collect-tools.ts';

/** The name in the certificate that a listener shows. */
function nameAt(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false }, () => {
      resolve(String(socket.getPeerCertificate().subject.CN));
      socket.destroy();
    });
    socket.on('error', reject);
  });
}

describeWithTool('openssl', 'weir collect over TLS', () => {
  it('reads certificates again on SIGHUP, and keeps those it has when the new ones are wrong', async () => {
    const folder = tempFolder('hup');
    const make = certificateMaker(folder.path);
    const [one, two] = [make.authority('one'), make.authority('two')];
    const [cert, key] = [folder.join('cert.pem'), folder.join('key.pem')];
    writeFileSync(cert, one.cert);
    writeFileSync(key, one.key);
    const tls = ['--tls-cert', cert, '--tls-key', key, '--tls-client-certificates', 'none'];
    const collector = await startCollector({ args: ['--listen', 'tls://127.0.0.1:0', ...tls] });
    const [, url = ''] = logOf(collector).find(({ msg }) => msg === 'collecting')?.listen ?? [];
    const port = Number(url.split(':').at(-1));
    expect(await nameAt(port)).toBe('one');
    writeFileSync(cert, two.cert);
    collector.signal('SIGHUP');
    await collector.waitFor('the certificates were not reloaded; the old ones stay');
    expect(await nameAt(port)).toBe('one');
    writeFileSync(key, two.key);
    collector.signal('SIGHUP');
    await collector.waitFor('certificates reloaded');
    expect(await nameAt(port)).toBe('two');
  });

  it('does not start without a certificate, and says what to give', async () => {
    const { code, stderr } = await weir(['collect', '--listen', 'tls://127.0.0.1:0', '--data', tempFolder('no').path]);
    expect(code).toBe(2);
    expect(stderr).toContain('needs a certificate and its key');
    expect(stderr).toContain('--tls-cert FILE --tls-key FILE');
  });
});
