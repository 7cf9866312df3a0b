import { spawnSync } from 'node:child_process';
import { onTestFinished } from 'vitest';
import { type Finished, type Running, runProcess, type SpawnOptions, startProcess } from './processes.ts';
import { toolPath } from './tools.ts';

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

/** A network of its own, with a loopback interface that is up and nothing else. */
export interface Namespace {
  readonly name: string;
  /** The command line that runs a program inside: for whoever starts it otherwise. */
  inside(command: string, args: readonly string[]): [command: string, args: string[]];
  /** Starts a program inside. It is killed when the namespace is removed. */
  start(command: string, args: readonly string[], options?: SpawnOptions): Running;
  /** Runs a program inside to its end; rejects with what it said when its exit code is not 0. */
  run(command: string, args: readonly string[], options?: SpawnOptions & { readonly ms?: number }): Promise<Finished>;
  /** `ip -n NAME …`, the words being separated by blanks. Rejects with what it said when it fails. */
  ip(words: string): Promise<Finished>;
  /** Writes a value below `/proc/sys/net`, as `ipv4/ip_forward`. */
  sysctl(key: string, value: string | number): Promise<void>;
  /** Ends what was started inside, and takes the namespace away with its interfaces. Safe to call twice. */
  remove(): Promise<void>;
}

const present = new Set<string>();
let count = 0;
// A test file that is torn down in the middle must not leave networks behind.
process.on('exit', () => {
  for (const name of present) spawnSync('ip', ['netns', 'del', name]);
});

/** Makes a namespace; the caller removes it. For `beforeAll`/`afterAll`, where no test is running. Only where `whyNoNetwork` has no reason. */
export async function makeNamespace(label = 'test'): Promise<Namespace> {
  const name = `weir-${label}-${process.pid}-${count++}`;
  const ip = toolPath('ip') as string;
  const inside = (command: string, args: readonly string[]): [string, string[]] => [
    ip,
    ['netns', 'exec', name, toolPath(command) ?? command, ...args],
  ];
  const started: Running[] = [];
  await succeeded(ip, ['netns', 'add', name]);
  present.add(name);
  const self: Namespace = {
    name,
    inside,
    start(command, args, options) {
      const child = startProcess(...inside(command, args), options);
      started.push(child);
      return child;
    },
    run: (command, args, options) => succeeded(...inside(command, args), options),
    ip: (words) => succeeded(ip, ['-n', name, ...words.trim().split(/\s+/)]),
    async sysctl(key, value) {
      await self.run('sh', ['-c', `printf %s "$1" > "/proc/sys/net/$0"`, key, `${value}`]);
    },
    async remove() {
      for (const child of started) child.kill();
      await Promise.all(started.map(({ finished }) => finished));
      if (!present.delete(name)) return;
      await succeeded(ip, ['netns', 'del', name]);
    },
  };
  await self.ip('link set lo up');
  return self;
}

/** Makes a namespace for the test that is running; it is removed when that test ends, whatever its result. */
export async function namespace(label?: string): Promise<Namespace> {
  const made = await makeNamespace(label);
  onTestFinished(() => made.remove());
  return made;
}

/** One end of a virtual cable. */
export interface CableEnd {
  readonly namespace: Namespace;
  /** Name of the interface. */
  readonly name: string;
  /** Addresses with their prefix lengths. */
  readonly addresses?: readonly string[];
}

/**
 * Puts a virtual cable between two interfaces, gives them their addresses, and sets them up. TCP's packets on it are as on a wire,
 * none longer than the MTU, and not segments of 64 kB that the card would cut.
 */
export async function plugCable(near: CableEnd, far: CableEnd): Promise<void> {
  const peer = `peer name ${far.name} netns ${far.namespace.name}`;
  await near.namespace.ip(`link add name ${near.name} type veth ${peer}`);
  for (const { namespace: at, name, addresses = [] } of [near, far]) {
    await at.ip(`link set dev ${name} gso_max_segs 1`);
    for (const address of addresses) {
      await at.ip(`address add ${address} dev ${name}${address.includes(':') ? ' nodad' : ''}`);
    }
    await at.ip(`link set dev ${name} up`);
  }
}

async function succeeded(
  command: string,
  args: readonly string[],
  options?: SpawnOptions & { readonly ms?: number },
): Promise<Finished> {
  const result = await runProcess(command, args, options);
  if (result.code !== 0) {
    const how = result.signal ?? `exit ${result.code}`;
    throw new Error(`${[command, ...args].join(' ')}: ${how}\n${result.stdout}\n${result.stderr}`);
  }
  return result;
}
