import { protocolName } from '../filter/protocols.ts';
import type { Zone } from '../filter/time-literal.ts';
import { formatFlags } from '../filter/values.ts';
import { type FlowBatch, forEachRun } from '../flow/batch.ts';
import { jsonText } from '../flow/extra.ts';
import type { Layout } from '../flow/layout.ts';
import { macText, recordAt } from '../flow/record.ts';
import { COLUMNS, findColumn } from '../flow/schema.ts';
import { FIRST_SLOT } from '../flow/slots.ts';
import { humanDuration, humanNumber, humanTime, scaled, scaledBytes, zoneName } from '../query/output/humanize.ts';
import { printable } from '../query/output/table.ts';
import { formatAddress } from '../util/address.ts';
import { VARIABLE } from '../wire/template.ts';
import type { Happening } from './decode-events.ts';
import type { Printer } from './decode-json.ts';

export interface TextOptions {
  readonly zone: Zone;
  /** All fields of each record, wrapped to `width`. */
  readonly long: boolean;
  readonly width: number;
}

const VERSIONS: Readonly<Record<number, string>> = {
  1: 'sflow',
  2: 'v5',
  3: 'v9',
  4: 'ipfix',
  11: 'v1',
  12: 'sflow',
  14: 'sflow',
  16: 'v6',
  17: 'v7',
  18: 'v8',
  21: 'meter',
};
/** The kind of record that sums up flows. */
const AGGREGATE = 5;
/** Kinds of record that have no duration: NAT and firewall events, single packets. */
const EVENTS: readonly number[] = [2, 3, 4, 6];
const FLOW_TYPE_WORDS: Readonly<Record<string, string>> = { netflow_v9: 'NetFlow v9', ipfix: 'IPFIX' };

/** A line per record: time, exporter, version, addresses and ports, protocol, flags, counters, duration, and what else says much. */
export function textPrinter({ zone, long, width }: TextOptions, add: (text: string) => void): Printer {
  let day = '';
  return {
    batch(batch) {
      forEachRun(batch, (layout, first, end) => {
        const read = rowReader(batch, layout);
        for (let row = first; row < end; row++) {
          const micros = read.number('time_received', row) ?? 0;
          const received = humanTime(micros, zone);
          if (!received.startsWith(day) || day === '') {
            day = received.slice(0, 10);
            add(`# ${day} ${zoneName(zone, micros / 1000)}\n`);
          }
          add(`${flowLine(read, row, zone, day)}\n`);
          if (long) add(wrapped(fieldsOf(batch, layout, row), width));
        }
      });
    },
    event: (event) => add(eventText(event, width)),
    end() {},
  };
}

interface RowReader {
  /** The value of a column; undefined where the record has none. */
  number(column: string, row: number): number | undefined;
  address(column: string, row: number): string | undefined;
  mac(column: string, row: number): string | undefined;
  text(column: string, row: number): string | undefined;
}

/** Reads the rows of a run; which columns it has is found out once. */
function rowReader(batch: FlowBatch, layout: Layout): RowReader {
  const slots = new Map<string, number>();
  for (const column of layout.columns) slots.set(COLUMNS[column]?.name ?? '', FIRST_SLOT[column] as number);
  const arrayOf = (column: string) => {
    const slot = slots.get(column);
    return slot === undefined ? undefined : batch.arrays[slot];
  };
  const wide = new Set(COLUMNS.filter(({ type }) => type === 'u64' || type === 'time').map(({ name }) => name));
  return {
    number(column, row) {
      const array = arrayOf(column);
      if (array === undefined) return undefined;
      if (!wide.has(column)) return array[row];
      return (array[row * 2 + 1] as number) * 4_294_967_296 + (array[row * 2] as number);
    },
    address(column, row) {
      const high = arrayOf(column);
      const low = high === undefined ? undefined : batch.arrays[(slots.get(column) as number) + 1];
      if (high === undefined || low === undefined) return undefined;
      const at = row * 2;
      return formatAddress(high[at + 1] as number, high[at] as number, low[at + 1] as number, low[at] as number);
    },
    mac(column, row) {
      const array = arrayOf(column);
      return array === undefined ? undefined : macText(array[row * 2] as number, array[row * 2 + 1] as number);
    },
    text(column, row) {
      const code = arrayOf(column)?.[row] ?? 0;
      return code === 0 ? undefined : printable(batch.texts[code] ?? '');
    },
  };
}

function flowLine(read: RowReader, row: number, zone: Zone, day: string): string {
  const start = read.number('time_start', row) ?? read.number('time_received', row) ?? 0;
  const time = humanTime(start, zone);
  const proto = read.number('proto', row);
  const flags = read.number('tcp_flags', row) ?? 0;
  const parts = [
    time.startsWith(day) ? time.slice(11) : time,
    (read.address('exporter', row) ?? '-').padEnd(15),
    (VERSIONS[read.number('flow_type', row) ?? 0] ?? '?').padEnd(5),
    endpoint(read, row, 'src').padStart(21),
    '→',
    endpoint(read, row, 'dst').padEnd(21),
    proto === undefined ? '-' : (protocolName(proto) ?? `proto ${proto}`),
  ];
  if (proto === 6 && flags > 0) parts.push(formatFlags(flags));
  const icmp = read.number('icmp_type', row);
  if ((proto === 1 || proto === 58) && icmp !== undefined)
    parts.push(`type ${icmp} code ${read.number('icmp_code', row) ?? 0}`);
  counters(read, row, parts);
  const end = read.number('time_end', row);
  const isEvent = EVENTS.includes(read.number('record_kind', row) ?? 0);
  if (end !== undefined && read.number('time_start', row) !== undefined && !isEvent) {
    parts.push(humanDuration(end - start));
  }
  others(read, row, parts);
  return parts.join(' ');
}

function counters(read: RowReader, row: number, parts: string[]): void {
  if (read.number('record_kind', row) === AGGREGATE) {
    const flows = read.number('flow_count', row);
    parts.push(flows === undefined ? 'aggregate' : `aggregate of ${scaled(flows)} flow${flows === 1 ? '' : 's'}`);
  }
  const packets = read.number('packets', row);
  const bytes = read.number('bytes', row);
  if (packets !== undefined) parts.push(packetsText(packets));
  if (bytes !== undefined) parts.push(scaledBytes(bytes));
  const [backPackets, backBytes] = [read.number('reverse_packets', row), read.number('reverse_bytes', row)];
  if (backPackets === undefined && backBytes === undefined) return;
  parts.push('back');
  if (backPackets !== undefined) parts.push(packetsText(backPackets));
  if (backBytes !== undefined) parts.push(scaledBytes(backBytes));
}

function packetsText(packets: number): string {
  return `${scaled(packets)} packet${packets === 1 ? '' : 's'}`;
}

/** Texts that are worth a place on the line, the surest name of the peer first. */
// biome-ignore format: one list
const NAMES = ['app_name', 'user_name', 'tls_server_name', 'http_host', 'dns_query', 'src_dns_name', 'dst_dns_name'];

/** What is worth a place on the line when the record has it. */
function others(read: RowReader, row: number, parts: string[]): void {
  const rate = read.number('sampling_rate', row) ?? 0;
  if (rate > 1) parts.push(`sampled 1:${rate}`);
  const [input, output] = [read.number('in_if', row), read.number('out_if', row)];
  if (input !== undefined || output !== undefined) parts.push(`if ${input ?? '-'}→${output ?? '-'}`);
  for (const name of ['nat_event', 'firewall_event']) {
    const value = read.number(name, row);
    if (value !== undefined)
      parts.push(`${name.slice(0, name.indexOf('_'))} ${COLUMNS[findColumn(name)]?.words?.[value] ?? value}`);
  }
  const translated = read.address('post_nat_src_addr', row) ?? read.address('post_nat_dst_addr', row);
  if (translated !== undefined)
    parts.push(`as ${endpoint(read, row, 'post_nat_src')} → ${endpoint(read, row, 'post_nat_dst')}`);
  const named = new Set<string>();
  for (const name of NAMES) {
    const value = read.text(name, row);
    // A name that has been said need not be said again.
    if (value === undefined || named.has(value)) continue;
    named.add(value);
    parts.push(`${name.replace(/_.*/, '')} ${value}`);
  }
}

/** Address and port; of what has no address a prefix, a MAC address, an AS, or the port alone. */
function endpoint(read: RowReader, row: number, side: string): string {
  const address = read.address(`${side}_addr`, row);
  const port = read.number(`${side}_port`, row);
  if (address === undefined) {
    const prefix = read.address(`${side}_prefix`, row);
    const ports = port === undefined ? '' : `:${port}`;
    if (prefix !== undefined) return `${prefix}/${read.number(`${side}_mask`, row) ?? '?'}${ports}`;
    const as = read.number(`${side}_as`, row);
    return read.mac(`${side}_mac`, row) ?? (as === undefined ? ports || '-' : `AS${as}`);
  }
  if (port === undefined) return address;
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

/** Every field of a record by its name, in the schema's order. */
function fieldsOf(batch: FlowBatch, layout: Layout, row: number): string[] {
  const fields: string[] = [];
  for (const [name, value] of Object.entries(recordAt(batch, layout, row))) {
    const column = COLUMNS[findColumn(name)];
    if (name === 'extra' && typeof value === 'object') {
      for (const [element, inner] of Object.entries(value)) fields.push(`${printable(element)} ${shown(inner)}`);
    } else if (typeof value === 'number' && column !== undefined) {
      fields.push(`${name} ${humanNumber(value, String(value), column)}`);
    } else fields.push(`${name} ${shown(value)}`);
  }
  return fields;
}

function shown(value: unknown): string {
  return printable(typeof value === 'string' ? value : jsonText(value));
}

/** Fields separated by two spaces, on indented lines no longer than `width` where that is possible. */
function wrapped(fields: readonly string[], width: number): string {
  let text = '';
  let line = '';
  for (const field of fields) {
    if (line !== '' && line.length + 2 + field.length > width) {
      text += `${line}\n`;
      line = '';
    }
    line += line === '' ? `    ${field}` : `  ${field}`;
  }
  return line === '' ? text : `${text}${line}\n`;
}

/** A counter structure: whose it is, then every value that the agent gave. */
function countersText(event: Happening & { readonly kind: 'counters' }, width: number): string {
  const { kind: _, time_received: _time, counter_kind, exporter, agent_addr, sub_agent, values, ...columns } = event;
  const fields = Object.entries({ ...columns, ...values })
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${printable(name)} ${shown(value)}`);
  const agent = `${exporter}, sFlow agent ${agent_addr}, sub-agent ${sub_agent}`;
  return `= ${printable(counter_kind)} counters of ${agent}\n${wrapped(fields, width)}`;
}

function eventText(event: Happening, width: number): string {
  if (event.kind === 'counters') return countersText(event, width);
  const from = `${event.template_id} of ${event.exporter}, ${FLOW_TYPE_WORDS[event.flow_type] ?? event.flow_type} observation domain ${event.observation_domain}`;
  switch (event.kind) {
    case 'template': {
      const fields = event.fields.map(
        ({ name, length, scope }) =>
          `${scope ? 'scope ' : ''}${printable(name)} ${length === VARIABLE ? 'variable' : length}`,
      );
      const kind = event.template_kind === 'options' ? 'options template' : 'template';
      return `= ${kind} ${from}: ${fields.length} fields\n${wrapped(fields, width)}`;
    }
    case 'withdrawal': {
      const kind = event.template_kind === 'options' ? 'options template' : 'template';
      return `= withdrawal of ${event.template_id === 0 ? `all ${kind}s ${from.slice(2)}` : `${kind} ${from}`}\n`;
    }
    case 'options': {
      const scope = Object.entries(event.scope).map(([name, value]) => `scope ${printable(name)} ${shown(value)}`);
      const fields = Object.entries(event.fields).map(([name, value]) => `${printable(name)} ${shown(value)}`);
      return `= options data ${from}\n${wrapped([...scope, ...fields], width)}`;
    }
    default:
      return '';
  }
}
