import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { toolPath } from '../helpers/tool-path.ts';
import { type CorpusCase, decodeCase } from '../session/corpus-cases.ts';
import type { ComparedRecord } from './compare-case.ts';
import type { CaseDatagram } from './datagrams.ts';
import { nfcapdDecodes } from './peer-nfcapd.ts';
import { findPython, pythonColumns, pythonDecodes } from './peer-python.ts';
import { tsharkDecodes } from './peer-tshark.ts';

/** A program that decodes flow exports. */
export interface Program {
  readonly name: string;
  /** Its records; undefined where it does not know the format at all. */
  decode(one: CorpusCase, datagrams: readonly CaseDatagram[]): Promise<readonly ComparedRecord[] | undefined>;
}

const isSflow = ({ flags }: CorpusCase): boolean => flags.includes('sFlow');

/** Netweir, and whichever of tshark, nfdump and Python netflow are installed. `root` is the checkout. */
export function installedPrograms(root: string, corpus: string): Program[] {
  const found: Program[] = [{ name: 'Netweir', decode: async (one) => (await decodeCase(corpus, one)).records }];
  const tshark = toolPath('tshark');
  if (tshark !== undefined) {
    const name = `tshark ${version(tshark, ['-v'])}`;
    found.push({ name, decode: (one) => Promise.resolve(tsharkDecodes(tshark, corpus, one)) });
  }
  const nfcapd = toolPath('nfcapd');
  const nfdump = toolPath('nfdump');
  if (nfcapd !== undefined && nfdump !== undefined) {
    const name = `nfdump ${version(nfdump, ['-V'])}`;
    found.push({
      name,
      decode: async (one, datagrams) => (isSflow(one) ? undefined : nfcapdDecodes(nfcapd, nfdump, datagrams)),
    });
  }
  const python = findPython();
  if (python !== undefined) {
    const decode = pythonDecodes(python, join(root, 'test/conformance/python-netflow.py'));
    const name = `Python netflow ${version(python, ['-c', 'import importlib.metadata as m; print(m.version("netflow"))'])}`;
    found.push({
      name,
      decode: (one, datagrams) =>
        Promise.resolve(isSflow(one) ? undefined : decode([datagrams])[0]?.records.map(pythonColumns)),
    });
  }
  return found;
}

function version(path: string, args: readonly string[]): string {
  const { stdout, stderr } = spawnSync(path, args, { encoding: 'utf8' });
  return /(\d+\.\d+[.\d]*)/.exec(`${stdout}${stderr}`)?.[1] ?? '';
}
