"""Rows 7, 9, 25: the resolver of somebody who owns an allowed name. hostile_upstream.py ADDRESS... ; says each question as a JSON line.

The first label of the name says what to answer:
slowN         the right address, after 150 ms          give-HEX       the address in these octets
many          a thousand addresses                     off-owner      a record of a name that was not asked for, beside the right one
hints         HTTPS and SVCB with address hints        chain          a CNAME to a denied name, with its address
additional    evil addresses in authority and additional sections
"""
import socket
import struct
import sys
import threading
import time

from packets import end_of_question, family, octets, say

RIGHT = {1: "198.51.100.20", 28: "2001:db8:100::20"}
EVIL = {1: "203.0.113.90", 28: "2001:db8:100:ee::90"}
FREEBIND = {socket.AF_INET: (socket.IPPROTO_IP, 15), socket.AF_INET6: (socket.IPPROTO_IPV6, 78)}
DENIED_NAME = b"\x06secret\x05three\x07example\x03org\x00"


def record(owner, kind, data, ttl=300):
    return owner + struct.pack("!HHIH", kind, 1, ttl, len(data)) + data


def answers(label, kind):
    """Records of the answer, authority and additional sections."""
    asked = b"\xc0\x0c"
    right = [record(asked, kind, octets(RIGHT[kind]))] if kind in RIGHT else []
    evil = octets(EVIL.get(kind, EVIL[1]))
    if label.startswith("give-"):
        data = bytes.fromhex(label[5:])
        return ([record(asked, kind, data)] if len(data) == {1: 4, 28: 16}.get(kind) else []), [], []
    if label == "many":
        if kind == 1:
            crowd = [octets(f"{network}.{n}") for network in ("198.51.100", "203.0.113", "198.18.0", "198.18.1") for n in range(100, 250)]
        else:
            crowd = [octets(f"2001:db8:100:aa::{n:x}") for n in range(1000)]
        return [record(asked, kind, data) for data in crowd], [], []
    if label == "off-owner":
        return right + [record(DENIED_NAME, kind, evil)], [], []
    if label == "hints":
        hints = struct.pack("!H", 1) + b"\0" + struct.pack("!HH", 4, 4) + octets(EVIL[1]) + struct.pack("!HH", 6, 16) + octets(EVIL[28])
        return [record(asked, kind, hints)] if kind in (64, 65) else right, [], []
    if label == "chain":
        return [record(asked, 5, DENIED_NAME), record(DENIED_NAME, kind, evil)], [], []
    if label == "additional":
        return right, [record(asked, kind, evil)], [record(asked, kind, evil), record(DENIED_NAME, kind, evil)]
    return right, [], []


def reply(query):
    end = end_of_question(query)
    label = query[13 : 13 + query[12]].decode("latin-1").lower()
    kind = struct.unpack("!H", query[end - 4 : end - 2])[0]
    say(event="question", label=label, kind=kind)
    sections = answers(label, kind)
    head = query[:2] + struct.pack("!HHHHH", 0x8400, 1, *map(len, sections))
    return label, head + query[12:end] + b"".join(b"".join(section) for section in sections)


def serve_udp(server):
    while True:
        query, peer = server.recvfrom(4096)
        threading.Thread(target=answer_udp, args=(server, query, peer), daemon=True).start()


def answer_udp(server, query, peer):
    label, message = reply(query)
    if label.startswith("slow"):
        time.sleep(0.15)
    if len(message) > 1232:
        message = message[:2] + struct.pack("!HHHHH", 0x8600, 1, 0, 0, 0) + query[12 : end_of_question(query)]
    server.sendto(message, peer)


def serve_tcp(server):
    while True:
        one, _ = server.accept()
        threading.Thread(target=answer_tcp, args=(one,), daemon=True).start()


def answer_tcp(one):
    with one:
        data = one.recv(4096)
        while len(data) < 2 or len(data) < 2 + struct.unpack("!H", data[:2])[0]:
            more = one.recv(4096)
            if not more:
                return
            data += more
        _, message = reply(data[2:])
        one.sendall(struct.pack("!H", len(message)) + message)
        one.recv(1)


def main():
    for address in sys.argv[1:]:
        for kind, serve in ((socket.SOCK_DGRAM, serve_udp), (socket.SOCK_STREAM, serve_tcp)):
            server = socket.socket(family(address), kind)
            server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            server.setsockopt(*FREEBIND[server.family], 1)
            server.bind((address, 53))
            if kind == socket.SOCK_STREAM:
                server.listen(64)
            threading.Thread(target=serve, args=(server,), daemon=True).start()
    say(event="ready")
    sys.stdin.read()


main()
