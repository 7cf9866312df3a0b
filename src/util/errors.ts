/**
 * The errors a person can meet. Each code stands in `docs/errors.md` with what to do about it.
 * Bad input from the network is never one of these: it is counted (see `session/counters.ts`).
 */
export const ERROR_CODES = [
  'WEIR_USAGE',
  'WEIR_CONFIG',
  'WEIR_FILTER',
  'WEIR_TIME',
  'WEIR_SQL',
  'WEIR_IMPORTED',
  'WEIR_INPUT',
  'WEIR_ELEMENTS',
  'WEIR_LISTEN',
  'WEIR_ALLOW_LIST',
  'WEIR_DATA_FOLDER',
  'WEIR_DATA_LOCKED',
  'WEIR_DATA_FOREIGN',
  'WEIR_DATA_EMPTY',
  'WEIR_CATALOGUE',
  'WEIR_STORE',
  'WEIR_SEND',
  'WEIR_LIVE',
  'WEIR_CONNTRACK',
  'WEIR_RUNNING',
  'WEIR_CAPTURE',
  'WEIR_CONTROL',
] as const;

export type ErrorCode = (typeof ERROR_CODES)[number];

/**
 * An error with a code from the closed list, a sentence that says what was found and what was expected, and a hint that says what to
 * do next. `details` are machine-readable facts (file, line, position …); `cause` keeps the error behind it.
 */
export class WeirError extends Error {
  override readonly name = 'WeirError';
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(
    code: ErrorCode,
    message: string,
    options: { hint?: string | undefined; details?: Record<string, unknown>; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.hint = options.hint;
    this.details = options.details ?? {};
  }
}

/** The `code` of a Node system error (`EADDRINUSE`, `ENOSPC` …), or undefined when `error` is not one. */
export function systemCode(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null | undefined)?.code;
  return typeof code === 'string' ? code : undefined;
}

/** The message of anything thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
