import { z } from 'zod';
import { parseAllowList } from '../collect/allow-list.ts';
import { parseListenUrl } from '../collect/listen-url.ts';
import { CLIENT_CERTIFICATES, TLS_VERSIONS } from '../collect/tls-settings.ts';
import { RECORD_FORMS } from '../nat/record-layouts.ts';
import { TRANSLATION_CHOICES } from '../nat/translation.ts';
import { parseAddress } from '../util/address.ts';
import { WeirError } from '../util/errors.ts';
import { parsePrefix } from '../util/prefix.ts';
import { LOG_FORMATS, LOG_LEVELS, ROLLUP_CHOICES } from './collect-config.ts';
import { parseMark, parseNatSyslog, parseNatTarget } from './nat-values.ts';
import { SETTINGS } from './settings.ts';
import { parseDuration, parseSize } from './units.ts';

/**
 * A text that `parse` reads. Undefined makes the message "found …, expected …" of the setting's row; a `WeirError` that it throws keeps its own words.
 */
function text<T>(parse: (text: string) => T | undefined) {
  return z.string().transform((value, context): T => {
    try {
      const parsed = parse(value);
      if (parsed !== undefined) return parsed;
      context.issues.push({ code: 'custom', input: value });
    } catch (error) {
      if (!(error instanceof WeirError)) throw error;
      context.issues.push({ code: 'custom', input: value, params: { problem: error.message, hint: error.hint } });
    }
    return z.NEVER;
  });
}

function duration(least: number, most = Number.MAX_SAFE_INTEGER, fits: (ms: number) => boolean = () => true) {
  return text((value) => {
    const ms = parseDuration(value);
    return ms !== undefined && ms >= least && ms <= most && fits(ms) ? ms : undefined;
  });
}

function size(least: number, most = Number.MAX_SAFE_INTEGER) {
  // A bare number in the file is one of bytes, and a number in YAML.
  return z.union([
    text((value) => {
      const bytes = parseSize(value);
      return bytes !== undefined && bytes >= least && bytes <= most ? bytes : undefined;
    }),
    z.number().int().min(least).max(most),
  ]);
}

/** A number in the file, a text in a flag. */
function count(least: number, most: number) {
  return z.union([
    text((value) => {
      const number = /^\d{1,10}$/.test(value) ? Number(value) : Number.NaN;
      return number >= least && number <= most ? number : undefined;
    }),
    z.number().int().min(least).max(most),
  ]);
}

const SECOND = 1000;
const HOUR = 3600 * SECOND;
const MIB = 1024 ** 2;

const path = text((value) => (value === '' || value.includes('\0') ? undefined : value));
const redisUrl = text((value) =>
  URL.canParse(value) && /^rediss?:\/\/[^/?#]+(\/\d*)?$/.test(value) ? value : undefined,
);
const rate = z.number().int().min(1).max(0xffff_ffff);
const network = text(parsePrefix);
const listName = z.string().regex(/^[a-z_][\w.-]*$/i);
const listValue = z.union([z.string().min(1), z.number()]).transform(String);
const exporterAddress = text(parseAddress);
const exporterName = text((value) => (value.trim() === '' || value.length > 255 ? undefined : value.trim()));
const allowEntry = text((value) => {
  parseAllowList([value], 'allow');
  return value.trim();
});

/** A mark of which every bit counts. */
const wholeMark = (value: number) => ({ value, mask: 0xffff_ffff });

const bounds = { age: duration(60 * SECOND).optional(), size: size(1_000_000).optional() };

/** The configuration file, and the flags once they are in its shape. Everything may be left out; see `SETTINGS` for the defaults. */
export const FILE_SCHEMA = z.strictObject({
  listen: z.array(text(parseListenUrl)).min(1).optional(),
  data: path.optional(),
  receive_buffer: size(64 * 1024, 1024 * MIB).optional(),
  allow: z.array(allowEntry).min(1).optional(),
  allow_file: path.optional(),
  tls: z
    .strictObject({
      cert: path.optional(),
      key: path.optional(),
      ca: path.optional(),
      client_certificates: z.enum(CLIENT_CERTIFICATES).optional(),
      minimum_version: z.enum(TLS_VERSIONS).optional(),
    })
    .optional(),
  sessions: z
    .strictObject({
      connections: count(1, 1_000_000).optional(),
      per_address: count(1, 1_000_000).optional(),
      idle: duration(SECOND).optional(),
      handshake: duration(100, 600 * SECOND).optional(),
      message: duration(SECOND, HOUR).optional(),
      buffer: size(MIB, 16_384 * MIB).optional(),
    })
    .optional(),
  templates: z.strictObject({ persist: z.boolean().optional(), shared: redisUrl.optional() }).optional(),
  identity: z
    .strictObject({
      sflow_agent: z.boolean().optional(),
      exporter_elements: z.boolean().optional(),
      exporters: z
        .array(
          z
            .strictObject({
              network,
              domain: z.number().int().min(0).max(0xffff_ffff).optional(),
              exporter: exporterAddress.optional(),
              name: exporterName.optional(),
            })
            .refine((entry) => entry.exporter !== undefined || entry.name !== undefined),
        )
        .optional(),
    })
    .optional(),
  sampling: z
    .strictObject({
      default: rate.optional(),
      exporters: z
        .array(
          z
            .strictObject({ network, default: rate.optional(), override: rate.optional() })
            .refine((entry) => entry.default !== undefined || entry.override !== undefined),
        )
        .optional(),
    })
    .optional(),
  store: z
    .strictObject({
      rotate: duration(10 * SECOND, HOUR, (ms) => HOUR % ms === 0 && ms % SECOND === 0).optional(),
      segment: duration(100, 60 * SECOND).optional(),
      queue: size(16 * MIB, 65_536 * MIB).optional(),
      rollups: z.enum(ROLLUP_CHOICES).optional(),
      retention: z
        .strictObject({ ...bounds, minute: z.strictObject(bounds).optional(), hour: z.strictObject(bounds).optional() })
        .optional(),
    })
    .optional(),
  live: z
    .strictObject({
      enabled: z.boolean().optional(),
      subscribers: count(1, 1000).optional(),
      rate: count(1, 1_000_000).optional(),
      queue: size(64 * 1024, 1024 * MIB).optional(),
    })
    .optional(),
  elements: z.array(path).optional(),
  lists: z.record(listName, z.array(listValue).min(1)).optional(),
  networks: z.record(listName, z.array(network).min(1)).optional(),
  log: z.strictObject({ level: z.enum(LOG_LEVELS).optional(), format: z.enum(LOG_FORMATS).optional() }).optional(),
  status_interval: duration(500, HOUR).optional(),
  nat: z
    .strictObject({
      to: z.array(text(parseNatTarget)).min(1).optional(),
      source: exporterAddress.optional(),
      records: z.array(z.enum(RECORD_FORMS)).min(1).optional(),
      data: path.optional(),
      retention: z.strictObject(bounds).optional(),
      exporter: exporterAddress.optional(),
      domain: count(0, 0xffff_ffff).optional(),
      select: z.enum(TRANSLATION_CHOICES).optional(),
      zones: z.array(count(0, 0xffff)).min(1).optional(),
      mark: z.union([text(parseMark), z.number().int().min(0).max(0xffff_ffff).transform(wholeMark)]).optional(),
      active: duration(0).optional(),
      ttl: duration(60 * SECOND).optional(),
      listing: duration(SECOND, 24 * HOUR).optional(),
      buffer: size(64 * 1024, 1024 * MIB).optional(),
      connections: count(1000, 100_000_000).optional(),
      conntrack: text((value) => (value.trim() === '' ? undefined : value.trim().split(/\s+/))).optional(),
      syslog: z.array(text(parseNatSyslog)).min(1).optional(),
      csv: z.array(path).min(1).optional(),
      csv_ipv6: z.boolean().optional(),
      tls: z.strictObject({ cert: path.optional(), key: path.optional(), ca: path.optional() }).optional(),
    })
    .optional(),
});

/** What one source (file, flags or defaults) says, checked and read. */
export type Settings = z.output<typeof FILE_SCHEMA>;

interface JsonSchema {
  properties?: Record<string, JsonSchema>;
  items?: JsonSchema;
  description?: string;
  default?: unknown;
}

/** The JSON Schema of the file, for editors that complete and check YAML: `docs/weir.schema.json`. */
export function jsonSchema(): object {
  const schema = z.toJSONSchema(FILE_SCHEMA, { io: 'input' }) as JsonSchema;
  for (const { path, about, default: fallback } of SETTINGS) {
    let node: JsonSchema | undefined = schema;
    for (const key of path.replaceAll('[]', '.[]').split('.'))
      node = key === '[]' ? node?.items : node?.properties?.[key];
    if (node === undefined) throw new Error(`no schema for the setting ${path}`);
    node.description = about;
    if (fallback !== undefined) node.default = fallback;
  }
  return { title: 'weir collect, weir nat', ...schema };
}
