"""Asks the resolver for the A records of many names at once, over UDP: as arguments seconds to wait and names as JSON. Says {rcode: count}."""
import collections
import json
import select
import socket
import struct
import sys
import time

seconds, names = float(sys.argv[1]), json.loads(sys.argv[2])
client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
client.connect(("203.0.113.53", 53))
for number, name in enumerate(names):
    qname = b"".join(bytes([len(part)]) + part.encode() for part in name.split(".")) + b"\0"
    client.send(struct.pack("!HHHHHH", number, 0x0100, 1, 0, 0, 0) + qname + struct.pack("!HH", 1, 1))
rcodes = {}
end = time.monotonic() + seconds
while len(rcodes) < len(names) and select.select([client], [], [], max(end - time.monotonic(), 0))[0]:
    message = client.recv(4096)
    number, flags = struct.unpack("!HH", message[:4])
    rcodes[number] = flags & 15
print(json.dumps(collections.Counter(rcodes.values())))
