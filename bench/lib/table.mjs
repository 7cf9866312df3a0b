/** A plain table: rows of strings, the first row the heading; numbers stand right. */
export function table(rows) {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => String(row[column] ?? '').length)));
  const isNumber = rows[0].map((_, column) =>
    rows.slice(1).every((row) => /^([-–\d.,\s×%]|$)+$/.test(String(row[column] ?? ''))),
  );
  const line = (row) =>
    row
      .map((cell, column) => {
        const text = String(cell ?? '');
        return isNumber[column] ? text.padStart(widths[column]) : text.padEnd(widths[column]);
      })
      .join('  ')
      .trimEnd();
  return [line(rows[0]), widths.map((width) => '-'.repeat(width)).join('  '), ...rows.slice(1).map(line)].join('\n');
}

/** A number for people: three digits that matter; an en dash for none. */
export function show(value, unit = '') {
  if (value === undefined || value === null || Number.isNaN(value)) return '–';
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : Math.abs(value) >= 0.1 || value === 0 ? 2 : 3;
  return `${value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits })}${unit}`;
}

/** A whole number for people. */
export const count = (value) => (value === undefined ? '–' : value.toLocaleString('en-US'));

/**
 * One line of the comparison: `weir` and `peer` in the same unit. The ratio is "how many times better than the peer" for `higher` and
 * "how many times the peer's cost" for `lower`; `goal` is a sentence and `met` says whether it is reached.
 */
export function compare(what, unit, weir, peerName, peer, goal, met) {
  const ratio = weir === undefined || peer === undefined ? undefined : weir / peer;
  const isKnown = peerName === undefined ? weir !== undefined : ratio !== undefined;
  return { what, unit, weir, peerName, peer, ratio, goal, met: isKnown ? met?.(weir, ratio) : undefined };
}

/** The comparisons of all benchmarks as one table. */
export function comparisonTable(comparisons) {
  const rows = comparisons.map(({ what, unit, weir, peerName, peer, ratio, goal, met }) => [
    what,
    unit,
    show(weir),
    show(peer),
    peerName ?? '',
    ratio === undefined ? '' : show(ratio, '×'),
    goal ?? '',
    met === undefined ? '' : met ? 'yes' : 'NO',
  ]);
  return table([['what', 'unit', 'weir', 'peer', 'which', 'weir/peer', 'goal', 'met'], ...rows]);
}
