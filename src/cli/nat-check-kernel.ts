import { execFile } from 'node:child_process';
import { accessSync, constants, readFileSync } from 'node:fs';
import { grouped } from '../query/output/humanize.ts';
import { systemCode } from '../util/errors.ts';
import { asRoot, type Finding, failure, ok, warning } from './check-finding.ts';

/** A setting of the kernel; undefined when it has none of that name. */
type ReadSetting = (name: string) => Promise<string | undefined>;

const NETFILTER = 'net.netfilter.nf_conntrack_';
/** The share of the table from which on it is told of. */
const NEARLY_FULL = 0.8;

/** What is needed of conntrack(8) and the kernel. `command` runs conntrack, perhaps in a network namespace, where the settings are read too. */
export async function checkKernel(command: readonly string[], bufferBytes: number): Promise<Finding[]> {
  const before = command.slice(0, -1);
  const read = settingReader(before);
  const findings = [await checkProgram(command)];
  if (findings[0]?.status === 'failure') return findings;
  const count = await read(`${NETFILTER}count`);
  if (count === undefined)
    findings.push(
      failure(
        'nf_conntrack',
        'the kernel’s module is not loaded: nothing is tracked',
        asRoot('modprobe nf_conntrack_netlink'),
        asRoot('sh -c "echo nf_conntrack_netlink > /etc/modules-load.d/weir-nat.conf"'),
      ),
    );
  findings.push(await checkRights(command));
  if (count === undefined) return findings;
  return [
    ...findings,
    ...(await checkSwitches(read)),
    checkTable(Number(count), Number(await read(`${NETFILTER}max`))),
    await checkBuffer(read, bufferBytes, before.length > 0),
  ];
}

async function checkProgram(command: readonly string[]): Promise<Finding> {
  const { out, error } = await run(command, ['--version']);
  const version = /conntrack v?[\d.]+/.exec(out)?.[0];
  if (version !== undefined) return ok('conntrack', `${version} (${command.join(' ')})`);
  const isMissing = systemCode(error) === 'ENOENT' || /No such file/.test(out);
  return failure(
    'conntrack',
    isMissing
      ? `the program ${command.join(' ')} is not installed`
      : `${command.join(' ')} does not run: ${firstLine(out)}`,
    `${asRoot('apt-get install conntrack')}   # Debian, Ubuntu`,
    `${asRoot('dnf install conntrack-tools')}   # Fedora, RHEL`,
  );
}

async function checkRights(command: readonly string[]): Promise<Finding> {
  const { out, error } = await run(command, ['-C']);
  if (error === undefined) return ok('rights', 'the kernel’s connections can be read');
  if (/not permitted|Permission denied|root/i.test(out))
    return failure(
      'rights',
      `the kernel’s connections may not be read: ${firstLine(out)}`,
      'sudo weir nat …   # as root',
      'sudo setcap cap_net_admin+ep "$(command -v conntrack)"   # or for this user and all others',
      'sudo weir service install nat -- …   # or as a service with that right alone',
    );
  return failure(
    'rights',
    `the kernel’s connections cannot be read: ${firstLine(out)}`,
    asRoot('modprobe nf_conntrack_netlink'),
  );
}

/** What the kernel tells of each connection. */
async function checkSwitches(read: ReadSetting): Promise<Finding[]> {
  const findings: Finding[] = [];
  const events = await read(`${NETFILTER}events`);
  if (events === undefined)
    findings.push(
      failure(
        'events',
        'this kernel was built without events of connections (CONFIG_NF_CONNTRACK_EVENTS)',
        'Install another kernel.',
      ),
    );
  else if (events === '0')
    findings.push(
      failure('events', `${NETFILTER}events is 0: the kernel tells of no connection`, ...setting('events', '1')),
    );
  else if (events === '2')
    findings.push(
      warning(
        'events',
        `${NETFILTER}events is 2: the ends of connections that begin while weir nat does not run are found by reading the table, up to a minute late`,
        ...setting('events', '1'),
      ),
    );
  else findings.push(ok('events', 'the kernel tells of connections'));
  const acct = await read(`${NETFILTER}acct`);
  findings.push(
    acct === '1'
      ? ok('counters', 'packets and octets are counted')
      : warning(
          'counters',
          `${NETFILTER}acct is ${acct ?? 'not there'}: packets and octets of connections are not counted, records have none`,
          ...setting('acct', '1'),
        ),
  );
  const stamps = await read(`${NETFILTER}timestamp`);
  findings.push(
    stamps === '1'
      ? ok('times', 'the kernel keeps the times of connections')
      : warning(
          'times',
          `${NETFILTER}timestamp is ${stamps ?? 'not there'}: beginnings of connections that are older than weir nat are not known, and late events have late times`,
          ...setting('timestamp', '1'),
        ),
  );
  return findings;
}

function checkTable(count: number, most: number): Finding {
  const text = `${grouped(count)} of ${grouped(most)} connections`;
  if (count < most * NEARLY_FULL) return ok('table', text);
  return warning('table', `${text}: when it is full, the kernel drops new ones`, ...setting('max', String(most * 2)));
}

/** Events wait in a socket of conntrack, which has the system's default size; weir raises that for a moment, where it may. */
async function checkBuffer(read: ReadSetting, bufferBytes: number, isElsewhere: boolean): Promise<Finding> {
  const usual = Number((await read('net.core.rmem_default')) ?? 0);
  const wanted = bufferBytes * 2;
  if (usual >= wanted) return ok('buffer', `${grouped(usual)} octets for events`);
  try {
    accessSync('/proc/sys/net/core/rmem_default', constants.W_OK);
    return ok('buffer', `${grouped(wanted)} octets for events, set at the start`);
  } catch {
    return warning(
      'buffer',
      `net.core.rmem_default is ${grouped(usual)} and may not be raised${isElsewhere ? ' from here' : ''}: a burst of some hundred connections costs events`,
      asRoot(`sysctl -w net.core.rmem_default=${wanted}`),
      keep('net.core.rmem_default', String(wanted)),
      'sudo weir service install nat -- …   # or as a service, which raises it while it starts',
    );
  }
}

/** Commands that set it now, and at each start of the machine. */
function setting(name: string, value: string): string[] {
  return [asRoot(`sysctl -w ${NETFILTER}${name}=${value}`), keep(`${NETFILTER}${name}`, value)];
}

function keep(name: string, value: string): string {
  return asRoot(`sh -c "echo ${name}=${value} >> /etc/sysctl.d/90-weir-nat.conf"`);
}

function settingReader(before: readonly string[]): ReadSetting {
  return async (name) => {
    const path = `/proc/sys/${name.replaceAll('.', '/')}`;
    if (before.length > 0) {
      const { out, error } = await run([...before, 'cat'], [path]);
      return error === undefined ? out.trim() : undefined;
    }
    try {
      return readFileSync(path, 'latin1').trim();
    } catch {
      return undefined;
    }
  };
}

/** What a program says on both its outputs, and why it failed. */
function run(
  [program = '', ...first]: readonly string[],
  rest: readonly string[],
): Promise<{ out: string; error: unknown }> {
  return new Promise((resolve) => {
    const env = { ...process.env, LC_ALL: 'C' };
    execFile(program, [...first, ...rest], { timeout: 5000, encoding: 'utf8', env }, (error, stdout, stderr) => {
      // Complaints first: conntrack -C says 0 when it may not know.
      resolve({ out: stderr + stdout, error: error ?? undefined });
    });
  });
}

function firstLine(text: string): string {
  return text.trim().split('\n')[0] ?? '';
}
