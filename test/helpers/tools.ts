import { describeUnless } from './skip.ts';
import { toolPath } from './tool-path.ts';

export { toolPath } from './tool-path.ts';

/** Whether a program is installed. */
export function hasTool(name: string): boolean {
  return toolPath(name) !== undefined;
}

/** Full path of a program that the test needs; throws where it is missing. Only for use inside `describeWithTool`. */
export function requireTool(name: string): string {
  const path = toolPath(name);
  if (path === undefined)
    throw new Error(`${name} is not installed: put this test inside describeWithTool('${name}', …)`);
  return path;
}

/** A suite that runs real programs, skipped with a message where one of them is not installed. `body` must not run them while tests are collected. */
export function describeWithTool(tools: string | readonly string[], name: string, body: () => void): void {
  const missing = [tools].flat().filter((tool) => !hasTool(tool));
  describeUnless(missing.length === 0 ? undefined : `${missing.join(', ')} not installed`, name, body);
}

/** A suite that needs rights or devices (live capture, network namespaces), skipped with a message for everyone but root. */
export function describeAsRoot(name: string, body: () => void): void {
  describeUnless(process.getuid?.() === 0 ? undefined : 'not run as root', name, body);
}
