import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { PassThrough } from 'node:stream';
import { DuckDBInstance } from '@duckdb/node-api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { completeSql, historyPath, runSqlShell } from '#weir/cli/sql-shell.js';
import { splitSql } from '#weir/query/sql-split.js';
import { runProcess } from '../helpers/processes.ts';
import { repositoryPath } from '../helpers/repository.ts';
import { makeTempFolder, type TempFolder } from '../helpers/temp.ts';
import { describeWithTool, requireTool } from '../helpers/tools.ts';
import { weir } from '../helpers/weir.ts';
import { writeStore } from '../query/fixture.ts';

const NAME = {
  time_received: 0,
  exporter: '192.0.2.1',
  sender: '192.0.2.1',
  observation_domain: 1,
  kind: 'interface',
  key: '3',
  description: null,
} as const;

let folder: TempFolder;
beforeAll(async () => {
  folder = makeTempFolder('shell');
  await writeStore(
    folder.join('data'),
    [
      [
        { time_start: '2026-01-01T00:00:00Z', src_addr: '10.1.2.3', dst_port: 443, tcp_flags: 0x12, bytes: 100 },
        { time_start: '2026-01-01T00:01:00Z', src_addr: '2001:db8:1:2:3::4', dst_port: 9, tcp_flags: 0x3f, bytes: 50 },
      ],
    ],
    {
      names: [
        { ...NAME, name: 'old', valid_from: Date.UTC(2025, 0, 1) * 1000, valid_until: Date.UTC(2025, 11, 1) * 1000 },
        { ...NAME, name: 'uplink', valid_from: Date.UTC(2025, 11, 1) * 1000, valid_until: null },
        { ...NAME, observation_domain: 2, name: 'other', valid_from: Date.UTC(2025, 11, 2) * 1000, valid_until: null },
      ],
    },
  );
});
afterAll(() => folder.remove());
const sql = (args: readonly string[], stdin?: string) =>
  weir(['sql', '--data', folder.join('data'), ...args], stdin === undefined ? {} : { input: stdin });

describe('functions', () => {
  it('net, service, flags', async () => {
    const select = `select net(src_addr_hi, src_addr_lo, 24) a, net(src_addr_hi, src_addr_lo, 16, v6 := 48) b, service(dst_port) s, flags(tcp_flags) f from flows_raw order by bytes desc`;
    const { stdout, stderr } = await sql([select, '--format', 'csv']);
    expect(stderr).toBe('');
    expect(stdout).toBe(
      'a,b,s,f\n10.1.2.0/24,10.1.0.0/16,https,.A..S.\n2001:db8:1:2::/64,2001:db8:1::/48,discard,UAPRSF\n',
    );
  });
});

describe('forms', () => {
  const BY = "select dst_port, sum(bytes) as b, 'a|b' as t from flows group by 1 order by 1";

  it('markdown', async () => {
    const { stdout } = await sql([BY, '--format', 'markdown']);
    expect(stdout).toBe('| dst\\_port | b | t |\n| ---: | ---: | --- |\n| 9 | 50 | a\\|b |\n| 443 | 100 | a\\|b |\n');
  });

  it('chart: over time, and bars', async () => {
    const time = await sql(['select time_start, bytes from flows order by 1', '--format', 'chart']);
    expect(time.stdout).toMatch(/^bytes\n100 [|+]#/);
    expect(time.stdout).toContain('00:00');
    const bars = await sql([BY, '--format', 'chart']);
    expect(bars.stdout).toMatch(/^b\n9 a\|b {3}#+ +50\n443 a\|b #+ +100\n$/);
    expect((await sql(["select 'a'", '--format', 'chart'])).stderr).toContain('a chart needs a number');
  });

  it.each([`${BY}; -- ;`, 'describe flows', "values ('a', 1)"])(
    'parquet, in a file that appears when it is whole: %s',
    async (statement) => {
      const file = folder.join('answer.parquet');
      const { stdout, stderr, code } = await sql([statement, '--format', 'parquet', '--output', file]);
      expect([code, stdout, stderr]).toEqual([0, '', '']);
      const { stdout: csv } = await sql([statement, '--format', 'csv']);
      const connection = await (await DuckDBInstance.create()).connect();
      const rows = (await connection.runAndReadAll(`from '${file}'`)).getRowsJson();
      expect(rows).toHaveLength(csv.trim().split('\n').length - 1);
      connection.closeSync();
      // The same on standard output.
      expect((await sql([statement, '--format', 'parquet'])).stdout.slice(0, 4)).toBe('PAR1');
      rmSync(file);
    },
  );

  it('leave no file of an answer that failed, and write none but the one', async () => {
    const file = folder.join('none.csv');
    const fails = await sql(['select 1 from nowhere', '--output', file]);
    expect(fails.code).toBe(2);
    const several = await sql(['--format', 'parquet', '--output', file], 'select 1; select 2');
    expect(several.stderr).toContain('a Parquet file has one answer, and there are 2 statements');
    for (const text of [`select 1) to '${file}' --`, `copy (select 1) to '${file}'`]) {
      expect((await sql([text, '--format', 'parquet', '--output', folder.join('other')])).stderr).toContain('WEIR_SQL');
    }
    expect(readdirSync(folder.path).sort()).toEqual(['data']);
    expect((await sql(['select 7 as x', '--output', file, '--format', 'csv'])).stdout).toBe('');
    expect(readFileSync(file, 'utf8')).toBe('x\n7\n');
  });
});

describe('name_at', () => {
  it('is the name that held at the time, of the domain', async () => {
    const at = (time: string, more = '') => `name_at('192.0.2.1', 'interface', 3, timestamp '${time}'${more})`;
    const select = `select ${at('2025-06-01')} a, ${at('2026-01-01', ', domain := 1')} b, ${at('2026-01-01', ', domain := 2')} c, ${at('2024-01-01')} d`;
    expect((await sql([select, '--format', 'csv'])).stdout).toBe('a,b,c,d\nold,uplink,other,\n');
    const each = `select name_at('192.0.2.1', 'interface', 3, time_start, domain := 1) n, count(*) c from flows group by 1`;
    expect((await sql([each, '--format', 'csv'])).stdout).toBe('n,c\nuplink,2\n');
  });
});

describe('statements', () => {
  it.each([
    ['a; b ;', ['a', 'b'], ''],
    ["select ';' ; x", ["select ';'"], ' x'],
    ['select "a;b" -- c;d\n;', ['select "a;b" -- c;d'], ''],
    ['/* ; */ ; $$ ; $$;', ['$$ ; $$'], ''],
    ["select 'it''s;", [], "select 'it''s;"],
  ])('%j', (text, statements, rest) => {
    expect(splitSql(text)).toEqual({ statements, rest });
  });
});

/** What the shell shows for these lines; `answer` stands for the store. */
async function shell(
  lines: string,
  answer: (sql: string, format: string | undefined) => Promise<boolean>,
  historyFile?: string,
  opened: unknown[] = [],
): Promise<string> {
  const [input, output] = [new PassThrough(), new PassThrough()];
  const query = { run: answer, cancel: () => {}, resume: () => {} };
  const nothing = () => Promise.resolve();
  const open = (file: string | undefined, isBinary: boolean) => {
    opened.push([file, isBinary]);
    return Promise.resolve({ path: '', write: () => Promise.resolve(true), finish: nothing, discard: nothing });
  };
  input.end(lines);
  await runSqlShell({ query, input, output, open, isTerminal: false, historyFile });
  return String(output.read());
}

describe('the shell', () => {
  it('runs statements of several lines, in the chosen form, and goes on after a mistake', async () => {
    const asked: unknown[] = [];
    const text = await shell(
      'select\n1;\n.mode csv\nselect 2; select 3;\n.tables\n.quit\nselect 4;\n',
      (statement, format) => {
        asked.push([statement, format]);
        return Promise.resolve(statement !== 'select 2');
      },
    );
    expect(asked).toEqual([
      ['select\n1', 'table'],
      ['select 2', 'csv'],
      ['select 3', 'csv'],
    ]);
    expect(text).toContain('  ...> ');
    expect(text).toContain('cancelled\n');
    expect(text).toContain('flows_raw\n');
  });

  it('sends the next answer to a file', async () => {
    const opened: unknown[] = [];
    const lines = '.mode parquet\n.output of today.parquet\n.columns names\nselect 1;\n.mode csv\nselect 2;\n';
    const text = await shell(lines, () => Promise.resolve(true), undefined, opened);
    expect(opened).toEqual([
      [undefined, false],
      ['of today.parquet', true],
      [undefined, false],
    ]);
    expect(text).toContain('written to of today.parquet\n');
  });

  it('completes tables, columns, functions, keywords and its own words', () => {
    expect(completeSql('select src_ad')).toEqual([['src_addr'], 'src_ad']);
    expect(completeSql('from flows_')).toEqual([['flows_raw'], 'flows_']);
    expect(completeSql('.ta')).toEqual([['.tables'], '.ta']);
    expect(completeSql('select in_n')[0]).toEqual(['in_net(']);
    expect(completeSql('selec')[0]).toEqual(['selection_sequence', 'select']);
  });

  it('has its history in the state folder', () => {
    expect(historyPath({ HOME: '/h' })).toBe('/h/.local/state/weir/sql_history');
    expect(historyPath({ HOME: '/h', XDG_STATE_HOME: '/s' })).toBe('/s/weir/sql_history');
  });
});

describeWithTool('script', 'the shell on a terminal', () => {
  it('answers, remembers what was asked where only its owner reads it, and Ctrl-C ends a statement alone', async () => {
    const state = folder.join('state');
    const command = [process.execPath, repositoryPath('bin/weir.js'), 'sql', '--data', folder.join('data')].join(' ');
    const keys = folder.join('keys.sh');
    // The statement that takes for ever is ended by the Ctrl-C that comes after it.
    writeFileSync(
      keys,
      `sleep 2; printf 'select sum(bytes) total from flows;\\r'; sleep 2; printf 'select count(*) from range(1000000) a, range(1000000) b where a.range * b.range = 7;\\r'; sleep 2; printf '\\003'; sleep 1; printf 'select 40 + 2 answer;\\r'; sleep 2; printf '.quit\\r'; sleep 1`,
    );
    const { stdout, code } = await runProcess(
      'sh',
      ['-c', `sh ${keys} | ${requireTool('script')} -qec '${command}' /dev/null`],
      { env: { XDG_STATE_HOME: state, TERM: 'xterm' } },
    );
    expect(code).toBe(0);
    expect(stdout).toMatch(/150/);
    expect(stdout).toMatch(/cancelled[^]*answer[^]*42/);
    const history = folder.join('state', 'weir', 'sql_history');
    expect(readFileSync(history, 'utf8').split('\n')[0]).toBe('select sum(bytes) total from flows;');
    expect(statSync(history).mode & 0o777).toBe(0o600);
  });
});

describe('statements from standard input', () => {
  it.each([[[]], [['-']]])('with %j', async (args) => {
    const { stdout } = await sql([...args, '--format', 'csv'], 'select 1 a; -- one;\nselect sum(bytes) b from flows');
    expect(stdout).toBe('a\n1\nb\n150\n');
  });
});

describe('hostile statements', () => {
  it.each([
    "select * from read_text('/etc/passwd')",
    "select * from read_csv('/etc/passwd')",
    "select * from read_blob('/etc/passwd')",
    "select * from '/etc/passwd.csv'",
    "select * from glob('/etc/*')",
    "select * from read_parquet('/etc/*.parquet')",
    "select * from read_json('http://127.0.0.1:1/x')",
    "select getenv('HOME')",
    "select * from query('copy flows to ''/tmp/weir-hostile.csv''')",
    "attach '/tmp/weir-hostile.db'",
    "copy flows to '/tmp/weir-hostile.csv'",
    'install httpfs',
    'load httpfs',
    "set memory_limit = '100GB'",
    'set lock_configuration = false',
    'reset memory_limit',
    'pragma memory_limit=100',
    "export database '/tmp/weir-hostile'",
    'create table t as select 1',
    'drop view flows',
    'call pragma_version()',
    'select 1; select 2',
  ])('%s: refused', async (statement) => {
    const { code, stdout, stderr } = await sql([statement, '--timeout', '20s']);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toContain('WEIR_SQL');
    expect(stderr).not.toContain('root:');
  });

  it.each([
    'with recursive r(n) as (select 1 union all select n + 1 from r) select count(*) from r',
    'select sum(range) from range(1000000000000)',
    'select count(*) from flows a, range(1000000) b, range(1000000) c where b.range * c.range = 7',
  ])('%s: ended by --timeout', async (statement) => {
    const { code, stderr } = await sql([statement, '--timeout', '1s', '--memory', '200MB']);
    expect([code, stderr]).toEqual([2, expect.stringMatching(/longer than 1 s|Out of Memory/i)]);
  });

  it('bounded by --memory', async () => {
    const { code, stderr } = await sql([
      "select list(range || 'xxxxxxxxxxxxxxxx') from range(100000000)",
      '--memory',
      '100MB',
      '--timeout',
      '60s',
    ]);
    expect([code, stderr]).toEqual([2, expect.stringMatching(/Out of Memory[^]*--memory/i)]);
  });
});
