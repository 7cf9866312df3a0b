/** Text as an SQL literal of DuckDB's. */
export function sqlText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** The path of exactly this file, for DuckDB's readers: characters that would match several files stand for themselves. */
export function sqlFile(path: string): string {
  return sqlText(path.replaceAll(/[[*?]/g, '[$&]'));
}

/** A list of exactly these files, for DuckDB's readers. */
export function sqlFileList(paths: readonly string[]): string {
  return `[${paths.map(sqlFile).join(', ')}]`;
}
