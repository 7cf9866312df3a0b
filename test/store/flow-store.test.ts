import { existsSync, readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { FlowBatch } from '#weir/flow/batch.js';
import { NO_STATISTICS } from '#weir/session/exporter-statistics.js';
import { readCatalogue } from '#weir/store/catalogue.js';
import { tempFolder } from '../helpers/temp.ts';
import { addRows, ask, countIds, createStore, layoutOf, plainBatch, until } from './batches.ts';

const T0 = 1_772_366_400_123_456n;

describe('a stored flow', () => {
  it('reads back with every kind of column, and NULL in the rows of runs that lack one', async () => {
    const folder = tempFolder('store');
    const store = createStore(folder.path);
    expect(await store.start()).toMatchObject({ catalogue: 'new', adopted: [], tookOverFrom: undefined });
    const batch = store.take() as FlowBatch;
    const wide = layoutOf(
      [
        'time_received',
        'time_start',
        'time_end',
        'src_addr',
        'src_mac',
        'src_port',
        'in_if',
        'proto',
        'bytes',
        'user_name',
        'app_name',
        'extra',
      ],
      [
        { name: 'flowLabelIPv6', type: 'unsigned32', length: 4 },
        { name: '9999/1', type: 'string', length: 65_535 },
      ],
    );
    const narrow = layoutOf(['time_received', 'time_start', 'proto']);
    const extra = Uint8Array.of(0, 0, 1, 2, 3, 0x61, 0x62, 0x63);
    const long = 'CORP\\a name of more than twelve octets: Jürgen';
    addRows(batch, wide, [
      {
        time_received: T0,
        time_start: T0 - 9_000_001n,
        time_end: T0 - 1n,
        src_addr: 0x20010db8000000000000000000000001n,
        src_mac: 0x001122334455n,
        src_port: 65_535,
        in_if: 4_294_967_295,
        proto: 255,
        bytes: 18_446_744_073_709_551_615n,
        user_name: long,
        app_name: 'dns',
        extra,
      },
    ]);
    addRows(batch, narrow, [{ time_received: T0 + 1n, time_start: T0, proto: 17 }]);
    addRows(batch, wide, [
      {
        time_received: T0 + 2n,
        time_start: T0,
        time_end: T0 - 5n,
        src_addr: 0xffffc0000201n,
        src_mac: 1n,
        src_port: 0,
        in_if: 0,
        proto: 0,
        bytes: 9_007_199_254_740_993n,
        user_name: long,
        app_name: '',
      },
    ]);
    store.append(batch);
    await store.flush();
    expect(store.stats()).toMatchObject({ rowsAppended: 3, rowsStored: 3, rowsWaiting: 0, queueBytes: 0 });

    const rows = await ask(
      folder.path,
      `SELECT epoch_us(time_received), epoch_us(time_start), duration, src_addr_hi, src_addr_lo, src_mac, src_port, in_if, proto, bytes,
        user_name, app_name, extra FROM flows ORDER BY time_received`,
    );
    const hi = String(0x20010db800000000n);
    expect(rows).toEqual([
      [
        String(T0),
        String(T0 - 9_000_001n),
        '9000000',
        hi,
        '1',
        String(0x001122334455n),
        65_535,
        4_294_967_295,
        255,
        '18446744073709551615',
        long,
        'dns',
        '{"flowLabelIPv6":258,"9999/1":"abc"}',
      ],
      [String(T0 + 1n), String(T0), null, null, null, null, null, null, 17, null, null, null, null],
      [
        String(T0 + 2n),
        String(T0),
        '-5',
        '0',
        String(0xffffc0000201n),
        '1',
        0,
        0,
        0,
        '9007199254740993',
        long,
        null,
        null,
      ],
    ]);
    const types = await ask(folder.path, 'SELECT column_name, column_type FROM (DESCRIBE flows)');
    expect(Object.fromEntries(types)).toEqual({
      time_received: 'TIMESTAMP',
      time_start: 'TIMESTAMP',
      duration: 'BIGINT',
      src_addr_hi: 'UBIGINT',
      src_addr_lo: 'UBIGINT',
      src_mac: 'UBIGINT',
      src_port: 'USMALLINT',
      in_if: 'UINTEGER',
      proto: 'UTINYINT',
      bytes: 'UBIGINT',
      user_name: 'VARCHAR',
      app_name: 'VARCHAR',
      extra: 'VARCHAR',
    });
    const { segments } = await readCatalogue(folder.path);
    expect(segments).toMatchObject([
      {
        tier: 'fresh',
        rows: 3,
        minReceived: Number(T0),
        maxReceived: Number(T0) + 2,
        minStart: Number(T0) - 9_000_001,
        maxEnd: Number(T0),
        sorted: false,
      },
    ]);
    await store.close();
    expect(existsSync(folder.join('writer.lock'))).toBe(false);
    expect(readdirSync(folder.join('tmp'))).toEqual([]);
  });

  it('has its end as its start when the exporter sends only an end; impossible times become the greatest one', async () => {
    const folder = tempFolder('store');
    const store = createStore(folder.path);
    await store.start();
    const batch = new FlowBatch();
    addRows(batch, layoutOf(['time_received', 'time_end']), [{ time_received: T0, time_end: T0 - 7n }]);
    addRows(batch, layoutOf(['time_received', 'time_start', 'time_end']), [
      { time_received: T0, time_start: T0 - 9n, time_end: T0 - 4n },
      { time_received: T0, time_start: 2n ** 64n - 1n, time_end: 2n ** 63n },
    ]);
    store.append(batch);
    await store.close();
    expect(await ask(folder.path, 'SELECT epoch_us(time_start), duration FROM flows')).toEqual([
      [String(T0 - 7n), '0'],
      [String(T0 - 9n), '5'],
      [String(2n ** 53n - 1n), '0'],
    ]);
    expect(await ask(folder.path, 'SELECT year(max(time_start)) FROM flows')).toEqual([['2255']]);
  });

  it('is exact over many vectors, batches and runs', async () => {
    const folder = tempFolder('store');
    const store = createStore(folder.path);
    await store.start();
    const micros = layoutOf(['time_received', 'flow_id', 'user_name', 'tos']);
    let id = 0;
    for (let n = 0; n < 5; n++) {
      const batch = store.take() as FlowBatch;
      // Runs that end in the middle of vectors of 2,048 and of mask words of 64 rows.
      for (const length of [1, 62, 64, 1000, 2048, 3001]) {
        const isText = id % 2 === 0;
        const layout = isText ? micros : layoutOf(['time_received', 'flow_id']);
        const rows = Array.from({ length }, (_, i) => {
          const one = id + i;
          return {
            time_received: T0 + BigInt(one),
            flow_id: BigInt(one),
            user_name: one % 3 === 0 ? '' : `${'u'.repeat(one % 20)}${one % 100}`,
            tos: one % 256,
          };
        });
        addRows(batch, layout, rows);
        id += length;
      }
      store.append(batch);
    }
    await store.close();
    const expected: [string, string | null, number | null][] = [];
    let at = 0;
    for (let n = 0; n < 5; n++) {
      for (const length of [1, 62, 64, 1000, 2048, 3001]) {
        const isText = at % 2 === 0;
        for (let i = 0; i < length; i++, at++) {
          const text = at % 3 === 0 ? null : `${'u'.repeat(at % 20)}${at % 100}`;
          expected.push([String(at), isText ? text : null, isText ? at % 256 : null]);
        }
      }
    }
    expect(await ask(folder.path, 'SELECT flow_id, user_name, tos FROM flows ORDER BY flow_id')).toEqual(expected);
  });
});

describe('the queue', () => {
  it('hands out no batch while its bound is reached, and drops what comes when it is closed', async () => {
    const folder = tempFolder('store');
    const store = createStore(folder.path, { maxQueueBytes: 1 });
    expect(store.take()).toBeUndefined();
    await store.start();
    const first = store.take() as FlowBatch;
    addRows(first, layoutOf(['time_received', 'flow_id']), [{ time_received: T0, flow_id: 1n }]);
    store.append(first);
    expect(store.take()).toBeUndefined();
    await store.flush();
    await until(() => store.take() !== undefined, 'the buffers come back');
    await store.close();
    store.append(plainBatch(0, 10, 1_772_366_400_000));
    expect(store.stats().rowsDropped).toMatchObject({ closed: 10 });
    expect(store.take()).toBeUndefined();
    await expect(store.flush()).rejects.toMatchObject({ code: 'WEIR_STORE' });
  });

  it('becomes durable without being asked', async () => {
    const folder = tempFolder('store');
    const store = createStore(folder.path);
    await store.start();
    store.append(plainBatch(0, 100, Date.now()));
    await until(() => store.stats().rowsStored === 100, 'the batch is stored');
    expect(await countIds(folder.path)).toEqual({ rows: 100, ids: 100, max: 99 });
    await store.close();
  });
});

describe('the table quality', () => {
  it('is stored beside the flows', async () => {
    const folder = tempFolder('store');
    const store = createStore(folder.path);
    await store.start();
    const row = {
      minute: 1_772_366_400_000,
      exporter: "2001:db8::1's",
      sender: '192.0.2.1',
      observation_domain: 4_294_967_295,
      flow_type: 'ipfix',
      datagrams: 10,
      octets: 9_007_199_254_740_991,
      records: 150,
      options_records: 1,
      counter_records: 0,
      samples_dropped: 0,
      sequence_expected: 151,
      sequence_received: 150,
      sequence_resets: 0,
      out_of_order: 2,
      template_conflicts: 4,
      sets_held: 3,
      sets_released: 2,
      sets_dropped: 1,
      undecodable: { set_length: 2, 'a "cause"': 1 },
      kernel_drops: 5,
      records_dropped: 6,
      clock_skew_ms: -12.5,
      quirks: { 'a quirk': 3 },
      sampling_rates: [1, 1000],
      ...NO_STATISTICS,
      exported_message_count: 12,
      exported_message_received_count: 10,
      not_sent_octet_count: 0,
    };
    store.appendRows('quality', [
      row,
      { ...row, minute: row.minute + 60_000, exporter: '', sender: '', undecodable: {}, sampling_rates: [] },
    ]);
    await store.close();
    const rows = await ask(folder.path, 'SELECT epoch_ms(minute) AS m, * EXCLUDE (minute) FROM quality ORDER BY m');
    expect(rows[0]).toEqual([
      '1772366400000',
      "2001:db8::1's",
      '192.0.2.1',
      4_294_967_295,
      'ipfix',
      '10',
      '9007199254740991',
      '150',
      '1',
      '0',
      '0',
      '151',
      '150',
      '0',
      '2',
      '4',
      '3',
      '2',
      '1',
      '{"set_length":2,"a \\"cause\\"":1}',
      '5',
      '6',
      -12.5,
      '{"a quirk":3}',
      [1, 1000],
      null,
      '12',
      null,
      null,
      null,
      null,
      null,
      null,
      '0',
      '10',
      null,
    ]);
    expect((rows[1] as unknown[]).slice(0, 4)).toEqual(['1772366460000', '', '', 4_294_967_295]);
    expect((rows[1] as unknown[])[24]).toEqual([]);
    const { segments } = await readCatalogue(folder.path);
    expect(segments).toMatchObject([
      { tier: 'quality', rows: 2, minReceived: 1_772_366_400_000_000, maxReceived: 1_772_366_460_000_000 },
    ]);
  });
});
