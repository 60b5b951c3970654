"""Packets made by hand, and how an attempt is told: one JSON line each with `what` was tried and its `result`."""
import errno
import json
import socket
import struct
import sys

ETH_IPV4, ETH_ARP, ETH_IPV6 = 0x0800, 0x0806, 0x86DD
SO_MARK, SO_PRIORITY, SOL_PACKET = 36, 12, 263


def say(**fields):
    sys.stdout.write(json.dumps(fields) + "\n")
    sys.stdout.flush()


def attempt(what, act):
    """Runs it and tells how it ended: its own result, `sent` for none, or an errno."""
    try:
        result = act()
        result = "sent" if result is None else str(result)
    except TimeoutError:
        result = "timeout"
    except OSError as error:
        result = errno.errorcode.get(error.errno, str(error))
    say(what=what, result=result)
    return result


def is_six(address):
    return ":" in address


def family(address):
    return socket.AF_INET6 if is_six(address) else socket.AF_INET


def octets(address):
    return socket.inet_pton(family(address), address)


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    total = (total >> 16) + (total & 0xFFFF)
    return ~(total + (total >> 16)) & 0xFFFF


def ip(source, destination, protocol, payload, *, options=b"", fragment=0, ident=7, ttl=64):
    """`fragment` is the flags and offset of IPv4's header; `options` are padded to whole words."""
    if is_six(destination):
        head = struct.pack("!IHBB", 6 << 28, len(payload), protocol, ttl)
        return head + octets(source) + octets(destination) + payload
    options += b"\0" * (-len(options) % 4)
    words = 5 + len(options) // 4
    head = struct.pack("!BBHHHBBH", 0x40 | words, 0, words * 4 + len(payload), ident, fragment, ttl, protocol, 0)
    head += octets(source) + octets(destination) + options
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + payload


def pseudo(source, destination, protocol, data):
    return octets(source) + octets(destination) + struct.pack("!II", len(data), protocol) + data


def udp(source, source_port, destination, port, payload):
    data = struct.pack("!HHHH", source_port, port, 8 + len(payload), 0) + payload
    return data[:6] + struct.pack("!H", checksum(pseudo(source, destination, 17, data)) or 0xFFFF) + data[8:]


def tcp(source, source_port, destination, port, flags, payload=b"", *, sequence=1000, acknowledged=0):
    head = struct.pack("!HHIIBBHHH", source_port, port, sequence, acknowledged, 5 << 4, flags, 64000, 0, 0)
    data = head + payload
    return data[:16] + struct.pack("!H", checksum(pseudo(source, destination, 6, data))) + data[18:]


def icmp(source, destination, kind, code, rest, payload=b""):
    data = struct.pack("!BBH", kind, code, 0) + rest + payload
    covered = pseudo(source, destination, 58, data) if is_six(destination) else data
    return data[:2] + struct.pack("!H", checksum(covered)) + data[4:]


def udp_packet(source, source_port, destination, port, payload=b"data"):
    return ip(source, destination, 17, udp(source, source_port, destination, port, payload))


def ethernet(destination, ethertype, payload):
    return bytes.fromhex(destination.replace(":", "")) + b"\x02\0\0\0\0\x01" + struct.pack("!H", ethertype) + payload


def ethertype_of(address):
    return ETH_IPV6 if is_six(address) else ETH_IPV4


def raw_socket(destination):
    return socket.socket(family(destination), socket.SOCK_RAW, socket.IPPROTO_RAW)


def send_raw(packet, destination):
    """Through the output hook, as it is; of IPv4 the kernel fills in length and checksum."""
    with raw_socket(destination) as one:
        one.sendto(packet, (destination, 0))


def send_frame(device, frame):
    """Past the output hook."""
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as one:
        one.bind((device, 0))
        one.send(frame)


def question(name, qtype=1, ident=7):
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split(".") if label)
    return struct.pack("!HHHHHH", ident, 0x0100, 1, 0, 0, 0) + labels + struct.pack("!BHH", 0, qtype, 1)


def end_of_question(message, at=12):
    while message[at]:
        at += 1 + message[at]
    return at + 5


def forged_answer(query, address):
    """An answer to the very query, letter case and all, that gives the address."""
    end = end_of_question(query)
    data = octets(address)
    qtype = 28 if len(data) == 16 else 1
    head = query[:2] + struct.pack("!HHHHH", 0x8180, 1, 1, 0, 0)
    return head + query[12:end] + struct.pack("!HHHIH", 0xC00C, qtype, 1, 300, len(data)) + data


def dispatch(functions):
    functions[sys.argv[1].replace("-", "_")](*sys.argv[2:])
