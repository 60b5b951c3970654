"""Row 24: stands for Docker's resolver, on loopback; the machine's, not the workload's. loopback_resolver.py ADDRESS PORT ANSWER DELAY_MS"""
import socket
import sys
import time

from packets import family, forged_answer, say

address, port, answer, delay = sys.argv[1:]
server = socket.socket(family(address), socket.SOCK_DGRAM)
server.bind((address, int(port)))
say(event="ready")
while True:
    query, peer = server.recvfrom(4096)
    say(event="asked", text=query[12:].decode("latin-1"), peer=peer[0])
    time.sleep(int(delay) / 1000)
    server.sendto(forged_answer(query, answer), peer)
