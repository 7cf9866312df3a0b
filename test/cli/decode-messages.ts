/** Small export messages made by hand, as octets. */

const u16 = (value: number): number[] => [value >> 8, value & 255];
const u32 = (value: number): number[] => [...u16(value >>> 16), ...u16(value & 0xffff)];
const text = (value: string): number[] => [value.length, ...Buffer.from(value)];
const set = (id: number, ...content: number[][]): number[] => {
  const octets = content.flat();
  return [...u16(id), ...u16(octets.length + 4), ...octets];
};

/** RFC 3954 section 5.1; source id 1. */
const version9 = (...sets: number[][]): number[] => [
  ...u16(9),
  ...u16(sets.length),
  ...u32(3_600_000),
  ...u32(1_780_000_000),
  ...u32(1),
  ...u32(1),
  ...sets.flat(),
];

/** RFC 7011 section 3.1; observation domain 2. */
const version10 = (...sets: number[][]): number[] => {
  const octets = sets.flat();
  return [...u16(10), ...u16(octets.length + 16), ...u32(1_780_000_000), ...u32(0), ...u32(2), ...octets];
};

/** sourceIPv4Address, destinationIPv4Address, octetDeltaCount. */
const FIELDS = [u16(8), u16(4), u16(12), u16(4), u16(1), u16(4)].flat();

export const v9 = {
  template: version9(set(0, u16(256), u16(3), FIELDS)),
  data: version9(set(256, [10, 0, 0, 1], [10, 0, 0, 2], u32(1500))),
  /** Scope System, option samplingInterval. */
  optionsTemplate: version9(set(1, u16(257), u16(4), u16(4), [...u16(1), ...u16(4)], [...u16(34), ...u16(4)], [0, 0])),
  options: version9(set(257, u32(1), u32(100))),
};

export const ipfix = {
  /** As v9's, then userName of variable length and element 7 of enterprise 4242. */
  template: version10(
    set(2, u16(300), u16(5), FIELDS, [...u16(371), ...u16(65_535)], [...u16(0x8007), ...u16(4), ...u32(4242)]),
  ),
  data: version10(set(300, [10, 0, 0, 1], [10, 0, 0, 2], u32(1500), text('al\u001b[31mice'), u32(5))),
  withdrawal: version10(set(2, u16(300), u16(0))),
};

/** A message as hexadecimal text on one line. */
export function hex(message: readonly number[]): string {
  return Buffer.from(message).toString('hex');
}
