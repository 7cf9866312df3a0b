import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { requireTool } from './tools.ts';

/** Paths of a certificate and its key, and what is in them. */
export interface Identity {
  readonly certFile: string;
  readonly keyFile: string;
  readonly cert: string;
  readonly key: string;
}

/** Certificates made for one run of the tests in `folder`, by openssl (see `describeWithTool`). No key is kept in the repository. */
export function certificateMaker(folder: string): {
  authority(name: string): Identity;
  signed(name: string, by: Identity): Identity;
} {
  const make = (name: string, more: readonly string[]): Identity => {
    const [certFile, keyFile] = [join(folder, `${name}.pem`), join(folder, `${name}.key`)];
    const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
    const files = ['-keyout', keyFile, '-out', certFile];
    execFileSync(
      requireTool('openssl'),
      ['req', '-x509', ...curve, ...files, '-days', '60', '-subj', `/O=Netweir tests/CN=${name}`, ...more],
      { stdio: 'pipe' },
    );
    return { certFile, keyFile, cert: readFileSync(certFile, 'utf8'), key: readFileSync(keyFile, 'utf8') };
  };
  return {
    authority: (name) => make(name, []),
    signed: (name, by) =>
      make(name, ['-CA', by.certFile, '-CAkey', by.keyFile, '-addext', 'basicConstraints=CA:FALSE']),
  };
}
