"""Traffic for the NAT tests: the outside's servers, and an inside that opens many connections at once.

    traffic.py serve ADDRESS...       prints {"n": number, "proto": …, "peer": address, "port": port as seen here} for each connection
    traffic.py run                    reads a JSON list of connections from standard input, opens them all, says so, and goes on when SIGUSR1
                                      comes: closes them, says so, and ends

A connection is {"n": number, "proto": "tcp"|"udp"|"udplite"|"icmp"|"sctp"|"gre", "src", "sport", "dst", "dport", "bytes"}. Its number goes in its first octets,
so that both ends can tell what became of it.
"""

import json
import select
import signal
import socket
import struct
import sys
import threading
import time

PORT = {"tcp": 8080, "udp": 8081, "udplite": 8082, "sctp": 8083}
SCTP, GRE, UDPLITE = 132, 47, 136
SO_RCVBUFFORCE = 33
OUT = threading.Lock()


def say(thing):
    with OUT:
        sys.stdout.write(json.dumps(thing) + "\n")
        sys.stdout.flush()


def family(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def crc32c(data):
    table = crc32c.table
    crc = 0xFFFFFFFF
    for byte in data:
        crc = table[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    return crc ^ 0xFFFFFFFF


def crc_table():
    table = []
    for n in range(256):
        for _ in range(8):
            n = (n >> 1) ^ (0x82F63B78 if n & 1 else 0)
        table.append(n)
    return table


crc32c.table = crc_table()


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    total = (total >> 16) + (total & 0xFFFF)
    return ~(total + (total >> 16)) & 0xFFFF


def sctp_init(sport, dport, number, octets):
    """An INIT chunk (RFC 9260 section 3.3.2) whose initial TSN is the connection's number, with a parameter that nobody knows."""
    rest = 4 + octets // 4 * 4
    chunk = struct.pack("!BBHIIHHI", 1, 0, 20 + rest, number + 1, 65536, 1, 1, number)
    chunk += struct.pack("!HH", 0xBFFF, rest) + b"x" * (rest - 4)
    packet = struct.pack("!HHII", sport, dport, 0, 0) + chunk
    return packet[:8] + struct.pack("<I", crc32c(packet)) + packet[12:]


def serve(addresses):
    for address in addresses:
        for proto in ("tcp", "udp", "udplite", "icmp", "sctp", "gre"):
            if ":" in address and proto in ("sctp", "gre"):
                continue
            try:
                start = {"tcp": serve_tcp, "udp": serve_udp, "udplite": serve_udp}.get(proto, serve_raw)
                thread = threading.Thread(target=start(address, proto), daemon=True)
                thread.start()
            except OSError as error:
                say({"missing": proto, "why": str(error)})
    say({"serving": True})
    threading.Event().wait()


def serve_tcp(address, proto):
    listener = socket.socket(family(address), socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((address, PORT[proto]))
    listener.listen(4096)

    def run():
        poll = select.epoll()
        poll.register(listener, select.EPOLLIN)
        open_ones = {}
        while True:
            for fd, _ in poll.poll():
                if fd == listener.fileno():
                    one, peer = listener.accept()
                    open_ones[one.fileno()] = (one, peer)
                    poll.register(one, select.EPOLLIN)
                    continue
                one, peer = open_ones[fd]
                try:
                    data = one.recv(65536)
                except OSError:
                    data = b""
                if not data:
                    poll.unregister(fd)
                    del open_ones[fd]
                    one.close()
                elif len(data) >= 4:
                    say({"n": struct.unpack("!I", data[:4])[0], "proto": proto, "peer": peer[0], "port": peer[1]})
                    one.sendall(data)

    return run


def serve_udp(address, proto):
    kind = (socket.SOCK_DGRAM, UDPLITE) if proto == "udplite" else (socket.SOCK_DGRAM, 0)
    one = socket.socket(family(address), *kind)
    one.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 8 << 20)
    one.bind((address, PORT[proto]))

    def run():
        while True:
            data, peer = one.recvfrom(65536)
            say({"n": struct.unpack("!I", data[:4])[0], "proto": proto, "peer": peer[0], "port": peer[1]})
            one.sendto(data + data, peer)

    return run


def serve_raw(address, proto):
    is_ipv6 = ":" in address
    number = {"icmp": socket.IPPROTO_ICMPV6 if is_ipv6 else socket.IPPROTO_ICMP, "sctp": SCTP, "gre": GRE}[proto]
    one = socket.socket(family(address), socket.SOCK_RAW, number)
    one.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 8 << 20)
    one.bind((address, 0))

    def run():
        while True:
            data, peer = one.recvfrom(65536)
            if not is_ipv6:
                data = data[(data[0] & 15) * 4 :]
            if proto == "icmp":
                # The kernel answers.
                if data[0] not in (8, 128):
                    continue
                port, n = struct.unpack("!H", data[4:6])[0], struct.unpack("!I", data[8:12])[0]
            elif proto == "sctp":
                port, n = struct.unpack("!H", data[:2])[0], struct.unpack("!I", data[28:32])[0]
            else:
                port, n = 0, struct.unpack("!I", data[4:8])[0]
            say({"n": n, "proto": proto, "peer": peer[0], "port": port})

    return run


def payload(one):
    return struct.pack("!I", one["n"]) + b"x" * (one["bytes"] - 4)


def open_stream(one):
    made = socket.socket(family(one["src"]), socket.SOCK_STREAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.bind((one["src"], one["sport"]))
    made.connect((one["dst"], one["dport"]))
    made.sendall(payload(one))
    return made


def open_datagram(one):
    kind = (socket.SOCK_DGRAM, UDPLITE) if one["proto"] == "udplite" else (socket.SOCK_DGRAM, 0)
    made = socket.socket(family(one["src"]), *kind)
    made.bind((one["src"], one["sport"]))
    made.connect((one["dst"], one["dport"]))
    made.send(payload(one))
    return made


RAW = {}


def open_raw(one):
    is_ipv6 = ":" in one["src"]
    proto = one["proto"]
    number = {"icmp": socket.IPPROTO_ICMPV6 if is_ipv6 else socket.IPPROTO_ICMP, "sctp": SCTP, "gre": GRE}[proto]
    key = (one["src"], number)
    if key not in RAW:
        RAW[key] = socket.socket(family(one["src"]), socket.SOCK_RAW, number)
        RAW[key].bind((one["src"], 0))
    if proto == "sctp":
        data = sctp_init(one["sport"], one["dport"], one["n"], one["bytes"])
    elif proto == "gre":
        data = struct.pack("!HH", 0, 0x0800) + payload(one)
    elif is_ipv6:
        data = struct.pack("!BBHHH", 128, 0, 0, one["sport"], 1) + payload(one)
    else:
        data = struct.pack("!BBHHH", 8, 0, 0, one["sport"], 1) + payload(one)
        data = data[:2] + struct.pack("!H", checksum(data)) + data[4:]
    RAW[key].sendto(data, (one["dst"], 0))
    return None


def run():
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
    wanted = json.load(sys.stdin)
    openers = {"tcp": open_stream, "udp": open_datagram, "udplite": open_datagram}
    made = []
    for one in wanted:
        begun = time.time()
        made.append(openers.get(one["proto"], open_raw)(one))
        say({"n": one["n"], "begun": [begun, time.time()]})
    # The answers, so that each connection has been seen in both directions.
    for one, link in zip(wanted, made):
        if link is None:
            continue
        link.settimeout(10)
        rest = one["bytes"] * (1 if one["proto"] == "tcp" else 2)
        while rest > 0:
            try:
                rest -= len(link.recv(65536))
            except OSError as error:
                say({"n": one["n"], "proto": one["proto"], "lost": str(error)})
                sys.exit(1)
    say({"open": len(made)})
    signal.sigwait({signal.SIGUSR1})
    for one, link in zip(wanted, made):
        if link is not None:
            begun = time.time()
            link.close()
            say({"n": one["n"], "closed": [begun, time.time()]})
    say({"closed": len(made)})


if sys.argv[1] == "serve":
    serve(sys.argv[2:])
else:
    run()
