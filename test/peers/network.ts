import { spawnSync } from 'node:child_process';
import { toolPath } from '../helpers/tools.ts';

/** Why this machine cannot run tests that make network interfaces and need `tools`; undefined when it can. */
export function whyNoNetwork(tools: readonly string[]): string | undefined {
  const missing = [...tools, 'ip', 'unshare'].filter((tool) => toolPath(tool) === undefined);
  if (missing.length > 0) return `${missing.join(', ')} not installed`;
  if (process.getuid?.() !== 0) return 'not run as root, who alone makes network interfaces';
  // Root of a container may lack the right, and a kernel the driver.
  const add = [toolPath('ip') as string, 'link', 'add', 'near', 'type', 'veth', 'peer', 'name', 'far'];
  const { status } = spawnSync(toolPath('unshare') as string, ['--net', '--mount', '--', ...add]);
  return status === 0 ? undefined : 'no network namespaces with virtual interfaces here';
}
