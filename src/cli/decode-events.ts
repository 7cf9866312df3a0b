import { netflow9Scope } from '../elements/netflow9-scopes.ts';
import type { ElementRegistry } from '../elements/registry.ts';
import { FLOW_TYPES } from '../flow/codes.ts';
import type { ElementValue } from '../flow/element-value.ts';
import type { CounterRow, CounterSink } from '../session/counter-row.ts';
import type { Domain } from '../session/domain.ts';
import type { DecodeObserver } from '../session/message-decoder.ts';
import { isoMicros } from '../util/time.ts';
import type { TemplateRecord } from '../wire/template.ts';

interface Origin {
  readonly time_received: string;
  readonly exporter: string;
  readonly flow_type: string;
  readonly observation_domain: number;
  readonly template_id: number;
}

export interface TemplateField {
  /** As IANA or the enterprise spells it, or `enterprise/number`. */
  readonly name: string;
  readonly enterprise: number;
  readonly id: number;
  /** Octets; 65535 is a variable length. */
  readonly length: number;
  readonly scope: boolean;
}

/** What a message says beside flow records, as `--all` shows it; these objects are what `--format ndjson` prints. */
export type Happening =
  | (Origin & {
      readonly kind: 'template';
      readonly template_kind: 'data' | 'options';
      readonly fields: readonly TemplateField[];
    })
  /** Template id 0: all templates of the kind. */
  | (Origin & { readonly kind: 'withdrawal'; readonly template_kind: 'data' | 'options' })
  | (Origin & {
      readonly kind: 'options';
      readonly scope: Readonly<Record<string, ElementValue>>;
      readonly fields: Readonly<Record<string, ElementValue>>;
    })
  /** A counter structure of sFlow: the columns of the table `counters` that it fills, and the rest as `values`. */
  | (Omit<CounterRow, 'time_received' | 'kind'> & {
      readonly kind: 'counters';
      readonly time_received: string;
      readonly counter_kind: string;
    });

/** A sink that puts sFlow's counters into `list`. */
export function counterHappenings(list: Happening[]): CounterSink {
  return {
    counters({ time_received, kind, ...row }) {
      list.push({ kind: 'counters', time_received: isoMicros(time_received), counter_kind: kind, ...row });
    },
  };
}

/** An observer that puts what it sees into `list`. */
export function happenings(registry: ElementRegistry, list: Happening[]): DecodeObserver {
  return {
    template(domain, event) {
      if ('record' in event) {
        const { record } = event;
        list.push({
          kind: 'template',
          ...origin(domain, record.id),
          template_kind: record.kind,
          fields: fields(record, domain, registry),
        });
      } else {
        list.push({ kind: 'withdrawal', ...origin(domain, event.withdraw), template_kind: event.kind });
      }
    },
    options(domain, templateId, { scope, fields }) {
      list.push({ kind: 'options', ...origin(domain, templateId), scope, fields });
    },
  };
}

function origin(domain: Domain, templateId: number): Origin {
  return {
    time_received: isoMicros(domain.lastReceived),
    exporter: domain.exporter,
    flow_type: domain.version === 9 ? FLOW_TYPES[3] : FLOW_TYPES[4],
    observation_domain: domain.id,
    template_id: templateId,
  };
}

function fields(record: TemplateRecord, { version }: Domain, registry: ElementRegistry): TemplateField[] {
  return record.fields.map(({ enterprise, id, length }, index) => {
    const scope = index < record.scopeCount;
    // Scope fields of NetFlow v9 have numbers of their own (RFC 3954 section 6.1).
    const scopeName = scope && version === 9 ? netflow9Scope(id) : undefined;
    const name = scopeName ?? registry.lookup(enterprise, id, version === 9 ? 9 : 10)?.name ?? `${enterprise}/${id}`;
    return { name, enterprise, id, length, scope };
  });
}
