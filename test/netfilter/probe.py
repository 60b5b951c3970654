"""One attempt on the network, or a stand-in for the resolver. Prints one JSON line; see the functions for the arguments."""
import errno
import json
import os
import select
import socket
import struct
import sys
import time

SO_MARK = 36
SO_PRIORITY = 12
IP_HDRINCL = 3


def say(**fields):
    print(json.dumps(fields), flush=True)


# Seconds until "timeout"; what is refused is told at once, so only what is dropped takes them.
PATIENCE = 10


def family_of(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def make(address, kind, marks):
    """Marks are SO_MARK, SO_PRIORITY and, where there is a third, the group that the socket is opened under."""
    if len(marks) > 2:
        os.setegid(int(marks[2]))
    one = socket.socket(family_of(address), kind)
    os.setegid(os.getgid())
    one.settimeout(PATIENCE)
    if marks:
        one.setsockopt(socket.SOL_SOCKET, SO_MARK, int(marks[0], 0))
        one.setsockopt(socket.SOL_SOCKET, SO_PRIORITY, int(marks[1], 0))
    return one


def attempt(act):
    begin = time.monotonic()
    try:
        result = act()
    except TimeoutError:
        result = "timeout"
    except OSError as error:
        result = errno.errorcode.get(error.errno, str(error.errno))
    say(result=result, ms=round((time.monotonic() - begin) * 1000))


def tcp(address, port, text="", *marks):
    """Connects; with a text sends it and prints the answer."""

    def act():
        one = make(address, socket.SOCK_STREAM, marks)
        one.connect((address, int(port)))
        if not text:
            return "connected"
        one.sendall(text.encode())
        return one.recv(999).decode(errors="replace")

    attempt(act)


def udp(address, port, text, *marks):
    """Sends a datagram and prints the answer."""

    def act():
        one = make(address, socket.SOCK_DGRAM, marks)
        one.connect((address, int(port)))
        one.send(text.encode())
        return one.recv(999).decode(errors="replace")

    attempt(act)


def udp_from(source_port, address, port, text, *marks):
    def act():
        one = make(address, socket.SOCK_DGRAM, marks)
        one.bind(("", int(source_port)))
        one.connect((address, int(port)))
        one.send(text.encode())
        return one.recv(999).decode(errors="replace")

    attempt(act)


def ping(address):
    def act():
        six = ":" in address
        protocol = socket.getprotobyname("ipv6-icmp") if six else socket.IPPROTO_ICMP
        one = socket.socket(family_of(address), socket.SOCK_RAW, protocol)
        one.settimeout(PATIENCE)
        one.connect((address, 0))
        echo = struct.pack("!BBHHH", 128 if six else 8, 0, 0, os.getpid() & 0xFFFF, 1) + b"payload."
        if not six:
            echo = echo[:2] + struct.pack("!H", checksum(echo)) + echo[4:]
        one.send(echo)
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            answer = one.recv(999)
            if (answer[0] if six else answer[20]) == (129 if six else 0):
                return "answered"
        return "timeout"

    attempt(act)


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    total = (total >> 16) + (total & 0xFFFF)
    return ~(total + (total >> 16)) & 0xFFFF


def ip_packet(source, destination, protocol, payload):
    if ":" in destination:
        pack = lambda text: socket.inet_pton(socket.AF_INET6, text)
        return struct.pack("!IHBB", 6 << 28, len(payload), protocol, 64) + pack(source) + pack(destination) + payload
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(payload), 7, 0, 64, protocol, 0)
    addresses = socket.inet_aton(source) + socket.inet_aton(destination)
    head = head[:10] + struct.pack("!H", checksum(head + addresses)) + addresses
    return head + payload


def udp_packet(source, source_port, destination, port, text):
    datagram = struct.pack("!HHHH", int(source_port), int(port), 8 + len(text), 0) + text.encode()
    if ":" in destination:
        pack = lambda address: socket.inet_pton(socket.AF_INET6, address)
        pseudo = pack(source) + pack(destination) + struct.pack("!II", len(datagram), 17)
        datagram = datagram[:6] + struct.pack("!H", checksum(pseudo + datagram)) + datagram[8:]
    return ip_packet(source, destination, 17, datagram)


def raw(source, source_port, destination, port, text, *marks):
    """A hand-made UDP packet through the output hook."""

    def act():
        protocol = socket.IPPROTO_RAW
        one = socket.socket(family_of(destination), socket.SOCK_RAW, protocol)
        if marks:
            one.setsockopt(socket.SOL_SOCKET, SO_MARK, int(marks[0], 0))
            one.setsockopt(socket.SOL_SOCKET, SO_PRIORITY, int(marks[1], 0))
        one.sendto(udp_packet(source, source_port, destination, port, text), (destination, 0))
        return "sent"

    attempt(act)


def frame(device, destination_mac, source, source_port, destination, port, text, *marks):
    """A hand-made UDP packet past the output hook, in a frame from a packet socket."""

    def act():
        one = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
        if marks:
            one.setsockopt(socket.SOL_SOCKET, SO_MARK, int(marks[0], 0))
            one.setsockopt(socket.SOL_SOCKET, SO_PRIORITY, int(marks[1], 0))
        one.bind((device, 0))
        ethertype = b"\x86\xdd" if ":" in destination else b"\x08\x00"
        head = bytes.fromhex(destination_mac.replace(":", "")) + bytes(6) + ethertype
        one.send(head + udp_packet(source, source_port, destination, port, text))
        return "sent"

    attempt(act)


def arp(device):
    """An ARP request with a payload, from a packet socket."""

    def act():
        one = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
        one.bind((device, 0))
        one.send(b"\xff" * 6 + bytes(6) + b"\x08\x06" + struct.pack("!HHBBH", 1, 0x0800, 6, 4, 1) + bytes(20) + b"payload")
        return "sent"

    attempt(act)


def download(address, port="80"):
    """Reads GET /slow until it ends, and then says how."""
    one = make(address, socket.SOCK_STREAM, ())
    one.settimeout(20)
    one.connect((address, int(port)))
    one.sendall(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")
    count = len(one.recv(999))
    say(event="ready")
    try:
        while data := one.recv(65536):
            count += len(data)
        say(event="ended", how="closed", count=count)
    except OSError as error:
        say(event="ended", how=errno.errorcode.get(error.errno, "timeout"), count=count)


def listen(address):
    """Asks for a stream of datagrams and counts what arrives without ever answering, until stdin ends."""
    one = make(address, socket.SOCK_DGRAM, ())
    one.connect((address, 7))
    one.send(b"stream 1000 10")
    one.recv(999)
    say(event="ready")
    count = 0
    while True:
        ready, _, _ = select.select([one, sys.stdin], [], [])
        if one in ready:
            try:
                one.recv(999)
                count += 1
            except OSError:
                pass
            say(event="received", count=count)
        if sys.stdin in ready and not sys.stdin.readline():
            return


def serve(name, *places):
    """Answers everything with its name and what it got; places are ADDRESS,PORT."""
    listeners, datagrams = [], []
    for place in places:
        address, port = place.split(",")
        for kind, kept in ((socket.SOCK_STREAM, listeners), (socket.SOCK_DGRAM, datagrams)):
            one = socket.socket(family_of(address), kind)
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family_of(address) == socket.AF_INET6:
                one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            one.bind((address, int(port)))
            if kind == socket.SOCK_STREAM:
                one.listen(9)
            kept.append(one)
    say(event="ready")
    streams = []
    while True:
        ready, _, _ = select.select(listeners + datagrams + streams, [], [])
        for one in ready:
            if one in listeners:
                streams.append(one.accept()[0])
            elif one in datagrams:
                data, peer = one.recvfrom(999)
                say(event="asked", text=data.decode(errors="replace"), peer=peer[0])
                one.sendto(name.encode() + b" " + data, peer)
            else:
                try:
                    data = one.recv(999)
                except OSError:
                    data = b""
                if data:
                    say(event="asked", text=data.decode(errors="replace"))
                    one.send(name.encode() + b" " + data)
                else:
                    streams.remove(one)
                    one.close()


def tap(device, mark, text=""):
    """Says of each packet on the device that it carries the mark, as a packet socket's filter can tell, and the text."""
    one = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    # ld #mark; jeq MARK ? ret 65535 : ret 0 (SKF_AD_OFF + SKF_AD_MARK)
    code = [(0x20, 0, 0, 0xFFFFF000 + 20), (0x15, 0, 1, int(mark, 0)), (6, 0, 0, 65535), (6, 0, 0, 0)]
    program = b"".join(struct.pack("HBBI", *line) for line in code)
    import ctypes

    kept = ctypes.create_string_buffer(program)
    one.setsockopt(socket.SOL_SOCKET, 26, struct.pack("HxxxxxxP", len(code), ctypes.addressof(kept)))
    one.bind((device, 3))
    say(event="ready")
    while True:
        if text.encode() in one.recv(65535):
            say(event="marked")


globals()[sys.argv[1].replace("-", "_")](*sys.argv[2:])
