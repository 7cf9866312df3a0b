import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Command, Option } from 'commander';
import type { FormatName } from '../query/output/format.ts';
import { hasColour, type Io, write } from './io.ts';
import { runCancellable } from './query.ts';
import { addZone, type ZoneFlags, zoneOf } from './zone.ts';

const EXAMPLES = `
Tables: flows (addresses and words as text), flows_raw (as stored: addresses as two numbers NAME_hi and NAME_lo, fast to search and
group), quality (what each exporter sent and how much of it arrived, by the minute), names (of interfaces, applications … and when they
held), counters and interface_rates (of sFlow agents). Functions: addr(hi, lo), in_net(hi, lo, '10.0.0.0/8'), mac(n), proto_name(n).
Statements only read, and reach nothing but these tables.

Examples:
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
  readonly format: FormatName;
}

/** Adds the flags of `weir sql` and its action. */
export function build(command: Command, io: Io, exit: (code: number) => void): void {
  addZone(command, 'zone of --from and --to (times in answers are always UTC)')
    .argument('<statement...>', 'one SELECT')
    .option('--data <dir>', 'data folder', './weir-data')
    .option('--from <time>', 'only flows that end at this time or later')
    .option('--to <time>', 'only flows that begin before this time')
    .addOption(
      new Option('--format <format>', 'form of the answer')
        .choices(['table', 'csv', 'json', 'ndjson'])
        .default('table'),
    )
    .addHelpText('after', EXAMPLES)
    .action(async (words: string[], flags: Flags) => {
      exit(await sql(words.join(' '), flags, io));
    });
}

async function sql(statement: string, flags: Flags, io: Io): Promise<number> {
  const begun = io.now();
  const [{ parseSpan }, { SqlQuery }] = await Promise.all([import('../query/time.ts'), import('../query/sql-run.ts')]);
  const running = new SqlQuery({
    data: flags.data,
    sql: statement,
    span: parseSpan(flags.from, flags.to, { now: io.now(), zone: zoneOf(flags) }),
    format: flags.format,
    width: io.stdout.isTTY === true ? io.stdout.columns : undefined,
    colour: hasColour(io.stdout, io.env),
    write: (text) => write(io.stdout, text),
    warn: (text) => io.stderr.write(`note: ${text}\n`),
    clock: () => io.now() - begun,
    temporary: join(tmpdir(), `weir-sql-${process.pid}`),
  });
  return runCancellable(running, io);
}
