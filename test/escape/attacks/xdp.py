"""Row 21: a frame past every hook, through an AF_XDP socket in copy mode. xdp.py DEVICE GATEWAY_MAC OWN DESTINATION [QUEUE...]"""
import ctypes
import mmap
import os
import socket
import struct
import sys

from packets import attempt, ethernet, ethertype_of, udp_packet

AF_XDP, SOL_XDP = 44, 283
XDP_MMAP_OFFSETS, XDP_TX_RING, XDP_UMEM_REG, XDP_FILL_RING, XDP_COMPLETION_RING = 1, 3, 4, 5, 6
XDP_COPY = 1 << 1
PGOFF_TX_RING = 0x80000000
FRAME, COUNT = 4096, 4
libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]


def check(result):
    if result in (-1, ctypes.c_void_p(-1).value):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def send(device, frame, queue):
    one = socket.socket(AF_XDP, socket.SOCK_RAW, 0)
    memory = check(libc.mmap(None, FRAME * COUNT, mmap.PROT_READ | mmap.PROT_WRITE, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, -1, 0))
    one.setsockopt(SOL_XDP, XDP_UMEM_REG, struct.pack("=QQIII4x", memory, FRAME * COUNT, FRAME, 0, 0))
    for ring in (XDP_FILL_RING, XDP_COMPLETION_RING, XDP_TX_RING):
        one.setsockopt(SOL_XDP, ring, struct.pack("I", COUNT))
    offsets = struct.unpack("16Q", one.getsockopt(SOL_XDP, XDP_MMAP_OFFSETS, 128))
    producer, _, descriptors, _ = offsets[4:8]
    ring = check(libc.mmap(None, descriptors + COUNT * 16, mmap.PROT_READ | mmap.PROT_WRITE, mmap.MAP_SHARED, one.fileno(), PGOFF_TX_RING))
    address = struct.pack("=HHIII", AF_XDP, XDP_COPY, socket.if_nametoindex(device), queue, 0)
    check(libc.bind(one.fileno(), address, len(address)))
    ctypes.memmove(memory, frame, len(frame))
    ctypes.memmove(ring + descriptors, struct.pack("=QII", 0, len(frame), 0), 16)
    ctypes.c_uint32.from_address(ring + producer).value = 1
    check(libc.sendto(one.fileno(), None, 0, socket.MSG_DONTWAIT, None, 0))


def main():
    device, gateway, own, destination, *queues = sys.argv[1:]
    frame = ethernet(gateway, ethertype_of(destination), udp_packet(own, 999, destination, 21, b"data past every hook"))
    for queue in map(int, queues or ["0"]):
        attempt(f"queue {queue}", lambda: send(device, frame, queue))


main()
