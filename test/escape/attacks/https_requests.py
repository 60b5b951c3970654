"""Sends requests as they are given, each over a TLS connection of its own, and says what each was told.

Reads one JSON object a line: what, name (looked up), sni, alpn, text (latin1), and connects to port 443 of what
was found. Prints {"what", "result"}: the status, `closed`, or the error's name.
"""

import json
import socket
import ssl
import sys

context = ssl.create_default_context(cafile=sys.argv[1])
# Who attacks takes any certificate: it is the origin that must hear nothing.
context.check_hostname = False
context.verify_mode = ssl.CERT_NONE


def status(attempt):
    raw = socket.create_connection((attempt["name"], 443), timeout=60)
    with context.wrap_socket(raw, server_hostname=attempt["sni"]) as tls:
        tls.sendall(attempt["text"].encode("latin1"))
        text = b""
        while b"\r\n" not in text:
            more = tls.recv(65536)
            if not more:
                return "closed"
            text += more
        return text.split(b" ", 2)[1].decode()


for line in sys.stdin:
    attempt = json.loads(line)
    try:
        result = status(attempt)
    except OSError as error:
        result = type(error).__name__
    print(json.dumps({"what": attempt["what"], "result": result}), flush=True)
