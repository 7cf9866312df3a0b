import type { Cursor } from './cursor.ts';
import { filterError } from './fault.ts';
import type { Subject } from './fields.ts';
import type { Operator } from './parse-operator.ts';
import { isNumberWord } from './parse-value.ts';
import { type CompareTest, type Comparison, compareTest, type FilterLeaf } from './tree.ts';

const COMPARISONS: readonly string[] = ['=', '<', '<=', '>', '>='] satisfies Comparison[];

/** What the values of a subject are to a comparison of two columns. */
const VALUES: Readonly<Record<Subject['value'], CompareTest['values'] | 'duration' | 'mac' | 'acl'>> = {
  number: 'number',
  flags: 'number',
  duration: 'duration',
  time: 'time',
  mac: 'mac',
  address: 'address',
  text: 'text',
  acl: 'acl',
};

/**
 * A column in the place of a value: `bytes > reverse_bytes`, `src_port = dst port`. Undefined when something else follows. Throws WEIR_FILTER when the
 * two cannot be compared.
 */
export function parseComparedColumn(cursor: Cursor, subject: Subject, kind: Operator['kind']): FilterLeaf | undefined {
  const token = cursor.peek();
  if (token.kind !== 'word' || !COMPARISONS.includes(kind) || isNumberWord(subject, token.value)) return undefined;
  const first = token.value.toLowerCase();
  const phrase = cursor.peek(1).kind === 'word' ? `${first} ${cursor.peek(1).value.toLowerCase()}` : '';
  const { subjects } = cursor.around.vocabulary;
  // A single word must be the name of a column: `app_name = user` means the text.
  const isPhrase = (first === 'src' || first === 'dst') && subjects.has(phrase);
  const one = subjects.get(first);
  const other = isPhrase ? subjects.get(phrase) : one?.name === first ? one : undefined;
  if (other === undefined) return undefined;
  const span = { start: token.start, end: isPhrase ? cursor.peek(1).end : token.end };
  const several = [subject, other].find(({ columns }) => columns.length > 1);
  if (several !== undefined) {
    const hint = `Name one: ${several.columns.join(', ')}.`;
    throw filterError(
      cursor.text,
      span,
      `${several.name} stands for several columns, which cannot be compared with one`,
      { hint },
    );
  }
  const [ours, theirs] = [VALUES[subject.value], VALUES[other.value]];
  if (ours !== theirs || ours === 'acl') {
    throw filterError(cursor.text, span, `${subject.name} and ${other.name} hold values of different kinds`, {
      hint: ours === 'text' ? `Put quotes around "${token.value.slice(0, 60)}" if it is meant as a text.` : undefined,
    });
  }
  cursor.next();
  if (isPhrase) cursor.next();
  const values = ours === 'duration' || ours === 'mac' ? 'number' : ours;
  return compareTest([subject.columns[0] as string, other.columns[0] as string], kind as Comparison, values);
}
