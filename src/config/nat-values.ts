import { type ExportTarget, parseExportTarget } from '../export/target.ts';
import { RECORD_FORMS, type RecordForm } from '../nat/record-layouts.ts';
import { parseSyslogTarget, type SyslogTarget } from '../sink/syslog-target.ts';
import { WeirError } from '../util/errors.ts';

/** A collector, and what it is told of connections where that is not the usual. */
export interface NatTargetSetting {
  readonly text: string;
  readonly target: ExportTarget;
  readonly forms: readonly RecordForm[] | undefined;
}

/** A line for syslog, as `text` said it. */
export interface NatSyslogSetting {
  readonly text: string;
  readonly target: SyslogTarget;
}

const MARK = /^(0x[0-9a-f]{1,8}|\d{1,10})(?:\/(0x[0-9a-f]{1,8}|\d{1,10}))?$/i;

/** Reads `ipfix://192.0.2.7:4739` or `ipfix://192.0.2.7?records=flows,events`. Throws WEIR_USAGE. */
export function parseNatTarget(text: string): NatTargetSetting {
  const found = /^(.*?)\?records=([\w,-]+)$/.exec(text);
  const target = parseExportTarget(found?.[1] ?? text);
  if (target.protocol === 'sflow')
    throw new WeirError('WEIR_USAGE', `${text.slice(0, 100)}: sFlow has no records of connections.`, {
      hint: 'Use ipfix, netflow9 or netflow5.',
    });
  return { text, target, forms: found === null ? undefined : parseForms(found[2] as string) };
}

/** Reads forms of records with commas between them. Throws WEIR_USAGE. */
export function parseForms(text: string): RecordForm[] {
  return text.split(',').map((one) => {
    const form = RECORD_FORMS.find((known) => known === one.trim());
    if (form !== undefined) return form;
    throw new WeirError('WEIR_USAGE', `${one.slice(0, 40)} is no form of records.`, {
      hint: `There are ${RECORD_FORMS.join(', ')}; docs/nat.md tells what each has.`,
    });
  });
}

export function parseNatSyslog(text: string): NatSyslogSetting {
  return { text, target: parseSyslogTarget(text, { facility: 'local6', severity: 'info', ident: 'weir' }) };
}

/** Reads `VALUE` or `VALUE/MASK`; undefined when it is none. */
export function parseMark(text: string): { value: number; mask: number } | undefined {
  const found = MARK.exec(text);
  if (found === null) return undefined;
  const [value, mask] = [Number(found[1]), found[2] === undefined ? 0xffff_ffff : Number(found[2])];
  return value > 0xffff_ffff || mask > 0xffff_ffff ? undefined : { value, mask };
}
