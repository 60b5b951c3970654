"""Reads what a client sends as servers do that others wrote: tlslite-ng for TLS, h11 for HTTP/1.

Each line of standard input is `tls HEX` or `http HEX`; each line of standard output is its answer, in JSON: for TLS
[[NAME or null, whether there is more than one], ...] with a ClientHello at most, for HTTP the Host fields of each
request, in their order.
"""

import json
import sys

import h11
from tlslite.constants import ContentType, HandshakeType
from tlslite.tlsconnection import TLSConnection


class Stream:
    """A socket that has received these octets, and then the end."""

    def __init__(self, octets):
        self.octets = octets
        self.at = 0

    def recv(self, size):
        piece = self.octets[self.at : self.at + size]
        self.at += len(piece)
        return piece

    def send(self, octets):
        return len(octets)

    def sendall(self, octets):
        return None

    def flush(self):
        return None

    def close(self):
        return None


def read_hello(octets):
    connection = TLSConnection(Stream(octets))
    connection._handshakeStart(client=False)
    try:
        for hello in connection._getMsg(ContentType.handshake, HandshakeType.client_hello):
            if hello not in (0, 1):
                return describe(hello)
    except Exception:  # whatever it raises ends the connection, as in a server
        return []
    return []


def describe(hello):
    # Of SSL 2: it cannot have a name, and tlslite-ng takes more for one than other servers do.
    if hello.ssl2:
        return []
    names = [name for one in hello.extensions or [] if one.extType == 0 for name in one.hostNames or []]
    name = names[0].decode("latin-1").lower() if names else None
    return [[name, len(names) > 1]]


def read_requests(octets):
    connection = h11.Connection(h11.SERVER)
    connection.receive_data(octets)
    hosts = []
    try:
        while True:
            event = connection.next_event()
            if isinstance(event, h11.Request):
                hosts.append([value.decode("latin-1") for name, value in event.headers if name == b"host"])
            elif isinstance(event, h11.EndOfMessage):
                connection.send(h11.Response(status_code=204, headers=[]))
                connection.send(h11.EndOfMessage())
                if connection.states != {h11.CLIENT: h11.DONE, h11.SERVER: h11.DONE}:
                    return hosts
                connection.start_next_cycle()
            elif not isinstance(event, h11.Data):
                return hosts
    except h11.ProtocolError:
        return hosts


READERS = {"tls": read_hello, "http": read_requests}

for line in sys.stdin:
    kind, _, digits = line.strip().partition(" ")
    print(json.dumps(READERS[kind](bytearray.fromhex(digits))), flush=True)
