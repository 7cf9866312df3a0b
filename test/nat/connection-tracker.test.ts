import { describe, expect, it } from 'vitest';
import { ConnectionTracker, type TrackerOptions } from '#weir/nat/connection-tracker.js';
import { connectionOf, keeper } from './connections.ts';

const NOON = Date.UTC(2026, 10, 21, 12) / 1000;
const clockText = (seconds: number) => {
  const [, day, month, year, time] = /, (\d\d) (\w+) (\d+) ([\d:]+)/.exec(new Date(seconds * 1000).toUTCString()) ?? [];
  return `Sat ${month} ${day?.replace(/^0/, ' ')} ${time} ${year}`;
};

/** Lines about a connection that is translated to 192.0.2.1, at seconds after noon. */
const tuple = (port: number, id = port) => ({
  plain: (counts = 'packets=1 bytes=100', replies = 'packets=2 bytes=200') =>
    `src=10.0.0.1 dst=198.51.100.1 sport=${port} dport=80 ${counts} src=198.51.100.1 dst=192.0.2.1 sport=80 dport=${port} ${replies} id=${id}`,
});
const begins = (port: number, at: number, id = port) =>
  connectionOf(`[${(NOON + at).toFixed(6)}]\t    [NEW] tcp      6 120 SYN_SENT ${tuple(port, id).plain('', '')}`);
const ends = (
  port: number,
  at: number,
  { id = port, bytes = 1000, start = -1, stop = -1, life = -1, by = '' } = {},
) => {
  const kernel =
    stop < 0 ? '' : `delta-time=${life} [start=${clockText(NOON + start)}] [stop=${clockText(NOON + stop)}]`;
  return connectionOf(
    `[${(NOON + at).toFixed(6)}]\t[DESTROY] tcp      6 ${tuple(port, id).plain(`packets=9 bytes=${bytes}`, 'packets=9 bytes=900')} ${kernel} ${by}`,
  );
};
const lists = (port: number, bytes = 100, { id = port, start = -1 } = {}) =>
  connectionOf(
    `tcp      6 100 ESTABLISHED ${tuple(port, id).plain(`packets=1 bytes=${bytes}`)} ${start < 0 ? '' : `[start=${clockText(NOON + start)}]`}`,
  );

function track(options: Partial<TrackerOptions> = {}) {
  const clock = { seconds: 0, wall: 0 };
  const listener = keeper();
  const tracker = new ConnectionTracker({
    selection: { translation: 'translated' },
    listener,
    maxConnections: 100,
    ttlSeconds: 604_800,
    activeSeconds: 1800,
    nowMicros: () => (NOON + clock.seconds + clock.wall) * 1e6,
    seconds: () => clock.seconds,
    seed: 1,
    ...options,
  });
  const list = (...entries: ReturnType<typeof lists>[]) => {
    tracker.listingBegan();
    for (const entry of entries) tracker.listed(entry);
    tracker.listingEnded(true);
  };
  /** Some seconds pass. */
  const pass = (seconds: number) => {
    clock.seconds += seconds;
    tracker.tick();
  };
  const told = () =>
    listener.told.map(({ what, port, start, end, bytes, reason }) => {
      const text = `${what} ${port} ${(start - NOON).toFixed(3)}`;
      return what === 'begun' ? text : `${text} ${(end - NOON).toFixed(3)} ${bytes} ${reason}`;
    });
  return { tracker, clock, list, pass, told, listener };
}

describe('the tracker of connections', () => {
  it('tells of a beginning and of the end, with the times of the events', () => {
    const { tracker, told } = track();
    tracker.event(begins(1000, 1.25));
    tracker.event(ends(1000, 3.5));
    expect(told()).toEqual(['begun 1000 1.250', 'ended 1000 1.250 3.500 1000 3']);
    expect(tracker.counters).toMatchObject({ open: 0, begun: 1, ended: 1, beginningsMissed: 0, endsMissed: 0 });
  });

  it('believes the kernel’s second more than an event that was read late', () => {
    const { tracker, told } = track();
    tracker.event(begins(1000, 7.75));
    tracker.event(ends(1000, 30.5, { start: 5, stop: 20, life: 14 }));
    // It began in the sixth second, and lived for 14 to 15 s.
    expect(told()[1]).toBe('ended 1000 6.000 20.000 1000 3');
    tracker.event(begins(1001, 5.25));
    tracker.event(ends(1001, 20.75, { start: 5, stop: 20, life: 15 }));
    expect(told()[3]).toBe('ended 1001 5.250 20.750 1000 3');
  });

  it('tells of an end whose beginning it has not seen, by the kernel’s times', () => {
    const { tracker, told } = track();
    tracker.event(ends(1000, 30.5, { start: 5, stop: 30, life: 25, by: '[USERSPACE] portid=1' }));
    expect(told()).toEqual(['ended 1000 5.000 30.500 1000 4']);
    expect(tracker.counters.beginningsMissed).toBe(1);
  });

  it('takes connections that were there from the first listing, and counts what they count from then on', () => {
    const { tracker, list, told } = track();
    list(lists(1000, 5000, { start: 0 }));
    expect(tracker.silent).toBe(1);
    tracker.event(ends(1000, 9.5, { bytes: 5600, start: 0, stop: 9, life: 9 }));
    expect(told()).toEqual(['begun 1000 0.000', 'ended 1000 0.000 9.500 600 3']);
    expect(tracker.silent).toBe(0);
    expect(tracker.counters.beginningsMissed).toBe(0);
  });

  it('knows a connection once that both a listing and an event tell of', () => {
    const { tracker, told } = track();
    tracker.listingBegan();
    tracker.event(begins(1000, 1));
    tracker.listed(lists(1000, 100, { start: 1 }));
    tracker.listed(lists(1001, 100, { start: 1 }));
    tracker.event(begins(1001, 1.5));
    tracker.event(begins(1002, 2));
    tracker.event(ends(1002, 3));
    tracker.listed(lists(1002, 100, { start: 2 }));
    tracker.listingEnded(true);
    tracker.event(ends(1001, 4, { bytes: 700 }));
    expect(told()).toEqual([
      'begun 1000 1.000',
      'begun 1001 1.000',
      'begun 1002 2.000',
      'ended 1002 2.000 3.000 1000 3',
      'ended 1001 1.500 4.000 700 3',
    ]);
    expect(tracker.counters).toMatchObject({ open: 1, beginningsMissed: 0, endsMissed: 0 });
  });

  it('finds what events did not tell by the next listing, and not what it is told of a moment later', () => {
    const { tracker, list, pass, told } = track();
    list();
    tracker.event(begins(1000, 1));
    tracker.event(begins(1001, 1));
    pass(100);
    list(lists(1002, 300, { start: 50 }));
    tracker.event(ends(1001, 100.5));
    pass(1);
    expect(told()).toHaveLength(4);
    pass(5);
    expect(told().slice(2)).toEqual([
      'begun 1002 50.000',
      'ended 1001 1.000 100.500 1000 3',
      'ended 1000 1.000 100.000 0 5',
    ]);
    // The event of an end that was given up.
    tracker.event(ends(1000, 99));
    expect(tracker.counters).toMatchObject({ beginningsMissed: 1, endsMissed: 1, endsLate: 1, ended: 2, open: 1 });
  });

  it('does not believe a listing that is not complete', () => {
    const { tracker, pass, told } = track();
    tracker.event(begins(1000, 1));
    tracker.listingBegan();
    tracker.listingEnded(false);
    pass(100);
    expect(told()).toEqual(['begun 1000 1.000']);
  });

  it('sees by its number that a connection has taken the place of another', () => {
    const { tracker, told } = track();
    tracker.event(begins(1000, 1, 7));
    tracker.event(begins(1000, 5, 8));
    tracker.event(ends(1000, 6, { id: 8 }));
    expect(told()).toEqual([
      'begun 1000 1.000',
      'ended 1000 1.000 5.000 0 5',
      'begun 1000 5.000',
      'ended 1000 5.000 6.000 1000 3',
    ]);
    expect(tracker.counters.endsMissed).toBe(1);
  });

  it('tells of a long connection every active timeout, and of what was counted since', () => {
    const { tracker, list, pass, listener } = track();
    list();
    tracker.event(begins(1000, 0));
    for (let quarter = 1; quarter <= 8; quarter++) {
      pass(450);
      list(lists(1000, quarter * 1000, { start: 0 }));
    }
    tracker.event(ends(1000, 3700, { bytes: 8200, start: 0, stop: 3700, life: 3700 }));
    const parts = listener.told.slice(1).map(({ what, from, end, bytes }) => [what, from - NOON, end - NOON, bytes]);
    expect(parts).toEqual([
      ['continues', 0, 1800, 4000],
      ['continues', 1800, 3600, 4000],
      ['ended', 3600, 3700, 200],
    ]);
  });

  it('tells of everything that is open before it ends', () => {
    const { tracker, list, told } = track();
    list(lists(1000, 5000, { start: 0 }));
    tracker.event(begins(1001, 0.5));
    tracker.finish();
    list(lists(1000, 5100, { start: 0 }), lists(1001, 70));
    expect(told().slice(2)).toEqual(['continues 1000 0.000 0.000 100 4', 'continues 1001 0.500 0.500 70 4']);
  });

  it('forgets what gives no sign for the TTL', () => {
    const { tracker, pass, told } = track({ ttlSeconds: 600 });
    tracker.event(begins(1000, 0));
    pass(599);
    expect(tracker.counters.open).toBe(1);
    pass(70);
    expect(tracker.counters).toMatchObject({ open: 0, forgotten: 1 });
    expect(told()).toHaveLength(1);
  });

  it('keeps to its bound, and tells nevertheless of what it does not keep', () => {
    const { tracker, told } = track({ maxConnections: 2 });
    for (const port of [1, 2, 3]) tracker.event(begins(port, port));
    tracker.event(ends(3, 9, { start: 3, stop: 9, life: 6 }));
    expect(told().at(-1)).toBe('ended 3 3.000 9.000 1000 3');
    expect(tracker.counters).toMatchObject({ open: 2, untracked: 1 });
  });

  it('goes on when the clock is set back, and counts ends before beginnings', () => {
    const { tracker, told, clock, list, pass } = track();
    list();
    tracker.event(begins(1000, 4000));
    clock.wall = -3600;
    tracker.event(ends(1000, 400));
    expect(told()[1]).toBe('ended 1000 4000.000 4000.000 1000 3');
    expect(tracker.counters.timesReversed).toBe(1);
    // Neither TTL nor active timeout goes by the clock that was set.
    tracker.event(begins(1001, 410));
    clock.wall = 30 * 86_400;
    pass(10);
    list(lists(1001, 50));
    expect(tracker.counters).toMatchObject({ open: 1, forgotten: 0, interim: 0 });
  });

  it.each([
    ['all', ['src', 'dst', 'both', 'none']],
    ['translated', ['src', 'dst', 'both']],
    ['snat', ['src', 'both']],
    ['dnat', ['dst', 'both']],
  ] as const)('tells of %s', (translation, expected) => {
    const { tracker, listener } = track({ selection: { translation } });
    const reply = {
      src: 'src=198.51.100.1 dst=192.0.2.1 sport=80 dport=5',
      dst: 'src=10.9.9.9 dst=10.0.0.1 sport=80 dport=5',
      both: 'src=10.9.9.9 dst=192.0.2.1 sport=80 dport=5',
      none: 'src=198.51.100.1 dst=10.0.0.1 sport=80 dport=5',
    };
    const seen: string[] = [];
    for (const [name, tuples] of Object.entries(reply)) {
      const before = listener.told.length;
      const line = `[1.000000] [NEW] udp 17 30 src=10.0.0.1 dst=198.51.100.1 sport=5 dport=80 ${tuples} id=${name.length}`;
      tracker.event(connectionOf(line));
      tracker.event(connectionOf(line.replace('[NEW]', '[DESTROY]')));
      if (listener.told.length > before) seen.push(name);
    }
    expect(seen).toEqual(expected);
  });

  it('tells of the zones and marks that are asked for', () => {
    const { tracker, listener } = track({
      selection: { translation: 'all', zones: [5], mark: { value: 0x10, mask: 0xf0 } },
    });
    const line = (zone: number, mark: number) =>
      connectionOf(
        `[1.000000] [NEW] udp 17 30 src=10.0.0.1 dst=198.51.100.1 sport=${mark} dport=80 src=198.51.100.1 dst=10.0.0.1 sport=80 dport=5 mark=${mark} zone=${zone} id=1`,
      );
    for (const [zone, mark] of [
      [5, 0x1f],
      [5, 0x20],
      [4, 0x1f],
    ] as const)
      tracker.event(line(zone, mark));
    expect(listener.told.map(({ port }) => port)).toEqual([0x1f]);
  });
});
