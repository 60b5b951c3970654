"""Servers of several protocols at every address: KEY CERT. Says `ready`, and a line for what each is told.

    22     SSH (RFC 4253), which speaks first: `kexinit` once the client's first packet is there
    2222   the same, which waits for the client's identification
    5432   PostgreSQL with or without TLS: `startup` with the user's name, `tls`, and the server name shown
    7000   takes what comes until it ends, and answers how many octets that were: `got`"""
import json
import os
import socket
import socketserver
import ssl
import struct
import sys
import threading

KEY, CERT = sys.argv[1:]
IDENTIFICATION = b"SSH-2.0-apps\r\n"
SSL_REQUEST, CANCEL = 80877103, 80877102
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(CERT, KEY)
context.sni_callback = lambda stream, name, _context: setattr(stream, "shown_name", name)
lock = threading.Lock()


def say(**fields):
    with lock:
        sys.stdout.write(json.dumps(fields) + "\n")
        sys.stdout.flush()


def kexinit():
    ciphers, checks = 2 * [b"aes128-ctr"], 2 * [b"hmac-sha2-256"]
    lists = [b"curve25519-sha256", b"ssh-ed25519", *ciphers, *checks, b"none", b"none"]
    names = b"".join(struct.pack(">I", len(one)) + one for one in lists) + 2 * struct.pack(">I", 0)
    payload = b"\x14" + os.urandom(16) + names + b"\0" + struct.pack(">I", 0)
    padding = 8 - (len(payload) + 5) % 8 + 8
    return struct.pack(">IB", len(payload) + padding + 1, padding) + payload + os.urandom(padding)


def read(stream, octets):
    found = b""
    while len(found) < octets:
        more = stream.recv(octets - len(found))
        if not more:
            raise ConnectionError("it ended")
        found += more
    return found


def ssh(stream, port):
    if port == 22:
        stream.sendall(IDENTIFICATION)
    line = b""
    while not line.endswith(b"\n"):
        line += read(stream, 1)
    if port != 22:
        stream.sendall(IDENTIFICATION)
    stream.sendall(kexinit())
    (length, _padding, kind) = struct.unpack(">IBB", read(stream, 6))
    read(stream, length - 2)
    say(event="kexinit", port=port, line=line.decode("latin-1").strip(), kind=kind)


def postgres(stream, _port):
    length, code = struct.unpack(">II", read(stream, 8))
    if code == SSL_REQUEST:
        stream.sendall(b"S")
        with context.wrap_socket(stream, server_side=True) as secure:
            return serve(secure, *struct.unpack(">II", read(secure, 8)))
    return serve(stream, length, code)


def message(kind, body):
    return kind + struct.pack(">I", len(body) + 4) + body


def serve(stream, length, _code):
    texts = read(stream, length - 8).split(b"\0")
    user = texts[texts.index(b"user") + 1].decode()
    tls = isinstance(stream, ssl.SSLSocket)
    say(event="startup", user=user, tls=tls, name=getattr(stream, "shown_name", None))
    ready = message(b"Z", b"I")
    stream.sendall(message(b"R", struct.pack(">I", 0)) + message(b"S", b"server_version\x0015.0\0") + ready)
    while True:
        kind = read(stream, 1)
        (size,) = struct.unpack(">I", read(stream, 4))
        read(stream, size - 4)
        if kind == b"X":
            return
        stream.sendall(message(b"I", b"") + ready)


def take(stream, _port):
    got = b""
    try:
        for part in iter(lambda: stream.recv(65536), b""):
            got += part
        stream.sendall(str(len(got)).encode())
    finally:
        say(event="got", hex=got.hex())


class Handler(socketserver.BaseRequestHandler):
    def handle(self):
        port = self.server.server_address[1]
        try:
            {22: ssh, 2222: ssh, 5432: postgres, 7000: take}[port](self.request, port)
        except (OSError, ValueError, struct.error) as error:
            say(event="broken", port=port, error=type(error).__name__)


class Server(socketserver.ThreadingTCPServer):
    address_family = socket.AF_INET6
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 64


servers = [Server(("::", port), Handler) for port in (22, 2222, 5432, 7000)]
for server in servers:
    threading.Thread(target=server.serve_forever, daemon=True).start()
say(event="ready")
threading.Event().wait()
