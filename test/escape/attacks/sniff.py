"""Row 22: reads what passes a device. sniff.py DEVICE HEADER ; says `ready`, then `seen` with the header's value."""
import socket
import sys

from packets import say

device, header = sys.argv[1], sys.argv[2].lower().encode() + b": "
tap = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
tap.bind((device, 3))
say(event="ready")
while True:
    frame = tap.recv(65535)
    at = frame.lower().find(header)
    if at >= 0:
        say(event="seen", value=frame[at + len(header) :].split(b"\r\n")[0].decode("latin-1"))
