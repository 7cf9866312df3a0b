import { describe, expect, it } from 'vitest';
import { parseListenUrl } from '#weir/collect/listen-url.js';
import { WeirError } from '#weir/util/errors.js';

describe('parseListenUrl', () => {
  it.each([
    ['udp://[::]:2055', '::', 6, 2055, 'udp://[::]:2055'],
    ['udp://0.0.0.0:2055', '0.0.0.0', 4, 2055, 'udp://0.0.0.0:2055'],
    ['udp://:2055', '::', 6, 2055, 'udp://[::]:2055'],
    ['udp://*:9995', '::', 6, 9995, 'udp://[::]:9995'],
    ['UDP://192.0.2.1:0/', '192.0.2.1', 4, 0, 'udp://192.0.2.1:0'],
    ['udp://localhost:2055', 'localhost', 0, 2055, 'udp://localhost:2055'],
    [
      'udp://collector-1.example.net:65535',
      'collector-1.example.net',
      0,
      65_535,
      'udp://collector-1.example.net:65535',
    ],
    ['udp://[2001:db8::1]:4739', '2001:db8::1', 6, 4739, 'udp://[2001:db8::1]:4739'],
    ['udp://[fe80::1%eth0]:4739', 'fe80::1%eth0', 6, 4739, 'udp://[fe80::1%eth0]:4739'],
  ])('reads %s', (text, host, family, port, normal) => {
    expect(parseListenUrl(text)).toEqual({ scheme: 'udp', host, family, port, text: normal });
    expect(parseListenUrl(normal).text).toBe(normal);
  });

  it('reads TCP and TLS', () => {
    expect(parseListenUrl('tcp://[::]:4739')).toMatchObject({ scheme: 'tcp', port: 4739, text: 'tcp://[::]:4739' });
    expect(parseListenUrl('TLS://*:4740')).toMatchObject({ scheme: 'tls', host: '::', text: 'tls://[::]:4740' });
  });

  it.each([
    ['sctp://[::]:4739', /"sctp" is not a transport/, /expected udp/],
    ['tcp://::1', /brackets/, /did you mean tcp:\/\/\[::1\]:4739/],
    ['', /does not start with udp/, /expected udp:\/\/HOST:PORT/],
    ['2055', /does not start with udp/, /did you mean udp:\/\/\[::\]:2055\?/],
    [':2055', /does not start with udp/, /did you mean udp:\/\/\[::\]:2055\?/],
    ['192.0.2.1:2055', /does not start with udp/, /did you mean udp:\/\/192\.0\.2\.1:2055\?/],
    ['[::1]:2055', /does not start with udp/, /did you mean udp:\/\/\[::1\]:2055\?/],
    ['udp:/0.0.0.0:2055', /does not start with udp/, /expected/],

    ['http://[::]:80', /"http" is not a transport/, /expected udp/],
    ['udp://', /no port/, /expected udp/],
    ['udp://0.0.0.0', /no port/, /expected udp/],
    ['udp://0.0.0.0:', /no port/, /expected udp/],
    ['udp://0.0.0.0:65536', /65536 is not a port/, /0–65535/],
    ['udp://0.0.0.0:-1', /not a host and a port/, /expected udp/],
    ['udp://0.0.0.0:http', /not a host and a port/, /expected udp/],
    ['udp://2001:db8::1:2055', /brackets/, /udp:\/\/\[2001:db8::1/],
    ['udp://::', /brackets/, /udp:\/\/\[::\]:2055/],
    ['udp://[::]', /no port/, /expected udp/],
    ['udp://[0.0.0.0]:2055', /neither an address nor a name/, /expected udp/],
    ['udp://[xyz]:2055', /neither an address nor a name/, /expected udp/],
    ['udp://300.0.0.1:2055', /neither an address nor a name/, /expected udp/],
    ['udp://a..b:2055', /neither an address nor a name/, /expected udp/],
    ['udp://0.0.0.0:2055/path', /more than a host and a port/, /expected udp/],
    ['udp://user@0.0.0.0:2055', /more than a host and a port/, /expected udp/],
    ['udp://0.0.0.0:2055?a=b', /more than a host and a port/, /expected udp/],
  ])('refuses %j', (text, message, hint) => {
    let error: unknown;
    try {
      parseListenUrl(text);
    } catch (thrown) {
      error = thrown;
    }
    if (!(error instanceof WeirError)) throw new Error('expected a WeirError', { cause: error });
    expect(error.code).toBe('WEIR_USAGE');
    expect(error.message).toMatch(message);
    expect(error.message).toContain(`"${text}"`);
    expect(error.hint).toMatch(hint);
    expect(error.details).toEqual({ url: text });
  });
});
