"""Rows 5, 26: frames past the output hook. frames.py send DEVICE GATEWAY_MAC OWN DESTINATION

Each way of sending is used with each content; all of them carry data.
"""
import ctypes
import mmap
import socket
import struct

from packets import (
    ETH_ARP,
    SOL_PACKET,
    attempt,
    dispatch,
    ethernet,
    ethertype_of,
    tcp,
    ip,
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


def plain(device, frame):
    with packet_socket(device) as one:
        one.send(frame)


def bypass(device, frame):
    with packet_socket(device, PACKET_QDISC_BYPASS=1) as one:
        one.send(frame)


def cooked(device, frame):
    with socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM) as one:
        one.sendto(frame[14:], (device, struct.unpack("!H", frame[12:14])[0], 0, 0, frame[:6]))


def old_packet(device, frame):
    """The socket of Linux 2.0: AF_INET, SOCK_PACKET; its address is a device's name."""
    with socket.socket(socket.AF_INET, SOCK_PACKET, socket.htons(3)) as one:
        address = struct.pack("=H14sH", 0, device.encode(), socket.htons(3))
        if ctypes.CDLL(None, use_errno=True).sendto(one.fileno(), frame, len(frame), 0, address, len(address)) < 0:
            raise OSError(ctypes.get_errno(), "sendto")


def virtio(device, frame):
    """With a header in front that asks for segmentation offload."""
    with packet_socket(device, PACKET_VNET_HDR=1) as one:
        one.send(bytes(10) + frame)


def ring(device, frame, **options):
    """PACKET_TX_RING: frames are put into shared memory."""
    with packet_socket(device, **options) as one:
        one.setsockopt(SOL_PACKET, PACKET_VERSION, 1)
        one.setsockopt(SOL_PACKET, PACKET_TX_RING, struct.pack("IIII", 4096, 1, 2048, 2))
        with mmap.mmap(one.fileno(), 4096, mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE) as memory:
            at = 32  # struct tpacket2_hdr, aligned; the data of a sent frame follows it
            memory[at : at + len(frame)] = frame
            memory[0:12] = struct.pack("III", 1, len(frame), len(frame))  # TP_STATUS_SEND_REQUEST
            one.send(b"")


def ring_with_bypass(device, frame):
    ring(device, frame, PACKET_QDISC_BYPASS=1)


def marked(device, frame):
    with packet_socket(device) as one:
        one.setsockopt(socket.SOL_SOCKET, 36, 0x1A2B3C4D)
        one.setsockopt(socket.SOL_SOCKET, 12, 0x5E6F7A1B)
        one.send(frame)


def send(device, gateway, own, destination):
    for how in (plain, bypass, cooked, old_packet, virtio, ring, ring_with_bypass, marked):
        for what, frame in contents(gateway, own, destination).items():
            attempt(f"{how.__name__}: {what}", lambda: how(device, frame))


dispatch(globals())
