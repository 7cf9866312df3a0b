#!/usr/bin/env node
// Stands in for conntrack(8) in the benchmark of NAT: lines in its very form. WEIR_BENCH holds { open, rate, seconds }: `-L` lists so many open connections, `-E` tells
// of so many events a second (0: as fast as they are read), each connection's beginning and, a second's worth of events later, its end.
import { writeSync } from 'node:fs';

const { open, rate, seconds } = JSON.parse(process.env.WEIR_BENCH);
/** Connections that are open at a time, of those that begin and end. */
const LIVE = 15_000;
/** Lines written at once. */
const CHUNK = 300;

const isIpv6 = process.argv.includes('ipv6');
if (process.argv.includes('-L')) {
  if (!isIpv6) for (let from = 0; from < open; from += CHUNK) write(lines(from, Math.min(open, from + CHUNK), listed));
} else {
  process.stderr.write('NOTICE: Netlink socket buffer size has been set to 67108864 bytes.\n');
  process.on('SIGTERM', () => process.exit(0));
  setTimeout(tell, 500);
}

function tell() {
  let begun = performance.now();
  let n = 0;
  const total = rate > 0 ? rate * seconds : Number.POSITIVE_INFINITY;
  const step = () => {
    // What it could not write in time is not made up for.
    if (rate > 0) begun = Math.max(begun, performance.now() - ((n + rate / 20) / rate) * 1000);
    const passed = performance.now() - begun;
    const due = rate > 0 ? Math.min(total, Math.floor((passed / 1000) * rate)) : n + CHUNK * 4;
    for (; n + CHUNK <= due; n += CHUNK) write(lines(n, n + CHUNK, event));
    if (n + CHUNK <= total && (rate > 0 || passed < seconds * 1000)) setTimeout(step, rate > 0 ? 2 : 0);
    else {
      // What has begun ends.
      for (let from = n; from < n + 2 * LIVE; from += CHUNK)
        write(lines(from, from + CHUNK, (i) => (i % 2 === 1 ? event(i) : '')));
      write(`${JSON.stringify({ events: n })}\n`);
      setInterval(() => {}, 1000);
    }
  };
  step();
}

/** Even numbers begin a connection, odd ones end the one that began `LIVE` connections before. */
function event(n) {
  const now = Date.now();
  const time = `[${Math.floor(now / 1000)}.${String((now % 1000) * 1000).padStart(6, '0')}]\t`;
  const one = n >> 1;
  if (n % 2 === 0)
    return `${time}    [NEW] ${tuples(one + 1_000_000, 'tcp      6 120 SYN_SENT', '', '[UNREPLIED] ', '')} id=${id(one)}\n`;
  if (one < LIVE) return '';
  const ended = one - LIVE;
  const second = new Date(now).toUTCString();
  const clock = `${second.slice(0, 3)} ${second.slice(8, 11)} ${second.slice(5, 7)} ${second.slice(17, 25)} ${second.slice(12, 16)}`;
  return `${time}[DESTROY] ${tuples(ended + 1_000_000, 'tcp      6', 'packets=720 bytes=38052 ', '', 'packets=1432 bytes=2027040 ')}[ASSURED] delta-time=0 [start=${clock}] [stop=${clock}] id=${id(ended)}\n`;
}

function listed(n) {
  return `${tuples(n, 'tcp      6 431999 ESTABLISHED', 'packets=720 bytes=38052 ', '', 'packets=1432 bytes=2027040 ')}[ASSURED] mark=0 delta-time=99 [start=Sat Nov 21 18:41:44 2026] use=1 id=${id(n + 500_000_000)}\n`;
}

function tuples(n, head, counts, flag, replies) {
  const inside = `10.${(n >> 16) & 255}.${(n >> 8) & 255}.${n & 255}`;
  const port = 1024 + (n % 60_000);
  const outside = `198.51.${(n >> 8) & 255}.${n & 255}`;
  return `${head} src=${inside} dst=${outside} sport=${port} dport=443 ${counts}${flag}src=${outside} dst=203.0.113.1 sport=443 dport=${port} ${replies}`;
}

function id(n) {
  return ((n + 1) * 2_654_435_761) % 4_294_967_295;
}

function lines(from, to, line) {
  let text = '';
  for (let n = from; n < to; n++) text += line(n);
  return text;
}

function write(text) {
  const octets = Buffer.from(text, 'latin1');
  for (let at = 0; at < octets.length; ) {
    try {
      at += writeSync(1, octets, at);
    } catch (error) {
      if (error.code !== 'EAGAIN') process.exit(1);
    }
  }
}
