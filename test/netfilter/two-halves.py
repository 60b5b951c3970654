"""
Arguments: address, name, what happens between: 0 has conntrack lose all flows of the namespace, another number is a process that is killed. Sends a
ClientHello in two segments, cut inside its name, and prints whether the server has answered.
"""
import fcntl
import os
import signal
import socket
import ssl
import struct
import sys
import time

address, name, *between = sys.argv[1:]
NETLINK_NETFILTER, CT_DELETE, REQUEST_ACK = 12, 0x102, 5


def forget_flows():
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER) as netlink:
        for family in (socket.AF_INET, socket.AF_INET6):
            netlink.send(struct.pack("=IHHII BBH", 20, CT_DELETE, REQUEST_ACK, 1, 0, family, 0, 0))
            length, kind, _, _, _, errno = struct.unpack("=IHHIIi", netlink.recv(4096)[:20])
            if errno:
                raise OSError(-errno, os.strerror(-errno))


def make_hello():
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        context.wrap_bio(incoming, outgoing, server_hostname=name).do_handshake()
    except ssl.SSLWantReadError:
        return outgoing.read()


hello = make_hello()
cut = hello.index(name.encode()) + 3
connection = socket.create_connection((address, 443))
connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
connection.settimeout(30)
connection.sendall(hello[:cut])
# The server has it once nothing waits to be acknowledged (SIOCOUTQ).
while struct.unpack("i", fcntl.ioctl(connection, 0x5411, b"0000"))[0]:
    time.sleep(0.005)
for number in map(int, between):
    if number:
        os.kill(number, signal.SIGKILL)
    else:
        forget_flows()
try:
    connection.sendall(hello[cut:])
    print("answered" if connection.recv(10) else "closed")
except ConnectionError:
    print("refused")
