import type { CommandModule } from './command.ts';
import * as columns from './store-columns.ts';
import * as deletion from './store-delete.ts';
import * as importing from './store-import.ts';
import * as list from './store-list.ts';
import * as moving from './store-move.ts';
import * as repair from './store-repair.ts';
import * as status from './store-status.ts';
import * as verify from './store-verify.ts';

const EXAMPLES = `
Examples:
  weir store status                                    what there is, what a day takes, how long the disk lasts
  weir store list --from -1d --format json             the files of the last day
  weir store verify                                    is every file as it was written?
  weir store columns                                   which columns take the space

Each of them explains itself: weir store verify --help. What is in the folder: docs/store.md
`;

const PARTS: readonly { readonly name: string; readonly summary: string; readonly module: CommandModule }[] = [
  { name: 'list', summary: 'list the files of the store', module: list },
  { name: 'status', summary: 'bytes by tier and day, and how long the disk lasts', module: status },
  { name: 'columns', summary: 'bytes of each column', module: columns },
  { name: 'verify', summary: 'read every file and compare it with the catalogue', module: verify },
  { name: 'repair', summary: 'put right what a killed collector or a lost file left behind', module: repair },
  { name: 'move', summary: 'move the store to another folder or disk', module: moving },
  { name: 'delete', summary: 'delete what was received in a span of time', module: deletion },
  { name: 'import', summary: 'store the flows of captures, IPFIX files, nfdump’s CSV and JSON', module: importing },
];

/** Adds the commands below `weir store`. */
export const build: CommandModule['build'] = (command, ...rest) => {
  command.addHelpText('after', EXAMPLES);
  for (const { name, summary, module } of PARTS) {
    const part = command.command(name).description(summary);
    part
      .exitOverride()
      .copyInheritedSettings(command)
      .showHelpAfterError(`  weir store ${name} --help has all flags and examples.`);
    module.build(part, ...rest);
  }
};
