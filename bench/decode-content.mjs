// Datagrams whose records are more than plain flows, made here: IPFIX biflows, Cisco ASA's NSEL events, and plain v9 and IPFIX with and without options data
// between the data. 1,000 datagrams of each, with the template first and again every 100.

const DATAGRAMS = 1000;
const RECORDS = 20;
const SECONDS = 1_790_000_000;

/** Element, length, enterprise. */
const KEY = [
  [8, 4],
  [12, 4],
  [7, 2],
  [11, 2],
  [4, 1],
];
const PLAIN = [...KEY, [6, 1], [10, 4], [14, 4], [1, 8], [2, 8], [152, 8], [153, 8]];
const REVERSE = 29_305;
const BIFLOW = [
  ...KEY,
  ...[6, 1, 2, 152, 153].flatMap((id) => [
    [id, id === 6 ? 1 : 8],
    [id, id === 6 ? 1 : 8, REVERSE],
  ]),
  [136, 1],
  [239, 1],
];
/** The flow teardown of Cisco ASA 8.4.5 and later. */
const NSEL = [
  [148, 4],
  [8, 4],
  [7, 2],
  [10, 2],
  [12, 4],
  [11, 2],
  [14, 2],
  [4, 1],
  [176, 1],
  [177, 1],
  [225, 4],
  [226, 4],
  [227, 2],
  [228, 2],
  [233, 1],
  [33_002, 2],
  [323, 8],
  [152, 8],
  [231, 4],
  [232, 4],
  [33_000, 12],
  [33_001, 12],
  [40_000, 20],
];
const OPTIONS = [
  [302, 4],
  [34, 4],
];
const TIMES = new Set([152, 153, 323]);

/** The kinds: name, records per datagram, and the datagrams. */
export function contents() {
  return [
    { name: 'IPFIX biflow', datagrams: made(10, BIFLOW, false) },
    { name: 'v9 NSEL', datagrams: made(9, NSEL, false) },
    { name: 'v9 plain', datagrams: made(9, PLAIN, false) },
    { name: 'v9 with options', datagrams: made(9, PLAIN, true) },
    { name: 'IPFIX plain', datagrams: made(10, PLAIN, false) },
    { name: 'IPFIX with options', datagrams: made(10, PLAIN, true) },
  ];
}

function made(version, fields, hasOptions) {
  let seed = 1;
  const random = () => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
    return seed >>> 8;
  };
  return Array.from({ length: DATAGRAMS }, (_, index) => {
    const sets = [];
    if (index % 100 === 0) {
      sets.push(set(version === 9 ? 0 : 2, template(256, fields)));
      if (hasOptions) sets.push(set(version === 9 ? 1 : 3, optionsTemplate(version)));
    }
    // A record of options data for every 100 of data; exporters send far fewer.
    if (hasOptions && index % 5 === 0) sets.push(set(257, [...bytes(index % 4, 4), ...bytes(100, 4)]));
    const records = Array.from({ length: RECORDS }, () => fields.flatMap((field) => value(field, index, random)));
    sets.push(set(256, records.flat()));
    return message(version, sets.flat(), index);
  });
}

function value([id, length], index, random) {
  if (TIMES.has(id)) return bytes((SECONDS + index) * 1000 - (random() % 60_000), 8);
  if (id === 40_000) return [...Buffer.from(`user${random() % 50}`.padEnd(length, '\0'))];
  if (id === 33_000 || id === 33_001) return bytes(random() % 10, length);
  if (id === 4) return [random() % 2 === 0 ? 6 : 17];
  if (id === 233) return [2];
  return bytes(random() % 100_000, length);
}

const bytes = (number, length) => Array.from({ length }, (_, i) => Math.floor(number / 256 ** (length - 1 - i)) % 256);
const specifier = ([id, length, enterprise]) =>
  enterprise === undefined
    ? [...bytes(id, 2), ...bytes(length, 2)]
    : [...bytes(id + 0x8000, 2), ...bytes(length, 2), ...bytes(enterprise, 4)];
const set = (id, body) => [...bytes(id, 2), ...bytes(body.length + 4, 2), ...body];
const template = (id, fields) => [...bytes(id, 2), ...bytes(fields.length, 2), ...fields.flatMap(specifier)];
const optionsTemplate = (version) => [
  ...bytes(257, 2),
  // v9 counts octets of scope and option specifiers, IPFIX fields and scope fields.
  ...(version === 9 ? [...bytes(4, 2), ...bytes(4, 2)] : [...bytes(OPTIONS.length, 2), ...bytes(1, 2)]),
  ...(version === 9 ? [[1, 4], OPTIONS[1]] : OPTIONS).flatMap(specifier),
];

function message(version, body, index) {
  const head =
    version === 9
      ? [...bytes(9, 2), ...bytes(RECORDS, 2), ...bytes(10_000_000, 4)]
      : [...bytes(10, 2), ...bytes(body.length + 16, 2)];
  return Buffer.from([...head, ...bytes(SECONDS + index, 4), ...bytes(index, 4), ...bytes(1, 4), ...body]);
}
