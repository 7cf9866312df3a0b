// The other programs that Netweir is compared with, as far as they are installed. Debian's packages and Python's library are installed
// by `scripts/install-peers.sh --bench`, goflow2 too when Go is there; `node bench/run.mjs --install-peers` calls it.
import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../..', import.meta.url));

/** Command and arguments of `weir` with these arguments: `runMeasured(...weirCommand(['query']))`. */
export const weirCommand = (args) => [join(root, 'bin/weir.js'), args];

const cache = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'netweir');
const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/local/sbin', '/usr/sbin', '/sbin'];

/** Paths and versions of the peers; undefined for one that is not here. */
export function findPeers() {
  return {
    nfcapd: peer(inPath('nfcapd'), ['-V'], /(\d+\.\d+[.\d]*)/),
    nfdump: peer(inPath('nfdump'), ['-V'], /(\d+\.\d+[.\d]*)/),
    nfpcapd: peer(inPath('nfpcapd'), ['-V'], /(\d+\.\d+[.\d]*)/),
    softflowd: peer(inPath('softflowd'), ['-h'], /version (\d+\.\d+[.\d]*)/),
    goflow2: goflow2(),
    pythonNetflow: peer(
      existing(join(cache, 'py/bin/python')),
      ['-c', 'import netflow, importlib.metadata as m; print(m.version("netflow"))'],
      /(\S+)/,
    ),
  };
}

/** Installs what can be installed here; says what cannot. */
export function installPeers() {
  spawnSync('bash', [join(root, 'scripts/install-peers.sh'), '--bench'], { stdio: ['ignore', 'inherit', 'inherit'] });
}

function peer(path, versionArgs, pattern) {
  if (path === undefined) return undefined;
  const { status, stdout, stderr } = spawnSync(path, versionArgs, { encoding: 'utf8' });
  if (status !== 0) return undefined;
  return { path, version: pattern.exec(`${stdout}${stderr}`)?.[1] ?? 'unknown' };
}

function goflow2() {
  const path = existing(join(cache, 'bin/goflow2')) ?? inPath('goflow2');
  if (path === undefined) return undefined;
  // Built by `go install`, it does not know its version itself; the build information in it does.
  const { stdout } = spawnSync('go', ['version', '-m', path], { encoding: 'utf8' });
  return { path, version: /\smod\s+\S+\s+v?(\S+)/.exec(stdout ?? '')?.[1] ?? 'unknown' };
}

function inPath(name) {
  return folders.map((folder) => existing(join(folder, name))).find((path) => path !== undefined);
}

function existing(path) {
  try {
    accessSync(path, constants.X_OK);
    return path;
  } catch {
    return undefined;
  }
}
