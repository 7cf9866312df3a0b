import { writeFileSync } from 'node:fs';
import { array, assert, constantFrom, property } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseConfigGeneral } from '#weir/config/config-general.js';
import { convertFile, loadNatConfig } from '#weir/config/nat-config.js';
import { convertNfflowd, isNfflowdConfig } from '#weir/config/nfflowd-conf.js';
import { formatAddress } from '#weir/util/address.js';
import { tempFolder } from '../helpers/temp.ts';

/** As in nfflowd's documentation: what must be said, and all its defaults. */
const SEND = '<flow_send>\n  # ours\n  args 172.16.1.1\n  args 192.168.0.1\n  args 65001\n</flow_send>\n';
const DEFAULTS = `<ptee>
  <conf>
    dispatchers screen
    dispatchers syslog
    <screen>
      stderr    0
      class     Log::Dispatch::Screen
      min_level debug
    </screen>
    <syslog>
      class     Log::Dispatch::Syslog
      ident     nfflowd
      min_level debug
      facility  local6
    </syslog>
  </conf>
</ptee>
<ct2ft>
  ttl  604800
</ct2ft>
<conntrack>
  progname    conntrack
  init_format -L
  format      -E -e NEW,DESTROY -o timestamp -n
</conntrack>
<flow_import>
  progname flow-import
  format   -z0 -f2 -V5 -m0xFF31EF
</flow_import>
`;

function file(text: string, name = 'nfflowd.conf'): string {
  const path = tempFolder().join(name);
  writeFileSync(path, text);
  return path;
}

/** What of a configuration says the same, whichever file it came from. */
function essence(path: string) {
  const { to, source, exporter, selection, ttlMs, conntrack, syslog, csv, notes } = loadNatConfig(path, {});
  return {
    to: to.map(({ target, forms }) => ({ target, forms })),
    source: source === undefined ? undefined : formatAddress(...source),
    exporter: formatAddress(...exporter),
    selection,
    ttlMs,
    conntrack,
    syslog: syslog.map(({ target }) => target),
    csv,
    notes,
  };
}

const USUAL = {
  to: [
    {
      target: { transport: 'udp', protocol: 'netflow5', host: '192.168.0.1', port: 65_001 },
      forms: ['v5-triplet'],
    },
  ],
  source: '172.16.1.1',
  exporter: '172.16.1.1',
  selection: { translation: 'all', zones: undefined, mark: undefined },
  ttlMs: 604_800_000,
  conntrack: ['conntrack'],
  syslog: [{ transport: 'local', facility: 'local6', severity: 'info', ident: 'nfflowd' }],
  csv: [],
  notes: [],
};

describe('an nfflowd.conf', () => {
  it('that says what must be said means what nfflowd does', () => {
    expect(essence(file(SEND))).toEqual(USUAL);
  });

  it('with all its defaults written out means the same, and nothing is noted', () => {
    expect(essence(file(SEND + DEFAULTS))).toEqual(USUAL);
  });

  it.each([
    ['yaml', 'flow_send:\n  args:\n    - 172.16.1.1\n    - 192.168.0.1\n    - 65001\n'],
    ['json', '{"flow_send": {"args": ["172.16.1.1", "192.168.0.1", 65001]}}'],
  ])('as %s means the same', (ending, text) => {
    expect(essence(file(text, `nfflowd.${ending}`))).toEqual(USUAL);
  });

  it('as ours, printed, is read again and means the same', () => {
    const path = file(
      `${SEND}<ptee>\n<conf>\ndispatchers log\n<log>\nclass = Log::Dispatch::File\nfilename = "/var/log/nat flows.csv"\n</log>\n</conf>\n</ptee>\n<ct2ft>\nttl 86400\n</ct2ft>\n<conntrack>\nprogname /opt/conntrack\n</conntrack>\n`,
    );
    const { yaml, notes } = convertFile(path);
    expect(notes).toEqual([]);
    expect(isNfflowdConfig(yaml)).toBe(false);
    const ours = essence(file(yaml, 'weir.yaml'));
    expect(ours).toEqual(essence(path));
    expect(ours).toMatchObject({
      csv: ['/var/log/nat flows.csv'],
      syslog: [],
      ttlMs: 86_400_000,
      conntrack: ['/opt/conntrack'],
    });
  });

  it('has a note with its line for each thing that is not carried over', () => {
    const path = file(`${SEND}<ptee>
<conf>
dispatchers mail, gone
dispatchers sys
<mail>
class Log::Dispatch::Email::MailSend
</mail>
<sys>
class Log::Dispatch::Syslog
facility LOG_LOCAL3
socket inet
</sys>
<unused>
class Log::Dispatch::Null
</unused>
</conf>
</ptee>
<conntrack>
format -E -p tcp
</conntrack>
<flow_import>
progname /opt/flow-import
</flow_import>
<colour>
red 1
</colour>
`);
    const { notes, syslog } = essence(path);
    const lines = notes.map((note) => note.slice(path.length));
    expect(lines).toEqual([
      expect.stringMatching(/^:9: dispatcher gone has no section/),
      expect.stringMatching(/^:11: dispatcher mail of class Email::MailSend is left out/),
      expect.stringMatching(/^:14: socket of dispatcher sys/),
      expect.stringMatching(/^:19: section unused/),
      expect.stringMatching(/^:25: conntrack.format/),
      expect.stringMatching(/^:28: flow_import.progname/),
      expect.stringMatching(/^:30: colour is no section/),
    ]);
    expect(syslog).toEqual([{ transport: 'local', facility: 'local3', severity: 'info', ident: 'nfflowd' }]);
  });

  it('with version 7 and the source left to the system', () => {
    const text = SEND.replace('172.16.1.1', '0.0.0.0').replace('</flow', '  format -V7 -s %s/%s/%s\n</flow');
    expect(essence(file(text))).toMatchObject({
      to: [{ target: { protocol: 'netflow7' } }],
      source: undefined,
      exporter: '127.0.0.1',
      notes: [],
    });
  });

  it.each([
    ['<flow_send>\nargs 1.2.3.4\n</flow_send>', /:2: found 1 args/],
    ['<flow_send>\nargs eth0\nargs 1.2.3.4\nargs 99\n</flow_send>', /:2: found eth0/],
    ['<flow_send>\nargs 1.2.3.4\nargs 1.2.3.4\nargs ninety\n</flow_send>', /:4: found ninety/],
    ['<flow_send>\nargs 1.2.3.4\n', /:1: <flow_send> has no end/],
    ['<flow_send>\n</flow_import>', /:2: found <\/flow_import>, expected <\/flow_send>/],
    ['<flow_send>\n</flow_send>\n</flow_send>', /:3: found <\/flow_send>, expected no end/],
    [`${SEND}<ct2ft>\nttl soon\n</ct2ft>`, /:8: found ttl soon/],
    [`include other.conf\n${SEND}`, /:1: found include other.conf/],
  ])('with a mistake is refused with its line: %j', (text, message) => {
    expect(() => loadNatConfig(file(text), {})).toThrow(
      expect.objectContaining({ code: 'WEIR_CONFIG', message: expect.stringMatching(message) as string }),
    );
  });
});

describe('Config::General', () => {
  it('has comments, quotes, equal signs, lines that go on, texts of several lines, and named sections', () => {
    const { entries } = parseConfigGeneral(
      '# a\n/* b\n c */\nx = "1 2" # d\ny \\\n  go on\nz <<END\none\n two\nEND\ncolour a\\#b\n<v name>\nk 1\n</v>\n<v other>\n</v>\nempty\n',
      'f',
    );
    const plain = [...entries].filter(([key]) => key !== 'v').map(([key, list]) => [key, list[0]]);
    expect(plain).toEqual([
      ['x', { line: 4, text: '1 2' }],
      ['y', { line: 5, text: 'go on' }],
      ['z', { line: 7, text: 'one\n two' }],
      ['colour', { line: 11, text: 'a#b' }],
      ['empty', { line: 17, text: '' }],
    ]);
    expect(entries.get('v')).toHaveLength(2);
  });
});

describe('any text', () => {
  it('is a configuration, or a mistake in one', () => {
    const words = [
      '<flow_send>',
      '</flow_send>',
      '<a b>',
      '</a>',
      'args',
      '1.2.3.4',
      '9',
      '\n',
      '"',
      '\\\n',
      '#',
      '/*',
      '*/',
      '<<X',
      'X',
      '=',
      ' ',
      '- ',
      ': ',
      '{',
      '&a',
    ];
    assert(
      property(array(constantFrom(...words), { maxLength: 40 }), (parts) => {
        const text = parts.join('');
        for (const read of [parseConfigGeneral, (one: string) => isNfflowdConfig(one) && convertNfflowd(one, 'f')])
          try {
            read(text, 'f');
          } catch (error) {
            expect(error).toMatchObject({ code: 'WEIR_CONFIG' });
          }
      }),
      { numRuns: 2000 },
    );
  });
});

describe('the nat section of our configuration', () => {
  it('is overruled by flags, and its paths count from its folder', () => {
    const path = file(
      'nat:\n  to: [ipfix://192.0.2.7?records=events]\n  data: kept\n  mark: 0x10/0xf0\n  active: 5m\n',
      'weir.yaml',
    );
    const config = loadNatConfig(path, { 'nat.active': '0s', 'nat.zones': ['7'], 'nat.domain': '4294967295' });
    expect(config).toMatchObject({
      to: [{ forms: ['events'] }],
      data: path.replace('weir.yaml', 'kept'),
      activeMs: 0,
      domain: 4_294_967_295,
      selection: { translation: 'translated', zones: [7], mark: { value: 16, mask: 240 } },
    });
  });

  it.each([
    ['nat: {tos: []}', /unknown key "tos".*did you mean to\?/],
    ['nat: {to: [sflow://h]}', /sFlow has no records/],
    ['nat: {to: ["ipfix://h?records=flow"]}', /flow is no form of records/],
    ['nat: {syslog: [udp://h?facility=x]}', /facility is one of/],
    ['nat: {mark: red}', /found "red", expected VALUE/],
    ['nat: {active: 30}', /expected a length of time/],
  ])('with a mistake is refused: %s', (text, message) => {
    expect(() => loadNatConfig(file(text, 'weir.yaml'), {})).toThrow(message);
  });
});
