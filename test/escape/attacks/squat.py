"""Row 11: binds what the sidecar listens on. squat.py hold PORT... | try PORT... | keep ADDRESS PORT | from OWN PORT ADDRESS

`hold` takes what it can, says `ready` with it, then `asked` for what comes; `try` says for each way how the bind ended. `keep` is a caller:
connects, then sends what it is given as JSON lines, and says how that ended. `from` connects to the address's port 80 from its own port.
"""
import json
import select
import socket
import sys

from packets import attempt, dispatch, family, say

RESOLVER = "15353"


def places(ports):
    for port in ports:
        for address in ("127.0.0.1", "::1", "0.0.0.0", "::"):
            for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM) if port == RESOLVER else (socket.SOCK_STREAM,):
                yield address, int(port), kind


def bind(address, port, kind, *options):
    one = socket.socket(family(address), kind)
    for option in options:
        one.setsockopt(socket.SOL_SOCKET, option, 1)
    if family(address) == socket.AF_INET6:
        one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    one.bind((address, port))
    if kind == socket.SOCK_STREAM:
        one.listen(9)
    return one


def hold(*ports):
    held, peers = [], []
    for place in places(ports):
        try:
            held.append(bind(*place, socket.SO_REUSEADDR, socket.SO_REUSEPORT))
        except OSError:
            pass  # a wildcard beside an address
    say(event="ready", count=len(held))
    while True:
        for one in select.select([*held, *peers, sys.stdin], [], [])[0]:
            if one is sys.stdin:
                return
            if one in held and one.type == socket.SOCK_STREAM:
                peers.append(one.accept()[0])
                continue
            try:
                data = one.recv(4096)
            except OSError:
                data = b""
            if data:
                say(event="asked", text=data.decode("latin-1"))
            if one in peers:
                peers.remove(one)
                one.close()


def try_all(*ports):
    options = {"plain": (), "SO_REUSEADDR": (2,), "SO_REUSEPORT": (15,), "both": (2, 15)}
    kept = []
    for address, port, kind in places(ports):
        for name, chosen in options.items():
            what = f"{kind.name} {address} {port} {name}"

            def act():
                kept.append(bind(address, port, kind, *chosen))
                kept.pop().close()
                return "bound"

            attempt(what, act)


def keep(address, port):
    with socket.create_connection((address, int(port)), 5) as one:
        say(event="ready")
        for line in sys.stdin:
            try:
                one.sendall(json.loads(line).encode())
                ended = "answer" if one.recv(4096) else "end"
            except TimeoutError:
                ended = "timeout"
            except OSError as error:
                ended = error.__class__.__name__
            say(event="ended", how=ended)


def connect_from(own, port, address):
    with socket.socket(family(own), socket.SOCK_STREAM) as one:
        one.settimeout(20)
        one.bind((own, int(port)))
        attempt("connect", lambda: one.connect((address, 80)) or "connected")


dispatch({"hold": hold, "try": try_all, "keep": keep, "from": connect_from})
