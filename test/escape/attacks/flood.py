"""Sends without a pause, whether it may or not. flood.py frames|datagrams|groups DEVICE DESTINATION. Says how often it has tried, each thousand."""
import os
import socket
import struct
import time

from packets import dispatch, ethernet, ethertype_of, say, udp_packet

EVERYONE = "ff:ff:ff:ff:ff:ff"


def go_on(send):
    tries = 0
    while True:
        try:
            send()
        except OSError:
            pass
        tries += 1
        if tries % 1000 == 0:
            say(event="sent", tries=tries)


def frames(device, destination):
    own = "2001:db8::2" if ":" in destination else "192.0.2.2"
    frame = ethernet(EVERYONE, ethertype_of(destination), udp_packet(own, 999, destination, 32, b"data"))
    one = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    one.bind((device, 0))
    say(event="ready")
    go_on(lambda: one.send(frame))


def datagrams(_device, destination):
    one = socket.socket(socket.AF_INET6 if ":" in destination else socket.AF_INET, socket.SOCK_DGRAM)
    say(event="ready")
    go_on(lambda: one.sendto(b"data", (destination, 9)))


def groups(device, _destination):
    """Joins groups without end, and leaves them: the kernel reports each."""
    index = socket.if_nametoindex(device)
    members = []

    def join():
        if len(members) == 50:
            members.pop(0).close()
        members.append(socket.socket(socket.AF_INET6, socket.SOCK_DGRAM))
        for _ in range(100):
            group = b"\xff\x02" + os.urandom(14)
            members[-1].setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, group + struct.pack("@I", index))

    say(event="ready")
    end = time.monotonic() + 8
    while time.monotonic() < end:
        try:
            join()
        except OSError:
            pass
    say(event="done")
    time.sleep(600)


dispatch(globals())
