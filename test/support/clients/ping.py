"""Sends one echo request to ADDRESS over a raw socket: ping.py ADDRESS. Prints `answered`, or the errno's name."""
import errno, os, socket, struct, sys

place = sys.argv[1]
is_v6 = ":" in place
family, protocol, request, reply = (
    (socket.AF_INET6, socket.IPPROTO_ICMPV6, 128, 129) if is_v6 else (socket.AF_INET, socket.IPPROTO_ICMP, 8, 0)
)


def checksum(octets):
    total = sum(struct.unpack("!%dH" % (len(octets) // 2), octets))
    total = (total >> 16) + (total & 0xFFFF)
    return ~(total + (total >> 16)) & 0xFFFF


ident = os.getpid() & 0xFFFF
body = struct.pack("!HH", ident, 1) + b"egress--"
# The kernel fills in the checksum of ICMPv6.
summed = 0 if is_v6 else checksum(struct.pack("!BBH", request, 0, 0) + body)
with socket.socket(family, socket.SOCK_RAW, protocol) as opened:
    opened.settimeout(20)
    try:
        opened.sendto(struct.pack("!BBH", request, 0, summed) + body, (place, 0))
        while True:
            packet, sender = opened.recvfrom(2048)
            answer = packet if is_v6 else packet[(packet[0] & 15) * 4 :]
            if sender[0] == place and answer[0] == reply and struct.unpack("!H", answer[4:6])[0] == ident:
                print("answered")
                break
    except OSError as error:
        print(errno.errorcode.get(error.errno, str(error)))
