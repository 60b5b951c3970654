"""
Arguments: `listen` and a port, or `connect`, an address and a port. One end of a TCP connection that says what it is told to: a line of JSON on
standard input, with `send` and octets in hex, or with `priority` and a number for the socket, or `again`: the connection is reset, and another one
is opened from the same port. Says what comes as JSON; a listener speaks on the newest connection.
"""
import json
import socket
import struct
import sys
import threading

role, *place = sys.argv[1:]
SO_PRIORITY = 12
lock = threading.Lock()
current = reader = None


def say(**what):
    with lock:
        print(json.dumps(what), flush=True)


def take(connection):
    global current, reader
    current = connection
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    say(event="connected")
    reader = threading.Thread(target=read, args=(connection,), daemon=True)
    reader.start()


def read(connection):
    try:
        while octets := connection.recv(65536):
            say(event="received", octets=octets.hex())
        say(event="ended", by="end")
    except OSError as error:
        if connection is current:
            say(event="ended", by=type(error).__name__)


def open_from(port):
    family = socket.AF_INET6 if ":" in place[0] else socket.AF_INET
    connection = socket.socket(family, socket.SOCK_STREAM)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    connection.bind(("", port))
    connection.connect((place[0], int(place[1])))
    return connection


def reset():
    ended = current
    port = ended.getsockname()[1]
    ended.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    # As long as somebody reads it is not closed.
    ended.shutdown(socket.SHUT_RD)
    reader.join()
    ended.close()
    return port


def obey():
    for line in sys.stdin:
        told = json.loads(line)
        if "priority" in told:
            current.setsockopt(socket.SOL_SOCKET, SO_PRIORITY, told["priority"])
        if "send" in told:
            try:
                current.sendall(bytes.fromhex(told["send"]))
            except OSError:
                pass
        if "again" in told:
            take(open_from(reset()))


if role == "connect":
    say(event="ready")
    take(open_from(0))
    obey()
else:
    listener = socket.create_server(("::", int(place[0])), family=socket.AF_INET6, dualstack_ipv6=True)
    say(event="ready")
    threading.Thread(target=obey, daemon=True).start()
    while True:
        take(listener.accept()[0])
