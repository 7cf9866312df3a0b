"""Times netflow.parse_packet over datagrams of a file ([u16le length][datagram]...): prints {"flows": N, "seconds": S}.

Usage: decode-netflow.py FILE SECONDS; stops after SECONDS or at the end of the file.
"""

import json
import struct
import sys
import time

import netflow

with open(sys.argv[1], "rb") as file:
    data = file.read()
datagrams = []
at = 0
while at + 2 <= len(data):
    (length,) = struct.unpack_from("<H", data, at)
    datagrams.append(data[at + 2 : at + 2 + length])
    at += 2 + length

templates = {"netflow": {}, "ipfix": {}}
flows = 0
started = time.perf_counter()
end = started + float(sys.argv[2])
for datagram in datagrams:
    flows += len(netflow.parse_packet(datagram, templates).flows)
    if time.perf_counter() > end:
        break
print(json.dumps({"flows": flows, "seconds": time.perf_counter() - started}))
