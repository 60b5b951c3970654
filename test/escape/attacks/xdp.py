"""Row 21: AF_XDP sockets. xdp.py send DEVICE GATEWAY_MAC OWN DESTINATION [QUEUE...] | hold DEVICE QUEUE | seize DEVICE QUEUE | variants DEVICE

`send` puts a frame past every hook, in copy mode; `hold` takes a queue, says `ready` and goes on; `seize` says `ready`,
tries until it has the queue, then says `seized` and goes on; `variants` tries other ways to a queue.
"""
import ctypes
import errno
import mmap
import os
import socket
import struct
import time

from packets import attempt, dispatch, ethernet, ethertype_of, say, udp_packet

AF_XDP, SOL_XDP = 44, 283
XDP_MMAP_OFFSETS, XDP_TX_RING, XDP_UMEM_REG, XDP_FILL_RING, XDP_COMPLETION_RING = 1, 3, 4, 5, 6
XDP_SHARED_UMEM, XDP_COPY, XDP_ZEROCOPY, XDP_USE_NEED_WAKEUP = 1, 2, 4, 8
PGOFF_TX_RING = 0x80000000
FRAME, COUNT = 4096, 4
libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]


def check(result):
    if result in (-1, ctypes.c_void_p(-1).value):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def open_socket():
    """A socket ready to be bound, and its memory."""
    one = socket.socket(AF_XDP, socket.SOCK_RAW, 0)
    memory = check(libc.mmap(None, FRAME * COUNT, mmap.PROT_READ | mmap.PROT_WRITE, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, -1, 0))
    one.setsockopt(SOL_XDP, XDP_UMEM_REG, struct.pack("=QQIII4x", memory, FRAME * COUNT, FRAME, 0, 0))
    for ring in (XDP_FILL_RING, XDP_COMPLETION_RING, XDP_TX_RING):
        one.setsockopt(SOL_XDP, ring, struct.pack("I", COUNT))
    return one, memory


def bind(one, device, queue, flags=XDP_COPY, shared=0):
    address = struct.pack("=HHIII", AF_XDP, flags, socket.if_nametoindex(device), queue, shared)
    check(libc.bind(one.fileno(), address, len(address)))


class Sender:
    """Sends one frame again and again, once it has a queue."""

    def __init__(self, frame):
        self.socket, memory = open_socket()
        offsets = struct.unpack("16Q", self.socket.getsockopt(SOL_XDP, XDP_MMAP_OFFSETS, 128))
        self.producer, _, self.descriptors, _ = offsets[4:8]
        size = self.descriptors + COUNT * 16
        self.ring = check(libc.mmap(None, size, mmap.PROT_READ | mmap.PROT_WRITE, mmap.MAP_SHARED, self.socket.fileno(), PGOFF_TX_RING))
        self.length, self.sent = len(frame), 0
        ctypes.memmove(memory, frame, len(frame))

    def bind(self, device, queue):
        bind(self.socket, device, queue)

    def send(self):
        place = self.ring + self.descriptors + self.sent % COUNT * 16
        ctypes.memmove(place, struct.pack("=QII", 0, self.length, 0), 16)
        self.sent += 1
        ctypes.c_uint32.from_address(self.ring + self.producer).value = self.sent
        check(libc.sendto(self.socket.fileno(), None, 0, socket.MSG_DONTWAIT, None, 0))


def transmit(device, frame, queue):
    sender = Sender(frame)
    sender.bind(device, queue)
    sender.send()


def send(device, gateway, own, destination, *queues):
    frame = ethernet(gateway, ethertype_of(destination), udp_packet(own, 999, destination, 21, b"data past every hook"))
    for queue in map(int, queues or ["0"]):
        attempt(f"queue {queue}", lambda: transmit(device, frame, queue))


def hold(device, queue):
    one, _ = open_socket()
    bind(one, device, int(queue))
    say(event="ready")
    time.sleep(600)


def seize(device, queue):
    one, _ = open_socket()
    say(event="ready")
    while True:
        try:
            bind(one, device, int(queue))
            break
        except OSError as error:
            if error.errno != errno.EBUSY:
                raise
    say(event="seized")
    time.sleep(600)


def variants(device):
    for name, flags in (("any mode", 0), ("zero copy", XDP_ZEROCOPY), ("wakeup", XDP_COPY | XDP_USE_NEED_WAKEUP)):
        attempt(name, lambda: bind(open_socket()[0], device, 0, flags))
    # A socket on `lo`, which nobody holds, shares its memory with one on the device's queue.
    base, _ = open_socket()
    attempt("base on lo", lambda: bind(base, "lo", 0))
    attempt("shared memory", lambda: bind(sharing_socket(), device, 0, XDP_SHARED_UMEM, base.fileno()))


def sharing_socket():
    one = socket.socket(AF_XDP, socket.SOCK_RAW, 0)
    for ring in (XDP_FILL_RING, XDP_COMPLETION_RING, XDP_TX_RING):
        one.setsockopt(SOL_XDP, ring, struct.pack("I", COUNT))
    return one


if __name__ == "__main__":
    dispatch(globals())
