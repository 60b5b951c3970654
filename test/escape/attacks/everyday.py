"""Row 1 and 8: what any program may do. everyday.py reach ADDRESS | ports ADDRESS PORT... | talk ADDRESS HOST

`talk` asks the web server for HOST and the echo server, and waits for all that they send: no packet of its flows comes later.
"""
import socket
import struct

from packets import attempt, dispatch, family, is_six

MSG_FASTOPEN = 0x20000000
IPPROTO_MPTCP = 262
PROTOCOLS = (2, 4, 27, 33, 41, 46, 47, 50, 51, 89, 103, 115, 132, 136, 137, 253)


def connect(address, port, protocol=0):
    with socket.socket(family(address), socket.SOCK_STREAM, protocol) as one:
        one.settimeout(5)
        try:
            one.connect((address, port))
            return "connected"
        except ConnectionRefusedError:
            return "ECONNREFUSED" if retransmissions(one) == 0 else "refused late"


def retransmissions(one):
    """`tcpi_total_retrans` of tcp(7)'s TCP_INFO: SYNs that were sent again."""
    return struct.unpack_from("=I", one.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104), 100)[0]


def send(address, port, data=b"data", flags=0):
    with socket.socket(family(address), socket.SOCK_DGRAM) as one:
        one.sendto(data, flags, (address, port))


def ping(address):
    six = is_six(address)
    with socket.socket(family(address), socket.SOCK_RAW, 58 if six else 1) as one:
        # ICMP's checksum of this very packet; the kernel fills in ICMPv6's.
        one.sendto(bytes([128 if six else 8, 0]) + (b"\0\0" if six else b"\xf7\xfd") + b"\0\1\0\1", (address, 0))


def protocol(address, number):
    with socket.socket(family(address), socket.SOCK_RAW, number) as one:
        one.sendto(b"data over another protocol", (address, 0))


def fast_open(address):
    with socket.socket(family(address), socket.SOCK_STREAM) as one:
        # Blocking, so that the refusal is seen: the kernel gives the connection up by itself otherwise.
        one.setsockopt(socket.IPPROTO_TCP, socket.TCP_SYNCNT, 1)
        one.sendto(b"data in a SYN", MSG_FASTOPEN, (address, 80))


def reach(address):
    attempt("tcp 80", lambda: connect(address, 80))
    attempt("tcp 8080", lambda: connect(address, 8080))
    attempt("mptcp 80", lambda: connect(address, 80, IPPROTO_MPTCP))
    attempt("tcp fast open", lambda: fast_open(address))
    attempt("udp 7", lambda: send(address, 7))
    attempt("udp 65535, empty", lambda: send(address, 65535, b""))
    attempt("udp 7, too large for a packet", lambda: send(address, 7, b"x" * 9000))
    attempt("ping", lambda: ping(address))
    for number in PROTOCOLS:
        attempt(f"protocol {number}", lambda: protocol(address, number))


def ports(address, *numbers):
    for number in map(int, numbers):
        attempt(f"tcp {number}", lambda: connect(address, number))
        attempt(f"udp {number}", lambda: send(address, number))



def talk(address, host):
    def ask_web():
        with socket.socket(family(address), socket.SOCK_STREAM) as one:
            one.settimeout(20)
            one.connect((address, 80))
            one.sendall(f"GET / HTTP/1.0\r\nHost: {host}\r\n\r\n".encode())
            while one.recv(999):
                pass
            return "closed"

    def ask_echo():
        with socket.socket(family(address), socket.SOCK_DGRAM) as one:
            one.settimeout(20)
            one.connect((address, 7))
            one.send(b"data")
            return "echoed" if one.recv(999) else "nothing"

    attempt("tcp 80", ask_web)
    attempt("udp 7", ask_echo)


dispatch(globals())
