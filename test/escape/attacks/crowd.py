"""Rows 10, 15: too much of everything. crowd.py idle COUNT ADDRESS... | flood SECONDS LEAST RESOLVER... | slow RESOLVER
crowd.py unread-api COUNT ADDRESS... | unread-answers COUNT NAME RESOLVER... | answered-flows COUNT

`answered-flows` makes flows on lo that the kernel holds for long: packets both ways, and once more when they are two seconds old.
`unread-api` asks on and on over connections that it never reads from, and opens those anew that are closed; `unread-answers` asks for much over
each connection, and reads nothing. `idle` holds connections to the API, some with half a request; `flood` asks as fast as it can, so long and at least so often, for new names under an allowed wildcard, and for denied
ones; `slow` holds connections to the resolver, dripping, half-closed or silent. All but `flood` say `ready` and go on until stdin ends.
"""
import collections
import ctypes
import os
import signal
import socket
import struct
import sys
import threading
import time

from packets import attempt, dispatch, family, question, say

IP_PKTINFO = 8
PR_SET_PDEATHSIG = 1
FILLERS = 4
HEADS = (b"", b"GET", b"GET /policy HTTP/1.1\r\n", b"POST /policy HTTP/1.1\r\nHost: x\r\nContent-Length: 900\r\n\r\n{")


def connect(address, port):
    one = socket.socket(family(address), socket.SOCK_STREAM)
    one.settimeout(5)
    one.connect((address, port))
    return one


def idle(count, *addresses):
    held = []
    for number in range(int(count)):
        try:
            held.append(connect(addresses[number % len(addresses)], 18080))
            held[-1].send(HEADS[number % len(HEADS)])
        except OSError:
            pass
    say(event="ready", held=len(held))
    sys.stdin.read()


def requests(address, token):
    """Each a request that must change nothing."""
    allow = b'[{"action":"allow","target":"203.0.113.0/24"}]'
    head = lambda method, more=b"": method + b" /policy HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %d\r\n" % len(allow) + more + b"\r\n" + allow
    auth = lambda text: b"OPENSANDBOX-EGRESS-AUTH: " + text + b"\r\n"
    guesses = (b"", b"x", b"null", b"undefined", token.encode()[:-1], token.encode() + b"x", b"\xff" * 40, b"a" * 7000)
    tries = {f"guess {n}": head(b"PATCH", auth(guess)) for n, guess in enumerate(guesses)}
    tries |= {
        "two tokens": head(b"PATCH", auth(b"x") + auth(b"y")),
        "a huge header": head(b"PATCH", b"X-Fill: " + b"a" * 100000 + b"\r\n"),
        "many headers": head(b"PATCH", b"".join(b"X-%d: y\r\n" % n for n in range(3000))),
        "method override": head(b"GET", b"X-HTTP-Method-Override: PATCH\r\n"),
        "forwarded for": head(b"PATCH", b"X-Forwarded-For: 192.0.2.1\r\nForwarded: for=192.0.2.1\r\n"),
        "both framings": b"POST /policy HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + head(b"PATCH"),
        "encoded path": b"POST /%70olicy HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        "absolute form": b"POST http://x//policy HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        "signature by nobody": head(b"PATCH", b"OPENSANDBOX-EGRESS-SIGNATURE: t=%d,n=abcdefgh,v1=%s\r\n" % (time.time() * 1000, b"0" * 64)),
        "upgrade": head(b"PATCH", b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"),
    }
    for what, request in tries.items():

        def act():
            with connect(address, 18080) as one:
                one.sendall(request)
                return one.recv(999).split(b"\r\n")[0].decode("latin-1")

        attempt(what, act)


def flood(seconds, least, *resolvers):
    end = time.monotonic() + float(seconds)
    share = -(-int(least) // len(resolvers))
    counts = []

    def work(resolver, number):
        sent = 0
        with socket.socket(family(resolver), socket.SOCK_DGRAM) as one:
            one.setblocking(False)
            one.connect((resolver, 53))
            while time.monotonic() < end or sent < share:
                for n in range(100):
                    parent = "wild" if n % 4 else "denied"
                    try:
                        one.send(question(f"{number}-{sent}-{os.getpid()}.{parent}.example.org"))
                        sent += 1
                    except OSError:
                        pass
        counts.append(sent)

    threads = [threading.Thread(target=work, args=(resolver, number)) for number, resolver in enumerate(resolvers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    say(what="sent", result=str(sum(counts)))


def slow(*resolvers):
    held = []
    message = question("slow.wild.example.org")
    framed = struct.pack("!H", len(message)) + message
    for number in range(300):
        try:
            one = connect(resolvers[number % len(resolvers)], 53)
            held.append(one)
            if number % 4 == 1:
                one.send(framed[:1])
            elif number % 4 == 2:
                one.send(b"\xff\xff" + bytes(200))
            elif number % 4 == 3:
                one.send(framed * 50)
                one.shutdown(socket.SHUT_WR)
        except OSError:
            pass
    say(event="ready", held=len(held))
    sys.stdin.read()


def unread_api(count, *addresses):
    ways = [(path, at_once) for path in ("/openapi.json", "/healthz", "/policy") for at_once in (1, 8, 40, 1500)]
    messages = [f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode() * at_once for path, at_once in ways]
    held = [None] * int(count)
    threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
    rounds = 0
    while True:
        for number, one in enumerate(held):
            try:
                if one is None:
                    held[number] = one = connect(addresses[number % len(addresses)], 18080)
                    one.setblocking(False)
                one.send(messages[number % len(messages)])
            except BlockingIOError:
                pass
            except OSError:
                held[number] = None
        rounds += 1
        if rounds == 8:
            say(event="ready")
        time.sleep(0.2)


def unread_answers(count, name, *resolvers):
    message = question(name, 16)
    held = []
    for number in range(int(count)):
        try:
            held.append(connect(resolvers[number % len(resolvers)], 53))
            held[-1].send((struct.pack("!H", len(message)) + message) * 40)
        except OSError:
            pass
    say(event="ready", held=len(held))
    sys.stdin.read()


def answered_flows(count):
    say(event="ready")
    share = -(-int(count) // FILLERS)
    done, told = os.pipe()
    for first in range(0, int(count), share):
        if os.fork() == 0:
            ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
            fill(range(first, min(first + share, int(count))), lambda: os.write(told, b"."))
    for _ in range(FILLERS):
        os.read(done, 1)
    say(event="full")
    sys.stdin.read()


def fill(numbers, on_filled):
    """Goes on, for places that become free in between. Each piece has its second packets when it is old enough, however long a round takes."""
    caller, callee = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
    for one in (caller, callee):
        one.setblocking(False)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        one.bind(("0.0.0.0", 0))
    to_caller = ("127.0.0.1", caller.getsockname()[1])
    port = callee.getsockname()[1]

    def send_both_ways(some):
        for number in some:
            address = socket.inet_ntoa(struct.pack("!I", (127 << 24) + (1 << 16) + number))
            try:
                caller.sendto(b"", (address, port))
                source = (socket.IPPROTO_IP, IP_PKTINFO, struct.pack("=I4s4s", 0, socket.inet_aton(address), bytes(4)))
                callee.sendmsg([b""], [source], 0, to_caller)
            except OSError:
                pass  # no room for the flow

    def send_twice(some):
        send_both_ways(some)
        young.append((time.monotonic() + 2.5, some))
        while young and young[0][0] < time.monotonic():
            send_both_ways(young.popleft()[1])

    young = collections.deque()
    is_filled = False
    while True:
        for at in range(0, len(numbers), 500):
            send_twice(numbers[at : at + 500])
        while young:
            time.sleep(max(0, young[0][0] - time.monotonic()))
            send_both_ways(young.popleft()[1])
        if not is_filled:
            on_filled()
        is_filled = True


dispatch(globals())
