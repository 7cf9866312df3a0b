/**
 * Names of well-known ports, as the IANA Service Name and Transport Protocol Port Number Registry has them, and a few that people use instead. A
 * filter takes them for numbers: `port https`.
 */
// biome-ignore format: pairs
export const SERVICES: Readonly<Record<string, number>> = {
  echo: 7, discard: 9, daytime: 13, qotd: 17, chargen: 19, 'ftp-data': 20, ftp: 21, ssh: 22, telnet: 23, smtp: 25,
  time: 37, whois: 43, tacacs: 49, domain: 53, dns: 53, bootps: 67, bootpc: 68, dhcp: 67, tftp: 69, gopher: 70, finger: 79,
  http: 80, kerberos: 88, pop3: 110, sunrpc: 111, portmapper: 111, ident: 113, nntp: 119, ntp: 123, epmap: 135,
  'netbios-ns': 137, 'netbios-dgm': 138, 'netbios-ssn': 139, imap: 143, snmp: 161, snmptrap: 162, xdmcp: 177, bgp: 179,
  irc: 194, ldap: 389, svrloc: 427, https: 443, 'microsoft-ds': 445, smb: 445, kpasswd: 464, submissions: 465, smtps: 465,
  isakmp: 500, ike: 500, exec: 512, login: 513, shell: 514, syslog: 514, printer: 515, rip: 520, ripng: 521,
  'dhcpv6-client': 546, 'dhcpv6-server': 547, rtsp: 554, nntps: 563, submission: 587, ipp: 631, ldaps: 636, ldp: 646,
  'domain-s': 853, dot: 853, rsync: 873, ftps: 990, telnets: 992, imaps: 993, pop3s: 995,
  socks: 1080, openvpn: 1194, 'ms-sql-s': 1433, 'ms-sql-m': 1434, l2tp: 1701, pptp: 1723, radius: 1812, 'radius-acct': 1813,
  ssdp: 1900, hsrp: 1985, netflow: 2055, nfs: 2049, zookeeper: 2181, docker: 2375, 'docker-s': 2376, etcd: 2379, 'ms-olap': 2383,
  mysql: 3306, 'ms-wbt-server': 3389, rdp: 3389, stun: 3478, turn: 3478, 'bfd-control': 3784, 'bfd-echo': 3785, teredo: 3544,
  iscsi: 3260, diameter: 3868, sip: 5060, sips: 5061, 'ipsec-nat-t': 4500, ipfix: 4739, ipfixs: 4740, vxlan: 4789,
  'xmpp-client': 5222, 'xmpp-server': 5269, 'nat-pmp': 5351, mdns: 5353, llmnr: 5355, postgresql: 5432, amqps: 5671, amqp: 5672,
  coap: 5683, coaps: 5684, winrm: 5985, 'winrm-s': 5986, vnc: 5900, x11: 6000, sflow: 6343, redis: 6379, geneve: 6081,
  'syslog-tls': 6514, ircs: 6697, 'http-alt': 8080, 'https-alt': 8443, memcached: 11_211, mqtt: 1883, 'mqtt-s': 8883, kafka: 9092,
  cassandra: 9042, elasticsearch: 9200, 'git': 9418, 'pdl-datastream': 9100, bittorrent: 6881, wireguard: 51_820, mongodb: 27_017,
  'gtp-control': 2123, 'gtp-user': 2152, rtmp: 1935, 'oracle-tns': 1521, quake: 26_000, minecraft: 25_565, steam: 27_015,
};

/** The first name of each port is the registry's. */
const NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(SERVICES)
    .reverse()
    .map(([name, port]) => [port, name]),
);

/** The name of the service that has a port, `https` for 443; undefined for others. */
export function serviceName(port: number): string | undefined {
  return NAMES.get(port);
}
