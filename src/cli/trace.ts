import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text as readStream } from 'node:stream/consumers';
import { type Command, Option } from 'commander';
import type { MailReport } from '../query/trace/abuse-mail.ts';
import type { TraceFlags, TraceQuestion } from '../query/trace/question.ts';
import { messageOf, WeirError } from '../util/errors.ts';
import { EXIT, hasColour, type Io, write } from './io.ts';
import { parseMemory } from './memory.ts';
import { showProgress } from './progress.ts';
import { stepBack } from './step-back.ts';
import { addZone, type ZoneFlags, zoneOf } from './zone.ts';

const EXAMPLES = `
Evidence is what exporters tell of translations: NAT events, port blocks, flows with translated addresses, firewall events, and the
three NetFlow v5 records that nfflowd sends for a connection. Times are those of weir query; without a zone they are local, or of
--zone, and the answer shows how they were understood. It exits with 0 when something was found and with 1 when not. See docs/trace.md.

Examples:
  weir trace 192.76.7.154:62380 --at "2009-07-30 11:14:40Z"          who was behind that address and port
  weir trace 192.76.7.154:62380 --at "2009-07-30 11:14:40Z" --to 74.125.6.225:80 --proto tcp --tolerance 2m
  weir trace [2001:db8::1]:443 --at -10m --format json               the answer as a record to keep
  weir trace --paste complaint.txt                                   what a mail asks for; - reads standard input
  weir trace --inside 10.0.195.106 --from today --until now          what an inside host used
`;

interface Flags extends TraceFlags, ZoneFlags {
  readonly data: string;
  readonly format: 'table' | 'json';
  readonly paste?: string;
  readonly explain?: boolean;
  readonly memory?: string;
}

/** Adds the flags of `weir trace` and its action. */
export function build(command: Command, io: Io, exit: (code: number) => void): void {
  addZone(command)
    .argument('[address]', 'the public address and port: 192.0.2.1:62380, [2001:db8::1]:443')
    .option('--data <dir>', 'data folder', './weir-data')
    .option('--at <time>', 'when it was')
    .option('--to <address>', 'the other end of the connection, with or without its port')
    .option('--proto <protocol>', 'tcp, udp or another, or its number')
    .option('--tolerance <time>', 'how far from the time a translation may have ended or begun (default: 5s)')
    .option('--ttl <time>', 'how long a translation lasts whose end was not seen (default: 7d)')
    .option('--inside <address>', 'the reverse: what this inside host, or this port of it, used')
    .option('--from <time>', 'in a range of time instead of --at: its beginning')
    .option('--until <time>', 'and its end (default: now)')
    .option('--paste <file>', 'find address, port and time in a mail about abuse; - for standard input')
    .option('--explain', 'say how it would be answered: which files would be read, and the statements')
    .option('--memory <size>', 'memory for the search, such as 512MB; the rest goes to disk (default: half)')
    .addOption(new Option('--format <format>', 'form of the answer').choices(['table', 'json']).default('table'))
    .addHelpText('after', EXAMPLES)
    .action(async (address: string | undefined, flags: Flags) => {
      exit(await trace(address, flags, io));
    });
}

/** A question, and the part of a mail that it was found in. */
interface Asked {
  readonly question: TraceQuestion;
  readonly report?: MailReport;
}

async function trace(address: string | undefined, flags: Flags, io: Io): Promise<number> {
  stepBack(flags.data);
  // The parts are loaded here, so that help needs none of them.
  const [{ explainTrace, traceInside, traceNat }, { QueryDuck }, { answerWriter }] = await Promise.all([
    import('../query/trace/trace.ts'),
    import('../query/duck.ts'),
    import('../query/trace/answer-writer.ts'),
  ]);
  const questions = await readQuestions(address, flags, io);
  const isTerminal = io.stdout.isTTY === true;
  const answers = answerWriter({
    format: flags.format,
    data: flags.data,
    askedAt: io.now(),
    zone: zoneOf(flags),
    width: isTerminal ? io.stdout.columns : undefined,
    colour: isTerminal && hasColour(io.stdout, io.env),
    write: (text) => {
      progress.clear();
      return write(io.stdout, text);
    },
  });
  const memoryBytes = flags.memory === undefined ? undefined : parseMemory(flags.memory);
  const duck = new QueryDuck({ temporary: join(tmpdir(), `weir-trace-${process.pid}`), memoryBytes });
  const progress = showProgress(io, () => duck.progress);
  const stopListening = io.onSignal((kind) => {
    if (kind === 'stop') duck.cancel();
  });
  let isAllFound = true;
  try {
    await duck.open();
    const source = { data: flags.data, duck };
    if (flags.explain === true) {
      for (const { question } of questions) if (!(await write(io.stdout, await explainTrace(source, question)))) break;
      return EXIT.ok;
    }
    for (const { question, report } of questions) {
      const isReverse = question.side === 'inside';
      const answer = isReverse ? await traceInside(source, question) : await traceNat(source, question);
      isAllFound &&= 'uses' in answer ? answer.uses.length > 0 : answer.class !== 'none';
      if (!(await answers.add(answer, report))) break;
    }
    await answers.end();
  } catch (error) {
    if (!duck.cancelled) throw error;
    io.stderr.write('cancelled\n');
    return EXIT.failed;
  } finally {
    progress.end();
    stopListening();
    duck.close();
  }
  return isAllFound ? EXIT.ok : EXIT.failed;
}

async function readQuestions(address: string | undefined, flags: Flags, io: Io): Promise<readonly Asked[]> {
  const context = { now: io.now(), zone: zoneOf(flags) };
  if (flags.paste === undefined) {
    const { readTraceQuestion } = await import('../query/trace/question.ts');
    return [{ question: readTraceQuestion(address, flags, context) }];
  }
  if (address !== undefined || flags.inside !== undefined) {
    throw new WeirError('WEIR_USAGE', '--paste takes the address from the mail', {
      hint: 'Leave the address out; --at, --to and --proto say what the mail does not.',
    });
  }
  const { mailQuestions } = await import('../query/trace/mail-questions.ts');
  const { questions, skipped } = mailQuestions(await readMail(flags.paste, io), flags, context);
  for (const text of skipped) io.stderr.write(`note: ${text}\n`);
  return questions;
}

async function readMail(file: string, io: Io): Promise<string> {
  try {
    return file === '-' ? await readStream(io.stdin) : await readFile(file, 'utf8');
  } catch (error) {
    throw new WeirError('WEIR_INPUT', `${file} cannot be read: ${messageOf(error)}`, {
      hint: 'Give the file with the mail, or - for standard input.',
      cause: error,
    });
  }
}
