"""Row 10: unproved.py COUNT ADDRESS...  Calls with made-up signatures, or a token that is none, and bodies of a mebibyte: each whole, or all but its
last octet. Those that are closed are opened anew, three seconds later. Says `ready` when each has been at it for a while, and goes on
until stdin ends."""
import os
import socket
import sys
import threading
import time

from packets import family, say

MEBIBYTE = 1 << 20
FILL = b" " * 65536


def head(number):
    signature = f"OPENSANDBOX-EGRESS-SIGNATURE: t={int(time.time() * 1000)},n={os.getpid()}-{number},v1={'0' * 64}"
    proof = "OPENSANDBOX-EGRESS-AUTH: none" if number % 8 == 7 else signature
    return "\r\n".join(("PATCH /policy HTTP/1.1", "Host: x", f"Content-Length: {MEBIBYTE}", proof, "", "")).encode()


class Caller:
    def __init__(self, address):
        self.address, self.socket, self.left, self.next = address, None, 0, 0

    def go_on(self, number):
        """Sends what goes without waiting."""
        if self.socket is None:
            self.socket = socket.socket(family(self.address), socket.SOCK_STREAM)
            # What the kernel keeps for senders has one limit for the whole machine, and is not what is tried
            # here.
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 32768)
            self.socket.setblocking(False)
            self.left = MEBIBYTE - number % 2
            try:
                self.socket.connect((self.address, 18080))
            except BlockingIOError:
                self.head = head(number)
                raise
        if self.head:
            self.socket.send(self.head)
            self.head = b""
        if self.left:
            self.left -= self.socket.send(FILL[: self.left])
        elif self.socket.recv(4096) == b"":
            raise ConnectionResetError


def main(count, *addresses):
    threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
    callers = [Caller(addresses[number % len(addresses)]) for number in range(int(count))]
    began, number, is_told = time.monotonic(), 0, False
    while True:
        for caller in callers:
            number += 1
            if not is_told and time.monotonic() - began > 1:
                is_told = True
                say(event="ready", tried=number)
            if caller.next > time.monotonic():
                continue
            try:
                caller.go_on(number)
            except BlockingIOError:
                pass
            except OSError:
                caller.socket.close()
                caller.socket, caller.next = None, time.monotonic() + 3
        time.sleep(0.02)  # the machine's processors are for the sidecar, too


main(*sys.argv[1:])
