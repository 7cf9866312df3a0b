import { formatAddress } from '../util/address.ts';
import { hex, text, u32, unsigned } from '../util/octets.ts';
import { applicationText } from '../wire/application-id.ts';
import type { LocatedField } from '../wire/data-record.ts';
import type { FieldSpecifier } from '../wire/template.ts';
import type { NameKind } from './name-row.ts';
import type { Specification } from './specification.ts';

/** What an options data record says about a name. */
export interface NameFact {
  readonly kind: NameKind;
  /** What is named, as `NameRow.key` has it. */
  readonly key: string;
  readonly name: string;
  readonly description: string | undefined;
}

/** How a kind of name is sent: the elements that carry the name, those that say what is named, and those with a description; the first that is there counts. */
interface Shape {
  readonly kind: NameKind;
  readonly names: readonly number[];
  readonly keys: readonly number[];
  readonly descriptions: readonly number[];
  readonly keyText: (bytes: Uint8Array, offset: number, length: number) => string;
}

/**
 * Interfaces: interfaceName 82, interfaceDescription 83 of ingressInterface 10 or egressInterface 14, or of the scope Interface of NetFlow v9.
 * Applications: applicationName 96, applicationDescription 94 of applicationId 95 (RFC 6759). VRFs: VRFname 236 of ingressVRFID 234 or egressVRFID
 * 235. Samplers: samplerName 84 of samplerId 48 (Cisco's random sampler, with 49 and 50), selectorName 335 of selectorId 302 (RFC 5477). Users: userName
 * 371 of the address that they have, 8 or 27.
 */
const SHAPES: readonly Shape[] = [
  { kind: 'interface', names: [82, 83], keys: [10, 14], descriptions: [83], keyText: numberText },
  { kind: 'application', names: [96], keys: [95], descriptions: [94], keyText: applicationText },
  { kind: 'vrf', names: [236], keys: [234, 235], descriptions: [], keyText: numberText },
  { kind: 'sampler', names: [84, 335], keys: [48, 302], descriptions: [], keyText: numberText },
  { kind: 'user', names: [371], keys: [8, 27], descriptions: [], keyText: addressText },
];

const NAMES: ReadonlySet<number> = new Set(SHAPES.flatMap(({ names }) => names));
/** Scope type of NetFlow v9 (RFC 3954 section 6.1): Interface. */
const V9_SCOPE_INTERFACE = 2;
/** Octets of a name that are kept. */
const MAX_OCTETS = 255;

/** Whether records with these fields can tell a name. */
export function carriesNames(fields: readonly FieldSpecifier[]): boolean {
  return fields.some(({ enterprise, id }) => enterprise === 0 && NAMES.has(id));
}

/** Hands every name that an options data record tells to `visit`. A name without octets is none. */
export function readNames(
  { version, scopeCount }: Specification,
  located: readonly LocatedField[],
  bytes: Uint8Array,
  visit: (fact: NameFact) => void,
): void {
  const fields = new Map<number, LocatedField>();
  located.forEach((one, index) => {
    const { enterprise, id } = one.field;
    if (enterprise !== 0) return;
    // The scopes of NetFlow v9 have numbers of their own, which are not elements.
    if (version !== 9 || index >= scopeCount) fields.set(id, one);
    else if (id === V9_SCOPE_INTERFACE && !fields.has(10)) fields.set(10, one);
  });
  const first = (ids: readonly number[]): string | undefined => {
    for (const id of ids) {
      const found = fields.get(id);
      const value = found === undefined ? '' : text(bytes, found.offset, Math.min(found.length, MAX_OCTETS)).trim();
      if (value !== '') return value;
    }
    return undefined;
  };
  for (const { kind, names, keys, descriptions, keyText } of SHAPES) {
    const name = first(names);
    const id = keys.find((each) => fields.has(each));
    const key = id === undefined ? undefined : fields.get(id);
    if (name === undefined || key === undefined || key.length === 0 || key.length > MAX_OCTETS) continue;
    const description = first(descriptions);
    visit({
      kind,
      key: keyText(bytes, key.offset, key.length),
      name,
      description: description === name ? undefined : description,
    });
  }
}

function numberText(bytes: Uint8Array, offset: number, length: number): string {
  return String(unsigned(bytes, offset, Math.min(length, 8)));
}

function addressText(bytes: Uint8Array, offset: number, length: number): string {
  if (length === 4) return formatAddress(0, 0, 0xffff, u32(bytes, offset));
  if (length !== 16) return hex(bytes, offset, length);
  return formatAddress(u32(bytes, offset), u32(bytes, offset + 4), u32(bytes, offset + 8), u32(bytes, offset + 12));
}
