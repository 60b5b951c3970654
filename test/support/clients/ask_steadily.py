"""Asks the resolver for the A record of NAME again and again: ask_steadily.py NAME COUNT WINDOW. So many are under way at a time, none is asked twice.

Prints {"answered": ..., "lost": ..., "seconds": ...} once all are answered, or nothing has come for ten seconds.
"""
import json
import select
import socket
import struct
import sys
import time

name, count, window = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
client.connect(("203.0.113.53", 53))
qname = b"".join(bytes([len(part)]) + part.encode() for part in name.split(".")) + b"\0"
rest = struct.pack("!HHHHH", 0x0100, 1, 0, 0, 0) + qname + struct.pack("!HH", 1, 1)
began = time.monotonic()
sent = answered = 0
while answered < count:
    while sent < count and sent - answered < window:
        client.send(struct.pack("!H", sent & 0xFFFF) + rest)
        sent += 1
    if not select.select([client], [], [], 10)[0]:
        break
    client.recv(4096)
    answered += 1
print(json.dumps({"answered": answered, "lost": count - answered, "seconds": time.monotonic() - began}))
