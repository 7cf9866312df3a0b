import { Collector } from '../app/collector.ts';
import { findings } from '../app/findings.ts';
import { createServiceNotifier } from '../app/service-notify.ts';
import { lossText } from '../app/status-text.ts';
import { loadAllowList } from '../config/allow.ts';
import type { CollectConfig } from '../config/collect-config.ts';
import { loadElements } from '../config/elements.ts';
import { identityRules } from '../config/exporters.ts';
import { loadConfig } from '../config/load.ts';
import { configuredSampling } from '../config/sampling.ts';
import { loadTls } from '../config/tls.ts';
import { grouped } from '../query/output/humanize.ts';
import { messageOf } from '../util/errors.ts';
import { type CollectOutput, jsonOutput, terminalOutput } from './collect-output.ts';
import type { CommandModule } from './command.ts';
import { addCollectFlags, flagsToConfig } from './config-flags.ts';
import { EXIT, type Io } from './io.ts';

const EXAMPLES = `
Examples:
  weir collect                                        all protocols on UDP 2055, 4739 and 6343, into ./weir-data
  weir collect --listen udp://[::]:9995 --data /var/lib/netweir
  weir collect --allow 192.0.2.1 --allow 10.0.0.0/8   refuse all other senders
  weir collect --listen tcp://[::]:4739               IPFIX over TCP
  weir collect --listen tls://[::]:4740 --tls-cert weir.pem --tls-key weir.key --tls-ca exporters.pem
  weir collect --config /etc/netweir/weir.yaml        everything from a file; SIGHUP reloads allow-list and certificates

Stop it with Ctrl-C or SIGTERM: everything received is stored first.
See also: weir check (is this machine ready?), weir query, docs/configuration.md
`;

/** Set apart for `weir collect` and its tests: resolves when the collector has been stopped. */
export const build: CommandModule['build'] = (command, io, exit) => {
  addCollectFlags(command);
  command.addHelpText('after', EXAMPLES);
  command.action(async (options: Record<string, unknown>) => {
    const config = loadConfig(flagsToConfig(options));
    exit(await run(config, io));
  });
};

async function run(config: CollectConfig, io: Io): Promise<number> {
  const asStatus = config.log.format === 'status' || (config.log.format === 'auto' && io.stderr.isTTY === true);
  const output = asStatus ? terminalOutput(io) : jsonOutput(io, config.log.level);
  const collector = new Collector({
    listen: config.listen,
    data: config.data,
    receiveBufferBytes: config.receiveBufferBytes,
    allowList: await loadAllowList(config.allow),
    tls: loadTls(config),
    sessions: config.sessions,
    identity: identityRules(config.identity),
    sampling: configuredSampling(config.sampling),
    registry: loadElements(config.elements),
    persistState: config.templates.persist,
    sharedTemplates: config.templates.shared,
    maxQueueBytes: config.store.queueBytes,
    rotateSeconds: config.store.rotateMs / 1000,
    segmentMillis: config.store.segmentMs,
    rollups: config.store.rollups,
    retention: config.store.retention,
    live: config.live.enabled ? config.live : undefined,
    now: io.now,
    log: output,
  });
  // Before anything is opened, so that a Ctrl-C during the start is not lost.
  // A second signal while the store is being closed must not end the process either, so the listener stays to the end.
  const stopped = new Promise<void>((resolve) => {
    io.onSignal((kind) => {
      if (kind === 'reload') void reload(collector, config, output);
      else resolve();
    });
  });
  const report = await collector.start();
  for (const sentence of findings(report)) output.warn({}, sentence);
  for (const { bufferWarning } of collector.udp) if (bufferWarning !== undefined) output.warn({}, bufferWarning);
  output.info(
    {
      listen: collector.listeners.map(({ bound, url }) =>
        bound === undefined ? url.text : address(url.scheme, bound),
      ),
      data: config.data,
      templates: collector.templatesLoaded,
    },
    'collecting',
  );
  const notifier = createServiceNotifier({ env: io.env });
  notifier.ready('collecting');
  const timer = setInterval(() => {
    const status = collector.status();
    output.status(status);
    notifier.status(`${grouped(status.records)} flows received, ${lossText(status)}`);
  }, config.statusIntervalMs);
  await stopped;
  clearInterval(timer);
  await notifier.stopping();
  output.info({}, 'stopping: reading what has arrived and storing it');
  await collector.close();
  const status = collector.status();
  const { datagrams, records, store } = status;
  output.end(`stopped: ${grouped(records)} flows received, ${grouped(store.rowsStored)} stored, ${lossText(status)}`, {
    datagrams,
    records,
    stored: store.rowsStored,
    loss: status.loss,
  });
  return store.failed === undefined ? EXIT.ok : EXIT.failed;
}

function address(scheme: string, { address: host, port }: { address: string; port: number }): string {
  return `${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** SIGHUP: the allow-list and the certificates are read again. Whichever cannot be used stays as it was. */
async function reload(collector: Collector, config: CollectConfig, output: CollectOutput): Promise<void> {
  try {
    const list = await loadAllowList(config.allow);
    collector.setAllowList(list);
    output.info(
      { entries: list?.size },
      list === undefined ? 'no allow-list: everyone may send' : 'allow-list reloaded',
    );
  } catch (error) {
    output.error({ error: messageOf(error) }, 'the allow-list was not reloaded; the old one stays');
  }
  try {
    const tls = loadTls(config);
    if (tls === undefined) return;
    collector.setCredentials(tls);
    output.info({}, 'certificates reloaded');
  } catch (error) {
    output.error({ error: messageOf(error) }, 'the certificates were not reloaded; the old ones stay');
  }
}
