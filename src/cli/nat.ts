import { existsSync } from 'node:fs';
import { Argument, type Command } from 'commander';
import { daemonFiles } from '../app/daemon.ts';
import { convertFile, loadNatConfig, type NatConfig } from '../config/nat-config.ts';
import type { CommandModule } from './command.ts';
import { EXIT, type Io, write } from './io.ts';
import { checkNat } from './nat-check.ts';
import { addNatFlags, flagsAsWords, type NatFlags, natSettings } from './nat-flags.ts';
import { natStatus, reloadNat, startNat, stopNat } from './nat-life.ts';
import { requireOutput, runNat } from './nat-run.ts';

const ACTIONS = ['start', 'stop', 'restart', 'reload', 'status', 'check', 'install', 'help', 'version'] as const;
type Action = (typeof ACTIONS)[number];

/** Where nfflowd looks when it is told nothing. */
const NFFLOWD = '/etc/nfflowd.conf';

const EXAMPLES = `
It tells of the connections that this machine translates, as the kernel tracks them: who was behind which public address and port, when, and how much was
sent. It needs conntrack(8) and CAP_NET_ADMIN, and changes nothing in the firewall. Without an action it runs in the foreground until Ctrl-C or SIGTERM.

Actions:
  start      into the background, unless -f     stop, restart, reload
  status     process, uptime, counters; exit code 0 running, 1 ended without cleaning up, 3 not running
  check      the configuration and this machine, with the commands that put right what is wrong
  install    run it at each start of the machine: weir service install nat

Examples:
  weir nat -n 192.0.2.7:4739                                   IPFIX: flows and NAT events
  weir nat -n 192.0.2.7:2055 -v 5 --syslog                     as nfflowd: three records a connection, lines to the local syslog
  weir nat --data /var/lib/netweir-nat                         kept here: weir trace answers from it
  weir nat -n ipfix+tls://192.0.2.7?records=events --tls-ca ca.pem --csv /var/log/nat.csv
  weir nat --csv - --select dnat                               lines of forwarded ports, to look at
  weir nat -c /etc/nfflowd.conf start                          with the configuration of nfflowd
  weir nat -c /etc/nfflowd.conf --convert > nat.yaml           the same as ours

See also: weir trace, weir service, docs/nat.md, docs/moving-from-nfflowd.md
`;

/** Adds the flags of `weir nat` and its action. */
export const build: CommandModule['build'] = (command, io, exit) => {
  addNatFlags(command.addArgument(new Argument('[action]', 'none: in the foreground').choices(ACTIONS)))
    .addHelpText('after', EXAMPLES)
    .action(async (action: Action | undefined, flags: NatFlags) => {
      exit(await act(action, flags, command, io));
    });
};

async function act(action: Action | undefined, flags: NatFlags, command: Command, io: Io): Promise<number> {
  if (flags.convert === true) return await convert(flags, io);
  const files = daemonFiles('weir-nat', { pid: flags.pidFile, log: flags.log }, io.env);
  const { format } = flags;
  switch (action) {
    case 'help':
      command.outputHelp();
      return EXIT.ok;
    case 'version':
      await write(io.stdout, `${command.parent?.version() ?? ''}\n`);
      return EXIT.ok;
    case 'status':
      return await natStatus(files, format, io);
    case 'stop':
      return await stopNat(files, io);
    case 'reload':
      return await reloadNat(files, io);
    case 'check':
      return await checkNat({ load: () => configOf(flags), files, format }, io);
    case 'install':
      return await install(flags, command, io);
    default: {
      const config = configOf(flags);
      requireOutput(config);
      const isQuiet = flags.quiet === true;
      if (action === undefined) {
        const own = flags.pidFile === undefined ? undefined : files;
        return await runNat({ config, files: own, format, isQuiet }, io);
      }
      if (action === 'restart') await stopNat(files, io);
      if (flags.foreground === true) return await runNat({ config, files, format, isQuiet }, io);
      return await startNat(files, flagsAsWords(command), io);
    }
  }
}

/** Without any output of its own, nfflowd's configuration is taken where there is one. */
function configOf(flags: NatFlags): NatConfig {
  const settings = natSettings(flags);
  const isSaid = ['nat.to', 'nat.data', 'nat.syslog', 'nat.csv'].some((path) => path in settings);
  const file = flags.config ?? (!isSaid && existsSync(NFFLOWD) ? NFFLOWD : undefined);
  return loadNatConfig(file, settings);
}

async function convert({ config = NFFLOWD }: NatFlags, io: Io): Promise<number> {
  const { yaml, notes } = convertFile(config);
  for (const note of notes) await write(io.stderr, `note: ${note}\n`);
  await write(io.stdout, yaml);
  return EXIT.ok;
}

async function install(flags: NatFlags, command: Command, io: Io): Promise<number> {
  const { installService } = await import('./service-install.ts');
  requireOutput(configOf(flags));
  const words = flagsAsWords(command).filter((word) => !/^--(?:print|foreground|format|pid-file|log)\b/.test(word));
  return await installService('nat', words, flags.print === true, io);
}
