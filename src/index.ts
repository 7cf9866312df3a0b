/**
 * Netweir as a library: export datagrams in, flow records out.
 *
 * ```ts
 * import { createDecoder } from 'netweir';
 *
 * const decoder = createDecoder();
 * for (const record of decoder.decode(datagram, { address: '192.0.2.1', port: 2055 })) {
 *   console.log(record.src_addr, record.dst_addr, record.bytes);
 * }
 * ```
 *
 * @module
 */

export type { InformationElement } from './elements/element.ts';
export { createElementRegistry, type ElementRegistry } from './elements/registry.ts';
export { parseUserElements } from './elements/user-registry.ts';
export {
  createEncoder,
  type EncodeOptions,
  type Encoder,
  type EncoderOptions,
  PROTOCOLS,
  type Protocol,
} from './export/encoder.ts';
export type { EncoderCounters, NameCounters } from './export/losses.ts';
export type { StreamNames } from './export/name-options.ts';
export type { FlowBatch } from './flow/batch.ts';
export { type FlowRecord, records } from './flow/record.ts';
export { COLUMNS, type ColumnDefinition } from './flow/schema.ts';
export { createDecoder, type Decoder, type DecoderOptions } from './session/library-decoder.ts';
export type { Exporter } from './session/library-input.ts';
export {
  createTemplateState,
  type DecodedDatagram,
  type DecodedOptions,
  type DecodedTemplate,
  type DecodeOptions,
  decode,
  type MissingTemplate,
  type TemplateState,
  type TemplateStateOptions,
} from './session/single-datagram.ts';
export type { MessageHeader } from './session/single-datagram-header.ts';
export { WeirError } from './util/errors.ts';
