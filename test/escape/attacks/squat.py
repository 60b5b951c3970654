"""Row 11: binds what the sidecar listens on. squat.py hold | try

`hold` takes what it can, says `ready` with it, then `asked` for what comes; `try` says for each way how the bind ended.
"""
import select
import socket
import sys

from packets import attempt, dispatch, family, say

PLACES = [
    (address, port, kind)
    for port, kinds in ((15353, (socket.SOCK_DGRAM, socket.SOCK_STREAM)), (18080, (socket.SOCK_STREAM,)))
    for address in ("127.0.0.1", "::1", "0.0.0.0", "::")
    for kind in kinds
]


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
    held = []
    for address, port, kind in PLACES:
        if ports and str(port) not in ports:
            continue
        try:
            held.append(bind(address, port, kind, socket.SO_REUSEADDR, socket.SO_REUSEPORT))
        except OSError:
            pass  # a wildcard beside an address
    say(event="ready", count=len(held))
    while True:
        for one in select.select([*held, sys.stdin], [], [])[0]:
            if one is sys.stdin:
                return
            if one.type == socket.SOCK_DGRAM:
                say(event="asked", text=one.recv(999).hex())
            else:
                peer, _ = one.accept()
                peer.settimeout(0.5)
                try:
                    say(event="asked", text=peer.recv(4096).decode("latin-1"))
                except OSError:
                    pass
                peer.close()


def try_all():
    options = {"plain": (), "SO_REUSEADDR": (2,), "SO_REUSEPORT": (15,), "both": (2, 15)}
    kept = []
    for address, port, kind in PLACES:
        for name, chosen in options.items():
            what = f"{kind.name} {address} {port} {name}"

            def act():
                kept.append(bind(address, port, kind, *chosen))
                kept.pop().close()
                return "bound"

            attempt(what, act)


dispatch({"hold": hold, "try": try_all})
