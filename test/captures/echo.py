"""Echo requests, as ping sends them: Node.js has no raw sockets. Three to each address; the kernel there answers."""
import socket
import struct
import sys
import time


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


for address in sys.argv[1:]:
    six = ":" in address
    family, protocol = (socket.AF_INET6, socket.IPPROTO_ICMPV6) if six else (socket.AF_INET, socket.IPPROTO_ICMP)
    with socket.socket(family, socket.SOCK_RAW, protocol) as sender:
        for sequence in range(3):
            header = struct.pack("!BBHHH", 128 if six else 8, 0, 0, 7, sequence)
            body = bytes(range(56))
            # The kernel fills in the checksum of ICMPv6.
            if not six:
                header = struct.pack("!BBHHH", 8, 0, checksum(header + body), 7, sequence)
            sender.sendto(header + body, (address, 0))
            time.sleep(0.02)
