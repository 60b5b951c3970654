"""Tries, as fast as it may, to reach what no policy allows, until stdin ends; says on stdout how often.

hammer.py NAME ADDRESS... ; NAME is looked up at each address and at the sidecar's upstream, over UDP and TCP.
"""
import json
import select
import socket
import struct
import sys
import time

UPSTREAM = "192.0.2.1"


def main():
    name, addresses = sys.argv[1], sys.argv[2:]
    query = struct.pack("!HHHHHH", 7, 0x0100, 1, 0, 0, 0)
    query += b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    query += struct.pack("!BHH", 0, 1, 1)
    say(event="ready")
    rounds = answered = 0
    while not select.select([sys.stdin], [], [], 0)[0]:
        for address in addresses:
            attempt(lambda: connect(address, 80))
            attempt(lambda: send(address, 7, b"hammer"))
            attempt(lambda: ping(address))
        for resolver in [UPSTREAM, *addresses]:
            attempt(lambda: send(resolver, 53, query))
            attempt(lambda: connect(resolver, 53, struct.pack("!H", len(query)) + query))
        rounds += 1
        time.sleep(0.002)
    say(event="done", rounds=rounds)


def make(address, kind, protocol=0):
    one = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, kind, protocol)
    one.setblocking(False)
    return one


def connect(address, port, data=b""):
    with make(address, socket.SOCK_STREAM) as one:
        if one.connect_ex((address, port)) in (0, 115):  # EINPROGRESS
            if select.select([], [one], [], 0.005)[1] and data:
                one.send(data)


def send(address, port, data):
    with make(address, socket.SOCK_DGRAM) as one:
        one.sendto(data, (address, port))


def ping(address):
    six = ":" in address
    with make(address, socket.SOCK_RAW, 58 if six else socket.IPPROTO_ICMP) as one:
        # ICMP's checksum of this very packet; the kernel fills in ICMPv6's.
        one.sendto(struct.pack("!BBHHH", 128 if six else 8, 0, 0 if six else 0xF7FD, 1, 1), (address, 0))


def attempt(act):
    try:
        act()
    except OSError:
        pass


def say(**fields):
    sys.stdout.write(json.dumps(fields) + "\n")
    sys.stdout.flush()


main()
