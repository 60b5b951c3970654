"""Rows 5, 26: frames past the output hook. frames.py send DEVICE GATEWAY_MAC OWN DESTINATION

Each way of sending is used with each content; all of them carry data.
"""
import ctypes
import itertools
import mmap
import socket
import struct

from packets import (
    ETH_ARP,
    SO_MARK,
    SO_PRIORITY,
    SOL_PACKET,
    attempt,
    dispatch,
    ethernet,
    ethertype_of,
    ip,
    tcp,
    udp_packet,
)

PACKET_TX_RING, PACKET_VNET_HDR, PACKET_QDISC_BYPASS, PACKET_VERSION = 13, 15, 20, 10
SOCK_PACKET = 10
DATA = b"data in a frame" * 4


def contents(gateway, own, destination):
    ethertype = ethertype_of(destination)
    honest = udp_packet(own, 999, destination, 999, DATA)
    vlan = lambda tag: struct.pack("!HH", 7, ethertype) + honest
    return {
        "UDP": ethernet(gateway, ethertype, honest),
        "TCP SYN": ethernet(gateway, ethertype, ip(own, destination, 6, tcp(own, 999, destination, 80, 2, DATA))),
        "another protocol": ethernet(gateway, ethertype, ip(own, destination, 253, DATA)),
        "VLAN": ethernet(gateway, 0x8100, vlan(0x8100)),
        "QinQ": ethernet(gateway, 0x88A8, struct.pack("!HH", 7, 0x8100) + vlan(0x8100)),
        "ARP with a payload": ethernet("ff:ff:ff:ff:ff:ff", ETH_ARP, struct.pack("!HHBBH", 1, 0x0800, 6, 4, 1) + DATA),
        "ARP to the gateway": ethernet(gateway, ETH_ARP, struct.pack("!HHBBH", 1, 0x0800, 6, 4, 2) + DATA),
        "reverse ARP": ethernet(gateway, 0x8035, DATA),
        "experimental ethertype": ethernet(gateway, 0x88B5, DATA),
        "LLDP": ethernet("01:80:c2:00:00:0e", 0x88CC, DATA),
        "PPPoE": ethernet(gateway, 0x8863, DATA),
        "MPLS": ethernet(gateway, 0x8847, b"\0\0\x11\x40" + honest),
        "EAPOL": ethernet("01:80:c2:00:00:03", 0x888E, DATA),
        "length instead of a type": ethernet(gateway, len(DATA), DATA),
        "broadcast": ethernet("ff:ff:ff:ff:ff:ff", ethertype, honest),
        "no address at all": ethernet("00:00:00:00:00:00", 0, DATA),
        "runt": ethernet(gateway, ethertype, b"x"),
        "neighbour discovery": ethernet("33:33:00:00:00:01", 0x86DD, bytes.fromhex("60000000") + struct.pack("!HBB", len(DATA), 58, 255) + bytes(32) + DATA),
    }


def packet_socket(device, kind=socket.SOCK_RAW, **options):
    one = socket.socket(socket.AF_PACKET, kind)
    for option, value in options.items():
        one.setsockopt(SOL_PACKET, globals()[option], value)
    one.bind((device, 0))
    return one


# Each way opens its socket and gives back what sends one frame: to close one takes the kernel some 20 ms.


def plain(device):
    return packet_socket(device).send


def bypass(device):
    return packet_socket(device, PACKET_QDISC_BYPASS=1).send


def cooked(device):
    one = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM)
    return lambda frame: one.sendto(frame[14:], (device, struct.unpack("!H", frame[12:14])[0], 0, 0, frame[:6]))


def old_packet(device):
    """The socket of Linux 2.0: AF_INET, SOCK_PACKET; its address is a device's name."""
    one = socket.socket(socket.AF_INET, SOCK_PACKET, socket.htons(3))
    address = struct.pack("=H14sH", 0, device.encode(), socket.htons(3))
    libc = ctypes.CDLL(None, use_errno=True)

    def send_one(frame):
        if libc.sendto(one.fileno(), frame, len(frame), 0, address, len(address)) < 0:
            raise OSError(ctypes.get_errno(), "sendto")

    return send_one


def virtio(device):
    """With a header in front, in which segmentation could be asked for."""
    one = packet_socket(device, PACKET_VNET_HDR=1)
    return lambda frame: one.send(bytes(10) + frame)


def ring(device, **options):
    """PACKET_TX_RING: frames are put into shared memory, two places in turn."""
    one = packet_socket(device, **options)
    one.setsockopt(SOL_PACKET, PACKET_VERSION, 1)
    one.setsockopt(SOL_PACKET, PACKET_TX_RING, struct.pack("IIII", 4096, 1, 2048, 2))
    memory = mmap.mmap(one.fileno(), 4096, mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE)
    places = itertools.cycle((0, 2048))

    def send_one(frame):
        place = next(places)
        at = place + 32  # behind struct tpacket2_hdr
        memory[at : at + len(frame)] = frame
        memory[place : place + 12] = struct.pack("III", 1, len(frame), len(frame))  # TP_STATUS_SEND_REQUEST
        one.send(b"")

    return send_one


def ring_with_bypass(device):
    return ring(device, PACKET_QDISC_BYPASS=1)


def marked(device):
    one = packet_socket(device)
    one.setsockopt(socket.SOL_SOCKET, SO_MARK, 0x1A2B3C4D)
    one.setsockopt(socket.SOL_SOCKET, SO_PRIORITY, 0x5E6F7A1B)
    return one.send


def send(device, gateway, own, destination):
    for how in (plain, bypass, cooked, old_packet, virtio, ring, ring_with_bypass, marked):
        send_one = how(device)
        for what, frame in contents(gateway, own, destination).items():
            attempt(f"{how.__name__}: {what}", lambda: send_one(frame))


dispatch(globals())
