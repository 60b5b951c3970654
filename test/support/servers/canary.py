"""Records every frame that arrives at the interface given, whatever it holds: one JSON line each on stdout.

A line on stdin is answered by {"event": "sync", "token": LINE} once all frames that arrived before it are written.
"""
import json
import select
import socket
import struct
import sys
import time

OUTGOING = 4
ALL = 3
TRANSPORTS = {1: "icmp", 6: "tcp", 17: "udp", 58: "icmpv6", 132: "sctp"}


def say(**fields):
    sys.stdout.write(json.dumps({"time": time.time(), **fields}) + "\n")
    sys.stdout.flush()


def describe(frame):
    ethertype = struct.unpack("!H", frame[12:14])[0]
    fields = {"ethertype": ethertype, "length": len(frame), "mac": frame[:6].hex(":")}
    packet = frame[14:]
    if ethertype == 0x0800 and len(packet) >= 20:
        protocol, transport = packet[9], packet[(packet[0] & 15) * 4 :]
        fields.update(source=socket.inet_ntoa(packet[12:16]), destination=socket.inet_ntoa(packet[16:20]))
        if struct.unpack("!H", packet[6:8])[0] & 0x1FFF:
            transport = b""  # a later fragment has no ports
    elif ethertype == 0x86DD and len(packet) >= 40:
        protocol, transport = packet[6], packet[40:]
        fields.update(
            source=socket.inet_ntop(socket.AF_INET6, packet[8:24]),
            destination=socket.inet_ntop(socket.AF_INET6, packet[24:40]),
        )
    else:
        return {**fields, "transport": "arp" if ethertype == 0x0806 else "other"}
    fields["transport"] = TRANSPORTS.get(protocol, f"protocol {protocol}")
    if protocol in (6, 17, 132) and len(transport) >= 4:
        fields["sourcePort"], fields["destinationPort"] = struct.unpack("!HH", transport[:4])
    if protocol == 6 and len(transport) >= 14:
        fields["tcpFlags"] = transport[13]
    if protocol in (1, 58) and len(transport) >= 1:
        fields["icmpType"] = transport[0]
    return fields


def drain(tap):
    while True:
        try:
            frame, where = tap.recvfrom(65536)
        except BlockingIOError:
            return
        if where[2] != OUTGOING:
            say(event="frame", **describe(frame))


def main():
    tap = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ALL))
    tap.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
    tap.bind((sys.argv[1], ALL))
    tap.setblocking(False)
    say(event="ready")
    while True:
        ready, _, _ = select.select([tap, sys.stdin], [], [])
        drain(tap)
        if sys.stdin in ready:
            token = sys.stdin.readline()
            if not token:
                return
            drain(tap)
            say(event="sync", token=token.strip())


main()
