"""A small web server on port 80 (and 8080) of every address. Each request and each finished transfer is a JSON line on stdout.

GET /          "hello from ADDRESS"
GET /slow      1 KiB every 20 ms until the client leaves, two minutes at most
GET /bytes/N   N octets at once
POST /upload   reads until the client leaves, answers with the count
"""
import asyncio
import json
import sys
import time


def plain(address):
    return address[7:] if address.startswith("::ffff:") else address


def say(**fields):
    sys.stdout.write(json.dumps({"time": time.time(), **fields}) + "\n")
    sys.stdout.flush()


async def serve(reader, writer):
    peer, local = writer.get_extra_info("peername"), writer.get_extra_info("sockname")
    seen = {"peer": plain(peer[0]), "peerPort": peer[1], "local": plain(local[0]), "path": ""}
    sent = 0
    try:
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
        seen["path"] = head.split(b" ", 2)[1].decode("latin-1")
        host = next((line[5:].strip().decode() for line in head.split(b"\r\n") if line.lower().startswith(b"host:")), "")
        say(event="request", host=host, **seen)
        async for chunk in answer(seen["path"], seen["local"], reader):
            writer.write(chunk)
            await writer.drain()
            sent += len(chunk)
    except (OSError, asyncio.IncompleteReadError, asyncio.TimeoutError, IndexError) as error:
        say(event="broken", sent=sent, error=type(error).__name__, **seen)
    finally:
        say(event="closed", sent=sent, **seen)
        writer.close()


async def answer(path, local, reader):
    head = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\n"
    if path.startswith("/slow"):
        yield (head + "\r\n").encode()
        for _ in range(6000):
            yield b"." * 1023 + b"\n"
            await asyncio.sleep(0.02)
    elif path.startswith("/upload"):
        count = 0
        while chunk := await reader.read(65536):
            count += len(chunk)
        yield (head + f"\r\n{count}\n").encode()
    else:
        size = int(path[7:]) if path.startswith("/bytes/") else 0
        body = b"." * size if size else f"hello from {local}\n".encode()
        yield (head + f"Content-Length: {len(body)}\r\n\r\n").encode() + body


async def main():
    hosts = ["0.0.0.0", "::"] if sys.argv[1] == "6" else ["0.0.0.0"]
    servers = [await asyncio.start_server(serve, host, port, backlog=1024) for host in hosts for port in (80, 8080)]
    say(event="ready")
    await asyncio.gather(*(server.serve_forever() for server in servers))


asyncio.run(main())
