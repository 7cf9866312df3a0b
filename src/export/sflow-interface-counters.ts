/** Counters of an interface since it came up, by the names of the sFlow structure; undefined for what is not known. */
export interface InterfaceCounters {
  readonly ifIndex: number;
  /** IANA ifType. */
  readonly ifType: number;
  /** Bits per second; 0 when it is not known. */
  readonly ifSpeed: number;
  readonly isFullDuplex: boolean | undefined;
  readonly isUp: boolean;
  readonly isRunning: boolean;
  readonly isPromiscuous: boolean | undefined;
  readonly ifInOctets: bigint;
  readonly ifInUcastPkts: bigint;
  readonly ifInMulticastPkts: bigint | undefined;
  readonly ifInDiscards: bigint;
  readonly ifInErrors: bigint;
  readonly ifOutOctets: bigint;
  readonly ifOutUcastPkts: bigint;
  readonly ifOutDiscards: bigint;
  readonly ifOutErrors: bigint;
}

const GENERIC = 1;
const LENGTH = 88;
/** A counter that the agent cannot give. */
const UNKNOWN = 0xffff_ffff;

/** if_counters (sFlow Version 5, section 5.4, generic interface counters) as a record at `at`. Returns the offset behind it. */
export function writeInterfaceCounters(view: DataView, at: number, counters: InterfaceCounters): number {
  const { ifIndex, ifType, ifSpeed, isFullDuplex, isUp, isRunning, isPromiscuous } = counters;
  view.setUint32(at, GENERIC);
  view.setUint32(at + 4, LENGTH);
  let p = at + 8;
  const word = (value: bigint | number | undefined): void => {
    view.setUint32(p, value === undefined ? UNKNOWN : Number(BigInt.asUintN(32, BigInt(value))));
    p += 4;
  };
  const double = (value: bigint): void => {
    view.setBigUint64(p, BigInt.asUintN(64, value));
    p += 8;
  };
  word(ifIndex);
  word(ifType);
  double(BigInt(Math.round(ifSpeed)));
  word(isFullDuplex === undefined ? 0 : isFullDuplex ? 1 : 2);
  word((isUp ? 1 : 0) | (isRunning ? 2 : 0));
  double(counters.ifInOctets);
  word(counters.ifInUcastPkts);
  word(counters.ifInMulticastPkts);
  word(undefined);
  word(counters.ifInDiscards);
  word(counters.ifInErrors);
  word(undefined);
  double(counters.ifOutOctets);
  word(counters.ifOutUcastPkts);
  word(undefined);
  word(undefined);
  word(counters.ifOutDiscards);
  word(counters.ifOutErrors);
  word(isPromiscuous === undefined ? undefined : isPromiscuous ? 1 : 2);
  return p;
}
