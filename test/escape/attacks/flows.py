"""Rows 12, 13: flows that outlive a policy. flows.py hold ADDRESS HOST | idle ADDRESS OWN | churn NAME RESOLVER

`hold` opens, with HOST as each request's Host, an upload, a download, an idle connection and UDP both ways, says `ready`, uses the idle one at a line on stdin, and says `ended` of each flow
with how. `idle` waits for octets that never come, on connections to the address and on some that no policy is about: to itself, on lo, and from a
caller to port 9300 of OWN. `churn` looks the name up and connects to what it gets, over and over, until stdin ends.
"""
import errno
import select
import socket
import sys
import threading
import time

from packets import dispatch, family, is_six, question, say


def connect(address, port, head):
    one = socket.socket(family(address), socket.SOCK_STREAM)
    one.settimeout(20)
    one.connect((address, port))
    one.sendall(head)
    return one


def watch(flow, act):
    def run():
        try:
            act()
            how = "closed"
        except OSError as error:
            how = errno.errorcode.get(error.errno, type(error).__name__)
        say(event="ended", flow=flow, how=how)

    threading.Thread(target=run, daemon=True).start()


def hold(address, host):
    poked = threading.Event()
    head = f"HTTP/1.1\r\nHost: {host}\r\n".encode()
    upload = connect(address, 80, b"POST /upload " + head + b"Content-Length: 1000000000\r\n\r\n")
    download = connect(address, 80, b"GET /slow " + head + b"\r\n")
    idle = connect(address, 8080, b"")
    datagrams = socket.socket(family(address), socket.SOCK_DGRAM)
    datagrams.connect((address, 7))
    datagrams.settimeout(10)

    def send_all():
        while True:
            upload.sendall(b"u" * 1000)
            time.sleep(0.005)

    def receive_all():
        while download.recv(65536):
            pass

    def use_idle():
        poked.wait()
        idle.sendall(b"GET /slow " + head + b"\r\n")
        while idle.recv(65536):
            pass

    def send_datagrams():
        while True:
            datagrams.send(b"stream 10 5")
            time.sleep(0.02)

    def receive_datagrams():
        while True:
            try:
                datagrams.recv(999)
            except PermissionError:
                pass  # told of the sender's refusal

    watch("upload", send_all)
    watch("download", receive_all)
    watch("idle", use_idle)
    watch("udp out", send_datagrams)
    watch("udp in", receive_datagrams)
    time.sleep(0.3)
    say(event="ready")
    while sys.stdin.readline():
        poked.set()


def wait_for_octets(flow, one):
    def receive():
        while one.recv(65536):
            pass

    one.settimeout(None)
    watch(flow, receive)


def idle(address, own):
    server = socket.create_server((own, 9300), family=family(own))
    open_flows = {"tcp": connect(address, 8080, b"")}
    if not is_six(address):
        mapped = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
        mapped.connect((f"::ffff:{address}", 8080))
        open_flows["mapped"] = mapped
    open_flows["udp"] = socket.socket(family(address), socket.SOCK_DGRAM)
    open_flows["udp"].connect((address, 7))
    open_flows["udp"].send(b"one")
    open_flows["udp"].recv(99)
    local = socket.create_server(("::1" if is_six(own) else "127.0.0.1", 0), family=family(own))
    open_flows["lo"] = connect(*local.getsockname()[:2], b"")
    open_flows["self"] = connect(own, 9300, b"")
    kept = [server.accept(), local.accept()]
    say(event="ready")
    open_flows["caller"] = server.accept()[0]
    for flow, one in open_flows.items():
        wait_for_octets(flow, one)
    say(event="called", kept=len(kept))
    sys.stdin.read()


def churn(name, resolver):
    kind, size = (28, 16) if is_six(resolver) else (1, 4)
    say(event="ready")
    rounds = connected = 0
    while not select.select([sys.stdin], [], [], 0)[0]:
        rounds += 1
        try:
            with socket.socket(family(resolver), socket.SOCK_DGRAM) as one:
                one.settimeout(0.3)
                one.connect((resolver, 53))
                one.send(question(name, kind))
                answer = one.recv(4096)
            if answer[7] != 1:
                continue
            with socket.socket(family(resolver), socket.SOCK_STREAM) as one:
                one.settimeout(0.3)
                one.connect((socket.inet_ntop(family(resolver), answer[-size:]), 80))
                connected += 1
                say(event="connected")
        except OSError:
            pass
    say(event="done", rounds=rounds, connected=connected)


dispatch(globals())
