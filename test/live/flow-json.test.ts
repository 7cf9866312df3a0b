import { describe, expect, it } from 'vitest';
import { flowJson } from '#weir/live/flow-json.js';
import { parseColumns } from '#weir/query/key.js';

const TIMES = '"time_start":"2026-03-01T12:00:00.000001Z","time_end":"2026-03-01T12:00:01.000000Z"';
const ICMP = '"flow_type":"netflow_v5","proto":1,"dst_port":2048';

describe('a flow as the collector writes it', () => {
  it.each([
    [`{${TIMES},"bytes":18446744073709551615}`, `{${TIMES},"bytes":18446744073709551615,"duration":999999}`],
    [`{${ICMP}}`, `{${ICMP},"icmp_type":8,"icmp_code":0}`],
    ['{"flow_type":"ipfix","proto":1,"dst_port":2048}', '{"flow_type":"ipfix","proto":1,"dst_port":2048}'],
    ['{"flow_type":"netflow_v9","proto":1,"dst_port":2048,"icmp_type":3}', undefined],
    ['{}', '{}'],
  ])('%s has what the store makes of it', (line, expected) => {
    const text = flowJson(undefined)(line);
    expect(text).toBe(expected ?? `${line.slice(0, -1)},"icmp_code":0}`);
    expect(() => JSON.parse(text) as unknown).not.toThrow();
  });

  it.each([
    ['duration,bytes', `{"bytes":18446744073709551615,${TIMES}}`, '{"duration":999999,"bytes":18446744073709551615}'],
    [
      'app_name,duration',
      `{"app_name":"a \\"b\\", \\\\ {c}:1,",${TIMES}}`,
      '{"app_name":"a \\"b\\", \\\\ {c}:1,","duration":999999}',
    ],
    ['icmp_type,proto', `{${ICMP}}`, '{"icmp_type":8,"proto":1}'],
    ['duration,src_port', '{"src_port":5}', '{"src_port":5}'],
    ['src_port,proto', '{"proto":6,"src_port":5}', '{"proto":6,"src_port":5}'],
  ])('with --columns %s it has these', (columns, line, expected) => {
    expect(flowJson(parseColumns(columns))(line)).toBe(expected);
  });
});
