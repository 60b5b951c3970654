"""Row 33: packets that a rule cannot read whole. fragments.py tcp ADDRESS PORT TEXTHEX | udp ADDRESS PORT | shapes ADDRESS PORT | odd ADDRESS PORT | large ADDRESS

`tcp` puts a text behind an open connection's own header, in two fragments that connection tracking does not put together, and asks what the far end has received. `udp` does so with a QUIC Initial.
`shapes` sends QUIC in forms that a rule may not know, from plain sockets, and what only looks like it. `odd` sends TCP that connection tracking calls invalid, without data. `large` has an echo of what needs fragments.
"""
import socket
import struct

from packets import attempt, checksum, dispatch, family, ip, is_six, pseudo, raw_socket, send_raw, udp
from packets import tcp as tcp_segment
from shown_names import ACK, PSH, numbers_of, opened, told

IP_NODEFRAG = 22
MORE, OFFSET = 0x2000, 8
FRAGMENT, OPTIONS = 44, 60
UDP_SEGMENT = 103
VERSION_1, VERSION_2, FACEBOOK, UNKNOWN = 1, 0x6B3343CF, 0xFACEB002, 0x1A2A3A4A


def apart(source, destination, protocol, data, size):
    """Two packets of one datagram; the first has `size` octets of it."""
    if is_six(destination):
        return nested(source, destination, protocol, data, size)
    parts = ((data[:size], MORE), (data[size:], size // OFFSET))
    return [ip(source, destination, protocol, part, fragment=where, ident=4711) for part, where in parts]


def nested(source, destination, protocol, data, size):
    """Each part behind a header of a whole packet (RFC 6946), which is all that reassembly takes away. Options fill up the first, as routers drop small ones."""
    fill = b"\x1e\xfe" + bytes(254)
    options = bytes([protocol, 160 - 1]) + fill * 4 + b"\x1e\xf4" + bytes(244) + b"\x01\x04" + bytes(4)
    options += bytes(160 * 8 - len(options))
    first = struct.pack("!BBHI", OPTIONS, 0, 1, 4711) + options + data[:size]
    rest = struct.pack("!BBHI", OPTIONS, 0, len(options) + size, 4711) + data[size:]
    outer = [struct.pack("!BBHI", FRAGMENT, 0, 0, ident) for ident in (1, 2)]
    return [ip(source, destination, FRAGMENT, head + part) for head, part in zip(outer, (first, rest))]


def send_apart(*datagram):
    for number, packet in enumerate(apart(*datagram)):
        with raw_socket(datagram[1]) as one:
            if not is_six(datagram[1]):
                one.setsockopt(socket.IPPROTO_IP, IP_NODEFRAG, 1)
            attempt(f"fragment {number}", lambda: one.sendto(packet, (datagram[1], 0)) and None)


def tcp(address, port, text):
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3)) as tap:
        tap.bind(("eth0", 3))
        with opened(address, port) as connection:
            numbers = numbers_of(tap, connection.getsockname()[1])
            (source, source_port), (destination, _) = connection.getsockname()[:2], connection.getpeername()[:2]
            head = struct.pack("!HHIIBBHHH", source_port, int(port), *numbers, 6 << 4, PSH | ACK, 500, 0, 0) + b"\1\1\1\1"
            data = head + bytes.fromhex(text)
            data = data[:16] + struct.pack("!H", checksum(pseudo(source, destination, 6, data))) + data[18:]
            send_apart(source, destination, 6, data, len(head))
            attempt("the far end", lambda: told(connection))


def initial(first=0xC3, version=VERSION_1, size=1200):
    head = bytes([first]) + struct.pack("!I", version) + b"\x08DCIDDCID\0\0"
    return head + b"A" * (size - len(head))


def udp_apart(address, port):
    with socket.socket(family(address), socket.SOCK_DGRAM) as one:
        one.connect((address, int(port)))
        source, source_port = one.getsockname()[:2]
        send_apart(source, address, 17, udp(source, source_port, address, int(port), initial()), 8)


def shapes(address, port):
    for what, text in {
        "as it is": initial(),
        "its second bit unset": initial(first=0x83),
        "version 2, its second bit unset": initial(first=0x83, version=VERSION_2),
        "Facebook's": initial(version=FACEBOOK),
        "a version that nobody has": initial(version=UNKNOWN),
        "SRTP": b"\x80\x60\x12\x34\0\0\0\1" + bytes(100),
        "nothing": b"",
    }.items():
        with socket.socket(family(address), socket.SOCK_DGRAM) as one:
            attempt(what, lambda: one.sendto(text, (address, int(port))) * 0 or None)
    with socket.socket(family(address), socket.SOCK_DGRAM) as one:
        one.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, 1200)
        attempt("behind another in one call", lambda: one.sendto(bytes(1200) + initial(), (address, int(port))) and None)


def odd(address, port):
    with socket.socket(family(address), socket.SOCK_DGRAM) as one:
        one.connect((address, int(port)))
        source = one.getsockname()[0]
    for flags in (0x00, 0x03, 0x06, 0x29):
        segment = tcp_segment(source, 4711, address, int(port), flags)
        attempt(f"flags {flags:#04x}", lambda: send_raw(ip(source, address, 6, segment), address))
    attempt("a header cut short", lambda: send_raw(ip(source, address, 6, segment[:14]), address))


def large(address):
    with socket.socket(family(address), socket.SOCK_DGRAM) as one:
        one.settimeout(20)
        one.connect((address, 7))
        for octets in (2000, 9000, 60000):
            text = b"x" * octets
            attempt(f"{octets} octets", lambda: one.send(text) and ("echoed" if one.recv(65536) == text else "other"))


if __name__ == "__main__":
    dispatch({"tcp": tcp, "udp": udp_apart, "shapes": shapes, "odd": odd, "large": large})
