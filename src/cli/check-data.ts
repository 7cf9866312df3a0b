import { constants } from 'node:fs';
import { access, readdir, readFile, stat, statfs } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import { duration } from '../app/status-text.ts';
import type { CollectConfig } from '../config/collect-config.ts';
import { formatSize } from '../config/units.ts';
import { scaled } from '../query/output/humanize.ts';
import { readCatalogue } from '../store/catalogue.ts';
import { FolderLock } from '../store/lock.ts';
import { CATALOGUE, FOLDERS, LOCK, MARKER, STORE_VERSION, TEMPORARY } from '../store/paths.ts';
import { OVERDUE_MS, rollupProgress } from '../store/rollup-progress.ts';
import { messageOf, systemCode } from '../util/errors.ts';
import { asRoot, type Finding, failure, ok, warning } from './check-finding.ts';

const NAME = 'data folder';
/** What a file system or a desktop puts into any folder, as the store sees it. */
const HARMLESS: readonly string[] = ['lost+found', '.DS_Store'];
const LITTLE_SPACE = 1e9;
const NO_SPACE = 64e6;

/** Looks at the data folder without changing anything in it or creating it. `now`: ms since the epoch. */
export async function checkData({ data, store }: CollectConfig, now: number): Promise<Finding[]> {
  let names: string[] | undefined;
  try {
    names = await readdir(data);
  } catch (error) {
    const code = systemCode(error);
    if (code !== 'ENOENT') {
      return [
        failure(
          NAME,
          `${data} cannot be used: ${messageOf(error)}`,
          code === 'ENOTDIR' ? 'A file stands in the way: give another folder with --data DIR.' : own(data),
        ),
      ];
    }
  }
  const existing = names === undefined ? await nearestFolder(data) : data;
  const findings = names === undefined ? await checkParent(data, existing) : await checkContent(data, names);
  if (names?.includes(CATALOGUE)) findings.push(...(await checkRollups(data, store, now)));
  return [...findings, ...(await checkSpace(existing, store.retention.maxBytes, store.retention.maxAgeMs))];
}

async function checkParent(data: string, parent: string): Promise<Finding[]> {
  if (await isWritable(parent)) return [ok(NAME, `${data} will be created`)];
  return [
    failure(NAME, `${data} does not exist and cannot be created in ${parent}`, asRoot(`mkdir -p ${data}`), own(data)),
  ];
}

async function checkContent(data: string, names: readonly string[]): Promise<Finding[]> {
  const foreign = names.filter((name) => !HARMLESS.includes(name) && !name.startsWith(`${MARKER}.`));
  if (names.includes(MARKER)) {
    const version = await markerVersion(data);
    if (version === undefined) return [failure(NAME, `${join(data, MARKER)} is not weir's`, ELSEWHERE)];
    if (version > STORE_VERSION) {
      return [failure(NAME, `${data} was written by a newer version of weir (layout ${version})`, ELSEWHERE)];
    }
  } else if (foreign.length > 0) {
    const shown = foreign.slice(0, 3).join(', ') + (foreign.length > 3 ? ` and ${foreign.length - 3} more` : '');
    return [failure(NAME, `${data} is not weir's and not empty: it holds ${shown}`, ELSEWHERE)];
  }
  const ours = [MARKER, LOCK, CATALOGUE, TEMPORARY, ...Object.values(FOLDERS)].filter((name) => names.includes(name));
  const closed: string[] = [];
  for (const path of [data, ...ours.map((name) => join(data, name))]) if (!(await isWritable(path))) closed.push(path);
  if (closed.length > 0) return [failure(NAME, `not writable for ${user()}: ${closed.join(', ')}`, own(data))];
  const writer = new FolderLock(data).writer();
  if (writer === undefined) return [ok(NAME, `${data} can be written`)];
  return [
    failure(
      NAME,
      `${data} has a writer: ${writer}`,
      'All is well if that is your collector at work; a second one needs another folder: --data DIR.',
    ),
  ];
}

/** Whether the collector at work is behind with its roll-ups. */
async function checkRollups(
  data: string,
  { rollups, rotateMs }: CollectConfig['store'],
  nowMs: number,
): Promise<Finding[]> {
  if (new FolderLock(data).writer() === undefined) return [];
  const entries = await readCatalogue(data).then(
    ({ segments }) => segments,
    () => [],
  );
  const times = { rotateSeconds: rotateMs / 1000, nowMs };
  const behind = Math.max(0, ...rollups.map((tier) => rollupProgress(entries, tier, times).behindMs));
  if (behind <= OVERDUE_MS) return [];
  return [
    warning(
      'roll-ups',
      `${duration(Math.round(behind / 1000))} behind: merging does not follow what is received`,
      'Answers are right and slow. Give the machine more processor time or a faster disk, or make fewer with --rollups.',
    ),
  ];
}

const ELSEWHERE = 'Give an empty or new folder with --data DIR.';

async function markerVersion(data: string): Promise<number | undefined> {
  try {
    const marker = JSON.parse(await readFile(join(data, MARKER), 'utf8')) as { store?: unknown; version?: unknown };
    return marker.store === 'netweir' && typeof marker.version === 'number' ? marker.version : undefined;
  } catch {
    return undefined;
  }
}

async function checkSpace(
  folder: string,
  maxBytes: number | undefined,
  maxAgeMs: number | undefined,
): Promise<Finding[]> {
  let found: Awaited<ReturnType<typeof statfs>>;
  try {
    found = await statfs(folder);
  } catch (error) {
    return [warning('disk', `its space cannot be seen: ${messageOf(error)}`)];
  }
  const { bavail, bsize, blocks, type } = found;
  const [free, whole] = [bavail * bsize, blocks * bsize];
  const findings: Finding[] = [];
  const kind = FILE_SYSTEMS[type >>> 0];
  const said = `${sizeText(free)} of ${sizeText(whole)} free${kind === undefined ? '' : ` (${kind.name})`}`;
  if (free < NO_SPACE)
    findings.push(failure('disk', said, 'Make space, or give a folder on another disk with --data DIR.'));
  else if (free < LITTLE_SPACE)
    findings.push(warning('disk', said, 'Make space, or give a folder on another disk with --data DIR.'));
  else findings.push(ok('disk', said));
  if (kind?.problem !== undefined)
    findings.push(warning('file system', `${kind.name}: ${kind.problem}`, kind.fix ?? ELSEWHERE));
  if (maxBytes === undefined && maxAgeMs === undefined) {
    const most = formatSize(Math.max(1, Math.floor((free * 0.8) / 1e9)) * 1e9);
    findings.push(
      warning(
        'retention',
        'no limit: flows are kept until the disk is full',
        `Give --retention-size ${most} or --retention-age 30d, or both.`,
      ),
    );
  } else if (maxBytes !== undefined && maxBytes > whole) {
    findings.push(
      warning(
        'retention',
        `${formatSize(maxBytes)} is more than the whole disk has (${sizeText(whole)})`,
        'Lower store.retention.size.',
      ),
    );
  }
  return findings;
}

/** File systems by the number that statfs gives (linux/magic.h). */
const FILE_SYSTEMS: Readonly<Record<number, { name: string; problem?: string; fix?: string }>> = {
  61267: { name: 'ext4' },
  1481003842: { name: 'xfs' },
  2435016766: { name: 'btrfs' },
  801189825: { name: 'zfs' },
  16914836: {
    name: 'tmpfs',
    problem: 'it is in memory, and what is stored is gone after a reboot',
    fix: 'Give a folder on a disk with --data DIR.',
  },
  2035054128: {
    name: 'overlay',
    problem: 'the writable layer of a container, which goes with the container',
    fix: 'Mount a volume and give its folder with --data DIR.',
  },
  26985: {
    name: 'nfs',
    problem: 'a server that does not answer stops the writer; queries from other machines may lag',
    fix: 'Prefer a local disk.',
  },
  4283649346: { name: 'cifs', problem: 'a server that does not answer stops the writer', fix: 'Prefer a local disk.' },
  4266872130: { name: 'smb2', problem: 'a server that does not answer stops the writer', fix: 'Prefer a local disk.' },
};

async function nearestFolder(path: string): Promise<string> {
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    const isFolder = await stat(folder).then(
      (found) => found.isDirectory(),
      () => false,
    );
    if (isFolder || folder === dirname(folder)) return folder;
  }
}

function isWritable(path: string): Promise<boolean> {
  return access(path, constants.W_OK).then(
    () => true,
    () => false,
  );
}

function own(path: string): string {
  return `sudo chown -R ${user()} ${path}`;
}

function user(): string {
  try {
    return userInfo().username;
  } catch {
    return String(process.getuid?.() ?? 'USER');
  }
}

/** `12.3 GB`: rounded, for what was measured. */
function sizeText(bytes: number): string {
  return `${scaled(bytes)}B`;
}
