import type { ConfiguredSampling } from '../session/sampling.ts';
import type { Address } from '../util/address.ts';
import { PrefixTable } from '../util/prefix-table.ts';
import type { CollectConfig } from './collect-config.ts';

/**
 * What is configured about an exporter's sampling, as `MessageDecoder` asks for it. Default and override are looked up apart: each is that of the
 * longest network over the exporter that says it.
 */
export function configuredSampling(sampling: CollectConfig['sampling']): (address: Address) => ConfiguredSampling {
  const table = (which: 'default' | 'override') =>
    new PrefixTable(
      sampling.exporters.filter((one) => one[which] > 0).map((one) => [one.network, one[which]] as const),
    );
  const defaults = table('default');
  const overrides = table('override');
  return (address) => ({
    default: defaults.lookup(...address) ?? sampling.default,
    override: overrides.lookup(...address) ?? 0,
  });
}
