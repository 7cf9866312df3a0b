import type { Command } from 'commander';
import type { Io } from './io.ts';

/** The command line without actions of its own, for who tells of it: every command, with the flags of those that `wants` names. */
export type DescribeCommands = (wants: (name: string) => boolean) => Promise<Command>;

/**
 * One file per command exports this shape. `build` adds flags, help and examples to a fresh `Command` and sets its action; the action
 * throws `WeirError` for what went wrong and may set an exit code through `io`'s caller by returning it from `run`.
 */
export interface CommandModule {
  /** Configures `command` (already named); `exit` is called with the exit code when it is not 0. */
  build(command: Command, io: Io, exit: (code: number) => void, describe: DescribeCommands): void;
}
