import { protocolName } from '../../filter/protocols.ts';
import { serviceName } from '../../filter/services.ts';
import { WeirError } from '../../util/errors.ts';
import { CONVERSATION_LISTED } from '../bidirectional.ts';
import { type Cell, createCell } from '../cells.ts';
import type { Rows } from '../duck.ts';
import type { AnswerColumn } from '../plan.ts';
import { humanDuration, humanTime, scaled, scaledBytes } from './humanize.ts';
import type { Output, OutputOptions } from './output.ts';
import { hostForPeople, lookUpHosts } from './people.ts';
import { type SummaryFacts, summaryText } from './summary.ts';
import { Table } from './table.ts';

const NONE = '-';
const COLUMNS = [
  { label: 'start', right: false, whole: true },
  { label: 'service', right: false, whole: true },
  { label: 'size', right: true },
  { label: 'duration', right: true },
  { label: 'packets', right: true },
  { label: 'who', right: false, whole: true },
];

/** A conversation a line, as one would tell it: when, which service, how much, how long, from whom to whom. */
export class ConversationOutput implements Output {
  readonly forPeople: boolean;
  readonly listed = CONVERSATION_LISTED;
  readonly #options: OutputOptions;
  readonly #table: Table;
  #cells: ReadonlyMap<string, Cell> = new Map();
  #hasHeader = false;

  constructor(options: OutputOptions) {
    const { spec, quiet, width, colour } = options;
    if (!spec.bidirectional || spec.sums || spec.columns.length > 0) {
      throw new WeirError('WEIR_USAGE', '--format conversations lists conversations, in columns of its own', {
        hint: 'weir analyze does so; or weir query --bidirectional --format conversations, without --by and --columns',
      });
    }
    this.#options = options;
    this.forPeople = quiet !== true;
    this.#table = new Table(COLUMNS, { width, colour });
  }

  begin(answer: readonly AnswerColumn[]): Promise<boolean> {
    this.#cells = new Map(answer.map(({ name, kind, at, column }) => [name, createCell(kind, at, column)]));
    return Promise.resolve(true);
  }

  async rows(rows: Rows, first: number): Promise<boolean> {
    if (first >= rows.count) return true;
    for (const cell of this.#cells.values()) cell.bind(rows);
    const ends = ['src_addr', 'dst_addr'].flatMap((name) => this.#cells.get(name) ?? []);
    await lookUpHosts(this.#options.hosts, ends, rows, first);
    const lines: string[][] = [];
    for (let row = first; row < rows.count; row++) lines.push(this.#line(row));
    const header = this.#hasHeader ? '' : this.#table.header(lines);
    this.#hasHeader = true;
    return this.#options.write((this.forPeople ? header : '') + this.#table.lines(lines));
  }

  #line(row: number): string[] {
    const { zone, plain } = this.#options;
    const number = (name: string) => this.#cells.get(name)?.number(row) ?? Number.NaN;
    const both = (name: string) => (number(name) || 0) + (number(`reverse_${name}`) || 0);
    const duration = number('duration');
    return [
      humanTime(number('time_start'), zone).slice(0, 19),
      this.#service(number('proto'), number('src_port'), number('dst_port')),
      plain ? String(both('bytes')) : scaledBytes(both('bytes')),
      plain ? (duration / 1e6).toFixed(3) : humanDuration(duration),
      plain ? String(both('packets')) : scaled(both('packets')),
      `from ${this.#host('src_addr', row)} to ${this.#host('dst_addr', row)}`,
    ];
  }

  /** The service is that of the side that did not begin, unless only the other one's port has a name. */
  #service(proto: number, srcPort: number, dstPort: number): string {
    const protocol = Number.isNaN(proto) ? NONE : (protocolName(proto) ?? `proto ${proto}`);
    if (Number.isNaN(dstPort)) return protocol;
    return serviceName(dstPort) ?? serviceName(srcPort) ?? `${protocol}/${dstPort}`;
  }

  #host(column: string, row: number): string {
    const address = this.#cells.get(column)?.text(row);
    if (address === undefined) return NONE;
    const name = hostForPeople(address, this.#options.hosts);
    return name === address ? address : `${name} (${address})`;
  }

  end(facts: SummaryFacts): Promise<boolean> {
    if (!this.forPeople) return Promise.resolve(true);
    const text = summaryText(facts);
    return this.#options.write(this.#hasHeader ? text : text.slice(1));
  }
}
