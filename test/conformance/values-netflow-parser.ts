import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TemplateRecord } from '#weir/wire/template.js';
import { corpusCases } from '../session/corpus-cases.ts';
import { addRecord, count, newValues, type Rules, type SourceValues } from './compare-values.ts';
import { type CaseDatagram, caseDatagrams } from './datagrams.ts';
import { asRecord, type DecodedRecord, decodeWhole } from './decoded-case.ts';
import { type Places, valueAt } from './field-names.ts';
import { readSnapshot } from './netflow-parser-snapshot.ts';

/* The snapshots of netflow_parser: every header, template, record and options record. */

// biome-ignore format: pairs
const HEADER: Places = {
  sys_up_time: '=sysUptime|sysUpTime', unix_secs: '=unixSecs', unix_nsecs: '=unixNsecs', flow_sequence: '=flowSequence',
  sequence_number: '=sequenceNumber', source_id: '=sourceId', engine_type: '=engineType', engine_id: '=engineId',
  export_time: '=exportTime', observation_domain_id: '=observationDomainId', version: '=version', count: '=count', length: '=length',
};
// biome-ignore format: pairs
const FIXED: Places = {
  input: 'in_if', output: 'out_if', d_pkts: 'packets', d_octets: 'bytes', first: '=flowStartSysUpTime', last: '=flowEndSysUpTime',
  protocol_number: 'proto', protocol_type: 'proto', router_src: '=ipv4RouterSc', flags_fields_valid: '=flags', flags_fields_invalid: '=invalid', 
};
const PADDING = 'padding octets';
const FIXED_OUTSIDE: Readonly<Record<string, string>> = {
  pad1: PADDING,
  pad2: PADDING,
};
/** Two of their tests put a template into memory: the same as a datagram. */
const TEMPLATES: Readonly<Record<string, string>> = {
  it_parses_ipfix_data_cached_template: '000a002000000001000000000000000000020010010200020002000200080004',
  it_parses_v9_data_cached_template: '000900010000000000000000000000000000000100000010010200020001000400080004',
};

const headerRules: Rules = {
  value: (field, record) =>
    // Version 5: two bits of mode stand before fourteen of interval.
    field === 'sampling_interval'
      ? Number(record.elements['samplingMode']) * 16_384 + Number(record.elements['samplingInterval'])
      : valueAt(HEADER, field, record),
};
const templateRules: Rules = {
  value: (field, { elements }) => elements[field],
  reason: (where, { ours }) =>
    where.startsWith('parse_ipfix_with_v9_style_template') && ours !== undefined
      ? 'a template whose id is 0'
      : undefined,
};
const fixedRules: Rules = {
  value: (field, record) => valueAt(FIXED, field, record),
  outside: (field) => FIXED_OUTSIDE[field],
};
const recordRules: Rules = {
  value: (field, record) => valueAt({}, field, record),
  outside: (field) => (field === 'paddingOctets' ? PADDING : undefined),
  reason: (_, { theirs, ours }) =>
    theirs === 'Anydistributedprotocol' && ours === 61 ? 'the name of protocol 68 for protocol 61' : undefined,
};

/** A template of ours in their terms. */
function templateElements({ id, kind, scopeCount, fields }: TemplateRecord): DecodedRecord {
  const elements: Record<string, number> = {
    template_id: id,
    field_count: fields.length,
    scope_field_count: scopeCount,
    options_scope_length: scopeCount * 4,
    options_length: (fields.length - scopeCount) * 4,
  };
  fields.forEach((field, place) => {
    elements[`${place} number`] = field.id;
    elements[`${place} length`] = field.length;
    if (field.enterprise !== 0) elements[`${place} enterprise`] = field.enterprise;
  });
  return { ...asRecord(elements), kind };
}

/** One datagram a line. */
function hexDatagrams(text: string): CaseDatagram[] {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  return lines.map((line) => ({ host: '192.0.2.1', port: 2055, payload: Buffer.from(line.trim(), 'hex') }));
}

export async function netflowParserValues(corpus: string): Promise<SourceValues> {
  const folder = join(corpus, 'netflow_parser');
  const cases = new Map(corpusCases(corpus).map((one) => [one.case, one]));
  const values = newValues();
  for (const file of readdirSync(folder).filter((name) => name.endsWith('.snap.yaml'))) {
    const where = file.replace('.snap.yaml', '');
    const one = cases.get(`netflow_parser/${where}`);
    const datagrams =
      one === undefined
        ? hexDatagrams(readFileSync(join(folder, `${where}.hex`), 'utf8'))
        : await caseDatagrams(corpus, one);
    const decoded = decodeWhole([...hexDatagrams(TEMPLATES[where] ?? ''), ...datagrams]);
    const theirs = readSnapshot(join(folder, file), decoded.templates);
    const headers = decoded.headers.map(asRecord);
    const templates = decoded.templates.map(templateElements);
    // A snapshot may have a message twice that the datagrams have once: records are not taken away.
    for (const fields of theirs.headers) addRecord(values, `${where}, header`, fields, headers, headerRules);
    for (const fields of theirs.templates) addRecord(values, `${where}, template`, fields, templates, templateRules);
    for (const fields of theirs.fixed) addRecord(values, where, fields, decoded.records, fixedRules);
    for (const { kind, fields } of theirs.records) {
      const candidates = decoded.records.filter((record) => record.kind === kind);
      addRecord(values, where, fields, candidates, recordRules);
    }
    if (theirs.names > 0) count(values.outside, 'field_type: their name of the number beside it', theirs.names);
  }
  return values;
}
