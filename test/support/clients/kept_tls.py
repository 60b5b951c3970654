"""Keeps one TLS connection: kept_tls.py HOST ROOTS [IPv4 | IPv6]

Each line of input is a path to ask for. Says the status of each answer, or `ended`, as a JSON line.
"""
import json
import socket
import ssl
import sys

FAMILIES = {"IPv4": socket.AF_INET, "IPv6": socket.AF_INET6}
host, roots = sys.argv[1:3]
family = FAMILIES[sys.argv[3]] if len(sys.argv) > 3 else socket.AF_UNSPEC
place = socket.getaddrinfo(host, 443, family, socket.SOCK_STREAM)[0]
raw = socket.socket(place[0], socket.SOCK_STREAM)
raw.connect(place[4])
tls = ssl.create_default_context(cafile=roots).wrap_socket(raw, server_hostname=host)


def ask(path):
    try:
        tls.sendall(f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        text = b""
        while b"}" not in text:
            more = tls.recv(65536)
            if not more:
                break
            text += more
        return text.split(b" ", 2)[1].decode() if text else "ended"
    except OSError:
        return "ended"


print(json.dumps({"event": "ready"}), flush=True)
for line in sys.stdin:
    print(json.dumps({"event": "answer", "status": ask(line.strip())}), flush=True)
