import { TOP_ORDERS, type TopOrder } from './protocol.ts';

/** What `b` goes through, after the grouping that was asked for. */
const GROUPINGS = [
  'src_addr',
  'dst_addr',
  'src_addr,dst_addr',
  'service_port,proto',
  'src_addr,src_port,dst_addr,dst_port,proto',
  'src_addr/24/48',
  'dst_addr/24/48',
  'exporter,in_if',
  'exporter,out_if',
  'src_as,dst_as',
  'tos',
] as const;

/** What `+` and `-` go through, ms. */
const INTERVALS = [500, 1000, 2000, 5000, 10_000, 30_000, 60_000] as const;
/** Longest line that is typed. */
const MAX_TYPED = 10_000;

/** What a `weir top` shows, and what its user does at the moment. */
export interface TopState {
  readonly by: string;
  readonly groupings: readonly string[];
  readonly order: TopOrder;
  readonly filter: string;
  /** ms. */
  readonly interval: number;
  readonly paused: boolean;
  readonly help: boolean;
  /** A line that is being typed, and what is wrong with it. */
  readonly typing:
    | { readonly what: 'filter' | 'by'; readonly text: string; readonly fault: string | undefined }
    | undefined;
  readonly ended: boolean;
}

/** A key as Node's readline tells it. */
export interface Key {
  /** The character, for keys that have one. */
  readonly text: string | undefined;
  readonly name: string | undefined;
  readonly ctrl: boolean;
}

/** What is wrong with a filter, or with a grouping; undefined for a right one. */
export type Check = (what: 'filter' | 'by', text: string) => string | undefined;

export function firstState(asked: Pick<TopState, 'by' | 'order' | 'filter' | 'interval'>): TopState {
  const groupings = [asked.by, ...GROUPINGS.filter((by) => by !== asked.by)];
  return { ...asked, groupings, paused: false, help: false, typing: undefined, ended: false };
}

/** The state after a key. */
export function press(state: TopState, key: Key, check: Check): TopState {
  if (key.ctrl && (key.name === 'c' || key.name === 'd')) return { ...state, ended: true };
  if (state.typing !== undefined) return type(state, state.typing, key, check);
  // Any key takes the help away, and does nothing else.
  if (state.help) return { ...state, help: false, ended: key.text === 'q' };
  switch (key.text ?? key.name) {
    case 'q':
      return { ...state, ended: true };
    case 'h':
    case '?':
      return { ...state, help: true };
    case 'b':
      return { ...state, by: after(state.groupings, state.by) };
    case 'B':
      return { ...state, typing: { what: 'by', text: state.by, fault: undefined } };
    case '/':
    case 'f':
      return { ...state, typing: { what: 'filter', text: state.filter, fault: undefined } };
    case 's':
      return { ...state, order: after(TOP_ORDERS, state.order) };
    case ' ':
      return { ...state, paused: !state.paused };
    case '+':
      return { ...state, interval: INTERVALS.find((one) => one > state.interval) ?? state.interval };
    case '-':
      return { ...state, interval: INTERVALS.findLast((one) => one < state.interval) ?? state.interval };
    default:
      return state;
  }
}

function after<T>(list: readonly T[], now: T): T {
  return list[(list.indexOf(now) + 1) % list.length] as T;
}

function type(state: TopState, typing: NonNullable<TopState['typing']>, key: Key, check: Check): TopState {
  const { what, text } = typing;
  const edited = (to: string): TopState => ({ ...state, typing: { what, text: to, fault: undefined } });
  if (key.name === 'escape') return { ...state, typing: undefined };
  if (key.name === 'backspace') return edited(Array.from(text).slice(0, -1).join(''));
  if (key.ctrl && key.name === 'u') return edited('');
  if (key.ctrl && key.name === 'w') return edited(text.replace(/\S*\s*$/, ''));
  if (key.name === 'return' || key.name === 'enter') {
    const fault = check(what, text);
    if (fault !== undefined) return { ...state, typing: { what, text, fault } };
    const done = { ...state, typing: undefined, [what]: text.trim() };
    return what === 'by' && !state.groupings.includes(done.by)
      ? { ...done, groupings: [done.by, ...state.groupings] }
      : done;
  }
  const isText = key.text !== undefined && !key.ctrl && /^\P{Cc}+$/u.test(key.text);
  return isText && text.length < MAX_TYPED ? edited(text + key.text) : state;
}
