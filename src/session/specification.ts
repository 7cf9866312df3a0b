import type { ElementRegistry } from '../elements/registry.ts';
import type { Layout } from '../flow/layout.ts';
import { buildPlan, type Plan } from '../wire/plan.ts';
import { compilePlan, MAX_COMPILED_STEPS, type PlanRunner } from '../wire/plan-code.ts';
import { interpretPlan } from '../wire/plan-interpreter.ts';
import type { FieldSpecifier, TemplateRecord } from '../wire/template.ts';
import { namesExporter } from './exporter-identity.ts';
import { quirksOf, type Repair, repairOf } from './quirks.ts';

/** A plan and the way it is run now: step by step until it has proved hot, then as a compiled function. */
export interface RunnablePlan {
  readonly plan: Plan;
  /** Puts right what some exporters get wrong in such records; undefined where there is nothing to look at. */
  readonly repair: Repair | undefined;
  /** Quirks that every such record has, by name. */
  readonly quirks: readonly string[];
  /** Records name their exporter themselves. */
  readonly namesExporter: boolean;
  /** The plan's layout with the column `sender`, made when it is first needed. */
  relayedLayout: Layout | undefined;
  run: PlanRunner;
  records: number;
  compiled: boolean;
}

/** What a template record says without its id: all templates of the same kind and fields share one, whichever exporter sent them. */
export interface Specification {
  readonly key: string;
  readonly version: 9 | 10;
  readonly kind: 'data' | 'options';
  readonly scopeCount: number;
  readonly fields: readonly FieldSpecifier[];
  /** How many templates use it. */
  uses: number;
  plan: RunnablePlan | undefined;
}

/** Records decoded step by step before a plan is compiled: a flood of templates must not cost a compilation each. */
const HOT = 200;
/** Plans kept; a specification whose plan was given up gets a new one when data comes. */
const MAX_PLANS = 4_096;

/** Shares specifications and their plans between exporters; both are bounded. */
export class SpecificationTable {
  readonly #registry: ElementRegistry;
  readonly #mayCompile: boolean;
  readonly #byKey = new Map<string, Specification>();
  readonly #withPlan = new Set<Specification>();
  /** Field specifiers in memory, over all specifications. */
  fields = 0;

  /** `mayCompile` false interprets every plan: for processes that forbid code generation. */
  constructor(registry: ElementRegistry, mayCompile: boolean) {
    this.#registry = registry;
    this.#mayCompile = mayCompile;
  }

  /** The specification of a template record; counts one use, which `release` takes back. */
  acquire(version: 9 | 10, record: TemplateRecord): Specification {
    const key = specificationKey(version, record);
    let specification = this.#byKey.get(key);
    if (specification === undefined) {
      const { kind, scopeCount, fields } = record;
      specification = { key, version, kind, scopeCount, fields, uses: 0, plan: undefined };
      this.#byKey.set(key, specification);
      this.fields += fields.length;
    }
    specification.uses++;
    return specification;
  }

  release(specification: Specification): void {
    if (--specification.uses > 0) return;
    this.#byKey.delete(specification.key);
    this.#withPlan.delete(specification);
    this.fields -= specification.fields.length;
  }

  /** The plan of a specification, made when it is first asked for. */
  planOf(specification: Specification): RunnablePlan {
    const known = specification.plan;
    if (known !== undefined) return known;
    if (this.#withPlan.size >= MAX_PLANS) {
      const [oldest] = this.#withPlan;
      if (oldest !== undefined) {
        oldest.plan = undefined;
        this.#withPlan.delete(oldest);
      }
    }
    const runnable = runnablePlan(buildPlan(specification.version, specification.fields, this.#registry));
    specification.plan = runnable;
    this.#withPlan.add(specification);
    return runnable;
  }

  /** Gives up the plans of records with a field of this element: its name and type have become known. */
  renew(enterprise: number, id: number): void {
    for (const specification of this.#withPlan) {
      if (!specification.fields.some((field) => field.id === id && field.enterprise === enterprise)) continue;
      specification.plan = undefined;
      this.#withPlan.delete(specification);
    }
  }

  /** A plan has decoded `records` more records; compiles it once it is worth it. */
  used(runnable: RunnablePlan, records: number): void {
    runnable.records += records;
    if (runnable.compiled || runnable.records < HOT || !this.#mayCompile) return;
    runnable.compiled = true;
    if (runnable.plan.steps.length <= MAX_COMPILED_STEPS) runnable.run = compilePlan(runnable.plan);
  }
}

/** A plan that is run step by step. */
export function runnablePlan(plan: Plan): RunnablePlan {
  return {
    plan,
    repair: repairOf(plan),
    quirks: quirksOf(plan),
    namesExporter: namesExporter(plan.layout),
    relayedLayout: undefined,
    run: (bytes, p, end, batch, limit, context) => interpretPlan(plan, bytes, p, end, batch, limit, context),
    records: 0,
    compiled: false,
  };
}

function specificationKey(version: number, { kind, scopeCount, fields }: TemplateRecord): string {
  let key = `${version}${kind === 'data' ? 'd' : `o${scopeCount}`}`;
  for (const { enterprise, id, length } of fields)
    key += enterprise === 0 ? `,${id}:${length}` : `,${enterprise}/${id}:${length}`;
  return key;
}
