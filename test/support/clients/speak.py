"""Sends text to a server and says what came of it: ADDRESS PORT [--single] HEX... Each HEX is one write, with
--single each of its octets. Then it ends its side, and says the answer, or `refused` if the connection was
refused."""
import socket
import sys

address, port, *rest = sys.argv[1:]
single = rest[0] == "--single"
parts = [bytes.fromhex(text) for text in (rest[1:] if single else rest)]
try:
    with socket.create_connection((address, int(port)), timeout=60) as stream:
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for part in parts:
            for piece in [part[at : at + 1] for at in range(len(part))] if single else [part]:
                stream.sendall(piece)
        stream.shutdown(socket.SHUT_WR)
        answer = b"".join(iter(lambda: stream.recv(4096), b""))
        print(answer.decode() if answer else "refused")
except OSError:
    print("refused")
