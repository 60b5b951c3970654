"""Tries many things, each once: try_many.py JSON, a list of ["udp"|"tcp"|"lookup", ADDRESS or NAME, PORT]. Prints a JSON list of endings."""
import errno, json, socket, struct, sys


def lookup(name, server="192.0.2.1"):
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    query = struct.pack("!HHHHHH", 7, 0x0100, 1, 0, 0, 0) + labels + b"\0" + struct.pack("!HH", 1, 1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as opened:
        opened.settimeout(20)
        opened.sendto(query, (server, 53))
        answer = opened.recv(4096)
    _, flags, _, answers, _, _ = struct.unpack("!HHHHHH", answer[:12])
    return "rcode %d, %s" % (flags & 15, "data" if answers > 0 else "no data")


def attempt(kind, place, port):
    if kind == "lookup":
        return lookup(place)
    family = socket.AF_INET6 if ":" in place else socket.AF_INET
    if kind == "tcp":
        with socket.socket(family, socket.SOCK_STREAM) as opened:
            opened.settimeout(20)
            opened.connect((place, port))
    else:
        with socket.socket(family, socket.SOCK_DGRAM) as opened:
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
            opened.sendto(b"x", (place, port))
    return "passes"


endings = []
for kind, place, port in json.loads(sys.argv[1]):
    try:
        endings.append(attempt(kind, place, port))
    except OSError as error:
        endings.append(errno.errorcode.get(error.errno, str(error)))
print(json.dumps(endings))
