import { execFile } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type ServiceKind, stateFolder, systemdUnit, unitName } from '../app/systemd-unit.ts';
import { messageOf, systemCode, WeirError } from '../util/errors.ts';
import { EXIT, type Io, write } from './io.ts';

export interface ServicePlace {
  /** Folder of units. */
  readonly unitDir?: string | undefined;
  readonly user?: string | undefined;
  /** Folders outside of its own that it writes to. */
  readonly writes?: readonly string[] | undefined;
  readonly isStarted?: boolean | undefined;
}

const UNITS = '/etc/systemd/system';

/** Writes the unit of a service, and has systemd start it now and at each start of the machine; or only prints it. */
export async function installService(
  kind: ServiceKind,
  flags: readonly string[],
  isPrinted: boolean,
  io: Io,
  { unitDir = UNITS, user, writes = [], isStarted = true }: ServicePlace = {},
): Promise<number> {
  const program = [process.execPath, resolve(process.argv[1] ?? '')];
  const unit = systemdUnit({ kind, program, flags, user, writes });
  for (const note of notesOf(program, user)) await write(io.stderr, `note: ${note}\n`);
  if (isPrinted) {
    await write(io.stdout, unit);
    return EXIT.ok;
  }
  const name = unitName(kind);
  const file = join(unitDir, `${name}.service`);
  try {
    writeFileSync(file, unit);
  } catch (error) {
    throw new WeirError('WEIR_INPUT', `Cannot write ${file}: ${messageOf(error)}.`, {
      hint: 'Use sudo; --print shows the unit without installing it.',
      cause: error,
    });
  }
  await systemctl(['daemon-reload']);
  if (isStarted) await systemctl(['enable', '--now', `${name}.service`]);
  await write(
    io.stdout,
    `${file} is written${isStarted ? `, and ${name} runs now and at each start of the machine` : ''}\n  journalctl -u ${name}      what it says\n  systemctl status ${name}   how it goes\n`,
  );
  return EXIT.ok;
}

/** Stops a service and takes its unit away. Its data stay. */
export async function uninstallService(
  kind: ServiceKind,
  io: Io,
  { unitDir = UNITS }: ServicePlace = {},
): Promise<number> {
  const name = unitName(kind);
  const file = join(unitDir, `${name}.service`);
  await systemctl(['disable', '--now', `${name}.service`]);
  rmSync(file, { force: true });
  await systemctl(['daemon-reload']);
  await write(io.stdout, `${name} is stopped and ${file} is gone. Its data stay in ${stateFolder(kind)}.\n`);
  return EXIT.ok;
}

/** What systemd says of a service. Resolves to systemctl's exit code, which is that of LSB: 0 running, 3 not running, 4 no such unit. */
export async function serviceStatus(kind: ServiceKind, io: Io): Promise<number> {
  const { out, code } = await run(['status', '--no-pager', '--lines=5', `${unitName(kind)}.service`]);
  await write(io.stdout, out);
  return code;
}

function notesOf(program: readonly string[], user: string | undefined): string[] {
  const home = program.find((path) => /^\/(?:home|root)\//.test(path));
  if (home === undefined || user !== undefined) return [];
  return [
    `${home} is in a home folder, which the service's user may not be able to read: install it for all, or give --user`,
  ];
}

async function systemctl(args: readonly string[]): Promise<void> {
  const { out, code } = await run(args);
  if (code === 0) return;
  throw new WeirError('WEIR_INPUT', `systemctl ${args.join(' ')} has failed: ${out.trim().slice(0, 1000)}`, {
    hint: 'journalctl -xe may say more. Where there is no systemd, weir nat start runs it in the background.',
  });
}

function run(args: readonly string[]): Promise<{ out: string; code: number }> {
  return new Promise((done, fail) => {
    execFile('systemctl', args, { encoding: 'utf8', timeout: 180_000 }, (error, stdout, stderr) => {
      if (systemCode(error) === 'ENOENT')
        fail(
          new WeirError('WEIR_INPUT', 'There is no systemctl here: this machine does not run systemd.', {
            hint: '--print shows the unit; weir nat start runs it in the background without systemd.',
          }),
        );
      else done({ out: stdout + stderr, code: error === null ? 0 : typeof error.code === 'number' ? error.code : 1 });
    });
  });
}
