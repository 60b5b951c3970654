"""Row 7: sees a lookup leave, and tells its socket by ICMP over lo that nobody listens there. forge_errors.py DEVICE

From the sandbox's own address, with the lookup quoted. Says `ready`, then `forged` for each.
"""
import socket
import struct
import sys

from packets import ETH_IPV4, ETH_IPV6, icmp, ip, say, send_raw

OUTGOING = 4


def main():
    tap = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    tap.bind((sys.argv[1], 3))
    say(event="ready")
    while True:
        frame, where = tap.recvfrom(65535)
        if where[2] != OUTGOING:
            continue
        ethertype, packet = struct.unpack("!H", frame[12:14])[0], frame[14:]
        if ethertype == ETH_IPV4 and packet[9] == 17:
            own, port = socket.inet_ntop(socket.AF_INET, packet[12:16]), packet[22:24]
            kind, code, protocol, quoted = 3, 3, 1, packet[:28]
        elif ethertype == ETH_IPV6 and packet[6] == 17:
            own, port = socket.inet_ntop(socket.AF_INET6, packet[8:24]), packet[42:44]
            kind, code, protocol, quoted = 1, 4, 58, packet[:48]
        else:
            continue
        if port != b"\0\x35":
            continue
        error = icmp(own, own, kind, code, b"\0" * 4, quoted)
        try:
            send_raw(ip(own, own, protocol, error), own)
            say(event="forged", outcome="sent")
        except OSError as refusal:
            say(event="forged", outcome=str(refusal.errno))


main()
