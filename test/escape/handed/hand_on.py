"""Starts a program with a descriptor of this place as its standard streams: hand_on.py KIND STREAMS PROGRAM...

STREAMS is made of 0, 1 and 2. A connected stream has its peer here: it sends `take`, with a descriptor beside it if
that is possible, and prints what it gets. Over TCP there is more to talk: KIND `echo` is a conversation of two lines;
`much` sends what nobody reads and counts what comes; `gone` leaves at the first octet.
"""
import os
import select
import socket
import subprocess
import sys
import tempfile

UNIX, STREAM, DGRAM = socket.AF_UNIX, socket.SOCK_STREAM, socket.SOCK_DGRAM


def listening(family, address):
    one = socket.socket(family)
    if address:
        one.bind(address)
    one.listen()
    return one


def tcp_pair():
    server = listening(socket.AF_INET, ("192.0.2.2", 0))
    return socket.create_connection(server.getsockname()), server.accept()[0]


def socket_path():
    path = os.path.join(tempfile.mkdtemp(), "socket")
    one = listening(UNIX, path)
    return [os.open(path, os.O_PATH), one]


# What has no peer, or leads to more than one.
ALONE = {
    "udp": lambda: socket.socket(type=DGRAM),
    "udp-connected": lambda: connected(DGRAM),
    "tcp-unconnected": lambda: socket.socket(),
    "tcp-listening": lambda: listening(socket.AF_INET, ("192.0.2.2", 0)),
    "unix-datagram": lambda: socket.socketpair(UNIX, DGRAM)[0],
    "unix-packets": lambda: socket.socketpair(UNIX, socket.SOCK_SEQPACKET)[0],
    "unix-unconnected": lambda: socket.socket(UNIX),
    "unix-listening": lambda: listening(UNIX, f"\0egress-handed-{os.getpid()}"),
    "netlink": lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0),
    "packets": lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW),
    "raw": lambda: socket.socket(type=socket.SOCK_RAW, proto=socket.IPPROTO_ICMP),
    "process": lambda: os.pidfd_open(os.getppid()),
    "namespace": lambda: os.open("/proc/self/ns/net", os.O_RDONLY),
    "epoll": lambda: select.epoll(),
    "setting": lambda: os.open("/proc/sys/kernel/core_pattern", os.O_RDONLY),
    "tun": lambda: os.open("/dev/net/tun", os.O_RDWR),
    "socket-path": lambda: socket_path()[0],
    "memory": lambda: memory(),
}


def connected(kind):
    one = socket.socket(type=kind)
    one.connect(("192.0.2.2", 9))
    return one


def memory():
    fd = os.memfd_create("handed")
    os.write(fd, b"of a memfd\n")
    os.lseek(fd, 0, os.SEEK_SET)
    return fd


def start(handed, streams, program):
    names = ["stdin", "stdout", "stderr"]
    return subprocess.Popen(program, **{names[int(n)]: handed for n in streams})


def talk(peer):
    """Each line is answered before the next is sent."""
    lines = peer.makefile("r")
    for word in ("one", "two"):
        peer.sendall(f"{word}\n".encode())
        print(lines.readline(), end="", flush=True)
    peer.shutdown(socket.SHUT_WR)
    print(lines.read(), end="", flush=True)


def offer(peer):
    if "0" not in streams:
        pass  # nobody reads it
    elif peer.family == UNIX:
        with socket.socket(type=DGRAM) as ours:
            socket.send_fds(peer, [b"take\n"], [ours.fileno()])
    else:
        peer.sendall(b"take\n")
    got = b""
    while chunk := peer.recv(65536):
        got += chunk
    print(got.decode(), end="", flush=True)


def flood(peer):
    """More than all that lies between could hold."""
    peer.setblocking(False)
    try:
        while True:
            peer.send(bytes(65536))
    except BlockingIOError:
        peer.setblocking(True)
    count = 0
    try:
        while chunk := peer.recv(65536):
            count += len(chunk)
    except ConnectionResetError:
        pass  # what it has sent stays unread
    print(count, flush=True)


def leave(peer):
    peer.recv(1)
    peer.close()


kind, streams, *program = sys.argv[1:]
if kind in ALONE:
    sys.exit(start(ALONE[kind](), streams, program).wait())
peer, handed = socket.socketpair() if kind == "unix" else tcp_pair()
run = start(handed, streams, program)
handed.close()
{"echo": talk, "much": flood, "gone": leave}.get(kind, offer)(peer)
sys.exit(run.wait())
