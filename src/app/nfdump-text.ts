import { isNfdumpField } from './nfdump-fields.ts';

/** A record as text by field, with the number of its line (CSV) or its own (JSON). */
export interface NfdumpRecord {
  readonly number: number;
  readonly fields: Iterable<readonly [name: string, text: string]>;
}

/** Longer lines and objects are none of nfdump's. */
const LONGEST = 64 << 10;

export type NfdumpForm = 'csv' | 'json';

/** Which of nfdump's forms a text begins with; undefined for any other. */
export function nfdumpForm(start: Uint8Array): NfdumpForm | undefined {
  const text = Buffer.from(start).toString('latin1').trimStart();
  if (/^(\[\s*)?\{\s*"(type|cnt|sampled|export_sysid|first|t_first)"/.test(text)) return 'json';
  const names = (text.split(/\r?\n/, 1)[0] ?? '').split(',').map((name) => name.trim());
  const known = names.filter(isNfdumpField).length;
  return names.length >= 5 && known >= names.length / 2 && /^(ts|firstSeen|cnt)$/.test(names[0] ?? '')
    ? 'csv'
    : undefined;
}

/**
 * The records of `nfdump -o csv`: the columns that the header names, whatever nfdump's version. What follows the records (a summary) is left out. A line that
 * is longer than 64 KiB or has other columns than the header is given without fields, so that it is counted.
 */
export async function* readNfdumpCsv(
  source: AsyncIterable<Uint8Array>,
): AsyncGenerator<NfdumpRecord[], void, undefined> {
  let names: readonly string[] | undefined;
  let number = 0;
  for await (const lines of linesOf(source)) {
    const records: NfdumpRecord[] = [];
    for (const line of lines) {
      number++;
      const text = line.trim();
      if (text === '' || text === 'No matching flows') continue;
      if (text === 'Summary') {
        yield records;
        return;
      }
      const cells = text.split(',').map((cell) => cell.trim());
      if (names === undefined || cells[0] === names[0]) names = cells;
      else {
        const header = names;
        const isWhole = cells.length >= header.length && cells.length <= header.length + 1;
        records.push({ number, fields: isWhole ? header.map((name, index) => [name, cells[index] ?? '']) : [] });
      }
    }
    yield records;
  }
}

async function* linesOf(source: AsyncIterable<Uint8Array>): AsyncGenerator<string[], void, undefined> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of source) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = (lines.pop() ?? '').slice(0, LONGEST);
    yield lines;
  }
  if (rest !== '') yield [rest];
}

/** The records of `nfdump -o json`: objects of an array, or one after the other. One that is no JSON or too long is given without fields. */
export async function* readNfdumpJson(
  source: AsyncIterable<Uint8Array>,
): AsyncGenerator<NfdumpRecord[], void, undefined> {
  const decoder = new TextDecoder();
  let [text, depth, isText, isEscaped, number] = ['', 0, false, false, 0];
  for await (const chunk of source) {
    const records: NfdumpRecord[] = [];
    const more = decoder.decode(chunk, { stream: true });
    let from = 0;
    for (let at = 0; at < more.length; at++) {
      const char = more[at];
      if (isEscaped) isEscaped = false;
      else if (isText) {
        if (char === '\\') isEscaped = true;
        else if (char === '"') isText = false;
      } else if (char === '"') isText = depth > 0;
      else if (char === '{' && depth++ === 0) {
        text = '';
        from = at;
      } else if (char === '}' && depth > 0 && --depth === 0) {
        records.push({ number: ++number, fields: fieldsOf(text + more.slice(from, at + 1)) });
        text = '';
      }
    }
    if (depth > 0) text = (text + more.slice(from)).slice(0, LONGEST);
    yield records;
  }
}

function fieldsOf(text: string): [string, string][] {
  try {
    const object = JSON.parse(text) as Record<string, unknown>;
    return Object.entries(object).flatMap(([name, value]): [string, string][] =>
      typeof value === 'string' || typeof value === 'number' ? [[name, String(value)]] : [],
    );
  } catch {
    return [];
  }
}
