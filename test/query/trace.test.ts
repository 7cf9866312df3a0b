import { describe, expect, it } from 'vitest';
import type { PlainRow } from './fixture.ts';
import { day, event, session, short, spans, storeOf } from './trace-tools.ts';

const flow = (clock: string, seconds: number, more: PlainRow): PlainRow => ({
  exporter: '192.0.2.254',
  flow_type: 4,
  record_kind: 0,
  time_start: day(clock),
  duration: seconds * 1_000_000,
  proto: 6,
  packets: 10,
  bytes: 1000,
  ...more,
});

describe('NAT sessions', () => {
  const A = session('10.0.0.1', 5000, 40_000);
  const B = session('10.0.0.2', 6000, 40_000);

  it('hold from their creation to their deletion', async () => {
    const { trace } = await storeOf([
      event(4, '12:00', A),
      event(5, '12:10', A),
      event(4, '13:00', B),
      event(5, '13:05', B),
    ]);
    const answer = await trace('198.51.100.1:40000', '12:05');
    expect(short(answer)).toBe('exact 10.0.0.1:5000');
    expect(spans(answer.candidates[0]?.evidence ?? [])).toEqual([['session', '12:00:00', '12:10:00']]);
    expect(answer.candidates[0]?.evidence[0]).toMatchObject({
      exporter: '192.0.2.254',
      public_addr: '198.51.100.1',
      public_port: 40_000,
      peer_addr: '203.0.113.9',
      peer_port: 443,
      ended_by: 'delete',
      distance: 0,
      records: 1,
    });
    expect(short(await trace('198.51.100.1:40000', '13:04'))).toBe('exact 10.0.0.2:6000');
    expect(short(await trace('198.51.100.1:40000', '12:30'))).toBe('none');
    expect(short(await trace('198.51.100.1:40001', '12:05'))).toBe('none');
  });

  it('count within the tolerance, and say how far off they are', async () => {
    const { trace } = await storeOf([event(4, '12:00', A), event(5, '12:10', A)]);
    const answer = await trace('198.51.100.1:40000', '12:10:04');
    expect(short(answer)).toBe('exact 10.0.0.1:5000');
    expect(answer.candidates[0]?.distance).toBe(4_000_000);
    expect(answer.warnings.join()).toContain('within the tolerance');
    expect(short(await trace('198.51.100.1:40000', '12:10:06'))).toBe('none');
    expect(short(await trace('198.51.100.1:40000', '12:12:00', { tolerance: '2m' }))).toBe('exact 10.0.0.1:5000');
    expect(short(await trace('198.51.100.1:40000', '12:10:01', { tolerance: '0' }))).toBe('none');
  });

  it('are open without an end, for as long as the TTL says', async () => {
    const { trace } = await storeOf([event(4, '12:00', A)]);
    expect(short(await trace('198.51.100.1:40000', '18:00'))).toBe('exact open 10.0.0.1:5000');
    expect(short(await trace('198.51.100.1:40000', '18:00', { ttl: '1h' }))).toBe('none');
    expect(short(await trace('198.51.100.1:40000', '11:00'))).toBe('none');
  });

  it('end where another host gets the same port for the same peer', async () => {
    const { trace } = await storeOf([event(4, '12:00', A), event(4, '13:00', B)]);
    const answer = await trace('198.51.100.1:40000', '12:30');
    expect(short(answer)).toBe('exact 10.0.0.1:5000');
    expect(answer.candidates[0]?.evidence[0]?.ended_by).toBe('reuse');
    expect(short(await trace('198.51.100.1:40000', '14:00'))).toBe('exact open 10.0.0.2:6000');
  });

  it('of which only the end was seen count before it, but not before another one of the port', async () => {
    const { trace } = await storeOf([event(4, '11:00', B), event(5, '11:30', B), event(5, '12:00', A)]);
    expect(short(await trace('198.51.100.1:40000', '11:45'))).toBe('exact open 10.0.0.1:5000');
    expect(short(await trace('198.51.100.1:40000', '11:15'))).toBe('exact 10.0.0.2:6000');
  });

  it('towards several peers overlap, until the peer or the protocol is told', async () => {
    const toOther = { ...B, dst_addr: '203.0.113.10', post_nat_dst_addr: '203.0.113.10' };
    const udp = { ...session('10.0.0.3', 7000, 40_000), proto: 17 };
    const rows = [A, toOther, udp].flatMap((one) => [event(4, '12:00', one), event(5, '12:10', one)]);
    const { trace } = await storeOf(rows);
    const answer = await trace('198.51.100.1:40000', '12:05');
    expect(short(answer)).toBe('overlapping 10.0.0.1:5000 10.0.0.2:6000 10.0.0.3:7000');
    expect(answer.warnings.join()).toContain('--to (the other end) and --proto');
    expect(short(await trace('198.51.100.1:40000', '12:05', { to: '203.0.113.10' }))).toBe('exact 10.0.0.2:6000');
    expect(short(await trace('198.51.100.1:40000', '12:05', { to: '203.0.113.9:443', proto: 'udp' }))).toBe(
      'exact 10.0.0.3:7000',
    );
    expect(short(await trace('198.51.100.1:40000', '12:05', { to: '203.0.113.9:80' }))).toBe('none');
  });

  it('within the tolerance of each other overlap, the one that held then first', async () => {
    const { trace } = await storeOf([
      event(4, '12:00', A),
      event(5, '12:10', A),
      event(4, '12:10:03', B),
      event(5, '12:20', B),
    ]);
    const answer = await trace('198.51.100.1:40000', '12:10:04');
    expect(short(answer)).toBe('overlapping 10.0.0.2:6000 10.0.0.1:5000');
    expect(answer.candidates.map(({ distance }) => distance)).toEqual([0, 4_000_000]);
  });

  it('of an address without its port are those of all hosts, with a warning', async () => {
    const rows = [A, session('10.0.0.1', 5001, 40_001), session('10.0.0.2', 6000, 40_002)].map((one) =>
      event(4, '12:00', one),
    );
    const { trace } = await storeOf(rows);
    const answer = await trace('198.51.100.1', '12:05');
    expect(short(answer)).toBe('overlapping open 10.0.0.1 10.0.0.2');
    expect(answer.candidates[0]?.evidence[0]?.records).toBe(2);
    expect(answer.warnings.join()).toContain('shared');
  });

  it('of IPv6 hosts behind IPv4 (NAT64) and of VRFs with the same addresses are told apart', async () => {
    const six = { ...session('2001:db8::7', 5000, 41_000) };
    const red = {
      ...session('10.0.0.1', 5000, 42_000),
      ingress_vrf: 1,
      dst_addr: '203.0.113.1',
      post_nat_dst_addr: '203.0.113.1',
    };
    const blue = {
      ...red,
      ingress_vrf: 2,
      dst_addr: '203.0.113.2',
      post_nat_dst_addr: '203.0.113.2',
      user_name: 'line 7',
    };
    const { trace } = await storeOf([event(6, '12:00', six), event(4, '12:00', red), event(4, '12:00', blue)]);
    expect(short(await trace('198.51.100.1:41000', '12:05'))).toBe('exact open 2001:db8::7:5000');
    const answer = await trace('198.51.100.1:42000', '12:05');
    expect(answer.candidates.map(({ ingress_vrf, user_name }) => [ingress_vrf, user_name])).toEqual([
      [1, null],
      [2, 'line 7'],
    ]);
  });

  it('that were refused tell of no translation', async () => {
    const { trace } = await storeOf([event(3, '12:00', A), event(13, '12:00', A)]);
    expect(short(await trace('198.51.100.1:40000', '12:00'))).toBe('none');
  });
});

describe('bindings', () => {
  it('hold for all peers', async () => {
    const binding = {
      src_addr: '10.0.0.1',
      src_port: 5000,
      post_nat_src_addr: '198.51.100.1',
      post_nat_src_port: 40_000,
    };
    const { trace } = await storeOf([event(8, '12:00', binding), event(9, '12:10', binding)]);
    const answer = await trace('198.51.100.1:40000', '12:05', { to: '203.0.113.77:1' });
    expect(short(answer)).toBe('exact 10.0.0.1:5000');
    expect(answer.candidates[0]?.evidence[0]).toMatchObject({ kind: 'binding', peer_addr: null });
  });

  it('of addresses hold for all ports, and for several hosts at a time', async () => {
    const of = (inside: string): PlainRow => ({
      src_addr: inside,
      post_nat_src_addr: '198.51.100.1',
      proto: undefined,
    });
    const { trace } = await storeOf([
      event(14, '12:00', of('10.0.0.1')),
      event(14, '13:00', of('10.0.0.2')),
      event(15, '14:00', of('10.0.0.1')),
    ]);
    expect(short(await trace('198.51.100.1:1', '12:30'))).toBe('block 10.0.0.1');
    expect(short(await trace('198.51.100.1:65535', '13:30'))).toBe('overlapping 10.0.0.1 10.0.0.2');
    expect(short(await trace('198.51.100.1', '14:30'))).toBe('block open 10.0.0.2');
  });
});

describe('port blocks', () => {
  const block = (inside: string, more: PlainRow): PlainRow => ({
    src_addr: inside,
    post_nat_src_addr: '198.51.100.1',
    proto: undefined,
    ...more,
  });

  it('hold for their ports, from allocation to deallocation', async () => {
    const first = block('10.0.0.1', { port_range_start: 1024, port_range_end: 2047 });
    const second = block('10.0.0.2', { port_range_start: 2048, port_range_end: 3071 });
    const { trace } = await storeOf([event(16, '12:00', first), event(16, '12:00', second), event(17, '13:00', first)]);
    const answer = await trace('198.51.100.1:2047', '12:30', { proto: 'udp' });
    expect(short(answer)).toBe('block 10.0.0.1');
    expect(answer.candidates[0]?.evidence[0]).toMatchObject({
      kind: 'block',
      block_start: 1024,
      block_end: 2047,
      block_step: 1,
    });
    expect(short(await trace('198.51.100.1:2048', '13:30'))).toBe('block open 10.0.0.2');
    expect(short(await trace('198.51.100.1:1024', '13:30'))).toBe('none');
    expect(short(await trace('198.51.100.1:3072', '12:30'))).toBe('none');
  });

  it('may be told by start, step and size', async () => {
    const sized = block('10.0.0.1', { port_range_start: 1024, port_range_size: 4 });
    const stepped = block('10.0.0.2', { port_range_start: 2000, port_range_step: 8, port_range_size: 3 });
    const { trace } = await storeOf([event(16, '12:00', sized), event(16, '12:00', stepped)]);
    expect(short(await trace('198.51.100.1:1027', '12:30'))).toBe('block open 10.0.0.1');
    expect(short(await trace('198.51.100.1:1028', '12:30'))).toBe('none');
    for (const port of [2000, 2008, 2016])
      expect(short(await trace(`198.51.100.1:${port}`, '12:30'))).toBe('block open 10.0.0.2');
    for (const port of [2001, 2015, 2024]) expect(short(await trace(`198.51.100.1:${port}`, '12:30'))).toBe('none');
  });

  it('are evidence for the session in them, and against one of another host', async () => {
    const own = block('10.0.0.1', { port_range_start: 40_000, port_range_end: 40_063 });
    const { trace } = await storeOf([event(16, '12:00', own), event(4, '12:01', session('10.0.0.1', 5000, 40_000))]);
    const answer = await trace('198.51.100.1:40000', '12:05');
    expect(short(answer)).toBe('exact open 10.0.0.1:5000');
    expect(answer.candidates[0]?.evidence.map(({ kind }) => kind).sort()).toEqual(['block', 'session']);
    const other = await storeOf([event(16, '12:00', own), event(4, '12:01', session('10.0.0.9', 5000, 40_000))]);
    expect(short(await other.trace('198.51.100.1:40000', '12:05'))).toContain('overlapping');
  });
});

describe('flows with translated addresses', () => {
  it('hold from their start to their end', async () => {
    const { trace } = await storeOf([flow('12:00', 60, session('10.0.0.1', 5000, 40_000))]);
    const answer = await trace('198.51.100.1:40000', '12:00:30');
    expect(short(answer)).toBe('exact 10.0.0.1:5000');
    expect(answer.candidates[0]?.evidence[0]).toMatchObject({ kind: 'flow', packets: '10', bytes: '1000' });
    expect(short(await trace('198.51.100.1:40000', '12:01:06'))).toBe('none');
  });

  it('of a forwarded port, and the way back, tell it by the translated destination', async () => {
    const inbound = {
      src_addr: '203.0.113.9',
      src_port: 443,
      dst_addr: '198.51.100.1',
      dst_port: 8443,
      post_nat_dst_addr: '10.0.0.5',
      post_nat_dst_port: 443,
      post_nat_src_addr: '0.0.0.0',
      post_nat_src_port: 0,
    };
    const { trace } = await storeOf([flow('12:00', 60, inbound)]);
    const answer = await trace('198.51.100.1:8443', '12:00:30', { to: '203.0.113.9:443' });
    expect(short(answer)).toBe('exact 10.0.0.5:443');
    expect(answer.candidates[0]?.evidence[0]).toMatchObject({ peer_addr: '203.0.113.9', peer_port: 443 });
    expect(short(await trace('198.51.100.1:443', '12:00:30'))).toBe('none');
  });

  it('without a translated port have it from the other side, which is said', async () => {
    const plain = { ...session('10.0.0.1', 5000, 0), post_nat_src_port: undefined, post_nat_dst_port: undefined };
    const { trace } = await storeOf([flow('12:00', 60, plain)]);
    const answer = await trace('198.51.100.1:5000', '12:00:30');
    expect(short(answer)).toBe('exact 10.0.0.1:5000');
    expect(answer.candidates[0]?.port_told).toBe(false);
    expect(answer.warnings.join()).toContain('do not tell the translated port');
  });

  it('whose addresses stay the same are no translations', async () => {
    const same = { ...session('198.51.100.1', 40_000, 40_000) };
    const { trace } = await storeOf([flow('12:00', 60, same)]);
    const answer = await trace('198.51.100.1:40000', '12:00:30');
    expect(short(answer)).toBe('none');
    expect(answer.reasons.map(({ code }) => code)).toEqual(['no_nat_evidence', 'never_translated', 'untranslated']);
  });
});

describe('firewall events', () => {
  const A = session('10.0.0.1', 5000, 40_000);
  const fw = (firewall_event: number, clock: string, more: PlainRow): PlainRow =>
    event(0, clock, { ...A, nat_event: undefined, record_kind: 3, flow_type: 3, firewall_event, ...more });

  it('of a connection hold from created to deleted; denied ones do not', async () => {
    const teardown = flow('12:00', 600, { ...A, firewall_event: 2 });
    const { trace } = await storeOf([fw(1, '12:00', {}), teardown, fw(3, '15:00', {})]);
    const answer = await trace('198.51.100.1:40000', '12:05');
    expect(short(answer)).toBe('exact 10.0.0.1:5000');
    const found = spans(answer.candidates[0]?.evidence ?? []);
    expect(found).toHaveLength(2);
    expect(found).toContainEqual(['firewall', '12:00:00', '12:10:00']);
    expect(found).toContainEqual(['flow', '12:00:00', '12:10:00']);
    expect(short(await trace('198.51.100.1:40000', '15:00'))).toBe('none');
  });
});

describe('what an inside host used', () => {
  it('lists public ends and blocks in order of time', async () => {
    const block = {
      src_addr: '10.0.0.1',
      post_nat_src_addr: '198.51.100.1',
      port_range_start: 1024,
      port_range_end: 2047,
    };
    const A = session('10.0.0.1', 5000, 40_000);
    const { uses } = await storeOf([
      event(16, '09:00', { ...block, proto: undefined }),
      event(4, '12:00', A),
      event(5, '12:10', A),
      flow('12:20', 60, session('10.0.0.1', 5001, 40_001)),
      flow('12:30', 60, session('10.0.0.1', 5001, 40_001)),
      flow('12:20', 60, session('10.0.0.2', 5001, 40_002)),
      flow('20:00', 60, session('10.0.0.1', 5009, 40_009)),
    ]);
    const range = { from: day('11:00'), until: day('13:00') };
    const all = await uses('10.0.0.1', range);
    expect(
      all.uses.map(({ kind, public_port, block_start, records, peers }) => [
        kind,
        public_port,
        block_start,
        records,
        peers,
      ]),
    ).toEqual([
      ['block', null, 1024, 1, 0],
      ['session', 40_000, null, 1, 1],
      ['flow', 40_001, null, 2, 1],
    ]);
    const one = await uses('10.0.0.1:5001', range);
    expect(one.uses.map(({ public_port }) => public_port)).toEqual([null, 40_001]);
    const none = await uses('10.0.0.3', range);
    expect(none.uses).toEqual([]);
    expect(none.reasons.map(({ code }) => code)).toEqual(['never_translated']);
  });
});
