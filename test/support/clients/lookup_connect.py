"""Looks names up and connects at once to what came back, each name once; says on stdout, as JSON lines, what failed.

lookup_connect.py FIRST COUNT WORKERS RATE RESOLVER...   names are nFIRST.new.example.org and so on

RATE is lookups a second over all workers, 0 for as fast as they go. A RESOLVER is udp:ADDRESS or tcp:ADDRESS; one asked over IPv6
is asked for AAAA. Each worker takes them in turn. Nothing is asked twice: a lost datagram is a failure.
"""
import errno
import json
import socket
import struct
import sys
import threading
import time

PATIENCE = 30


def main():
    first, count, workers, rate = map(int, sys.argv[1:5])
    resolvers = [text.split(":", 1) for text in sys.argv[5:]]
    say(event="ready")
    begin = time.monotonic()
    results = []

    def work(worker):
        for number in range(worker, count, workers):
            if rate:
                time.sleep(max(0, begin + number / rate - time.monotonic()))
            transport, resolver = resolvers[(number // workers) % len(resolvers)]
            results.append(attempt(f"n{first + number}.new.example.org", transport, resolver))

    threads = [threading.Thread(target=work, args=(worker,)) for worker in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    failures = [one for one in results if one]
    say(event="done", attempts=len(results), failures=failures[:20], failed=len(failures))


def attempt(name, transport, resolver):
    """None, or what failed."""
    family = socket.AF_INET6 if ":" in resolver else socket.AF_INET
    begin = time.monotonic()
    stage = "lookup"
    try:
        address = look_up(name, transport, resolver, family)
        stage = f"connect to {address}"
        with socket.socket(family, socket.SOCK_STREAM) as one:
            one.settimeout(PATIENCE)
            one.connect((address, 80))
        return None
    except OSError as error:
        what = "timeout" if isinstance(error, TimeoutError) else errno.errorcode.get(error.errno, str(error))
        seconds = round(time.monotonic() - begin, 3)
        return {"name": name, "by": f"{transport} {resolver}", "stage": stage, "error": what, "seconds": seconds}


def look_up(name, transport, resolver, family):
    qtype, size = (28, 16) if family == socket.AF_INET6 else (1, 4)
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    query = struct.pack("!HHHHHH", 7, 0x0100, 1, 0, 0, 0) + labels + struct.pack("!BHH", 0, qtype, 1)
    kind = socket.SOCK_STREAM if transport == "tcp" else socket.SOCK_DGRAM
    with socket.socket(family, kind) as one:
        one.settimeout(PATIENCE)
        one.connect((resolver, 53))
        if transport == "tcp":
            one.sendall(struct.pack("!H", len(query)) + query)
            (length,) = struct.unpack("!H", read(one, 2))
            answer = read(one, length)
        else:
            one.send(query)
            answer = one.recv(4096)
    rcode, answers = answer[3] & 15, struct.unpack("!H", answer[6:8])[0]
    if rcode or answers != 1:
        raise OSError(f"rcode {rcode} with {answers} answers")
    # One record, with a compressed owner name, and no EDNS as none was sent: its data ends the message.
    return socket.inet_ntop(family, answer[-size:])


def read(stream, count):
    data = b""
    while len(data) < count:
        more = stream.recv(count - len(data))
        if not more:
            raise OSError("closed early")
        data += more
    return data


def say(**fields):
    sys.stdout.write(json.dumps(fields) + "\n")
    sys.stdout.flush()


main()
