import type { Write } from '../output/format.ts';
import type { MailReport } from './abuse-mail.ts';
import { traceJson, usesJson } from './answer-json.ts';
import { type TextOptions, traceText, usesText } from './answer-text.ts';
import { understoodJson, understoodText } from './mail-questions.ts';
import type { TraceAnswer, UsesAnswer } from './trace.ts';

export interface AnswerWriterOptions extends TextOptions {
  readonly format: 'table' | 'json';
  /** The data folder, and when it was asked (ms), for the record. */
  readonly data: string;
  readonly askedAt: number;
  readonly write: Write;
}

/** Writes answers one after the other, each under what was understood of the mail it answers. Both resolve false once nobody reads on. */
export interface AnswerWriter {
  add(answer: TraceAnswer | UsesAnswer, report: MailReport | undefined): Promise<boolean>;
  end(): Promise<boolean>;
}

export function answerWriter(options: AnswerWriterOptions): AnswerWriter {
  return options.format === 'json' ? jsonWriter(options) : textWriter(options);
}

function textWriter(options: AnswerWriterOptions): AnswerWriter {
  let before = '';
  return {
    add: (answer, report) => {
      const head = report === undefined ? '' : understoodText(report);
      const body = 'uses' in answer ? usesText(answer, options) : traceText(answer, options);
      const text = before + head + body;
      before = '\n';
      return options.write(text);
    },
    end: () => Promise.resolve(true),
  };
}

/** One object for the whole record. */
function jsonWriter({ askedAt, data, zone, write }: AnswerWriterOptions): AnswerWriter {
  const traces: object[] = [];
  return {
    add: (answer, report) => {
      const understood = report === undefined ? {} : { understood: understoodJson(report) };
      traces.push({ ...understood, ...('uses' in answer ? usesJson(answer, zone) : traceJson(answer, zone)) });
      return Promise.resolve(true);
    },
    end: () => {
      const record = { asked_at: new Date(askedAt).toISOString(), data, traces };
      return write(`${JSON.stringify(record, undefined, 2)}\n`);
    },
  };
}
