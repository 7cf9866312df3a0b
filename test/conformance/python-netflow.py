"""
Decodes datagrams with Python netflow, as its own collector does: what waits for a template is tried again when one has come.

Reads a JSON object a line: {"datagrams": [[exporter, hex], …]}. Writes one a line: {"records": [{element: value}, …], "failed": datagrams that gave an
error or never got their template}. Elements are IANA's numbers (NetFlow v9's for v1, v5 and v9); values as the library has them, integers above 2**53 as
text.
"""
import contextlib
import json
import sys

import netflow
from netflow.ipfix import IPFIXFieldTypes, IPFIXTemplateNotRecognized
from netflow.v9 import V9_FIELD_TYPES, V9TemplateNotRecognized

V9 = {name: number for number, name in V9_FIELD_TYPES.items() if number != 0}
IPFIX = {name: number for number, name, _ in IPFIXFieldTypes.iana_field_types}
FIXED = {
    "IPV4_SRC_ADDR": 8, "IPV4_DST_ADDR": 12, "NEXT_HOP": 15, "INPUT": 10, "OUTPUT": 14, "IN_PACKETS": 2,
    "IN_OCTETS": 1, "FIRST_SWITCHED": 22, "LAST_SWITCHED": 21, "SRC_PORT": 7, "DST_PORT": 11, "TCP_FLAGS": 6,
    "PROTO": 4, "TOS": 5, "SRC_AS": 16, "DST_AS": 17, "SRC_MASK": 9, "DST_MASK": 13,
}


def flows(export, options):
    """The flow records; the library has IPFIX's options data among them, whose templates `options` remembers."""
    if export.header.version != 10:
        return export.flows
    found = []
    for one in export.sets:
        if one.is_template:
            ids = [record.template_id for record in one.records]
            options.difference_update(ids) if one.header.set_id == 2 else options.update(ids)
        elif one.header.set_id not in options:
            found += one.records
    return found


def records(export, options):
    names = {9: V9, 10: IPFIX}.get(export.header.version, FIXED)
    for flow in flows(export, options):
        yield {names[name]: plain(value) for name, value in flow.data.items() if name in names}


def plain(value):
    return str(value) if isinstance(value, int) and value >= 2**53 else value


def decode(datagrams):
    templates = {}
    found, waiting, failed = [], [], 0
    for exporter, digits in datagrams:
        own, options = templates.setdefault(exporter, ({"netflow": {}, "ipfix": {}}, set()))
        tries = [digits]
        while tries:
            datagram = tries.pop(0)
            try:
                export = netflow.parse_packet(bytes.fromhex(datagram), own)
            except (V9TemplateNotRecognized, IPFIXTemplateNotRecognized):
                waiting.append((exporter, datagram))
                continue
            except Exception:  # whatever it cannot read
                failed += 1
                continue
            found.extend(records(export, options))
            if export.header.version in (9, 10) and export.contains_new_templates:
                tries += [again for sender, again in waiting if sender == exporter]
                waiting = [(sender, again) for sender, again in waiting if sender != exporter]
    return {"records": found, "failed": failed + len(waiting)}


for line in sys.stdin:
    # The library prints about what it cannot parse.
    with contextlib.redirect_stdout(sys.stderr):
        answer = decode(json.loads(line)["datagrams"])
    print(json.dumps(answer, default=lambda value: value.hex() if isinstance(value, bytes) else str(value)), flush=True)
