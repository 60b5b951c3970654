"""Row 4: marks and priorities. marks.py sweep DENIED RESOLVER NAME | wear MARK PRIORITY RESOLVER NAME | watch | groups MARK | disguised MARK TARGET | diag

`watch` says `ready`, then `marked` for each packet that carries a mark or priority that it can read; `diag` asks the kernel's socket monitor.
"""
import ctypes
import select
import socket
import struct

from packets import SO_MARK, SO_PRIORITY, attempt, dispatch, family, icmp, ip, octets, question, say, udp

SO_RCVMARK, SO_RCVPRIORITY = 75, 82
SO_ATTACH_FILTER = 26
NETLINK_SOCK_DIAG, SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST, NLM_F_DUMP = 4, 20, 1, 0x300
INET_DIAG_TCLASS, INET_DIAG_MARK, INET_DIAG_CLASS_ID = 6, 15, 17


def values():
    yield from (0, 0xFFFFFFFF, 0x7FFFFFFF, 0x5A5A1234, 0x1A2B3C4D, 53, 15353, 18080, 0xDEADBEEF)
    for bit in range(32):
        yield 1 << bit
    yield from range(1, 9)


def sweep(denied, resolver, name):
    message = question(name)
    for target, port, data in ((denied, 7, b"data"), (resolver, 53, message), (resolver, 853, message)):
        for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
            for mark in values():
                for priority in {mark, 0, 6}:
                    with socket.socket(family(target), kind) as one:
                        one.setblocking(False)
                        one.setsockopt(socket.SOL_SOCKET, SO_MARK, struct.pack("=I", mark))
                        one.setsockopt(socket.SOL_SOCKET, SO_PRIORITY, ctypes.c_int32(priority).value)
                        try:
                            one.connect((target, port))
                            one.send(data)
                        except OSError:
                            pass
    say(what="swept", result="sent")


def wear(mark, priority, resolver, name):
    """Asks with the sidecar's own mark and priority, from sockets that were opened under one group or another."""
    for group in (0, 1, 65534, 0x5A5A1234):
        ctypes.CDLL(None).setfsgid(ctypes.c_uint32(group))
        for label, kind in (("udp", socket.SOCK_DGRAM), ("tcp", socket.SOCK_STREAM)):
            with socket.socket(family(resolver), kind) as one:
                one.setsockopt(socket.SOL_SOCKET, SO_MARK, struct.pack("=I", int(mark)))
                one.setsockopt(socket.SOL_SOCKET, SO_PRIORITY, ctypes.c_int32(int(priority)).value)
                one.settimeout(1)
                message = question(f"{label}-{group}.{name}")
                framed = struct.pack("!H", len(message)) + message if label == "tcp" else message

                def ask():
                    one.connect((resolver, 53))
                    one.sendall(framed)
                    one.recv(512)

                attempt(f"{label}, group {group}", ask)


def watch():
    """A packet socket whose filter passes what has a mark, and raw sockets that are told mark and priority."""
    tap = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    # ld #mark; jeq 0 ? ret 0 : ret 65535 (SKF_AD_OFF + SKF_AD_MARK)
    code = [(0x20, 0, 0, 0xFFFFF000 + 20), (0x15, 1, 0, 0), (6, 0, 0, 65535), (6, 0, 0, 0)]
    program = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *line) for line in code))
    tap.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("HxxxxxxP", len(code), ctypes.addressof(program)))
    raws = []
    for version in (socket.AF_INET, socket.AF_INET6):
        for protocol in (1, 6, 58, 17):
            one = socket.socket(version, socket.SOCK_RAW, protocol)
            one.setsockopt(socket.SOL_SOCKET, SO_RCVMARK, 1)
            try:
                one.setsockopt(socket.SOL_SOCKET, SO_RCVPRIORITY, 1)
            except OSError:
                pass  # Linux before 6.14
            raws.append(one)
    say(event="ready")
    while True:
        for one in select.select([tap, *raws], [], [])[0]:
            _, control, _, sender = one.recvmsg(65535, 512)
            if one is tap:
                say(event="marked", how="packet socket", device=sender[0])
                continue
            for level, kind, value in control:
                number = struct.unpack("=I", value[:4])[0]
                if level == socket.SOL_SOCKET and kind in (SO_MARK, SO_PRIORITY) and number > 15:
                    say(event="marked", how="raw socket", version=4 if one.family == socket.AF_INET else 6, value=number)


def mark_own(mark, priority, address, port):
    """A datagram of our own with a mark, so that `watch` can be seen to work."""
    with socket.socket(family(address), socket.SOCK_DGRAM) as one:
        one.setsockopt(socket.SOL_SOCKET, SO_MARK, int(mark))
        one.setsockopt(socket.SOL_SOCKET, SO_PRIORITY, int(priority))
        attempt("own", lambda: one.sendto(b"own", (address, int(port))) and None)


def groups(mark):
    """Sends to groups that we belong to ourselves, of which the kernel gives us a copy: neighbour discovery, multicast and broadcast."""
    interface = socket.if_nametoindex("eth0")

    def open_one(version, kind, protocol=0):
        one = socket.socket(version, kind, protocol)
        one.setsockopt(socket.SOL_SOCKET, SO_MARK, int(mark))
        return one

    for name in ("ff02::1", "ff02::1:ff00:2", "ff05::1:3"):
        with open_one(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6) as one:
            one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 255)
            try:
                one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, octets(name) + struct.pack("=I", interface))
            except OSError:
                pass  # a member already
            for kind in (133, 135, 136, 143):
                message = struct.pack("!BBHI", kind, 0, 0, 0) + octets("2001:db8::77")
                attempt(f"{kind} to {name}", lambda: one.sendto(message, (name, 0, 0, interface)) and None)
        with open_one(socket.AF_INET6, socket.SOCK_DGRAM) as one:
            attempt(f"udp to {name}", lambda: one.sendto(b"group", (name, 7777, 0, interface)) and None)
    for name in ("224.0.0.1", "239.1.2.3", "192.0.2.255", "255.255.255.255"):
        with open_one(socket.AF_INET, socket.SOCK_DGRAM) as one, open_one(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as raw:
            for each in (one, raw):
                each.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
                each.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, octets("192.0.2.2"))
            if name == "239.1.2.3":
                one.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, octets(name) + octets("192.0.2.2"))
            attempt(f"udp to {name}", lambda: one.sendto(b"group", (name, 7777)) and None)
            echo = icmp("192.0.2.2", name, 8, 0, bytes(4))
            attempt(f"echo to {name}", lambda: raw.sendto(echo, (name, 0)) and None)


def disguised(mark, target):
    """Packets for a host that answers us, by their header, which are sent the way of a group."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as flow, socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as raw:
        flow.settimeout(5)
        flow.connect((target, 7))
        flow.send(b"echo")
        attempt("answer", lambda: len(flow.recv(64)))
        source, port = flow.getsockname()
        raw.setsockopt(socket.SOL_SOCKET, SO_MARK, int(mark))
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        raw.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, octets(source))
        flow.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, octets("239.1.2.3") + octets(source))
        packet = ip(source, target, 17, udp(source, port, target, 7, b"group"))
        for name in ("224.0.0.1", "239.1.2.3", "192.0.2.255", "255.255.255.255"):
            attempt(f"by way of {name}", lambda: raw.sendto(packet, (name, 0)) and None)


def diag():
    """Marks and traffic classes (of which the priority is one) of every socket of the namespace, as sock_diag(7) tells them."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_SOCK_DIAG) as netlink:
        netlink.settimeout(2)
        for version in (socket.AF_INET, socket.AF_INET6):
            for protocol in (6, 17):
                request = struct.pack("=BBBBI", version, protocol, 1 << (INET_DIAG_TCLASS - 1), 0, 0xFFFFFFFF) + bytes(48)
                netlink.send(struct.pack("=IHHII", 16 + len(request), SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST | NLM_F_DUMP, 1, 0) + request)
                done = False
                while not done:
                    data = netlink.recv(1 << 20)
                    done = read_diag(data)
    say(what="asked", result="sent")


def read_diag(data):
    while data:
        length, kind = struct.unpack("=IH", data[:6])
        if kind in (2, 3):  # an error, the end
            return True
        message, data = data[16:length], data[(length + 3) & ~3 :]
        source, destination = struct.unpack("!HH", message[4:8])
        attributes = message[72:]
        while len(attributes) >= 4:
            size, attribute = struct.unpack("=HH", attributes[:4])
            value = attributes[4:size]
            attributes = attributes[(size + 3) & ~3 :]
            if attribute in (INET_DIAG_MARK, INET_DIAG_CLASS_ID) and struct.unpack("=I", value[:4])[0] > 15:
                name = "mark" if attribute == INET_DIAG_MARK else "priority"
                say(what=f"{name} of {source} to {destination}", result=str(struct.unpack("=I", value[:4])[0]))
    return False


dispatch(globals())
