/*
 * Takes conntrack(8)'s place where there is none, or no right to it: an empty table, and no events but those in the file that FAKE_CONNTRACK names.
 */
import { readFileSync } from 'node:fs';

const args = process.argv.slice(2);
if (args.includes('--version')) console.log('conntrack v1.4.7 (conntrack-tools)');
else if (args.includes('-C')) console.log('0');
else if (args.includes('-E')) {
  console.error('NOTICE: Netlink socket buffer size has been set to 1 bytes.');
  const file = process.env['FAKE_CONNTRACK'];
  if (file !== undefined) process.stdout.write(readFileSync(file));
  // It must not outlive a weir that a test has killed.
  const parent = process.ppid;
  setInterval(() => {
    if (process.ppid !== parent) process.exit();
  }, 500);
}
