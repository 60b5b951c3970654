"""Rows 2, 3, 19, 24: lookups in forms that no library sends.

lookups.py ask RESOLVER NAME            over each transport, from odd ports, in fragments
lookups.py odd-names RESOLVER ALLOWED DENIED
lookups.py from-ports RESOLVER NAME FIRST LAST
lookups.py from-port RESOLVER NAME OWN PORT   as a raw packet, and as TCP segments of a flow that may be left over
Results: `answer RCODE COUNT`, `no answer` or an errno.
"""
import socket
import struct

from packets import (
    attempt,
    dispatch,
    family,
    ip,
    is_six,
    question,
    raw_socket,
    say,
    send_raw,
    tcp,
    udp,
    udp_packet,
)

PATIENCE = 10


def read_answer(data):
    if len(data) < 12:
        return "short answer"
    return f"answer {data[3] & 15} {struct.unpack('!H', data[6:8])[0]}"


def over_udp(resolver, message, source_port=0, port=53):
    with socket.socket(family(resolver), socket.SOCK_DGRAM) as one:
        one.settimeout(PATIENCE)
        one.bind(("", source_port))
        one.sendto(message, (resolver, port))
        return read_answer(one.recv(4096))


def over_tcp(resolver, message, port=53, length=None, source_port=0):
    with socket.socket(family(resolver), socket.SOCK_STREAM) as one:
        one.settimeout(PATIENCE)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        one.bind(("", source_port))
        one.connect((resolver, port))
        one.sendall(struct.pack("!H", len(message) if length is None else length) + message)
        return read_answer(one.recv(4096)[2:])


def fragments(own, resolver, message, size):
    """The same datagram in two pieces; what comes back goes to a socket that waits at its port."""
    with socket.socket(family(own), socket.SOCK_DGRAM) as one:
        one.settimeout(PATIENCE)
        one.bind((own, 0))
        datagram = udp(own, one.getsockname()[1], resolver, 53, message)
        for packet in split(own, resolver, datagram, size):
            send_raw(packet, resolver)
        return read_answer(one.recv(4096))


def split(own, resolver, datagram, size):
    if not is_six(own):
        yield ip(own, resolver, 17, datagram[:size], fragment=0x2000, ident=99)
        yield ip(own, resolver, 17, datagram[size:], fragment=size // 8, ident=99)
        return
    for begin, more in ((0, 1), (size, 0)):
        piece = datagram[begin : begin + size] if more else datagram[begin:]
        yield ip(own, resolver, 44, struct.pack("!BBHI", 17, 0, begin | more, 99) + piece)


def ask(resolver, name, own):
    message = question(name, 28 if is_six(resolver) else 1)
    tell = lambda what, act: attempt(what, quietly(act))
    tell("udp", lambda: over_udp(resolver, message))
    tell("tcp", lambda: over_tcp(resolver, message))
    for port in (1, 22, 53, 853, 5353, 32768, 65535):
        tell(f"udp from {port}", lambda: over_udp(resolver, message, port))
        tell(f"tcp from {port}", lambda: over_tcp(resolver, message, source_port=port))
    for size in (8, 16, 24):
        tell(f"fragments of {size}", lambda: fragments(own, resolver, message, size))
    tell("raw packet", lambda: send_raw(udp_packet(own, 999, resolver, 53, message), resolver))
    tell("raw packet from port 53", lambda: send_raw(udp_packet(own, 53, resolver, 53, message), resolver))
    tell("lone last fragment", lambda: send_raw(list(split(own, resolver, udp(own, 9, resolver, 53, message), 8))[1], resolver))
    tell("tcp segment without a flow", lambda: send_raw(ip(own, resolver, 6, tcp(own, 998, resolver, 53, 0x18, message)), resolver))
    tell("udp-lite", lambda: send_raw(ip(own, resolver, 136, udp(own, 9, resolver, 53, message)), resolver))
    for port in (5353, 5355, 137):
        tell(f"udp to {port}", lambda: over_udp(resolver, message, port=port))
    group = "ff02::fb" if is_six(resolver) else "224.0.0.251"
    tell("multicast DNS", lambda: over_udp(f"{group}%eth0" if is_six(group) else group, message, port=5353))


def quietly(act):
    def run():
        try:
            return act()
        except TimeoutError:
            return "no answer"

    return run


def odd_names(resolver, allowed, denied):
    plain = lambda text: b"".join(bytes([len(label)]) + label for label in text.encode().split(b"."))
    qtype = 1
    forms = {
        "odd case": plain("".join(c.upper() if i % 2 else c for i, c in enumerate(denied))) + b"\0",
        "dot inside a label": bytes([len(allowed)]) + allowed.encode() + b"\0",
        "dot inside, below a denied name": bytes([len(allowed)]) + allowed.encode() + plain(denied) + b"\0",
        "NUL inside a label": bytes([len(denied) + 1 + len(allowed)]) + denied.encode() + b"\0" + allowed.encode() + b"\0",
        "NUL before the allowed name": plain(denied)[:-1] + b"\0" + plain(allowed) + b"\0",
        "allowed name as prefix": plain(allowed + "." + denied) + b"\0",
        "allowed name as suffix of a label": b"\x04evil" + plain("x" + allowed) + b"\0",
        "63 octets in a label": b"\x3f" + b"a" * 63 + plain(denied) + b"\0",
        "64 octets in a label": b"\x40" + b"a" * 64 + plain(denied) + b"\0",
        "255 octets": b"".join(b"\x3f" + b"a" * 63 for _ in range(3)) + b"\x3d" + b"b" * 61 + b"\0",
        "256 octets": b"".join(b"\x3f" + b"a" * 63 for _ in range(3)) + b"\x3e" + b"b" * 62 + b"\0",
        "pointer to itself": b"\xc0\x0c",
        "pointer loop": b"\x01a\xc0\x0c",
        "pointer past the end": b"\xc3\xff",
        "pointer into the header": b"\x03www\xc0\x00",
        "extended label type": b"\x41\x08" + plain(denied) + b"\0",
        "no end": plain(denied),
        "octets above 127": b"\x04\xff\xfe\x80\x81" + plain(denied) + b"\0",
        "control characters": b"\x03a\nb" + plain(denied) + b"\0",
        "space": b"\x03a b" + plain(denied) + b"\0",
        "root": b"\0",
    }
    header = lambda questions=1, opcode=0, answers=0, more=0: struct.pack(
        "!HHHHHH", 7, 0x0100 | opcode << 11, questions, answers, 0, more
    )
    tail = struct.pack("!HH", qtype, 1)
    messages = {f"name: {what}": header() + form + tail for what, form in forms.items()}
    bad, good = plain(denied) + b"\0", plain(allowed) + b"\0"
    messages |= {
        "two questions, the allowed one first": header(2) + good + tail + bad + tail,
        "two questions, the second a pointer": header(2) + good + tail + b"\xc0\x0c" + tail,
        "no question": header(0) + bad + tail,
        "denied name behind the question": header() + good + tail + bad + tail,
        "denied name in the answer section": header(1, 0, 1) + good + tail + bad + tail + struct.pack("!IH", 0, 0),
        "an answer for a question": struct.pack("!HHHHHH", 7, 0x8180, 1, 0, 0, 0) + bad + tail,
        "half a header": header()[:7],
        "nothing": b"",
    }
    for opcode in (1, 2, 3, 4, 5, 6, 15):
        messages[f"opcode {opcode}"] = header(1, opcode) + bad + tail
    for kind in (0, 2, 5, 6, 12, 15, 16, 28, 33, 35, 41, 43, 48, 52, 64, 65, 99, 249, 250, 251, 252, 253, 255, 256, 65280):
        messages[f"type {kind} of a denied name"] = header() + bad + struct.pack("!HH", kind, 1)
    for kind in (3, 4, 254, 255, 0x8001):
        messages[f"class {kind}"] = header() + bad + struct.pack("!HH", qtype, kind)
    for what, message in messages.items():
        attempt(what, quietly(lambda: over_udp(resolver, message)))
        attempt(f"{what}, over TCP", quietly(lambda: over_tcp(resolver, message)))
    attempt("length beyond the message, over TCP", quietly(lambda: over_tcp(resolver, header() + bad + tail, length=600)))


def from_ports(resolver, name, first, last):
    """One datagram from every port; only those that the kernel refuses to bind are skipped."""
    message, sent, answers = question(name, 1), 0, set()
    held = []
    for port in range(int(first), int(last) + 1):
        one = socket.socket(family(resolver), socket.SOCK_DGRAM)
        one.setblocking(False)
        try:
            one.bind(("", port))
            one.sendto(message, (resolver, 53))
            sent += 1
            held.append(one)
        except OSError:
            one.close()
        if len(held) >= 400 or port == int(last):
            for held_one in held:
                held_one.settimeout(0.2)
                try:
                    answers.add(read_answer(held_one.recv(4096)))
                except OSError as error:
                    answers.add(type(error).__name__)
                held_one.close()
            held.clear()
    say(what="sent", result=str(sent))
    for answer in answers:
        say(what=answer, result="seen")


def from_port(resolver, name, own, *ports):
    message = question(name, 1)
    for port in map(int, ports):
        attempt(f"datagram from {port}", lambda: send_raw(udp_packet(own, port, resolver, 53, message), resolver))
        framed = struct.pack("!H", len(message)) + message
        for flags in (0x02, 0x10, 0x18, 0x04):
            segment = tcp(own, port, resolver, 53, flags, b"" if flags == 2 else framed)
            attempt(f"segment {flags} from {port}", lambda: send_raw(ip(own, resolver, 6, segment), resolver))


dispatch(globals())
