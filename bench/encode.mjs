// Encoding alone: a batch in memory to messages, one core; `weir generate`'s flows, to the format they came in.
import { fileURLToPath } from 'node:url';
import { timeOnce } from './lib/process.mjs';
import { compare, show, table } from './lib/table.mjs';

const SECONDS = 3;
const PROTOCOLS = { 5: 'netflow5', 9: 'netflow9', 10: 'ipfix' };
const GOAL = 5;

export function bench(options) {
  const script = fileURLToPath(new URL('encode-weir.mjs', import.meta.url));
  const results = [...options.versions.map((version) => PROTOCOLS[version]), 'sflow'].map((protocol) => {
    const { flows, seconds, octets } = JSON.parse(
      timeOnce(process.execPath, [script, protocol, String(SECONDS)]).stdout,
    );
    return { protocol, flows, seconds, octets };
  });
  const speed = ({ flows, seconds }) => flows / seconds / 1e6;
  console.log(
    table([
      ['format', 'M records/s', 'octets/record'],
      ...results.map((run) => [run.protocol, show(speed(run)), show(run.octets / run.flows)]),
    ]),
  );
  const comparisons = results
    .filter(({ protocol }) => protocol !== 'sflow')
    .map((run) =>
      compare(`${run.protocol} encode`, 'M records/s', speed(run), undefined, undefined, `≥ ${GOAL}`, (x) => x >= GOAL),
    );
  return { results, comparisons };
}
