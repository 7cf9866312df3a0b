import { WeirError } from '../../util/errors.ts';
import type { CaptureProgram } from './capture-program.ts';
import { interfaceNames } from './interface-name.ts';

/** Whether what a capturing program says (libpcap's words) means that the interface is there, and will be useful once somebody sets it up. */
export function isWaitedFor(reason: string): boolean {
  return /\bis not up\b|\bis down\b/i.test(reason);
}

/** The error for people, and what to do, when a capturing program cannot begin. `reason` is what it said. */
export function captureRefused(program: CaptureProgram, name: string, filter: string, reason: string): WeirError {
  const said = `${program.name} says: ${reason}`;
  if (/no such device|no device named|doesn't exist/i.test(reason)) {
    return new WeirError('WEIR_CAPTURE', `there is no interface ${name} (${said})`, {
      hint: `There are ${[...interfaceNames(), 'any'].join(', ')}.`,
    });
  }
  if (/permission|not permitted/i.test(reason)) {
    return new WeirError('WEIR_CAPTURE', `this user may not capture packets from ${name} (${said})`, {
      hint: `Run as root, or let ${program.name} do it for others: setcap cap_net_raw+ep ${program.path}`,
    });
  }
  if (filter !== '' && /filter|expression|syntax|unknown host/i.test(reason)) {
    return new WeirError('WEIR_USAGE', `the filter '${filter.slice(0, 100)}' is not understood (${said})`, {
      hint: 'man pcap-filter has the language of filters.',
    });
  }
  return new WeirError('WEIR_CAPTURE', `nothing can be captured from ${name}: ${said}`, {
    hint: `Try it by hand: ${program.path} -i ${name}`,
  });
}
