"""A UDP server on port 7 of every address that answers from the address it was asked at. Each datagram is a JSON line on stdout.

"stream N MS": sends N numbered datagrams, one every MS milliseconds; anything else is sent back as it came.
"""
import json
import socket
import struct
import sys
import threading
import time

IP_PKTINFO = 8
IPV6_FREEBIND = 78


def say(**fields):
    sys.stdout.write(json.dumps({"time": time.time(), **fields}) + "\n")
    sys.stdout.flush()


def main():
    sockets = [make(socket.AF_INET)] + ([make(socket.AF_INET6)] if sys.argv[1] == "6" else [])
    say(event="ready")
    threads = [threading.Thread(target=serve, args=(one,)) for one in sockets]
    for thread in threads:
        thread.start()


def make(family):
    server = socket.socket(family, socket.SOCK_DGRAM)
    if family == socket.AF_INET:
        server.setsockopt(socket.IPPROTO_IP, IP_PKTINFO, 1)
    else:
        server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
        # Answers come from addresses that are local by route only.
        server.setsockopt(socket.IPPROTO_IPV6, IPV6_FREEBIND, 1)
    server.bind(("", 7))
    return server


def serve(server):
    while True:
        data, control, _, peer = server.recvmsg(65536, 512)
        local, info = own_address(control)
        say(event="datagram", peer=peer[0], peerPort=peer[1], local=local, length=len(data))
        send = lambda payload: server.sendmsg([payload], info, 0, peer)
        if data.startswith(b"stream "):
            threading.Thread(target=stream, args=(send, data), daemon=True).start()
        else:
            attempt(send, data)


def own_address(control):
    level, kind, info = control[0]
    if level == socket.IPPROTO_IP:
        # struct in_pktinfo: interface, local address, destination; the local address is the source of what is
        # sent
        _, _, destination = struct.unpack("=I4s4s", info)
        return socket.inet_ntoa(destination), [(level, kind, struct.pack("=I4s4s", 0, destination, bytes(4)))]
    return socket.inet_ntop(socket.AF_INET6, info[:16]), [(level, socket.IPV6_PKTINFO, info[:16] + bytes(4))]


def stream(send, data):
    _, count, gap_ms = data.split()[:3]
    for number in range(int(count)):
        attempt(send, b"%d\n" % number)
        time.sleep(int(gap_ms) / 1000)


def attempt(send, payload):
    try:
        send(payload)
    except OSError:
        pass  # the peer is gone: an ICMP error of an earlier datagram


main()
