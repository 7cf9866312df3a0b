import { stat } from 'node:fs/promises';
import type { CollectConfig } from '../config/collect-config.ts';
import { loadTls, validity } from '../config/tls.ts';
import { type Finding, failed, failure, ok, warning } from './check-finding.ts';

const DAY = 86_400_000;
/** Certificates are mostly renewed a month before they expire. */
const SOON = 21 * DAY;

/** Whether the certificates of tls:// listeners can be read, belong together, are valid now and for some time, and the key is nobody else's. */
export async function checkTls(config: CollectConfig, nowMs: number): Promise<Finding[]> {
  const { cert, ca, key } = config.tls;
  try {
    const tls = loadTls(config);
    if (tls === undefined) return [];
    const findings = [checkValidity('certificate', cert ?? '', tls.cert, nowMs)];
    if (tls.ca !== undefined) findings.push(checkValidity('authority', ca ?? '', tls.ca, nowMs));
    if (tls.clientCertificates !== 'required') {
      const who = tls.clientCertificates === 'none' ? 'are not asked for one' : 'need not show one';
      findings.push(
        warning(
          'client certificates',
          `exporters ${who}: who may connect is decided by address alone`,
          'tls.client_certificates: required, and tls.ca',
        ),
      );
    }
    return [...findings, ...(await checkKey(key ?? ''))];
  } catch (error) {
    return [failed('certificate', error)];
  }
}

function checkValidity(name: string, file: string, pem: string, nowMs: number): Finding {
  const { from, to, subject } = validity(pem);
  const day = (ms: number) => new Date(ms).toISOString().slice(0, 10);
  const said = `${file} (${subject})`;
  if (nowMs > to) return failure(name, `${said} expired on ${day(to)}`, 'Renew it; SIGHUP reads it again.');
  if (nowMs < from) return failure(name, `${said} is not valid before ${day(from)}`, 'Is the clock right? See below.');
  const text = `${said}, valid until ${day(to)}`;
  return to - nowMs < SOON ? warning(name, text, 'Renew it soon; SIGHUP reads it again.') : ok(name, text);
}

async function checkKey(file: string): Promise<Finding[]> {
  const { mode } = await stat(file);
  if ((mode & 0o007) === 0) return [];
  return [warning('permissions', `every user of this machine can read the private key ${file}`, `chmod o= ${file}`)];
}
