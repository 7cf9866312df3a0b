import { stat } from 'node:fs/promises';
import { loadAllowList } from '../config/allow.ts';
import type { CollectConfig } from '../config/collect-config.ts';
import { loadElements } from '../config/elements.ts';
import { type Finding, failed, ok, warning } from './check-finding.ts';

/** What the configuration comes to, and the files it names. */
export async function checkConfig(config: CollectConfig): Promise<Finding[]> {
  const { from, listen, data } = config;
  const set = Object.values(from.settings).filter((origin) => origin !== 'default').length;
  const source = from.file ?? (set === 0 ? 'the defaults' : 'flags and defaults');
  const where = listen.map(({ text }) => text).join(', ');
  return [
    ok('configuration', `${source}: receives on ${where}, stores into ${data}`),
    ...(await checkAllowList(config)),
    ...checkElements(config),
    ...(await checkRights([
      from.file,
      config.allow.file,
      config.tls.cert,
      config.tls.key,
      config.tls.ca,
      ...config.elements,
    ])),
  ];
}

async function checkAllowList({ allow }: CollectConfig): Promise<Finding[]> {
  try {
    const list = await loadAllowList(allow);
    if (list === undefined) return [ok('allow-list', 'none: every sender is accepted')];
    return [ok('allow-list', `${list.size} ${list.size === 1 ? 'entry' : 'entries'}; other senders are refused`)];
  } catch (error) {
    return [failed('allow-list', error)];
  }
}

function checkElements({ elements }: CollectConfig): Finding[] {
  return elements.map((file) => {
    try {
      loadElements([file]);
      return ok('elements', file);
    } catch (error) {
      return failed('elements', error);
    }
  });
}

/** Who can write to the configuration decides whose flows are accepted. A file that cannot be read is told of elsewhere. */
async function checkRights(files: readonly (string | undefined)[]): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const file of files) {
    const mode =
      file === undefined
        ? undefined
        : await stat(file).then(
            (found) => found.mode,
            () => undefined,
          );
    if (mode === undefined || (mode & 0o002) === 0) continue;
    findings.push(warning('permissions', `every user of this machine can change ${file}`, `chmod o-w ${file}`));
  }
  return findings;
}
