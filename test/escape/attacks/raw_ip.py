"""Rows 6, 23: packets made by hand, through the output hook.

raw_ip.py send OWN DENIED ALLOWED | control OWN DENIED ALLOWED | short OWN DENIED ALLOWED
raw_ip.py resets OWN DENIED ALLOWED | sources OWN DENIED ALLOWED UPSTREAM
raw_ip.py by_neighbour OWN NEIGHBOUR ALLOWED: the header names one, the call that sends it the other
"""
import socket
import struct

from packets import attempt, dispatch, icmp, ip, is_six, octets, send_raw, tcp, udp, udp_packet

DATA = b"data in a packet" * 4


def wrapped(own, denied):
    """Packets to the denied address inside others, and the denied address inside another."""
    six = is_six(denied)
    inner4, inner6 = udp_packet("192.0.2.2", 9, "203.0.113.61", 9, DATA), udp_packet("2001:db8::2", 9, "2001:db8:100:ee::61", 9, DATA)
    yield "IPv4 in IP", ip(own, denied, 4, inner4), denied
    yield "IPv6 in IP", ip(own, denied, 41, inner6), denied
    yield "GRE", ip(own, denied, 47, struct.pack("!HH", 0, 0x0800) + inner4), denied
    yield "ESP", ip(own, denied, 50, DATA), denied
    yield "fragment header with UDP, whole", ip(own, denied, 44, struct.pack("!BBHI", 17, 0, 0, 5) + udp(own, 9, denied, 9, DATA)), denied
    if six:
        for target in ("64:ff9b::cb00:713d", "64:ff9b:1::cb00:713d", "::ffff:203.0.113.61", "::203.0.113.61", "2002:cb00:713d::1", "::ffff:0:203.0.113.61"):
            yield f"to {target}", udp_packet(own, 9, target, 9, DATA), target


def headers(own, denied):
    body = udp(own, 9, denied, 9, DATA)
    if not is_six(denied):
        for what, options in {
            "record route": b"\x07\x0b\x04" + bytes(8),
            "loose source route": b"\x83\x07\x04" + octets(denied),
            "strict source route": b"\x89\x07\x04" + octets(denied),
            "time stamp": b"\x44\x0c\x05\0" + bytes(8),
            "router alert": b"\x94\x04\0\0",
            "forty octets of an unknown option": b"\x9e\x28" + b"y" * 38,
        }.items():
            yield what, ip(own, denied, 17, body, options=options), denied
        yield "first fragment", ip(own, denied, 17, body[:24], fragment=0x2000, ident=61), denied
        yield "later fragment", ip(own, denied, 17, body[24:], fragment=3, ident=62), denied
        yield "fragment of one octet's offset", ip(own, denied, 6, DATA, fragment=1, ident=63), denied
        yield "reserved flag", ip(own, denied, 17, body, fragment=0x8000), denied
        yield "last fragment far out", ip(own, denied, 17, DATA, fragment=0x1FFF, ident=64), denied
        return
    pad = b"\x01\x04\0\0\0\0"
    chains = {
        "hop-by-hop": (0, bytes([17, 0]) + pad + body),
        "destination options": (60, bytes([17, 0]) + pad + body),
        "routing header 0": (43, bytes([17, 2, 0, 0]) + bytes(4) + octets(denied) + body),
        "routing header 2": (43, bytes([17, 2, 2, 1]) + bytes(4) + octets(denied) + body),
        "segment routing": (43, bytes([17, 2, 4, 0, 0, 0, 0, 0]) + octets(denied) + body),
        "two destination options": (60, bytes([60, 0]) + pad + bytes([17, 0]) + pad + body),
        "first fragment": (44, struct.pack("!BBHI", 17, 0, 1, 61) + body[:24]),
        "later fragment": (44, struct.pack("!BBHI", 17, 0, 24, 62) + body[24:]),
        "fragment of a hop-by-hop": (44, struct.pack("!BBHI", 0, 0, 1, 63) + bytes([17, 0]) + pad),
        "authentication header": (51, bytes([17, 4]) + bytes(22) + body),
        "mobility": (135, bytes([17, 0]) + bytes(6) + body),
        "no next header, with data": (59, DATA),
    }
    for what, (protocol, payload) in chains.items():
        yield what, ip(own, denied, protocol, payload), denied


def plain(own, denied, allowed):
    yield "UDP", udp_packet(own, 9, denied, 9, DATA), denied
    yield "TTL 1", ip(own, denied, 17, udp(own, 9, denied, 9, DATA), ttl=1), denied
    for flags in (0x00, 0x01, 0x02, 0x04, 0x10, 0x12, 0x14, 0x18, 0x29, 0x3F):
        yield f"TCP flags {flags:#04x}", ip(own, denied, 6, tcp(own, 9, denied, 80, flags, DATA)), denied
    yield "SCTP", ip(own, denied, 132, struct.pack("!HHII", 9, 9, 0, 0) + DATA), denied
    yield "nothing in it", ip(own, denied, 17, b""), denied
    yield "the routing of an allowed address", udp_packet(own, 9, denied, 9, DATA), allowed
    other = ip("192.0.2.2", "203.0.113.61", 17, DATA) if is_six(denied) else ip("2001:db8::2", "2001:db8:100:ee::61", 17, DATA)
    yield "the other version of IP", other, denied


def controls(own, denied, allowed):
    """Control messages as carriers: errors about packets that never were, or about our own flows; discovery and reports to afar."""
    six = is_six(denied)
    about = (udp_packet(denied, 80, own, 999, b"12345678"), udp_packet(own, 999, denied, 53, b"12345678"), udp_packet(allowed, 80, own, 999, b"12345678"))
    for number, packet in enumerate(about):
        for kind in (1, 2, 3, 4) if six else (3, 4, 5, 11, 12):
            protocol = 58 if six else 1
            yield f"error {kind} about {number}", ip(own, denied, protocol, icmp(own, denied, kind, 0, bytes(4), packet + DATA)), denied
    kinds = (128, 129, 130, 131, 132, 139, 140, 141, 143, 144, 151, 155, 200) if six else (0, 8, 9, 10, 13, 14, 15, 17, 30, 40, 42)
    for kind in kinds:
        yield f"type {kind}", ip(own, denied, 58 if six else 1, icmp(own, denied, kind, 0, bytes(4), DATA), ttl=255), denied
    if not six:
        yield "IGMP report to afar", ip(own, denied, 2, b"\x16\0" + bytes(6) + DATA), denied
        yield "IGMP report to a group", ip(own, "224.0.0.22", 2, b"\x22\0" + bytes(6) + DATA, ttl=1), "224.0.0.22"
        yield "UDP to a group", udp_packet(own, 9, "224.0.0.251", 5353, DATA), "224.0.0.251"
        yield "UDP to a routed group", udp_packet(own, 9, "233.252.0.1", 9, DATA), "233.252.0.1"
        return
    for kind in (133, 134, 135, 136, 137):
        for ttl in (1, 64, 254, 255):
            message = icmp(own, denied, kind, 0, bytes(4) + octets(denied), DATA)
            yield f"discovery {kind} to afar, hop limit {ttl}", ip(own, denied, 58, message, ttl=ttl), denied
    for group in ("ff05::1", "ff08::1", "ff0e::1", "ff3e::1"):
        yield f"discovery to {group}", ip(own, group, 58, icmp(own, group, 135, 0, bytes(4) + octets(denied), DATA), ttl=255), group
    for ttl in (1, 64, 254):
        group = "ff02::1"
        yield f"discovery to the link, hop limit {ttl}", ip(own, group, 58, icmp(own, group, 135, 0, bytes(4) + octets(denied), DATA), ttl=ttl), group
    yield "advertised router", ip(own, "ff02::1", 58, icmp(own, "ff02::1", 134, 0, bytes(12), DATA), ttl=255), "ff02::1"
    for group in ("ff02::16", "ff02::1:ff00:2"):
        for kind in (131, 132, 143):
            report = icmp(own, group, kind, 0, bytes(4), DATA)
            alert = bytes([58, 0]) + b"\x05\x02\0\0\x01\0"
            yield f"report {kind} to {group}", ip(own, group, 58, report, ttl=1), group
            yield f"report {kind} to {group} behind a router alert", ip(own, group, 0, alert + report, ttl=1), group
    yield "UDP to all nodes", udp_packet(own, 9, "ff02::1", 9, DATA), "ff02::1"
    yield "from nowhere to all nodes", ip("::", "ff02::1", 58, icmp("::", "ff02::1", 135, 0, bytes(4) + octets(denied), DATA), ttl=254), "ff02::1"


def forged_sources(own, denied, allowed, upstream):
    """To an allowed address, so that only the source is wrong. Resets: see `resets`."""
    for source in (denied, upstream, "2001:db8:100:ee::99" if is_six(own) else "192.0.2.77"):
        yield f"UDP from {source}", udp_packet(source, 9, allowed, 9, DATA), allowed
        yield f"SYN from {source}", ip(source, allowed, 6, tcp(source, 9, allowed, 80, 2)), allowed
        yield f"SYN, ACK from {source}", ip(source, allowed, 6, tcp(source, 80, allowed, 9, 0x12)), allowed
        yield f"data from {source}", ip(source, allowed, 6, tcp(source, 80, allowed, 9, 0x18, DATA)), allowed
        yield f"echo from {source}", ip(source, allowed, 58 if is_six(own) else 1, icmp(source, allowed, 128 if is_six(own) else 8, 0, bytes(4), DATA)), allowed


def resets(own, denied, allowed):
    """In a foreign name, with data behind."""
    attempt("reset", lambda: send_raw(ip(denied, allowed, 6, tcp(denied, 9, allowed, 80, 4, DATA)), allowed))


def run(packets):
    for what, packet, destination in packets:
        attempt(what, lambda: send_raw(packet, destination))


def send(own, denied, allowed):
    for packets in (plain(own, denied, allowed), headers(own, denied), wrapped(own, denied)):
        run(packets)


def short(own, denied, allowed):
    """Too short to have a port, of protocols with ports and without."""
    for protocol in (1, 6, 17, 58, 132, 136, 200, 253):
        for length in range(4):
            run([(f"protocol {protocol}, {length} octets", ip(own, denied, protocol, DATA[:length]), denied)])


def control(own, denied, allowed):
    run(controls(own, denied, allowed))


def sources(own, denied, allowed, upstream):
    run(forged_sources(own, denied, allowed, upstream))


def by_neighbour(own, neighbour, allowed):
    run([("a header for another", udp_packet(own, 9, allowed, 9, DATA), neighbour)])


dispatch(globals())
