"""Arguments: address, first octets in hex, more of them. Sends datagrams from one socket to port 7, and prints what came of each."""
import socket
import sys

address, *texts = sys.argv[1:]
family = socket.AF_INET6 if ":" in address else socket.AF_INET
sender = socket.socket(family, socket.SOCK_DGRAM)
sender.settimeout(30)
sender.connect((address, 7))
ends = []
for text in texts:
    try:
        sender.send(bytes.fromhex(text))
        ends.append("answered" if sender.recv(1000) == bytes.fromhex(text) else "odd")
    except OSError as error:
        ends.append(type(error).__name__)
print(" ".join(ends))
