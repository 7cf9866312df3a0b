import { parseAddress } from '../util/address.ts';
import { type FieldSpecifier, VARIABLE } from '../wire/template.ts';
import { field, OPTIONS_ID, type OptionsData, octets, optionsTemplate, V9_SCOPE } from './description.ts';
import type { NameCounters } from './losses.ts';
import { applicationOctets } from './text-fields.ts';

/** Names that a stream tells beside its templates, as options data. */
export interface StreamNames {
  readonly interfaces?: readonly { readonly index: number; readonly name: string; readonly description?: string }[];
  /** `id` as the column `app_id` has it: `engine:selector`. */
  readonly applications?: readonly { readonly id: string; readonly name: string; readonly description?: string }[];
  readonly vrfs?: readonly { readonly id: number; readonly name: string }[];
  /** `id` as the column `sampler_id` has it. */
  readonly samplers?: readonly { readonly id: number; readonly name: string }[];
  /** Users by the address that they have, as text. */
  readonly users?: readonly { readonly address: string; readonly name: string }[];
}

/** A name and the octets of what is named; undefined when the field cannot have it. */
interface Named {
  readonly key: Uint8Array | undefined;
  readonly name: string;
  readonly description?: string | undefined;
}

/** Octets of names at most; in NetFlow v9 they are padded with zeros. */
const V9_NAME = 64;
const LONGEST_NAME = 255;
/** Octets of an application id as Cisco sends it: engine 1, selector 3. Those with more have a template of their own, since some collectors read no other scope. */
const APPLICATION = 4;
const LARGEST = 0xffff_ffff;
const encoder = new TextEncoder();

/**
 * Names as options data. Interfaces: interfaceName 82 and interfaceDescription 83 of ingressInterface 10, in v9 of the scope Interface. Applications: applicationName 96 and
 * applicationDescription 94 of applicationId 95 (RFC 6759 section 5.1). VRFs: VRFname 236 of ingressVRFID 234. Samplers: samplerName 84 of samplerId 48
 * in v9, selectorName 335 of selectorId 302 (RFC 5477) in IPFIX. Users: userName 371 of sourceIPv4Address 8 or sourceIPv6Address 27. What is named is the scope;
 * v9 has no such scopes but interfaces, so there the scope is the system and what is named a field. `longest`: octets of a record at most.
 */
export function nameOptions(
  version: 9 | 10,
  names: StreamNames,
  longest: number,
  counters: NameCounters,
): OptionsData[] {
  const { interfaces = [], applications = [], vrfs = [], samplers = [], users = [] } = names;
  const isV9 = version === 9;
  const one = (list: readonly Named[], id: number, key: FieldSpecifier, ...texts: number[]) =>
    optionsOf(version, { id, key, texts }, list, longest, counters);
  const ofNumber = ({ id, name }: { readonly id: number; readonly name: string }): Named => ({ key: word(id), name });
  const addressed = users.map(({ address, name }) => ({ key: addressOctets(address), name }));
  const identified = applications.map(({ id, ...more }) => ({ ...more, key: applicationKey(version, id) }));
  const isLong = ({ key }: Named): boolean => key !== undefined && key.length > APPLICATION;
  const isIpv6 = ({ key }: Named): boolean => key?.length === 16;
  return [
    ...one(
      interfaces.map(({ index, ...more }) => ({ ...more, key: word(index) })),
      OPTIONS_ID.interfaces,
      field(isV9 ? V9_SCOPE.interface : 10, 4),
      82,
      83,
    ),
    ...one(
      identified.filter((application) => !isLong(application)),
      OPTIONS_ID.applications,
      field(95, APPLICATION),
      96,
      94,
    ),
    ...one(identified.filter(isLong), OPTIONS_ID.longApplications, field(95, VARIABLE), 96, 94),
    ...one(vrfs.map(ofNumber), OPTIONS_ID.vrfs, field(234, 4), 236),
    ...one(samplers.map(ofNumber), OPTIONS_ID.samplers, field(isV9 ? 48 : 302, 4), isV9 ? 84 : 335),
    ...one(
      addressed.filter((user) => !isIpv6(user)),
      OPTIONS_ID.users,
      field(8, 4),
      371,
    ),
    ...one(addressed.filter(isIpv6), OPTIONS_ID.users6, field(27, 16), 371),
  ];
}

/** How one kind of name is sent: what is named, then the name and, where there is one, the description. */
interface Shape {
  readonly id: number;
  readonly key: FieldSpecifier;
  readonly texts: readonly number[];
}

function optionsOf(
  version: 9 | 10,
  { id, key, texts }: Shape,
  list: readonly Named[],
  longest: number,
  counters: NameCounters,
): OptionsData[] {
  const isV9 = version === 9;
  const isFieldOfSystem = isV9 && id !== OPTIONS_ID.interfaces;
  const records: Uint8Array[] = [];
  for (const { key: octetsOfKey, name, description = '' } of list) {
    const length = key.length === VARIABLE ? Uint8Array.of(octetsOfKey?.length ?? 0) : new Uint8Array(0);
    const values = texts.map((_, index) => nameOctets(isV9, index === 0 ? name : description, counters));
    const scope = new Uint8Array(isFieldOfSystem ? 4 : 0);
    const record = new Uint8Array(Buffer.concat([scope, length, octetsOfKey ?? new Uint8Array(0), ...values]));
    if (octetsOfKey === undefined || record.length > longest) counters.left_out++;
    else records.push(record);
  }
  if (records.length === 0) return [];
  const fields = [key, ...texts.map((text) => field(text, isV9 ? V9_NAME : VARIABLE))];
  if (isFieldOfSystem) fields.unshift(field(V9_SCOPE.system, 4));
  return [{ template: optionsTemplate(id, 1, fields), records }];
}

/** A name as its field has it, cut to what fits, not inside a character. */
function nameOctets(isV9: boolean, name: string, counters: NameCounters): Uint8Array {
  const room = new Uint8Array(isV9 ? V9_NAME : LONGEST_NAME);
  const { read, written } = encoder.encodeInto(name, room);
  if (read < name.length) counters.cut++;
  if (isV9) return room;
  // RFC 7011 section 7: a length of 255 and more has three octets.
  const length = written < 255 ? [written] : [255, 0, written];
  return new Uint8Array(Buffer.concat([Uint8Array.from(length), room.subarray(0, written)]));
}

function word(number: number): Uint8Array | undefined {
  return Number.isInteger(number) && number >= 0 && number <= LARGEST ? octets([number, 4]) : undefined;
}

function applicationKey(version: 9 | 10, id: string): Uint8Array | undefined {
  const found = applicationOctets(id);
  // The field of v9 has four octets; an application that does not fit there has no name there.
  return version === 9 && found !== undefined && found.length > APPLICATION ? undefined : found;
}

function addressOctets(text: string): Uint8Array | undefined {
  const address = parseAddress(text);
  if (address === undefined) return undefined;
  const [w0, w1, w2, w3] = address;
  return text.includes(':') ? octets([w0, 4], [w1, 4], [w2, 4], [w3, 4]) : octets([w3, 4]);
}
