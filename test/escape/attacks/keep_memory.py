"""Row 42: keep_memory.py CA NAME PLAN...  Opens TLS connections to NAME and keeps them, each with octets that the sidecar would keep
for it. A PLAN is KIND:COUNT: `head` (a head that never ends), `body` (a body that nobody reads), `record` (most of a record of TLS),
`idle` (a request over HTTP/1.1 that was answered), `h2` (an idle session of HTTP/2), `h2-head` (streams with large heads that nobody
answers). Says `held` after each, and goes on until stdin ends."""
import os
import socket
import ssl
import sys
import threading

from packets import say

FILL = b"a" * 65536
HOLD = []


def frame(kind, flags, stream, payload=b""):
    return len(payload).to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big") + payload


def h2_head(name):
    """Streams of a request each, whose end never comes: indexed fields, `:authority` and one of 16,000 octets, as literals."""
    def literal(key, value):
        size = len(value)
        length = bytes((size,)) if size < 127 else b"\x7f" + varint(size - 127)
        return b"\x00" + bytes((len(key),)) + key + length + value

    block = b"\x83\x87" + literal(b":path", b"/silent") + literal(b":authority", name.encode())
    block += literal(b"x-fill", FILL[:16000])
    return b"".join(frame(1, 4, stream, block) for stream in range(1, 65, 2))


def varint(value):
    octets = b""
    while value >= 128:
        octets += bytes((value % 128 | 128,))
        value //= 128
    return octets + bytes((value,))


PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(4, 0, 0)


def octets_of(kind, name):
    host = f"Host: {name}\r\n".encode()
    return {
        "head": b"GET / HTTP/1.1\r\nHost: x\r\nX: " + FILL[:65000],
        "body": b"PUT /silent HTTP/1.1\r\n" + host + b"Content-Length: 9000000\r\n\r\n" + FILL * 6,
        "idle": b"GET /a HTTP/1.1\r\n" + host + b"\r\n",
        "record": b"",
        "h2": PREFACE,
        "h2-head": PREFACE + h2_head(name),
    }[kind]


def context_of(ca, protocol):
    context = ssl.create_default_context(cafile=ca)
    context.set_alpn_protocols([protocol])
    return context


def send(tls, octets):
    """What goes without waiting for the other side to read."""
    tls.setblocking(False)
    try:
        tls.send(octets)
    except (ssl.SSLWantWriteError, ssl.SSLWantReadError):
        pass


def hold(kind, name, address, context):
    raw = socket.create_connection((address, 443), timeout=60)
    tls = context.wrap_socket(raw, server_hostname=name)
    send(tls, octets_of(kind, name))
    if kind != "record":
        return tls
    raw = socket.socket(fileno=tls.detach())
    raw.sendall(b"\x17\x03\x03\x40\x00" + FILL[:16300])
    return raw


def main(ca, name, *plans):
    threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
    address = socket.getaddrinfo(name, 443, socket.AF_INET)[0][4][0]
    contexts = {"h2": context_of(ca, "h2"), "http/1.1": context_of(ca, "http/1.1")}
    say(event="ready")
    for plan in plans:
        kind, count = plan.split(":")
        context = contexts["h2" if kind.startswith("h2") else "http/1.1"]
        for _ in range(int(count)):
            try:
                HOLD.append(hold(kind, name, address, context))
            except OSError:
                pass
        say(event="held", plan=plan)
    threading.Event().wait()


if __name__ == "__main__":
    main(*sys.argv[1:])
