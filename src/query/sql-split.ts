/** Statements of a text, and what stands behind the last semicolon. */
export interface SplitSql {
  readonly statements: readonly string[];
  readonly rest: string;
}

/** Texts, quoted names and comments, in which a semicolon means nothing; one that is not closed goes on to the end. */
const OPAQUE = /'(?:[^']|'')*(?:'|$)|"(?:[^"]|"")*(?:"|$)|--[^\n]*|\/\*[^]*?(?:\*\/|$)|\$\$[^]*?(?:\$\$|$)|;/g;

/** Splits a text at the semicolons between statements. */
export function splitSql(text: string): SplitSql {
  const statements: string[] = [];
  let begin = 0;
  for (const { 0: found, index } of text.matchAll(OPAQUE)) {
    if (found !== ';') continue;
    const statement = text.slice(begin, index).trim();
    if (!isEmptySql(statement)) statements.push(statement);
    begin = index + 1;
  }
  return { statements, rest: text.slice(begin) };
}

/** Whether there is nothing but spaces and comments. */
export function isEmptySql(text: string): boolean {
  return text.replaceAll(OPAQUE, (found) => (/^(?:--|\/\*|;)/.test(found) ? '' : 'x')).trim() === '';
}
