"""Rows 20, 27: flows that the other side seems to have opened. callers.py forge DENIED OWN MAC | revive DENIED OWN | serve OWN PORT | call FROM OWN PORT | talk FROM OWN PORT
| ask FROM OWN PORT | ping FROM OWN

`forge` makes the denied host "speak first", by raw sockets, and by packet sockets on lo and eth0; then answers it. `serve` answers all that comes
to its port, TCP and UDP, also by raw packets. `call` is the host outside: from its address to the port, a SYN, mid-stream segments and datagrams.
"""
import select
import socket
import sys
import time

from packets import (
    attempt,
    dispatch,
    ethernet,
    ethertype_of,
    family,
    icmp,
    ip,
    is_six,
    say,
    send_frame,
    send_raw,
    tcp,
    udp_packet,
)

DATA = b"data to a denied host"


def listeners(own, port):
    stream = socket.socket(family(own), socket.SOCK_STREAM)
    stream.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    stream.bind((own, port))
    stream.listen(9)
    datagram = socket.socket(family(own), socket.SOCK_DGRAM)
    datagram.bind((own, port))
    return stream, datagram


def forge(denied, own, mac):
    stream, datagram = listeners(own, 4000)
    protocol, echo = (58, 128) if is_six(own) else (1, 8)
    first = {
        "SYN": ip(denied, own, 6, tcp(denied, 80, own, 4000, 2)),
        "SYN from 443 with data": ip(denied, own, 6, tcp(denied, 443, own, 4000, 2, b"open")),
        "SYN, ACK": ip(denied, own, 6, tcp(denied, 81, own, 4000, 0x12)),
        "ACK with data": ip(denied, own, 6, tcp(denied, 82, own, 4000, 0x18, b"open")),
        "datagram": udp_packet(denied, 80, own, 4000, b"open"),
        "echo": ip(denied, own, protocol, icmp(denied, own, echo, 0, b"\0\1\0\1", b"open")),
        "SCTP": ip(denied, own, 132, b"\0\x50\x0f\xa0" + bytes(8) + b"\x01\0\0\x14" + bytes(16)),
    }
    ways = {
        "raw socket": lambda packet: send_raw(packet, own),
        "frame on lo": lambda packet: send_frame("lo", ethernet("00:00:00:00:00:00", ethertype_of(own), packet)),
        "frame to ourselves": lambda packet: send_frame("eth0", ethernet(mac, ethertype_of(own), packet)),
    }
    for way, put in ways.items():
        for what, packet in first.items():
            attempt(f"{what} by {way}", lambda: put(packet))
        time.sleep(0.02)
        answers = {
            "a datagram": lambda: datagram.sendto(DATA, (denied, 80)) and None,
            "a raw datagram": lambda: send_raw(udp_packet(own, 4000, denied, 80, DATA), denied),
            "a raw segment": lambda: send_raw(ip(own, denied, 6, tcp(own, 4000, denied, 80, 0x18, DATA)), denied),
            "a raw SYN, ACK": lambda: send_raw(ip(own, denied, 6, tcp(own, 4000, denied, 80, 0x12, DATA)), denied),
            "a raw segment to 82": lambda: send_raw(ip(own, denied, 6, tcp(own, 4000, denied, 82, 0x18, DATA)), denied),
            "an echo's answer": lambda: send_raw(ip(own, denied, protocol, icmp(own, denied, 129 if is_six(own) else 0, 0, b"\0\1\0\1", DATA)), denied),
        }
        for what, act in answers.items():
            attempt(f"{what}, after {way}", act)


def revive(denied, own):
    """Answers a caller that was forged before anyone looked."""
    _, datagram = listeners(own, 4000)
    attempt("datagram", lambda: datagram.sendto(DATA, (denied, 80)) and None)
    attempt("raw datagram", lambda: send_raw(udp_packet(own, 4000, denied, 80, DATA), denied))
    attempt("raw segment", lambda: send_raw(ip(own, denied, 6, tcp(own, 4000, denied, 80, 0x18, DATA)), denied))


def serve(own, port):
    stream, datagram = listeners(own, int(port))
    say(event="ready")
    streams = []
    while True:
        for one in select.select([stream, datagram, *streams, sys.stdin], [], [])[0]:
            if one is sys.stdin:
                return
            try:
                if one is stream:
                    streams.append(stream.accept()[0])
                    streams[-1].send(DATA)
                    say(event="connected")
                elif one is datagram:
                    _, peer = datagram.recvfrom(999)
                    say(event="datagram")
                    datagram.sendto(DATA, peer)
                    send_raw(udp_packet(own, int(port), peer[0], peer[1], DATA), peer[0])
                else:
                    heard = one.recv(999)
                    one.send(heard)
                    if not heard:
                        streams.remove(one)
            except OSError:
                if one in streams:
                    streams.remove(one)


def call(source, own, port):
    """An ordinary client bound to the address, and packets that no client sends."""
    port = int(port)
    with socket.socket(family(own), socket.SOCK_STREAM) as one:
        one.setsockopt(*((41, 78) if is_six(own) else (0, 15)), 1)  # IPV6_FREEBIND, IP_FREEBIND
        one.settimeout(3)
        one.bind((source, 0))

        def connect():
            one.connect((own, port))
            return one.recv(999).decode()

        attempt("connect", connect)
    with socket.socket(family(own), socket.SOCK_DGRAM) as one:
        one.setsockopt(*((41, 78) if is_six(own) else (0, 15)), 1)
        one.settimeout(3)
        one.bind((source, 0))
        one.sendto(b"open", (own, port))
        attempt("datagram", lambda: one.recv(999).decode())
    for source_port in (80, 7, 443):
        for flags in (0x02, 0x10, 0x12, 0x18):
            packet = ip(source, own, 6, tcp(source, source_port, own, port, flags, b"" if flags == 2 else b"open"))
            attempt(f"flags {flags} from {source_port}", lambda: send_raw(packet, own))
        attempt(f"datagram from {source_port}", lambda: send_raw(udp_packet(source, source_port, own, port, b"open"), own))


def connect_from(source, own, port):
    one = socket.socket(family(own), socket.SOCK_STREAM)
    one.setsockopt(*((41, 78) if is_six(own) else (0, 15)), 1)  # IPV6_FREEBIND, IP_FREEBIND
    one.settimeout(20)
    one.bind((source, 0))
    one.connect((own, int(port)))
    return one


def talk(source, own, port):
    """A caller who says a word now and then, and tells of each answer."""
    with connect_from(source, own, port) as one:
        one.recv(999)
        one.settimeout(0.2)
        say(event="ready")
        while True:
            one.send(b"word")
            try:
                say(event="answer", text=one.recv(999).decode())
            except TimeoutError:
                say(event="silence")
            time.sleep(0.05)


def ask(source, own, port):
    """An operator who asks for the API's health."""
    with connect_from(source, own, port) as one:
        one.send(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        attempt("health", lambda: one.recv(999).decode().split("\r\n")[0])


def ping(source, own):
    kind, protocol = (128, 58) if is_six(own) else (8, 1)
    attempt("ping", lambda: send_raw(ip(source, own, protocol, icmp(source, own, kind, 0, b"\0\1\0\1", b"ping")), own))


dispatch(globals())
