import { randomUUID } from 'node:crypto';
import type { RedisClientType } from '@redis/client';
import { parseAddress } from '../util/address.ts';
import { messageOf } from '../util/errors.ts';
import type { TemplateEvent } from '../wire/template.ts';
import type { Domain } from './domain.ts';
import type { MessageDecoder } from './message-decoder.ts';
import { type SavedTemplate, templateOf } from './saved-state.ts';
import type { TemplateStore } from './template-store.ts';

/** What happened between this collector and the shared store. */
export interface SharedTemplateCounters {
  /** Templates written because they were new or had changed. */
  published: number;
  /** Templates that other collectors told of, or that were read at the start. */
  taken: number;
  /** Data without template: the shared store was asked, and had it. */
  served: number;
  /** It did not have it either: data waits for the exporter. */
  unserved: number;
  /** Another port of the exporter's address sent the same id with another layout. */
  conflicts: number;
  /** Times the shared store was needed and could not be asked: memory and file had to do. */
  fallbacks: number;
}

/** A template nobody has heard for so long is forgotten, s. Exporters send theirs every 1 to 30 minutes. */
const LIFETIME = 7 * 86_400;
/** A template that is heard again is written again so often, ms. */
const REFRESH = 600_000;
/** A template that is missing is asked for again after so long, ms. */
const ASK_AGAIN = 10_000;
/** Templates remembered as written, and as asked for. */
const MAX_KNOWN = 100_000;
const MAX_ASKED = 4_096;
/** Commands under way at most; beyond, it counts as not to be had. */
const MAX_PENDING = 4_096;
const START_MILLIS = 2_000;
const CLOSE_MILLIS = 1_000;

interface Known {
  readonly text: string;
  readonly at: number;
}

/**
 * Templates that several collectors share over Redis, for exporters behind a balancer that sends their templates to one collector and their data to
 * another. One key a template (`PREFIX:template:VERSION:EXPORTER:DOMAIN:ID`), and a channel (`PREFIX:templates`) that tells of changes. A template
 * that came this way is treated as if it had been heard from its port here. Only datagrams: what is sent in a TCP session belongs to it.
 */
export class SharedTemplates implements TemplateStore {
  readonly counters: SharedTemplateCounters = {
    published: 0,
    taken: 0,
    served: 0,
    unserved: 0,
    conflicts: 0,
    fallbacks: 0,
  };
  readonly #url: string;
  readonly #prefix: string;
  readonly #now: () => number;
  readonly #onError: (error: unknown) => void;
  readonly #self = randomUUID();
  readonly #known = new Map<string, Known>();
  readonly #asked = new Map<string, number>();
  #client: RedisClientType | undefined;
  #subscriber: RedisClientType | undefined;
  #decoder: MessageDecoder | undefined;
  #pending = 0;
  #isDown = false;

  /** `url` is redis://[[USER]:PASSWORD@]HOST[:PORT][/DATABASE], or rediss:// for TLS; `now` is ms since the epoch; `onError` hears of it once for each outage. */
  constructor(options: {
    readonly url: string;
    readonly prefix?: string;
    readonly now: () => number;
    readonly onError: (error: unknown) => void;
  }) {
    this.#url = options.url;
    this.#prefix = options.prefix ?? 'weir';
    this.#now = options.now;
    this.#onError = options.onError;
  }

  async start(decoder: MessageDecoder): Promise<number> {
    this.#decoder = decoder;
    const { createClient } = await import('@redis/client');
    const client = createClient({
      url: this.#url,
      // What cannot be asked now is not asked: nothing may pile up while the server is away.
      disableOfflineQueue: true,
      socket: { connectTimeout: START_MILLIS, reconnectStrategy: (tries) => Math.min(100 * 2 ** tries, 10_000) },
    }) as RedisClientType;
    const subscriber = client.duplicate();
    this.#client = client;
    this.#subscriber = subscriber;
    const failed = (error: unknown): void => {
      if (!this.#isDown) this.#onError(error);
      this.#isDown = true;
    };
    client.on('error', failed);
    subscriber.on('error', failed);
    const before = this.counters.taken;
    const ready = new Promise<void>((resolve) => {
      client.on('ready', () => {
        this.#isDown = false;
        // Changes may have been missed, and what was heard meanwhile was not written.
        this.#known.clear();
        void this.#reconcile().finally(resolve);
      });
    });
    const subscribed = subscriber
      .connect()
      .then(() => subscriber.subscribe(`${this.#prefix}:templates`, (message) => this.#told(message)))
      .catch(failed);
    client.connect().catch(failed);
    await within(START_MILLIS, Promise.all([ready, subscribed]));
    return this.counters.taken - before;
  }

  heard(domain: Domain, event: TemplateEvent, port: number): void {
    if (domain.session !== 0) return;
    if (!('record' in event)) {
      if (event.withdraw === 0) return;
      const key = this.#key(domain, event.withdraw);
      this.#known.delete(key);
      this.#run((client) => client.del(key));
      return;
    }
    const { id, kind, scopeCount, fields } = event.record;
    const saved: SavedTemplate = {
      id,
      kind,
      scopeCount,
      port,
      lastSeen: this.#now(),
      fields: fields.map((field) => [field.enterprise, field.id, field.length]),
    };
    this.#publish(this.#key(domain, id), saved);
  }

  changed(): void {}

  missing(domain: Domain, templateId: number): void {
    if (domain.session !== 0) return;
    const key = this.#key(domain, templateId);
    const now = this.#now();
    const asked = this.#asked.get(key);
    if (asked !== undefined && now - asked < ASK_AGAIN) return;
    if (this.#asked.size >= MAX_ASKED) this.#asked.clear();
    this.#asked.set(key, now);
    this.#run(async (client) => {
      const text = await client.get(key);
      if (text !== null && this.#learn(domain, text)) this.counters.served++;
      else this.counters.unserved++;
    });
  }

  async close(): Promise<void> {
    const clients = [this.#subscriber, this.#client];
    this.#subscriber = this.#client = undefined;
    for (const client of clients) {
      if (client?.isReady === true) await within(CLOSE_MILLIS, client.close());
      if (client?.isOpen === true) client.destroy();
    }
  }

  #key(domain: Domain, id: number): string {
    return `${this.#prefix}:template:${domain.version}:${domain.sender}:${domain.id}:${id}`;
  }

  /** Writes a template that is new, has changed, or was written long ago; tells the others of a change. */
  #publish(key: string, saved: SavedTemplate): void {
    const text = layoutOf(saved);
    const known = this.#known.get(key);
    if (known?.text === text && saved.lastSeen - known.at < REFRESH) return;
    if (this.#known.size >= MAX_KNOWN) this.#known.clear();
    this.#known.set(key, { text, at: saved.lastSeen });
    this.#run(async (client) => {
      const value = JSON.stringify(saved);
      const before = await client.set(key, value, { expiration: { type: 'EX', value: LIFETIME }, GET: true });
      const other = before === null ? undefined : parse(before);
      if (other !== undefined && layoutOf(other) === text) return;
      if (other !== undefined && other.port !== saved.port) this.counters.conflicts++;
      this.counters.published++;
      await client.publish(`${this.#prefix}:templates`, JSON.stringify({ from: this.#self, key, value }));
    });
  }

  /** Another collector has written a template. */
  #told(message: string): void {
    const told = parse(message) as { from?: unknown; key?: unknown; value?: unknown } | undefined;
    if (told === undefined || told.from === this.#self) return;
    if (typeof told.key !== 'string' || typeof told.value !== 'string') return;
    const domain = this.#domainOf(told.key);
    // A domain that sends nothing here needs nothing here; its data would ask.
    if (domain !== undefined && this.#learn(domain, told.value)) this.counters.taken++;
  }

  /** After a connection was made: takes what others have heard since, writes what this collector has heard. */
  async #reconcile(): Promise<void> {
    const decoder = this.#decoder;
    if (decoder === undefined) return;
    // A copy: while the server is asked, domains come and move.
    const domains = Array.from(decoder.domains);
    for (const domain of domains) {
      if (domain.session !== 0 || domain.templates.entries.size === 0) continue;
      const ids = [...domain.templates.entries.keys()];
      const keys = ids.map((id) => this.#key(domain, id));
      const client = this.#client;
      if (client?.isReady !== true) return;
      const texts = await client.mGet(keys).catch(() => []);
      texts.forEach((text, index) => {
        const entry = domain.templates.entries.get(ids[index] as number);
        const other = text === null ? undefined : parse(text);
        if (text !== null && other !== undefined && (entry === undefined || other.lastSeen > entry.lastSeen)) {
          if (this.#learn(domain, text)) this.counters.taken++;
        } else if (entry?.confirmed === true) {
          const { kind, scopeCount, fields } = entry.specification;
          this.#publish(keys[index] as string, {
            id: ids[index] as number,
            kind,
            scopeCount,
            port: entry.port,
            lastSeen: entry.lastSeen,
            fields: fields.map((field) => [field.enterprise, field.id, field.length]),
          });
        }
      });
    }
  }

  /** Gives a template to the decoder. Returns whether it took it. */
  #learn(domain: Domain, text: string): boolean {
    const record = templateOf(parse(text));
    if (record === undefined || domain.forgotten) return false;
    const learned = this.#decoder?.learnShared(domain, record, record.port, Math.min(record.lastSeen, this.#now()));
    if (learned === 'conflict') this.counters.conflicts++;
    return learned !== undefined && learned !== 'same';
  }

  #domainOf(key: string): Domain | undefined {
    const start = `${this.#prefix}:template:`;
    // The address may hold colons.
    const match = /^(9|10):(.+):(\d{1,10}):\d{1,5}$/.exec(key.startsWith(start) ? key.slice(start.length) : '');
    const address = match === null ? undefined : parseAddress(match[2] ?? '');
    return address === undefined
      ? undefined
      : this.#decoder?.domains.find(address, Number(match?.[1]), Number(match?.[3]));
  }

  /** Asks the server, if it is there; nothing waits for the answer. */
  #run(ask: (client: RedisClientType) => Promise<unknown>): void {
    const client = this.#client;
    if (client?.isReady !== true || this.#pending >= MAX_PENDING) {
      this.counters.fallbacks++;
      return;
    }
    this.#pending++;
    ask(client)
      .catch((error: unknown) => {
        this.counters.fallbacks++;
        if (!this.#isDown && this.#client !== undefined) this.#onError(new Error(messageOf(error)));
      })
      .finally(() => {
        this.#pending--;
      });
  }
}

/** What makes two templates the same. */
function layoutOf({ kind, scopeCount, fields }: SavedTemplate): string {
  return JSON.stringify([kind, scopeCount, fields]);
}

/** A JSON object; undefined for anything else. What another program wrote is checked before it is used. */
function parse(text: string): SavedTemplate | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as SavedTemplate) : undefined;
  } catch {
    return undefined;
  }
}

/** Waits for `promise`, but no longer than `millis`. */
async function within(millis: number, promise: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const end = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, millis);
  });
  await Promise.race([promise.catch(() => {}), end]);
  clearTimeout(timer);
}
