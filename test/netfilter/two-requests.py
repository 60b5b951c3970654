"""Arguments: address, port, two hosts. Sends two requests over one connection, and prints how many answers came."""
import socket
import sys

address, port, *hosts = sys.argv[1:]
connection = socket.create_connection((address, int(port)))
answers = 0
try:
    for host in hosts:
        connection.sendall(f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        received = b""
        while not received.endswith(b"hello"):
            piece = connection.recv(65536)
            if not piece:
                raise ConnectionResetError
            received += piece
        answers += 1
except ConnectionError:
    pass
print(answers)
