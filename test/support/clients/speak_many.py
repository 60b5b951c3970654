"""Speaks several times at once, each over a connection of its own: JSON, a list of [ADDRESS, PORT, [HEX...]].
Each HEX is one write. Prints a JSON list: how many octets the server says it has got, or `refused`."""
import concurrent.futures
import json
import socket
import sys


def speak(attempt):
    address, port, parts = attempt
    try:
        with socket.create_connection((address, port), timeout=60) as stream:
            for part in parts:
                stream.sendall(bytes.fromhex(part))
            stream.shutdown(socket.SHUT_WR)
            answer = b"".join(iter(lambda: stream.recv(4096), b""))
            return answer.decode() or "refused"
    except TimeoutError:
        raise
    except OSError:
        return "refused"


with concurrent.futures.ThreadPoolExecutor(16) as pool:
    print(json.dumps(list(pool.map(speak, json.loads(sys.argv[1])))))
