"""Asks for one name's A record every few milliseconds until stdin ends; says on stdout which rcodes came, and how often.

ask_always.py NAME RESOLVER ; each question has a socket and 300 ms of its own.
"""
import collections
import json
import select
import socket
import struct
import sys
import threading
import time

NAMES = {0: "NOERROR", 2: "SERVFAIL", 3: "NXDOMAIN", 5: "REFUSED"}
seen = collections.Counter()


def main():
    name, resolver = sys.argv[1:3]
    query = struct.pack("!HHHHHH", 7, 0x0100, 1, 0, 0, 0)
    query += b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    query += struct.pack("!BHH", 0, 1, 1)
    say(event="ready")
    threads = []
    while not select.select([sys.stdin], [], [], 0.003)[0]:
        threads.append(threading.Thread(target=ask, args=(query, resolver)))
        threads[-1].start()
    for thread in threads:
        thread.join()
    say(event="done", rcodes=seen)


def ask(query, resolver):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.settimeout(0.3)
        try:
            one.connect((resolver, 53))
            one.send(query)
            rcode = one.recv(4096)[3] & 15
            seen[NAMES.get(rcode, str(rcode))] += 1
        except OSError:
            seen["none"] += 1


def say(**fields):
    sys.stdout.write(json.dumps(fields) + "\n")
    sys.stdout.flush()


main()
