import { accessSync, constants, existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { type DaemonFiles, daemonState } from '../app/daemon.ts';
import type { NatConfig } from '../config/nat-config.ts';
import { messageOf, WeirError } from '../util/errors.ts';
import { type Finding, failed, failure, ok, warning } from './check-finding.ts';
import { checkClock, outputOf } from './check-machine.ts';
import { printFindings } from './check-print.ts';
import type { Io } from './io.ts';
import { checkKernel } from './nat-check-kernel.ts';
import { requireOutput } from './nat-run.ts';

export interface NatCheck {
  readonly load: () => NatConfig;
  readonly files: DaemonFiles;
  readonly format: 'text' | 'json';
}

/** Looks whether `weir nat` can run here, and how well. Changes nothing. Resolves to the exit code. */
export async function checkNat({ load, files, format }: NatCheck, io: Io): Promise<number> {
  const findings: Finding[] = [];
  let config: NatConfig | undefined;
  try {
    config = load();
    findings.push(...checkConfig(config));
  } catch (error) {
    if (!(error instanceof WeirError) || error.code !== 'WEIR_CONFIG') throw error;
    findings.push(failed('configuration', error));
  }
  findings.push(...(await checkKernel(config?.conntrack ?? ['conntrack'], config?.bufferBytes ?? 64 << 20)));
  if (config !== undefined) findings.push(...(await checkPlaces(config)));
  findings.push(await checkClock(io.now()), checkState(files));
  return await printFindings(findings, { format, purpose: 'tell of connections' }, io);
}

function checkConfig(config: NatConfig): Finding[] {
  const { to, data, syslog, csv, notes } = config;
  const outputs = [...to, ...syslog].map(({ text }) => text);
  if (data !== undefined) outputs.push(data);
  const findings = notes.map((note) => warning('configuration', note));
  try {
    requireOutput(config);
    findings.unshift(ok('configuration', [...outputs, ...csv].join(', ')));
  } catch (error) {
    findings.unshift(failed('configuration', error));
  }
  return findings;
}

async function checkPlaces({ syslog, csv, data }: NatConfig): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const { text, target } of syslog) {
    if (target.transport !== 'local') continue;
    const socket = target.socket ?? '/dev/log';
    if ((await outputOf('logger', ['--version'])) === undefined)
      findings.push(
        failure(text, 'the program logger, which passes lines to syslog, is not there', 'apt-get install bsdutils'),
      );
    else if (existsSync(socket)) findings.push(ok(text, `${socket} is there`));
    else
      findings.push(
        warning(
          text,
          `${socket} is not there: no syslog runs, and lines wait until it does`,
          'systemctl enable --now rsyslog   # or systemd-journald',
        ),
      );
  }
  for (const path of [...csv.filter((one) => one !== '-'), ...(data === undefined ? [] : [data])]) {
    try {
      accessSync(existsSync(path) ? path : dirname(path), constants.W_OK);
      findings.push(ok(path, 'can be written'));
    } catch (error) {
      findings.push(
        failure(path, messageOf(error), `install -d ${dirname(path)}   # and as a user that may write there`),
      );
    }
  }
  return findings;
}

function checkState(files: DaemonFiles): Finding {
  const found = daemonState(files.pid, 'nat');
  if (found.state === 'running') return ok('daemon', `runs, as process ${found.pid}`);
  if (found.state === 'stopped') return ok('daemon', 'does not run');
  return warning('daemon', `process ${found.pid} has ended and left ${files.pid} behind`, 'weir nat start');
}
