"""Reaches names as programs do, several at once: by_name.py JSON, a list of [KIND, NAME, PORT]. Each is looked up first.
KIND is `http`, which takes an answer to have reached the name, or `udp`, which takes a datagram that the kernel lets out.
Prints a JSON list: `reached`, `refused`, or `unknown` if there is no address. Of several addresses one is enough."""
import concurrent.futures
import errno
import json
import socket
import struct
import sys

PATIENCE = 60


def look_up(name, qtype, server="192.0.2.1"):
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    query = struct.pack("!HHHHHH", 7, 0x0100, 1, 0, 0, 0) + labels + b"\0" + struct.pack("!HH", qtype, 1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.settimeout(PATIENCE)
        one.sendto(query, (server, 53))
        answer = one.recv(4096)
    at, found = len(query), []
    for _ in range(struct.unpack("!H", answer[6:8])[0]):
        # Each owner is a pointer to the question.
        kind, _, _, length = struct.unpack("!HHIH", answer[at + 2 : at + 12])
        at += 12 + length
        if kind == qtype:
            found.append(socket.inet_ntop(socket.AF_INET if length == 4 else socket.AF_INET6, answer[at - length : at]))
    return found


def get(name, address, port):
    with socket.create_connection((address, port), timeout=PATIENCE) as stream:
        stream.sendall(f"GET / HTTP/1.1\r\nHost: {name}:{port}\r\nConnection: close\r\n\r\n".encode())
        return stream.recv(4096).startswith(b"HTTP/1.1 200")


def send(address, port):
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.sendto(b"x", (address, port))
    return True


def reaches(kind, name, address, port):
    try:
        return get(name, address, port) if kind == "http" else send(address, port)
    except OSError as error:
        # The sidecar may end the socket of a connection that it has refused.
        if error.errno in (errno.EPERM, errno.ECONNREFUSED, errno.ECONNRESET, errno.EPIPE, errno.ECONNABORTED):
            return False
        raise


def attempt(one):
    kind, name, port = one
    addresses = look_up(name, 1) + look_up(name, 28)
    if not addresses:
        return "unknown"
    return "reached" if any([reaches(kind, name, address, port) for address in addresses]) else "refused"


with concurrent.futures.ThreadPoolExecutor(16) as pool:
    print(json.dumps(list(pool.map(attempt, json.loads(sys.argv[1])))))
