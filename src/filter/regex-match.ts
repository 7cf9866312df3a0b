import { type CharacterClass, inClass, WORD_CLASS } from './regex-class.ts';
import type { Regex } from './regex-parse.ts';

/** What a state of the machine does; `classes` belong to CLASS alone. */
const CLASS = 0;
const SPLIT = 1;
const MATCH = 2;
const START = 3;
const END = 4;
const BOUNDARY = 5;

/** Thompson's machine: state by state an operation and up to two successors. */
class Machine {
  readonly op: number[] = [];
  readonly to: number[] = [];
  readonly or: number[] = [];
  readonly classes: CharacterClass[] = [];

  add(op: number, to = -1, or = -1, pairs: CharacterClass = []): number {
    this.to.push(to);
    this.or.push(or);
    this.classes.push(pairs);
    return this.op.push(op) - 1;
  }

  /** The state from which `regex` leads to `next`. */
  build(regex: Regex, next: number): number {
    switch (regex.kind) {
      case 'class':
        return this.add(CLASS, next, -1, regex.pairs);
      case 'sequence':
        return regex.items.reduceRight((state, item) => this.build(item, state), next);
      case 'choice':
        return regex.items
          .map((item) => this.build(item, next))
          .reduceRight((rest, state) => this.add(SPLIT, state, rest));
      case 'repeat':
        return this.#repeat(regex, next);
      default:
        return this.add({ start: START, end: END, boundary: BOUNDARY }[regex.kind], next);
    }
  }

  #repeat({ item, min, max }: Extract<Regex, { kind: 'repeat' }>, next: number): number {
    let state = next;
    if (max === undefined) {
      state = this.add(SPLIT, -1, next);
      this.to[state] = this.build(item, state);
    } else for (let i = min; i < max; i++) state = this.add(SPLIT, this.build(item, state), next);
    for (let i = 0; i < min; i++) state = this.build(item, state);
    return state;
  }
}

/**
 * Compiles an expression to a function that says whether it is found in a text. All states that a prefix of the text can lead to are followed at once, so
 * its time is at most proportional to the text's length times the size of the expression, and it allocates nothing.
 */
export function compileRegex(regex: Regex): (text: string) => boolean {
  const machine = new Machine();
  const first = machine.build(regex, machine.add(MATCH));
  const { op, to, or, classes } = machine;
  const size = op.length;
  // Sets of states, with who belongs to them marked by the number of the step.
  let current = new Int32Array(size);
  let following = new Int32Array(size);
  const mark = new Int32Array(size);
  const stack = new Int32Array(size * 2 + 2);
  let step = 0;
  let count = 0;

  /** Adds a state, and what is reached from it without a character, to `into`. True when that is the end of the expression. */
  const follow = (from: number, into: Int32Array, isStart: boolean, isEnd: boolean, isBoundary: boolean): boolean => {
    let top = 0;
    stack[top++] = from;
    while (top > 0) {
      const state = stack[--top] as number;
      if (mark[state] === step) continue;
      mark[state] = step;
      switch (op[state]) {
        case CLASS:
          into[count++] = state;
          break;
        case MATCH:
          return true;
        case SPLIT:
          stack[top++] = or[state] as number;
          stack[top++] = to[state] as number;
          break;
        case START:
          if (isStart) stack[top++] = to[state] as number;
          break;
        case END:
          if (isEnd) stack[top++] = to[state] as number;
          break;
        default:
          if (isBoundary) stack[top++] = to[state] as number;
      }
    }
    return false;
  };

  return (text) => {
    mark.fill(0);
    step = 1;
    count = 0;
    let at = 0;
    let code = text.codePointAt(0) ?? -1;
    let isWord = inClass(WORD_CLASS, code);
    if (follow(first, current, true, code < 0, isWord)) return true;
    while (code >= 0) {
      at += code > 0xffff ? 2 : 1;
      const next = text.codePointAt(at) ?? -1;
      const isNextWord = inClass(WORD_CLASS, next);
      const isBoundary = isWord !== isNextWord;
      const states = count;
      count = 0;
      step++;
      for (let i = 0; i < states; i++) {
        const state = current[i] as number;
        if (!inClass(classes[state] as CharacterClass, code)) continue;
        if (follow(to[state] as number, following, false, next < 0, isBoundary)) return true;
      }
      // It may begin anywhere.
      if (follow(first, following, false, next < 0, isBoundary)) return true;
      [current, following] = [following, current];
      code = next;
      isWord = isNextWord;
    }
    return false;
  };
}
