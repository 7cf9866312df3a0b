import { describe, expect, it } from 'vitest';
import { connectTo, counted, eventually, hex, listen, MESSAGES } from './stream-tools.ts';

/* Connections that break off at every octet of a stream of messages, beside one that does not. */

const ALL = Buffer.concat(MESSAGES);
const EXPECTED = MESSAGES.map(hex);
/** How many messages are whole before each octet, and how many octets those have. */
const WHOLE = Array.from({ length: ALL.length + 1 }, (_, cut) => {
  let [messages, octets] = [0, 0];
  while (messages < MESSAGES.length && octets + (MESSAGES[messages] as Uint8Array).length <= cut)
    octets += (MESSAGES[messages++] as Uint8Array).length;
  return { messages, octets };
});

describe('streams cut at every octet', () => {
  it.each(['ended', 'reset'] as const)(
    'and %s: what was whole is received, the rest counted, a good connection loses nothing',
    async (how) => {
      const { listener, sessions } = await listen('tcp://127.0.0.1:0');
      const good = await connectTo(listener);
      good.write(MESSAGES[0] as Uint8Array);
      await eventually(() => sessions[0]?.messages.length).toBe(1);
      for (let cut = 0; cut <= ALL.length; cut++) {
        const socket = await connectTo(listener);
        socket.write(ALL.subarray(0, cut));
        // A reset throws away what has not been read yet.
        await eventually(
          () => listener.sessions(2).find(({ exporter }) => exporter.endsWith(`:${socket.localPort}`))?.bytes,
        ).toBe(cut);
        if (how === 'ended') socket.end();
        else socket.resetAndDestroy();
        await eventually(() => sessions[cut + 1]?.ended).toBe(true);
        expect(sessions[cut + 1]?.messages, `cut at ${cut}`).toEqual(EXPECTED.slice(0, WHOLE[cut]?.messages));
      }
      const counters = listener.counters();
      expect(counted(counters.ended)).toEqual({ [how]: ALL.length + 1 });
      const unfinished = WHOLE.reduce((sum, { octets }, cut) => sum + cut - octets, 0);
      expect(counters).toMatchObject({ open: 1, accepted: ALL.length + 2, unfinishedBytes: unfinished });
      good.write(Buffer.concat(MESSAGES.slice(1)));
      await eventually(() => sessions[0]?.messages).toEqual(EXPECTED);
    },
  );

  it('in two, with a pause between the parts, are received whole', async () => {
    const { listener, sessions } = await listen('tcp://127.0.0.1:0');
    for (let cut = 0; cut <= ALL.length; cut++) {
      const socket = await connectTo(listener);
      socket.setNoDelay(true);
      socket.write(ALL.subarray(0, cut));
      await eventually(() => sessions[cut]?.messages.length).toBe(WHOLE[cut]?.messages);
      socket.end(ALL.subarray(cut));
      await eventually(() => sessions[cut]?.ended).toBe(true);
      expect(sessions[cut]?.messages, `cut at ${cut}`).toEqual(EXPECTED);
    }
    expect(listener.counters()).toMatchObject({ unfinishedBytes: 0, messages: 3 * (ALL.length + 1) });
  });
});
