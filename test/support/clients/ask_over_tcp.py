"""Asks the resolver at an address, port 15353, over as many TCP connections as told, a question each, while others are idle. Says how many were answered."""
import json
import selectors
import socket
import struct
import sys
import time

address, asking, quiet = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])


def connect():
    return socket.create_connection((address, 15353), timeout=15)


def query(number):
    qname = b"".join(bytes([len(part)]) + part for part in (b"n%d" % number, b"example", b"org")) + b"\0"
    message = struct.pack("!HHHHHH", number, 0x0100, 1, 0, 0, 0) + qname + struct.pack("!HH", 1, 1)
    return struct.pack("!H", len(message)) + message


idle = [connect() for _ in range(quiet)]
selector = selectors.DefaultSelector()
for number in range(asking):
    client = connect()
    client.sendall(query(number))
    selector.register(client, selectors.EVENT_READ)
answered = lost = 0
end = time.monotonic() + 20
while answered + lost < asking and time.monotonic() < end:
    for key, _ in selector.select(1):
        try:
            answered, lost = (answered + 1, lost) if key.fileobj.recv(4096) else (answered, lost + 1)
        except OSError:
            lost += 1
        selector.unregister(key.fileobj)
print(json.dumps({"answered": answered, "lost": asking - answered}))
