import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Command, Option } from 'commander';
import type { SqlForm } from '../query/sql-output.ts';
import { WeirError } from '../util/errors.ts';
import { EXIT, hasColour, type Io, write } from './io.ts';
import { parseMemory } from './memory.ts';
import { type OutputFile, openOutput } from './output-file.ts';
import { showProgress } from './progress.ts';
import { runCancellable } from './query.ts';
import { timeSpan } from './sending.ts';
import { stepBack } from './step-back.ts';
import { addZone, type ZoneFlags, zoneOf } from './zone.ts';

const EXAMPLES = `
Tables: flows (addresses and words as text), flows_raw (as stored: addresses as two numbers NAME_hi and NAME_lo, fast to search and
group), quality (what each exporter sent and how much of it arrived, by the minute), names (of interfaces, applications … and when they
held), counters and interface_rates (of sFlow agents). Functions: addr(hi, lo), in_net(hi, lo, '10.0.0.0/8'), net(hi, lo, 24), mac(n), proto_name(n),
service(port), flags(tcp_flags), name_at(exporter, kind, key, time); docs/sql.md. Statements only read, and reach nothing but these tables.

Examples:
  weir sql                                             a shell, with history and completion
  weir sql --format csv < report.sql                   statements with ; between them
  weir sql --format parquet --output top.parquet "select src_addr, sum(bytes) b from flows group by 1"
  weir sql --format chart "select time_bucket(interval 5 minutes, time_start) t, sum(bytes) from flows group by 1"
  weir sql "describe flows"
  weir sql "select src_addr, sum(bytes) b from flows group by 1 order by b desc limit 10"
  weir sql "select time_bucket(interval 5 minutes, time_start) t, sum(bytes) * 8 / 300 bps from flows group by 1 order by 1"
  weir sql --from -1h "select proto_name(proto), count(*) from flows where dst_port = 443 group by 1"
  weir sql "select addr(src_addr_hi, src_addr_lo) a, sum(bytes) from flows_raw
            where in_net(dst_addr_hi, dst_addr_lo, '2001:db8::/32') group by src_addr_hi, src_addr_lo" --format csv
`;

interface Flags extends ZoneFlags {
  readonly data: string;
  readonly from?: string;
  readonly to?: string;
  readonly format: SqlForm;
  readonly output?: string;
  readonly memory?: string;
  readonly timeout?: number;
}

/** Adds the flags of `weir sql` and its action. */
export function build(command: Command, io: Io, exit: (code: number) => void): void {
  addZone(command, 'zone of --from and --to (times in answers are always UTC)')
    .argument('[statement...]', 'one SELECT; without it, or with -, those on standard input; on a terminal a shell')
    .option('--data <dir>', 'data folder', './weir-data')
    .option('--from <time>', 'only flows that end at this time or later')
    .option('--to <time>', 'only flows that begin before this time')
    .addOption(
      new Option('--format <format>', 'form of the answer')
        .choices(['table', 'chart', 'markdown', 'csv', 'json', 'ndjson', 'parquet'])
        .default('table'),
    )
    .option('--output <file>', 'write into this file, which appears when it is whole')
    .option('--memory <size>', 'memory for sums and sorting, such as 512MB; the rest goes to disk (default: half)')
    .option('--timeout <span>', 'end a statement that takes longer, such as 30s', timeSpan('--timeout'))
    .addHelpText('after', EXAMPLES)
    .action(async (words: string[], flags: Flags) => {
      exit(await sql(words, flags, io));
    });
}

async function sql(words: readonly string[], flags: Flags, io: Io): Promise<number> {
  stepBack(flags.data);
  const [{ parseSpan }, { SqlQuery }] = await Promise.all([import('../query/time.ts'), import('../query/sql-run.ts')]);
  const isTerminal = io.stdout.isTTY === true && flags.output === undefined;
  const isAsked = words.length > 0 && words.join() !== '-';
  const isShell = words.length === 0 && isTerminal && (io.stdin as { isTTY?: boolean }).isTTY === true;
  // The shell opens what each answer goes to.
  const open = async (file: string | undefined, isBinary: boolean) =>
    watched(
      await openOutput(file, isBinary, io),
      showProgress(io, () => query.progress),
    );
  const output = isShell ? undefined : await open(flags.output, flags.format === 'parquet');
  const query: InstanceType<typeof SqlQuery> = new SqlQuery({
    data: flags.data,
    span: parseSpan(flags.from, flags.to, { now: io.now(), zone: zoneOf(flags) }),
    format: flags.format,
    width: isTerminal ? io.stdout.columns : undefined,
    height: isTerminal ? io.stdout.rows : undefined,
    unicode: isTerminal && io.env['TERM'] !== 'dumb',
    colour: isTerminal && hasColour(io.stdout, io.env),
    write: (part) => (output === undefined ? write(io.stdout, part) : output.write(part)),
    warn: (text) => io.stderr.write(`note: ${text}\n`),
    clock: io.now,
    temporary: join(tmpdir(), `weir-sql-${process.pid}`),
    memoryBytes: flags.memory === undefined ? undefined : parseMemory(flags.memory),
    timeoutMs: flags.timeout,
  });
  try {
    if (output === undefined) {
      const { historyPath, runSqlShell } = await import('./sql-shell.ts');
      await query.open();
      const historyFile = historyPath(io.env);
      await runSqlShell({
        query,
        input: io.stdin,
        output: io.stdout,
        open,
        isTerminal,
        historyFile,
        mode: flags.format,
      });
      return EXIT.ok;
    }
    const statements = isAsked ? [words.join(' ')] : await readStatements(io);
    if (flags.format === 'parquet' && statements.length > 1) {
      throw new WeirError(
        'WEIR_USAGE',
        `a Parquet file has one answer, and there are ${statements.length} statements`,
        {
          hint: 'Give one statement, or another --format.',
        },
      );
    }
    const run = async (): Promise<boolean> => {
      await query.open();
      for (const statement of statements) if (!(await query.run(statement))) return false;
      return true;
    };
    const code = await runCancellable({ run, cancel: () => query.cancel() }, io);
    await (code === EXIT.ok ? output.finish() : output.discard());
    return code;
  } catch (error) {
    await output?.discard();
    throw error;
  } finally {
    query.close();
  }
}

/** An output in front of which the progress gives way. */
function watched(output: OutputFile, progress: ReturnType<typeof showProgress>): OutputFile {
  return {
    path: output.path,
    write: (part) => {
      progress.clear();
      return output.write(part);
    },
    finish: () => {
      progress.end();
      return output.finish();
    },
    discard: () => {
      progress.end();
      return output.discard();
    },
  };
}

/** Longest text that is read from standard input. */
const MOST_INPUT = 8 << 20;

/** The statements on standard input. Throws WEIR_SQL without any. */
async function readStatements({ stdin }: Io): Promise<readonly string[]> {
  const { isEmptySql, splitSql } = await import('../query/sql-split.ts');
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of stdin) {
    parts.push(Buffer.from(part as Uint8Array));
    length += (part as Uint8Array).length;
    if (length > MOST_INPUT) throw new WeirError('WEIR_SQL', `standard input has more than ${MOST_INPUT} octets`);
  }
  const { statements, rest } = splitSql(Buffer.concat(parts).toString('utf8'));
  const all = isEmptySql(rest) ? statements : [...statements, rest];
  if (all.length > 0) return all;
  throw new WeirError('WEIR_SQL', 'there is no statement on standard input', {
    hint: 'For example: weir sql "select src_addr, sum(bytes) from flows group by 1 order by 2 desc limit 10"',
  });
}
