"""Resolvers that do what a label of the name says: [{"letter": "a", "address": "203.0.113.61", "mode": ...}, ...] as JSON argument.

A label `aok500-bnx` has server `a` answer with an address after 500 ms and server `b` say NXDOMAIN; a server without a part says NXDOMAIN.
    ok nx nd sf rf no lm     address, NXDOMAIN, no data, SERVFAIL, REFUSED, silence, lame referral
    cn cs ce cf              to mixed case: NXDOMAIN, silence, SERVFAIL, an answer in lower case; else ok. cf has no TCP
    ef es                    to EDNS: FORMERR, silence; else ok
    tc tn                    truncated over UDP; over TCP ok after the time, or silence
    bg                       5,000 octets over UDP, ok over TCP
Over TCP `mode` "sequential" answers a connection's questions one after the other, "once" closes it after one, else all at once.
Each query is a JSON line on stdout.
"""
import asyncio
import json
import re
import socket
import struct
import sys

SERVFAIL, NXDOMAIN, REFUSED, FORMERR = 2, 3, 5, 1
RA, TC = 0x0080, 0x0200
IPV6_FREEBIND = 78


def say(**fields):
    sys.stdout.write(json.dumps(fields) + "\n")
    sys.stdout.flush()


def read_question(message):
    at, labels = 12, []
    while message[at]:
        labels.append(message[at + 1 : at + 1 + message[at]].decode("ascii", "replace"))
        at += 1 + message[at]
    return labels, message[12 : at + 5], struct.unpack("!H", message[at + 1 : at + 3])[0]


def name(text):
    return b"".join(bytes([len(part)]) + part.encode() for part in text.split(".")) + b"\0"


SOA = b"\xc0\x0c" + struct.pack("!HHIH", 6, 1, 60, 22) + b"\0\0" + struct.pack("!IIIII", 1, 2, 3, 4, 60)
REFERRAL = b"\xc0\x0c" + struct.pack("!HHI", 2, 1, 60) + struct.pack("!H", len(name("ns.example.net"))) + name("ns.example.net")


def build(query, question, rcode=0, flags=RA, answers=(), authority=()):
    header = query[:2] + struct.pack("!HHHHH", 0x8100 | flags | rcode, 1, len(answers), len(authority), 0)
    return header + question + b"".join(answers) + b"".join(authority)


class Resolver:
    def __init__(self, letter, address, mode="", port=53):
        self.letter, self.address, self.mode, self.port = letter, address, mode, port
        self.number = ord(letter) - ord("a") + 1

    def part(self, labels):
        for label in labels:
            for part in label.lower().split("-"):
                found = re.fullmatch(self.letter + "(ok|nx|nd|sf|rf|no|lm|cn|cs|ce|cf|ef|es|tc|tn|bg)(\\d*)", part)
                if found:
                    return found[1], int(found[2] or 0)
        return "nx", 0

    def answer(self, query, tcp):
        """Seconds to wait, and what to say; None is silence."""
        labels, question, qtype = read_question(query)
        kind, delay_ms = self.part(labels)
        mixed = any(label != label.lower() for label in labels)
        edns = struct.unpack("!H", query[10:12])[0] > 0
        say(event="query", server=self.letter, qname=".".join(labels).lower(), tcp=tcp, mixed=mixed, edns=edns)
        address = bytes([198, 51, 100, self.number])
        record = b"\xc0\x0c" + struct.pack("!HHIH", 1, 1, 60, 4) + address
        good = build(query, question, answers=[record]) if qtype == 1 else build(query, question, authority=[SOA])
        refusal = {
            "nx": lambda: build(query, question, NXDOMAIN, authority=[SOA]),
            "nd": lambda: build(query, question, authority=[SOA]),
            "sf": lambda: build(query, question, SERVFAIL),
            "rf": lambda: build(query, question, REFUSED),
            "no": lambda: None,
            "lm": lambda: build(query, question, flags=0, authority=[REFERRAL]),
            "cn": lambda: build(query, question, NXDOMAIN, authority=[SOA]) if mixed else good,
            "cs": lambda: None if mixed else good,
            "ce": lambda: build(query, question, SERVFAIL) if mixed else good,
            "cf": lambda: None if tcp else good[:12] + question.lower() + good[12 + len(question) :],
            "ef": lambda: build(query, question, FORMERR) if edns else good,
            "es": lambda: None if edns else good,
            "tc": lambda: good if tcp else build(query, question, flags=RA | TC),
            "tn": lambda: None if tcp else build(query, question, flags=RA | TC),
            "bg": lambda: good if tcp else build(query, question, answers=[record] * 310),
        }.get(kind, lambda: good)
        wait = 0 if kind == "tc" and not tcp else delay_ms / 1000
        return wait, refusal()

    async def serve_tcp(self, reader, writer):
        async def respond(query):
            wait, message = self.answer(query, True)
            await asyncio.sleep(wait)
            if message is None and self.mode in ("sequential", "once"):
                await asyncio.sleep(3600)
            if message is not None and not writer.is_closing():
                writer.write(struct.pack("!H", len(message)) + message)

        try:
            while True:
                (length,) = struct.unpack("!H", await reader.readexactly(2))
                query = await reader.readexactly(length)
                if self.mode in ("sequential", "once"):
                    await respond(query)
                    if self.mode == "once":
                        break
                else:
                    keep(asyncio.create_task(respond(query)))
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        writer.close()

    async def open(self):
        loop = asyncio.get_running_loop()
        resolver = self

        class Udp(asyncio.DatagramProtocol):
            def connection_made(self, transport):
                self.transport = transport

            def datagram_received(self, query, peer):
                wait, message = resolver.answer(query, False)
                if message is not None:
                    loop.call_later(wait, self.transport.sendto, message, peer)

        sockaddr = socket.getaddrinfo(self.address, self.port, type=socket.SOCK_DGRAM)[0]
        udp = socket.socket(sockaddr[0], socket.SOCK_DGRAM)
        udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        bind(udp, sockaddr[4])
        await loop.create_datagram_endpoint(Udp, sock=udp)
        tcp = socket.socket(sockaddr[0], socket.SOCK_STREAM)
        tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bind(tcp, sockaddr[4])
        await asyncio.start_server(self.serve_tcp, sock=tcp, backlog=1024)


def bind(sock, where):
    if sock.family == socket.AF_INET6:
        # The addresses are local by route only.
        sock.setsockopt(socket.IPPROTO_IPV6, IPV6_FREEBIND, 1)
    sock.bind(where)


TASKS = set()


def keep(task):
    TASKS.add(task)
    task.add_done_callback(TASKS.discard)


async def main():
    for options in json.loads(sys.argv[1]):
        await Resolver(**options).open()
    say(event="ready")
    await asyncio.Event().wait()


asyncio.run(main())
