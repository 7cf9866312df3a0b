import { describe, expect, it } from 'vitest';
import { BatchFeed } from '#weir/app/batch-feed.js';
import { FlowBatch } from '#weir/flow/batch.js';

/** A store that hands out `free` batches of 4 rows and keeps what it is given. */
function store(free: number) {
  const taken: FlowBatch[] = [];
  return {
    free,
    taken,
    take() {
      return this.free-- > 0 ? new FlowBatch(4) : undefined;
    },
    append(batch: FlowBatch) {
      taken.push(batch);
    },
  };
}

/** Writes records as a decoder does: asks for the batch before each. */
function write(feed: BatchFeed, records: number): void {
  for (let i = 0; i < records; i++) feed.batch().rows++;
}

describe('the feed of batches', () => {
  it('hands full batches on, and others when it is flushed', () => {
    const target = store(10);
    const feed = new BatchFeed(target);
    write(feed, 10);
    expect(target.taken.map(({ rows }) => rows)).toEqual([4, 4]);
    feed.flush();
    expect(target.taken.map(({ rows }) => rows)).toEqual([4, 4, 2]);
    feed.flush();
    expect(target.taken).toHaveLength(3);
    expect(feed.recordsDropped).toBe(0);
  });

  it('counts the records that come while the store takes no more, and goes on when it does', () => {
    const target = store(1);
    const feed = new BatchFeed(target);
    write(feed, 4 + 7);
    expect(target.taken.map(({ rows }) => rows)).toEqual([4]);
    expect(feed.recordsDropped).toBe(7);
    target.free = 5;
    write(feed, 3);
    feed.flush();
    // Every record is counted once: handed over or dropped.
    const handed = target.taken.reduce((sum, { rows }) => sum + rows, 0);
    expect(handed + feed.recordsDropped).toBe(14);
    expect(handed).toBe(7);
  });

  it('drops for ever, in bounded memory, when the store never takes one', () => {
    const feed = new BatchFeed(store(0));
    write(feed, 200_000);
    feed.flush();
    expect(feed.recordsDropped).toBe(200_000);
  });
});
