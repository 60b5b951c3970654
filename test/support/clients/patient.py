"""A server that answers late, and its client. patient.py answer ADDRESS PORT | ask tcp|udp ADDRESS PORT

`answer` says `asked` of each question, over TCP once the client has closed its half. A line on stdin has all of them answered; connections stay
open. Datagrams are answered at once as well. `ask tcp` closes its half when it has asked. Both ask, and say what arrives.
"""
import json
import socket
import sys
import threading


def say(**fields):
    print(json.dumps(fields), flush=True)


def family(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def bound(address, port, kind):
    """Also to an address of a range that is local as a whole, which IPv6 takes only with IPV6_FREEBIND."""
    one = socket.socket(family(address), kind)
    one.setsockopt(*((socket.IPPROTO_IPV6, 78) if ":" in address else (socket.IPPROTO_IP, 15)), 1)
    one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    one.bind((address, port))
    return one


def answer(address, port):
    waiting = []
    streams, datagrams = (bound(address, int(port), kind) for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM))
    streams.listen()

    def read_streams():
        while True:
            one, _ = streams.accept()
            while one.recv(99):
                pass
            waiting.append(one.send)
            say(event="asked", how="tcp")

    def read_datagrams():
        while True:
            question, sender = datagrams.recvfrom(99)
            if question == b"at once":
                datagrams.sendto(b"at once", sender)
            waiting.append(lambda text, sender=sender: datagrams.sendto(text, sender))
            say(event="asked", how="udp")

    for read in (read_streams, read_datagrams):
        threading.Thread(target=read, daemon=True).start()
    say(event="ready")
    while sys.stdin.readline():
        for send in waiting:
            send(b"late")


def ask(protocol, address, port, text="question"):
    one = socket.socket(family(address), socket.SOCK_STREAM if protocol == "tcp" else socket.SOCK_DGRAM)
    one.connect((address, int(port)))
    one.send(text.encode())
    if protocol == "tcp":
        one.shutdown(socket.SHUT_WR)
    say(event="ready")
    while True:
        try:
            arrived = one.recv(99)
        except OSError as error:
            say(event="failed", errno=error.errno)
            break
        say(event="arrived", text=arrived.decode())
        if not arrived:
            break
    sys.stdin.read()


globals()[sys.argv[1]](*sys.argv[2:])
