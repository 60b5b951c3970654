"""Attacks on the judge of names. Reads JSON from standard input, a list of attempts, and tells each one's end.

shown_names.py texts ADDRESS PORT: each attempt has `what` and `pieces`, texts in hex, which are sent one after the other over a connection, half closed then, by MPTCP or fast open if `how` says so: `refused`
if it is reset, or what the far end says to have received.
shown_names.py flood ADDRESS PORT COUNT PIECE
shown_names.py insert ADDRESS PORT WAY: `good` and `evil`, texts of one length in hex. Has the far end not take the good one, in that way, and puts the other in its place, by a raw
socket, under the same numbers.
"""
import errno
import json
import resource
import select
import signal
import socket
import struct
import sys

from packets import attempt, dispatch, family, ip, is_six, pseudo, checksum, raw_socket, say

PSH, ACK = 8, 16
TCP_MD5SIG = 14
IPPROTO_MPTCP, MSG_FASTOPEN = 262, 0x20000000
WAIT = 30


def opened(address, port, how=None, first=b""):
    """`how`: `mptcp`, or `fast open` with the first octets in the SYN."""
    connection = socket.socket(family(address), socket.SOCK_STREAM, IPPROTO_MPTCP if how == "mptcp" else 0)
    connection.settimeout(WAIT)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if how == "fast open":
        connection.settimeout(None)
        connection.sendto(first, MSG_FASTOPEN, (address, int(port)))
        connection.settimeout(WAIT)
    else:
        connection.connect((address, int(port)))
        connection.sendall(first)
    return connection


def end_of(connection):
    """What the far end says once it has had everything."""
    try:
        half_close(connection)
        said = b""
        while piece := connection.recv(65536):
            said += piece
        return said.decode() or "closed"
    except ConnectionError:
        return "refused"


def half_close(connection):
    """Of one that is reset by now the next read tells."""
    try:
        connection.shutdown(socket.SHUT_WR)
    except OSError as error:
        if error.errno != errno.ENOTCONN:
            raise


def send_pieces(address, port, pieces, how):
    first, *others = [bytes.fromhex(piece) for piece in pieces]
    try:
        with opened(address, port, how, first) as connection:
            for piece in others:
                connection.sendall(piece)
            return end_of(connection)
    except ConnectionError:
        return "refused"


def texts(address, port):
    for one in json.load(sys.stdin):
        attempt(one["what"], lambda: send_pieces(address, port, one["pieces"], one.get("how")))


def numbers_of(tap, local_port):
    """The next sequence number and acknowledgement of a connection, from its own packets."""
    while True:
        frame, (_, _, kind, _, _) = tap.recvfrom(65535)
        packet, six = frame[14:], frame[12:14] == b"\x86\xdd"
        at = 40 if six else (packet[0] & 15) * 4
        if kind != 4 or (packet[6] if six else packet[9]) != 6:
            continue
        source, _, sequence, acknowledged, _, flags = struct.unpack_from("!HHIIBB", packet, at)
        if source == local_port and flags & 2 == 0:
            return sequence, acknowledged


def segment(connection, numbers, payload, *, ttl=64, spoil=False, options=b""):
    """Raw, as if the socket had sent it."""
    (source, source_port), (destination, port) = connection.getsockname()[:2], connection.getpeername()[:2]
    options += b"\0" * (-len(options) % 4)
    head = struct.pack("!HHIIBBHHH", source_port, port, *numbers, (5 + len(options) // 4) << 4, PSH | ACK, 500, 0, 0)
    data = head + options + payload
    total = checksum(pseudo(source, destination, 6, data)) ^ (1 if spoil else 0)
    data = data[:16] + struct.pack("!H", total) + data[18:]
    with raw_socket(destination) as one:
        one.sendto(ip(source, destination, 6, data, ttl=ttl), (destination, 0))


def sign(connection, address):
    """From now on the far end's kernel takes nothing of this socket: it knows no key."""
    six = is_six(address)
    place = struct.pack("=HHI16sI", socket.AF_INET6, 0, 0, socket.inet_pton(socket.AF_INET6, address), 0) if six else struct.pack("=HH4s", socket.AF_INET, 0, socket.inet_pton(socket.AF_INET, address))
    connection.setsockopt(socket.IPPROTO_TCP, TCP_MD5SIG, place.ljust(128, b"\0") + struct.pack("=BBHi80s", 0, 0, 3, 0, b"key"))


def flood(address, port, count, piece):
    """So many connections, each with that beginning; holds them."""
    most = max(4096, int(count) + 64)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    held = [opened(address, port, first=bytes.fromhex(piece)) for _ in range(int(count))]
    say(event="ready", count=len(held))
    signal.pause()


def insert(address, port, way):
    wanted = json.load(sys.stdin)
    good, evil = bytes.fromhex(wanted["good"]), bytes.fromhex(wanted["evil"])
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3)) as tap:
        tap.bind(("eth0", 3))
        with opened(address, port) as connection:
            numbers = numbers_of(tap, connection.getsockname()[1])
            attempt(way, lambda: WAYS[way](connection, numbers, good, evil))


def told(connection):
    """What it says within a second, as it may never have had the end."""
    half_close(connection)
    ready, _, _ = select.select([connection], [], [], 1)
    return end_of_open(connection) if ready else "nothing"


def end_of_open(connection):
    try:
        return connection.recv(65536).decode() or "closed"
    except ConnectionError:
        return "refused"


def guarded(run):
    def guarded_run(*args):
        try:
            return run(*args)
        except OSError as error:
            return errno.errorcode[error.errno]
    return guarded_run


@guarded
def by_signature(connection, numbers, good, evil):
    sign(connection, connection.getpeername()[0])
    connection.sendall(good)
    select.select([connection], [], [], 0.2)
    segment(connection, numbers, evil)
    return told(connection)


@guarded
def raw_alone(connection, numbers, good, evil):
    segment(connection, numbers, evil)
    return told(connection)


@guarded
def raw_first(connection, numbers, good, evil):
    """The second half of the evil text, by hand, ahead of the good one's."""
    half = len(good) // 2
    segment(connection, (numbers[0] + half, numbers[1]), evil[half:])
    connection.sendall(good[:half])
    return told(connection)


@guarded
def raw_overlap(connection, numbers, good, evil):
    half = len(good) // 2
    connection.sendall(good[:half])
    segment(connection, numbers, evil)
    connection.sendall(good[half:])
    return told(connection)


def doomed(**how):
    @guarded
    def run(connection, numbers, good, evil):
        """The good text, by hand, in a way that it never arrives; then the evil one by the socket."""
        segment(connection, numbers, good, **how)
        connection.sendall(evil)
        return told(connection)
    return run


WAYS = {
    "signature": by_signature,
    "raw": raw_alone,
    "second segment first": raw_first,
    "overlap": raw_overlap,
    "low hop limit": doomed(ttl=1),
    "bad checksum": doomed(spoil=True),
    "stale timestamp": doomed(options=struct.pack("!BBBBII", 1, 1, 8, 10, 1, 0)),
}


if __name__ == "__main__":
    dispatch({"texts": texts, "insert": insert, "flood": flood})
