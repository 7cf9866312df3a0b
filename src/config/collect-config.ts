import type { AllowListLine } from '../collect/allow-list.ts';
import type { StreamLimits } from '../collect/connection-table.ts';
import type { ListenUrl } from '../collect/listen-url.ts';
import type { ClientCertificates, TlsVersion } from '../collect/tls-settings.ts';
import type { LiveLimits } from '../live/subscriber.ts';
import type { Retention } from '../store/retention.ts';
import type { RollupTier } from '../store/rollup-cubes.ts';
import type { Address } from '../util/address.ts';
import type { Prefix } from '../util/prefix.ts';

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export const LOG_FORMATS = ['auto', 'json', 'status'] as const;
/** `auto` is `status` when standard error is a terminal, else `json`. */
export type LogFormat = (typeof LOG_FORMATS)[number];

export const ROLLUP_CHOICES = ['all', 'minute', 'hour', 'off'] as const;

/** What the operator says about the sampling of the exporters in a network; 0 is nothing. */
export interface ExporterSampling {
  readonly network: Prefix;
  readonly default: number;
  readonly override: number;
}

/** What the operator says about who the exporter is that datagrams of a network are from: its address, its name, or both. */
export interface ExporterRule {
  /** Senders. */
  readonly network: Prefix;
  /** Observation domain; undefined: all. */
  readonly domain: number | undefined;
  readonly exporter: Address | undefined;
  readonly name: string | undefined;
}

/** The configuration of a collector, complete and checked: numbers in ms and octets, paths absolute, defaults filled in. */
export interface CollectConfig {
  /** At least one. */
  readonly listen: readonly ListenUrl[];
  /** The data folder. */
  readonly data: string;
  readonly receiveBufferBytes: number;
  readonly allow: AllowConfig;
  readonly tls: TlsConfig;
  /** Bounds of each TCP and TLS listener. */
  readonly sessions: StreamLimits;
  readonly templates: {
    /** Whether templates are kept in the data folder over a restart. */
    readonly persist: boolean;
    /** URL of the Redis server over which collectors share templates. */
    readonly shared: string | undefined;
  };
  /** Who the exporter of a record is; see `identityRules`. */
  readonly identity: {
    readonly sflowAgent: boolean;
    readonly exporterElements: boolean;
    readonly exporters: readonly ExporterRule[];
  };
  readonly sampling: {
    /** For exporters that say nothing of their rate; 0 is nothing. */
    readonly default: number;
    /** Of several networks that hold an exporter the longest that says something counts; see `configuredSampling`. */
    readonly exporters: readonly ExporterSampling[];
  };
  readonly store: {
    /** Whole seconds of which a whole number makes an hour. */
    readonly rotateMs: number;
    readonly segmentMs: number;
    /** Octets of flows that may wait to be written. */
    readonly queueBytes: number;
    /** The tiers that are made. */
    readonly rollups: readonly RollupTier[];
    /** As `FlowStore` takes it; a bound that is not configured is undefined. */
    readonly retention: Retention;
  };
  /** Whether `weir tail` and `weir top` are answered, and what they may cost. */
  readonly live: LiveLimits & { readonly enabled: boolean };
  /** Files with information elements beside the built-in ones; see `loadElements`. */
  readonly elements: readonly string[];
  /** Lists and networks that filters may name; see `filterNames`. */
  readonly lists: Readonly<Record<string, readonly string[]>>;
  readonly networks: Readonly<Record<string, readonly Prefix[]>>;
  readonly log: { readonly level: LogLevel; readonly format: LogFormat };
  readonly statusIntervalMs: number;
  /** Where it comes from, for messages and for `weir check`. */
  readonly from: ConfigOrigins;
}

/** Files of the certificates, as paths. A configuration with a tls:// listener has `cert` and `key`, and `ca` unless exporters need no certificate. See `loadTls`. */
export interface TlsConfig {
  readonly cert: string | undefined;
  readonly key: string | undefined;
  readonly ca: string | undefined;
  readonly clientCertificates: ClientCertificates;
  readonly minimumVersion: TlsVersion;
}

/** Who may send; with neither entries nor a file, everyone. See `loadAllowList`. */
export interface AllowConfig {
  readonly entries: readonly AllowListLine[];
  readonly file: string | undefined;
}

/** Where each setting comes from. */
export interface ConfigOrigins {
  /** The configuration file as it was given; undefined when there is none. */
  readonly file: string | undefined;
  /** By path (`store.rotate`): `--rotate`, `weir.yaml:12` or `default`. */
  readonly settings: Readonly<Record<string, string>>;
}
