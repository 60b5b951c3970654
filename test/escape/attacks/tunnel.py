"""Row 28: data hidden in names and types, as fast as the resolver takes it.

tunnel.py names RESOLVER udp|tcp COUNT PARENT    a name of its own for each piece
tunnel.py types RESOLVER udp|tcp COUNT NAME      one name, a type of its own for each piece
Results: how many pieces each rcode answered; `lost` those that nothing answered.
"""
import collections
import socket
import struct

from packets import dispatch, family, question, say

PATIENCE = 10
DATA = "a" * 50


def exchange(one, transport, message):
    if transport == "udp":
        one.send(message)
        return one.recv(4096)
    one.sendall(struct.pack("!H", len(message)) + message)
    length = struct.unpack("!H", one.recv(2, socket.MSG_WAITALL))[0]
    return one.recv(length, socket.MSG_WAITALL)


def send_all(resolver, transport, messages):
    kind = socket.SOCK_DGRAM if transport == "udp" else socket.SOCK_STREAM
    rcodes = collections.Counter()
    with socket.socket(family(resolver), kind) as one:
        one.settimeout(PATIENCE)
        one.connect((resolver, 53))
        for message in messages:
            try:
                rcodes[f"rcode {exchange(one, transport, message)[3] & 15}"] += 1
            except TimeoutError:
                rcodes["lost"] += 1
    for what, count in rcodes.items():
        say(what=what, result=str(count))


def names(resolver, transport, count, parent):
    send_all(resolver, transport, (question(f"{n}-{DATA}.{parent}") for n in range(int(count))))


def types(resolver, transport, count, name):
    # From behind the types that only a question may have.
    send_all(resolver, transport, (question(name, 1000 + n) for n in range(int(count))))


dispatch(globals())
