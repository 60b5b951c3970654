"""Tries to open flows: open_flows.py tcp|udp|icmp ADDRESS PORT COUNT. Prints a JSON line with how often each ending came."""
import collections, errno, json, socket, struct, sys

protocol, address, port, count = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
family = socket.AF_INET6 if ":" in address else socket.AF_INET
endings = collections.Counter()


def checksum(octets):
    total = sum(struct.unpack("!%dH" % (len(octets) // 2), octets))
    total = (total >> 16) + (total & 0xFFFF)
    return ~(total + (total >> 16)) & 0xFFFF


def echo():
    kind = 128 if family == socket.AF_INET6 else 8  # the kernel writes ICMPv6's checksum
    packet = struct.pack("!BBHHH", kind, 0, 0, 7, 1)
    return packet[:2] + struct.pack("!H", checksum(packet)) + packet[4:]


def attempt():
    if protocol == "tcp":
        with socket.socket(family, socket.SOCK_STREAM) as opened:
            opened.settimeout(10)
            opened.connect((address, port))
    elif protocol == "udp":
        with socket.socket(family, socket.SOCK_DGRAM) as opened:
            opened.sendto(b"x", (address, port))
    else:
        number = socket.IPPROTO_ICMPV6 if family == socket.AF_INET6 else socket.IPPROTO_ICMP
        with socket.socket(family, socket.SOCK_RAW, number) as opened:
            opened.sendto(echo(), (address, 0))


for _ in range(count):
    try:
        attempt()
        endings["sent"] += 1
    except OSError as error:
        endings[errno.errorcode.get(error.errno, str(error))] += 1
print(json.dumps(endings))
