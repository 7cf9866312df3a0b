import { createTemplateState, decode } from 'netweir';
import { expect, it } from 'vitest';
import { createElementRegistry } from '#weir/elements/registry.js';
import { type CaseDatagram, caseDatagrams } from './conformance/datagrams.ts';
import { address, findPython, type PythonRecord, pythonDecodes } from './conformance/peer-python.ts';
import { corpusFolder } from './helpers/corpus.ts';
import { repositoryPath } from './helpers/repository.ts';
import { describeUnless } from './helpers/skip.ts';
import { corpusCases } from './session/corpus-cases.ts';

/* `decode` beside Python netflow's `parse_packet`: the same records with the same values wherever Python reads all of a case. */

const registry = createElementRegistry();
const python = findPython();
const missing = python === undefined ? 'Python netflow not installed' : 'no ../shared/corpus beside this checkout';

/** Python's value and ours in one form: a number of their octets, or the text of an address. */
function forms(id: number, version: 9 | 10, theirs: PythonRecord[string], ours: unknown): [string, string] {
  const type = registry.lookup(0, id, version)?.type ?? 'octetArray';
  const plain = String(theirs);
  if (type.endsWith('Address') && type !== 'macAddress')
    return [address(theirs, type === 'ipv6Address') ?? '', String(ours)];
  if (Array.isArray(theirs)) {
    // Seconds since 1900 and their fraction (RFC 7011 section 6.1.9).
    const [seconds = 0, fraction = 0] = theirs as number[];
    const micros = Math.floor((fraction * 1e6) / 2 ** 32);
    const millis = (seconds - 2_208_988_800) * 1000 + Math.floor(micros / 1000);
    return [new Date(millis).toISOString().replace('Z', `${String(micros % 1000).padStart(3, '0')}Z`), String(ours)];
  }
  if (type === 'macAddress') return [plain, BigInt(`0x${String(ours).replaceAll(':', '')}`).toString()];
  if (type === 'dateTimeMilliseconds') return [plain, String(Date.parse(String(ours)))];
  if (type === 'dateTimeSeconds') return [plain, String(Date.parse(String(ours)) / 1000)];
  if (type === 'octetArray' && typeof ours === 'string')
    return [plain, BigInt(`0x${ours === '' ? '0' : ours}`).toString()];
  // Texts are integers of their octets in v9, and have the padding with them in IPFIX.
  if (type === 'string' && /^\d+$/.test(plain) && version === 9) {
    const digits = BigInt(plain).toString(16);
    const octets = Buffer.from(digits.length % 2 === 0 ? digits : `0${digits}`, 'hex');
    return [octets.toString('utf8').replace(/\0.*$/s, ''), String(ours)];
  }
  if (type === 'string') return [plain.replace(/\0.*$/s, ''), String(ours)];
  return [plain, String(ours)];
}

interface OurRecord {
  readonly version: 9 | 10;
  readonly record: Readonly<Record<string, unknown>>;
}

/** All records of a case; a datagram that lacks a template is given again with the next ones. */
function decodeAll(datagrams: readonly CaseDatagram[]): OurRecord[] {
  const state = createTemplateState();
  const found: OurRecord[] = [];
  let waiting: CaseDatagram[] = [];
  for (const datagram of datagrams) {
    const tries = [datagram, ...waiting];
    waiting = [];
    for (const again of tries) {
      const { header, missing: wanted, records } = decode(again.payload, { state, address: again.host });
      const version = header.version === 10 ? 10 : 9;
      if (wanted.length > 0) waiting.push(again);
      else for (const record of records) found.push({ version, record });
    }
  }
  return found;
}

/** The elements of Python's record that ours has other values for. An element that comes twice has one value in Python. */
function differing(theirs: PythonRecord, { version, record }: OurRecord): string[] {
  return Object.entries(theirs).flatMap(([id, value]) => {
    const name = registry.lookup(0, Number(id), version)?.name ?? `0/${id}`;
    const ours = record[name];
    if (ours === undefined) return [`${name}: absent`];
    if (Array.isArray(ours)) return [];
    const [a, b] = forms(Number(id), version, value, ours);
    return a === b ? [] : [`${name}: ${b}, Python ${a}`];
  });
}

/** Python takes an enterprise's elements for IANA's of the same number (RFC 7011 section 3.2: they are not). */
function isMixedUp({ record }: OurRecord): boolean {
  return Object.keys(record).some((name) => (registry.byName(name)?.enterprise ?? 1) !== 0);
}

describeUnless(python !== undefined && corpusFolder !== undefined ? undefined : missing, 'Python netflow', () => {
  it('reads the same records with the same values', async () => {
    const corpus = corpusFolder ?? '';
    const cases = corpusCases(corpus).filter(({ flags }) => !flags.includes('sFlow'));
    const datagrams = await Promise.all(cases.map((one) => caseDatagrams(corpus, one)));
    const script = repositoryPath('test/conformance/python-netflow.py');
    const theirs = pythonDecodes(python ?? '', script)(datagrams);
    const different: string[] = [];
    let values = 0;
    let records = 0;
    for (const [index, one] of cases.entries()) {
      const { records: expected, failed } = theirs[index] as (typeof theirs)[number];
      // Only where Python reads everything, and as many records as the case has.
      if (failed > 0 || !one.accept.includes(expected.length)) continue;
      const rest = decodeAll(datagrams[index] ?? []);
      if (rest.length !== expected.length) {
        different.push(`${one.case}: ${rest.length} records, Python ${expected.length}`);
        continue;
      }
      for (const their of expected) {
        // The order differs where a datagram's data stand before its templates.
        const best = rest.findIndex((our) => differing(their, our).length === 0);
        const [our] = rest.splice(Math.max(best, 0), 1);
        records++;
        values += Object.keys(their).length;
        if (best < 0 && our !== undefined && !isMixedUp(our))
          different.push(`${one.case}: ${differing(their, our).join(', ')}`);
      }
    }
    expect(different).toEqual([]);
    expect(records).toBeGreaterThan(1800);
    expect(values).toBeGreaterThan(34_000);
  });
});
