/** What a probe can be told and asked through its control socket; the first eleven are softflowctl's, with its meaning. */
export const CONTROL_COMMANDS = [
  { name: 'statistics', about: 'packets, flows, why they ended, protocols' },
  { name: 'dump-flows', about: 'the flows in the cache' },
  { name: 'expire-all', about: 'end all flows, and export them' },
  { name: 'delete-all', about: 'throw all flows away, without exporting them' },
  { name: 'timeouts', about: 'when flows end' },
  { name: 'send-template', about: 'send templates again with the next export' },
  { name: 'start-gather', about: 'meter packets again' },
  { name: 'stop-gather', about: 'let packets pass unmetered' },
  { name: 'shutdown', about: 'end the probe; all flows are exported' },
  { name: 'exit', about: 'end the probe at once; its flows are thrown away' },
  { name: 'debug+', about: 'say more' },
  { name: 'debug-', about: 'say less' },
  { name: 'debug', about: 'how much is said' },
] as const;

export type ControlCommand = (typeof CONTROL_COMMANDS)[number]['name'];

/** The command with this name, or undefined. */
export function controlCommand(name: string): ControlCommand | undefined {
  return CONTROL_COMMANDS.find((command) => command.name === name)?.name;
}
