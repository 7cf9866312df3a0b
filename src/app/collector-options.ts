import type { AllowList } from '../collect/allow-list.ts';
import type { StreamLimits } from '../collect/connection-table.ts';
import type { ListenUrl } from '../collect/listen-url.ts';
import type { TlsSettings } from '../collect/tls-settings.ts';
import type { ElementRegistry } from '../elements/registry.ts';
import type { LiveLimits } from '../live/subscriber.ts';
import type { IdentityRules } from '../session/exporter-identity.ts';
import type { ConfiguredSampling } from '../session/sampling.ts';
import type { StoreLog } from '../store/flow-store.ts';
import type { Retention } from '../store/retention.ts';
import type { RollupTier } from '../store/rollup-cubes.ts';
import type { Address } from '../util/address.ts';

/** What a collector is made with. */
export interface CollectorOptions {
  readonly listen: readonly ListenUrl[];
  /** Folder of the store; templates are kept in it too. */
  readonly data: string;
  readonly receiveBufferBytes: number;
  readonly allowList: AllowList | undefined;
  /** For tls:// listeners. */
  readonly tls?: TlsSettings | undefined;
  /** Bounds of each TCP and TLS listener. */
  readonly sessions?: StreamLimits | undefined;
  readonly sampling: (exporter: Address) => ConfiguredSampling;
  /** Who the exporter of a record is; `DEFAULT_IDENTITY` when not given. */
  readonly identity?: IdentityRules | undefined;
  readonly registry: ElementRegistry;
  /** Keep templates and sampling rates over a restart. */
  readonly persistState: boolean;
  /** URL of a Redis server over which collectors share templates. */
  readonly sharedTemplates?: string | undefined;
  readonly maxQueueBytes: number;
  readonly rotateSeconds: number;
  readonly segmentMillis: number;
  /** The roll-ups that are made; all when not given. */
  readonly rollups?: readonly RollupTier[] | undefined;
  readonly retention: Retention;
  /** Bounds of what those who look may cost; undefined: nobody may. */
  readonly live?: LiveLimits | undefined;
  /** ms since the epoch. */
  readonly now: () => number;
  readonly log: StoreLog;
}
