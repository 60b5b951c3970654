"""What a hostile client sends to a bound host: by raw octets over TLS. Arguments: the file of the roots, the
host, another allowed host. Prints a line of JSON for each attack: its name, and the statuses that came back,
or how the connection ended."""

import json
import re
import socket
import ssl
import struct
import sys

ROOTS, HOST, OTHER = sys.argv[1:]
GET = f"GET /a HTTP/1.1\r\nHost: {HOST}\r\n"
POST = f"POST /a HTTP/1.1\r\nHost: {HOST}\r\n"
SMUGGLED = f"GET /smuggled HTTP/1.1\r\nHost: {HOST}\r\n\r\n"

OVER_HTTP1 = {
    "as it should be": f"{GET}Connection: close\r\n\r\n",
    "another Host": f"GET /a HTTP/1.1\r\nHost: {OTHER}\r\n\r\n",
    "two Hosts": f"{GET}Host: {OTHER}\r\n\r\n",
    "a user in Host": f"GET /a HTTP/1.1\r\nHost: {HOST}@{OTHER}\r\n\r\n",
    "another port": f"GET /a HTTP/1.1\r\nHost: {HOST}:8443\r\n\r\n",
    "the absolute form of another": f"GET https://{OTHER}/a HTTP/1.1\r\nHost: {HOST}\r\n\r\n",
    "another Host on a kept connection": f"{GET}\r\nGET /b HTTP/1.1\r\nHost: {OTHER}\r\n\r\n",
    "a length and chunks": f"{POST}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{SMUGGLED}",
    "two lengths": f"{POST}Content-Length: 0\r\nContent-Length: {len(SMUGGLED)}\r\n\r\n{SMUGGLED}",
    "a length in hexadecimal": f"{POST}Content-Length: 0x0\r\n\r\n{SMUGGLED}",
    "gzip before chunked": f"{POST}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n{SMUGGLED}",
    "chunked in another case and place": f"{POST}Transfer_Encoding: chunked\r\n\r\n0\r\n\r\n{SMUGGLED}",
    "a chunk that lies": f"{POST}Transfer-Encoding: chunked\r\n\r\n1\r\nxx\r\n0\r\n\r\n{SMUGGLED}",
    "bare line feeds": f"{GET}X: y\n\n{SMUGGLED}",
    "a folded line": f"{GET}X: y\r\n z\r\n\r\n",
    "a blank before the colon": f"{GET}X-Injected : mine\r\n\r\n",
    "the injected header as one of the hop": f"{GET}Connection: close, X-Injected\r\n\r\n",
    "an upgrade to h2c": f"{GET}Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n",
    "CONNECT": f"CONNECT {HOST}:443 HTTP/1.1\r\nHost: {HOST}\r\n\r\n",
    "TRACE": f"TRACE /a HTTP/1.1\r\nHost: {HOST}\r\n\r\n",
    "dots in the path": f"GET /a/%2e%2e/b HTTP/1.1\r\nHost: {HOST}\r\n\r\n",
    "another path in a header": f"{GET}X-Original-URL: /b\r\n\r\n",
    "the preface of HTTP/2": "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
}


def dial(protocol):
    context = ssl.create_default_context(cafile=ROOTS)
    context.set_alpn_protocols([protocol])
    raw = socket.create_connection((HOST, 443), timeout=30)
    return context.wrap_socket(raw, server_hostname=HOST)


def read_all(connection):
    got = b""
    try:
        while part := connection.recv(65536):
            got += part
    except ssl.SSLError as error:
        got += f" {type(error).__name__}".encode()
    except ConnectionError:
        got += b" reset"
    return got


def frame(kind, flags, stream, payload=b""):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def block(fields):
    text = lambda value: bytes([len(value)]) + value.encode()
    return b"".join(b"\x10" + text(name) + text(value) for name, value in fields)


def asking(stream, method="GET", authority=HOST, more=(), flags=5):
    fields = [(":method", method), (":scheme", "https"), (":authority", authority), (":path", "/a"), *more]
    return frame(1, flags, stream, block(fields))


NO_ERROR = struct.pack(">I", 0)
OVER_HTTP2 = {
    "another authority on the second stream": asking(1) + asking(3, authority=OTHER),
    "another host beside the authority": asking(1, more=[("host", OTHER)]),
    "a refused request that is reset at once": asking(1, "TRACE") + frame(3, 0, 1, NO_ERROR),
    "a body that is reset at once": asking(1, "PUT", flags=4) + frame(0, 0, 1, b"x") + frame(3, 0, 1, NO_ERROR),
    "trailers that are there twice": asking(1, "PUT", more=[("te", "trailers")], flags=4)
    + frame(0, 0, 1, b"x")
    + frame(1, 5, 1, block([("etag", "a"), ("etag", "b")])),
    "a body that is longer than told": asking(1, "PUT", more=[("content-length", "1")], flags=4)
    + frame(0, 1, 1, b"x" + SMUGGLED.encode()),
    "the header's name with a tab": asking(1, more=[("x-injected\t", "mine")]),
    "a chunked body": asking(1, "PUT", more=[("transfer-encoding", "chunked")], flags=4) + frame(0, 1, 1, b"0\r\n\r\n"),
    "a thousand resets": b"".join(asking(at) + frame(3, 0, at, NO_ERROR) for at in range(1, 4001, 2)),
    "a head without an end": asking(1, flags=0) + frame(9, 0, 1, block([("a", "b")])) * 2000,
}

for name, text in OVER_HTTP1.items():
    with dial("http/1.1") as connection:
        connection.sendall(text.encode("latin-1"))
        statuses = re.findall(rb"HTTP/1\.1 (\d+)", read_all(connection))
    print(json.dumps({"attack": name, "statuses": [int(status) for status in statuses]}), flush=True)

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(4, 0, 0)
for name, frames in OVER_HTTP2.items():
    with dial("h2") as connection:
        try:
            connection.sendall(PREFACE + frames)
            # Who has it answered knows that what came before is judged.
            connection.sendall(frame(6, 0, 0, b"judged??"))
            connection.settimeout(30)
            while not (got := connection.recv(65536)).endswith(b"judged??") and got:
                pass
        except (OSError, ssl.SSLError):
            pass
    with dial("http/1.1") as connection:
        connection.sendall(OVER_HTTP1["as it should be"].encode())
        statuses = re.findall(rb"HTTP/1\.1 (\d+)", read_all(connection))
    print(json.dumps({"attack": name, "next": [int(status) for status in statuses]}), flush=True)
