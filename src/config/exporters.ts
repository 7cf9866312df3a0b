import type { ConfiguredExporter, IdentityRules } from '../session/exporter-identity.ts';
import { PrefixTable } from '../util/prefix-table.ts';
import type { CollectConfig, ExporterRule } from './collect-config.ts';

/**
 * What is configured about who the exporters are, as `MessageDecoder` asks for it. Rules for a sender's observation domain go before those for all its
 * domains; among equals that of the longest network holds.
 */
export function identityRules({ sflowAgent, exporterElements, exporters }: CollectConfig['identity']): IdentityRules {
  const byDomain = new Map<number | undefined, ExporterRule[]>();
  for (const rule of exporters) {
    const rules = byDomain.get(rule.domain);
    if (rules === undefined) byDomain.set(rule.domain, [rule]);
    else rules.push(rule);
  }
  const tables = new Map([...byDomain].map(([domain, rules]) => [domain, tableOf(rules)] as const));
  return {
    configured: (sender, domain) => tables.get(domain)?.lookup(...sender) ?? tables.get(undefined)?.lookup(...sender),
    sflowAgent,
    exporterElements,
  };
}

function tableOf(rules: readonly ExporterRule[]): PrefixTable<ConfiguredExporter> {
  return new PrefixTable(rules.map(({ network, exporter: address, name }) => [network, { address, name }] as const));
}
