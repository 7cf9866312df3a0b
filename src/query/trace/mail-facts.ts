import { protocolNumber } from '../../filter/protocols.ts';
import { parseAddress } from '../../util/address.ts';
import { type Endpoint, parseEndpoint } from './question.ts';

/** What a line of a mail tells of a connection, as far as it does. */
export interface LineFacts {
  source?: string;
  sourcePort?: number;
  peer?: string;
  peerPort?: number;
  proto?: number;
}

type Fact = keyof LineFacts;

/** Labels by what they stand for: without case, blanks and punctuation. */
const LABELS: ReadonlyMap<string, Fact> = new Map(
  (
    [
      [
        'source',
        'source src srcip sourceip srcaddr sourceaddr sourceaddress sourceipaddress ip ipaddress ipaddr ipv4 ipv6 ipv4address ipv6address address attacker attackerip attackingip offender offendingip infringer infringerip infringingip infringersipaddress infringingipaddress clientip remoteip suspectip hostip abuserip',
      ],
      [
        'sourcePort',
        'sourceport srcport sport spt port ipport portnumber clientport remoteport infringersport natport publicport',
      ],
      [
        'peer',
        'destination destinationip destip dst dstip dstaddr destinationaddress destinationipaddress target targetip victim victimip serverip',
      ],
      ['peerPort', 'destinationport destport dstport dport dpt targetport serverport'],
      ['proto', 'proto protocol transport transportprotocol ipprotocol'],
    ] as const
  ).flatMap(([fact, names]) => names.split(' ').map((name): [string, Fact] => [name, fact])),
);

/** Forms of a labelled value: XML, JSON, key=value as packet filters log it, and `Label: value` to the end of the line. */
const PAIRS: readonly RegExp[] = [
  /<([\w:-]+)[^<>]*>([^<>]*)<\/\1>/g,
  /"([\w -]+)"\s*:\s*"?([^",{}[\]]+)"?/g,
  /\b(\w+)=("[^"]*"|[^\s,;]+)/g,
  /^\W*(\w[\w .()/-]{0,40}?)\s*:\s+(\S.*)$/g,
];

const V4 = String.raw`(?:\d{1,3}\.){3}\d{1,3}`;
const V6 = String.raw`(?:[0-9a-f]{0,4}:){2,7}(?:${V4}|[0-9a-f]{0,4})`;
/** An address with a port behind it in one of the ways that people write it. */
const ENDPOINT = new RegExp(
  String.raw`(?<![\w.:])(?:\[(${V6})\]|(${V4})(?![\w.]*\.\d)|(${V6})(?![\w:.]))(?:[:#](\d{1,5})(?![\d.:])|[ ,;]*\(?(?:source |src )?port:? ?#?(\d{1,5})\b\)?)?`,
  'gi',
);
const PROTOCOL = /(?<![\w-])(tcp|udp|icmp|sctp|gre|esp)(?![\w-])/i;

/** The facts of a line. `portIsPeers`: a port without further word is that of the other end, as in X-ARF. */
export function lineFacts(line: string, portIsPeers: boolean): LineFacts {
  const facts: LineFacts = {};
  let rest = line;
  for (const form of PAIRS) {
    rest = rest.replace(form, (all: string, label: string, value: string) => {
      const known = LABELS.get(label.toLowerCase().replaceAll(/[^a-z0-9]/g, ''));
      if (known === undefined) return all;
      const fact = known === 'sourcePort' && portIsPeers && /^port$/i.test(label.trim()) ? 'peerPort' : known;
      return setFact(facts, fact, value.replaceAll('"', '').trim()) ? ' ' : all;
    });
  }
  for (const { endpoint, text } of endpoints(rest)) {
    if (facts.source === undefined) setEnd(facts, 'source', endpoint, text);
    else if (facts.peer === undefined && text !== facts.source) setEnd(facts, 'peer', endpoint, text);
  }
  const proto = PROTOCOL.exec(rest)?.[1];
  if (facts.proto === undefined && proto !== undefined) setFact(facts, 'proto', proto);
  return facts;
}

function setFact(facts: LineFacts, fact: Fact, value: string): boolean {
  switch (fact) {
    case 'source':
    case 'peer': {
      const [first] = endpoints(value);
      if (first === undefined) return false;
      if (facts[fact] === undefined) setEnd(facts, fact, first.endpoint, first.text);
      return true;
    }
    case 'proto': {
      const number = /^\d{1,3}$/.test(value) ? Number(value) : protocolNumber(value);
      // BitTorrent is a protocol to some.
      if (number === undefined || number > 255) return false;
      facts.proto ??= number;
      return true;
    }
    default: {
      const digits = /^(\d{1,5})(?:$|[\s,;/(])/.exec(value)?.[1];
      if (digits === undefined || Number(digits) > 65_535) return false;
      facts[fact] ??= Number(digits);
      return true;
    }
  }
}

function setEnd(facts: LineFacts, end: 'source' | 'peer', { port }: Endpoint, text: string): void {
  facts[end] = text;
  if (port === undefined) return;
  if (end === 'source') facts.sourcePort ??= port;
  else facts.peerPort ??= port;
}

/** Addresses that a text names, with their ports; loopback and the unspecified ones tell nothing. */
function endpoints(text: string): { endpoint: Endpoint; text: string }[] {
  return [...text.matchAll(ENDPOINT)].flatMap(([, bracketed, v4, v6, colonPort, wordPort]) => {
    const address = bracketed ?? v4 ?? v6 ?? '';
    if (parseAddress(address) === undefined || /^(?:127\.|0\.|::1?$)/.test(address)) return [];
    const port = colonPort ?? wordPort;
    const endpoint = parseEndpoint(port === undefined ? address : `[${address}]:${port}`);
    return endpoint === undefined ? [] : [{ endpoint, text: address }];
  });
}
