// Whether two programs gave the same answer: the figures in it, in their order. Names of equal amounts may come in either order.

/** The bytes of each row of `weir query --format ndjson`. */
export function weirBytes(text) {
  return lines(text).map((line) => Number(JSON.parse(line).bytes));
}

/** The bytes of each row of `nfdump -o csv`; statistics call them `byt` or `ibyt`, aggregated flows `ibyt`. The lines of the summary are shorter. */
export function nfdumpBytes(text) {
  const [heading = '', ...rows] = text.split('\n');
  const column = heading.split(',').findIndex((name) => name === 'byt' || name === 'ibyt');
  return rows.map((row) => Number(row.split(',')[column])).filter((bytes) => bytes > 0);
}

export const lines = (text) => text.split('\n').filter((line) => line !== '');

export const areEqual = (a, b) => a.length > 0 && a.length === b.length && a.every((value, i) => value === b[i]);
