"""Rows 23, 32: neighbour discovery made by hand. neighbours.py send OWN GATEWAY NEIGHBOUR DENIED | arp DEVICE GATEWAY NEIGHBOUR | echoes OWN DENIED

`send` advertises and solicits in everybody's name, by raw sockets, `arp` does so for IPv4, by a packet socket. `echoes` waits for one echo request, and answers it again and again, with data.
"""
import socket
import struct
import time

from packets import ETH_ARP, attempt, dispatch, ethernet, icmp, ip, is_six, octets, say, send_frame, send_raw

EVERYONE = "ff02::1"
MAC = bytes.fromhex("02000000bad0")
DATA = b"data in an advertisement"
OVERRIDE, SOLICITED = 0x20000000, 0x40000000


def advertisement(source, destination, target, flags=OVERRIDE):
    message = icmp(source, destination, 136, 0, struct.pack("!I", flags) + octets(target), b"\x02\x01" + MAC)
    return ip(source, destination, 58, message, ttl=255)


def solicitation(source, destination, target, options=b""):
    return ip(source, destination, 58, icmp(source, destination, 135, 0, bytes(4) + octets(target), options), ttl=255)


def link_local(device="eth0"):
    """Routers are believed by such an address alone (RFC 4861 section 6.1.2). Waits until it is known to be free."""
    while True:
        with open("/proc/net/if_inet6") as table:
            for text, _, _, _, flags, name in map(str.split, table):
                if name == device and text.startswith("fe80") and not int(flags, 16) & 0x40:
                    return socket.inet_ntop(socket.AF_INET6, bytes.fromhex(text))
        time.sleep(0.05)


def router(own, prefix):
    """Says that one address is on the link, and that there is a router here."""
    option = struct.pack("!BBBBIII", 3, 4, 128, 0x80, 86400, 86400, 0) + octets(prefix)
    body = icmp(own, EVERYONE, 134, 0, struct.pack("!BBHII", 64, 0, 1800, 0, 0), option)
    return ip(own, EVERYONE, 58, body, ttl=255)


def redirect(own, gateway, denied):
    return ip(own, EVERYONE, 58, icmp(own, EVERYONE, 137, 0, bytes(4) + octets(denied) + octets(denied)), ttl=255)


def behind_routing(own, gateway, denied):
    """A gateway that takes part in segment routing would pass it on to the denied address."""
    message = icmp(own, denied, 135, 0, bytes(4) + octets(gateway), DATA)
    header = bytes([58, 2, 4, 1, 0, 0, 0, 0]) + octets(denied)
    return ip(own, gateway, 43, header + message, ttl=255)


def send(own, gateway, neighbour, denied):
    router_like = link_local()
    fabricated = {
        "router advertisement": (router(router_like, denied), EVERYONE),
        "redirect": (redirect(router_like, gateway, denied), EVERYONE),
        "advertisement of a neighbour to the gateway": (advertisement(own, gateway, neighbour, OVERRIDE | SOLICITED), gateway),
        "advertisement of ourselves with another address": (advertisement(own, gateway, own), gateway),
        "advertisement in a neighbour's name": (advertisement(neighbour, gateway, neighbour), gateway),
        "solicitation in a neighbour's name": (solicitation(neighbour, gateway, gateway, b"\x01\x01" + MAC), gateway),
        "solicitation from nowhere": (solicitation("::", "ff02::1:ff00:77", neighbour), "ff02::1:ff00:77"),
        "solicitation with data": (solicitation(own, gateway, gateway, DATA), gateway),
        "solicitation with data to all": (solicitation(own, EVERYONE, gateway, DATA), EVERYONE),
        "solicitation with a routing header": (behind_routing(own, gateway, denied), gateway),
        # Last: who believes it finds the gateway no more.
        "advertisement of the gateway to all": (advertisement(own, EVERYONE, gateway), EVERYONE),
    }
    for what, (packet, destination) in fabricated.items():
        attempt(what, lambda: send_raw(packet, destination))


def arp(device, gateway, neighbour):
    for what, kind, target in (("reply", 2, gateway), ("announcement", 1, neighbour)):
        packet = struct.pack("!HHBBH", 1, 0x0800, 6, 4, kind) + MAC + octets(neighbour) + b"\xff" * 6 + octets(target)
        attempt(f"ARP {what}", lambda: send_frame(device, ethernet("ff:ff:ff:ff:ff:ff", ETH_ARP, packet)))


def echoes(own, denied):
    """One request is waited for, and answered fifty times over."""
    six = is_six(own)
    tap = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x86DD if six else 0x0800))
    say(event="ready")
    while True:
        packet, (_, _, kind, _, _) = tap.recvfrom(65535)
        start, protocol = (40, packet[6]) if six else ((packet[0] & 15) * 4, packet[9])
        if kind == 0 and protocol == (58 if six else 1) and packet[start] == (128 if six else 8):
            break
    for _ in range(50):
        answer = icmp(own, denied, 129 if six else 0, 0, packet[start + 4 : start + 8], b"unsolicited data" * 64)
        try:
            send_raw(ip(own, denied, protocol, answer), denied)
        except PermissionError:
            pass  # the rules refuse it
        time.sleep(0.002)
    say(event="done")


dispatch(globals())
