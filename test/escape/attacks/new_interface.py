"""Row 32: an interface that appears while the workload waits for it. new_interface.py frames | xdp DEVICE OWN DESTINATION

`frames` sends raw frames as soon as the interface is up, `xdp` takes its queue and sends past every hook. Says `ready`, `first`
with how the first one ended, `down` at each thousandth that met an interface which is down, and `done` with how many the kernel took. It keeps
what it has until it is ended.
"""
import errno
import socket
import time

from packets import dispatch, ethernet, ethertype_of, say, udp_packet
from xdp import Sender

SECONDS = 2
EVERYONE = "ff:ff:ff:ff:ff:ff"


def wait_for(act):
    """Tries without a pause until it works; nothing else is to be quicker."""
    while True:
        try:
            return act()
        except OSError:
            pass


def go_on(send):
    """For two seconds from when the interface was first up."""
    taken, refused, end = 0, 0, None
    while True:
        try:
            send()
            taken, result = taken + 1, "sent"
        except OSError as error:
            result = errno.errorcode.get(error.errno, str(error))
        if result == "ENETDOWN":
            refused += 1
            if refused % 1000 == 0:
                say(event="down")
        elif end is None:
            end = time.monotonic() + SECONDS
            say(event="first", result=result)
        if end is not None and time.monotonic() > end:
            say(event="done", taken=taken)
            time.sleep(600)


def frame_for(own, destination):
    return ethernet(EVERYONE, ethertype_of(destination), udp_packet(own, 999, destination, 32, b"data by a new interface"))


def frames(device, own, destination):
    one = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    say(event="ready")
    wait_for(lambda: one.bind((device, 0)))
    go_on(lambda: one.send(frame_for(own, destination)))


def xdp(device, own, destination):
    sender = Sender(frame_for(own, destination))
    say(event="ready")
    wait_for(lambda: sender.bind(device, 0))
    say(event="taken")
    go_on(sender.send)


dispatch(globals())
