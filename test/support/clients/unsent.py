"""Sockets that are connected and have sent nothing yet. unsent.py RESOLVER PORT NAME

One is for lookups; a second one, at another port, is `ended` by others. Then the first one asks for the name: `answered`, or `failed`.
"""
import json
import socket
import struct
import sys


def say(**fields):
    print(json.dumps(fields), flush=True)


def connected(address, port):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    one = socket.socket(family, socket.SOCK_DGRAM)
    one.connect((address, port))
    return one


resolver, port, name = sys.argv[1:]
lookups, other = connected(resolver, 53), connected(resolver, int(port))
say(event="ready")
try:
    other.recv(1)
except ConnectionAbortedError:
    say(event="ended")
labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
lookups.settimeout(20)
try:
    lookups.send(struct.pack("!6H", 7, 0x0100, 1, 0, 0, 0) + labels + struct.pack("!BHH", 0, 1, 1))
    say(event="answered", rcode=lookups.recv(512)[3] & 15)
except OSError as error:
    say(event="failed", errno=error.errno)
