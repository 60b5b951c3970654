"""A client of HTTP/3 by aioquic: one request to NAME, whose address the system's resolver says.

    http3.py NAME FAMILY        FAMILY: 4 or 6

Prints the body; or the name of the first error that its socket was told, or `silence` after ten seconds.
"""
import asyncio
import socket
import ssl
import sys

from aioquic.asyncio import QuicConnectionProtocol
from aioquic.h3.connection import H3_ALPN, H3Connection
from aioquic.h3.events import DataReceived
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.connection import QuicConnection
from aioquic.quic.events import HandshakeCompleted

NAME = sys.argv[1]
FAMILY = socket.AF_INET6 if sys.argv[2] == "6" else socket.AF_INET


class Client(QuicConnectionProtocol):
    http = None

    def error_received(self, error):
        tell(type(error).__name__)

    def quic_event_received(self, event):
        if self.http is None:
            self.http = H3Connection(self._quic)
        if isinstance(event, HandshakeCompleted):
            stream = self._quic.get_next_available_stream_id()
            heads = [(":method", "GET"), (":scheme", "https"), (":authority", NAME), (":path", "/")]
            self.http.send_headers(stream, [(k.encode(), v.encode()) for k, v in heads], end_stream=True)
            self.transmit()
        for one in self.http.handle_event(event):
            if isinstance(one, DataReceived):
                tell(one.data.decode())


def tell(what):
    if not told.done():
        told.set_result(what)


async def main():
    global told
    told = asyncio.get_running_loop().create_future()
    place = socket.getaddrinfo(NAME, 443, FAMILY, socket.SOCK_DGRAM)[0][4]
    configuration = QuicConfiguration(alpn_protocols=H3_ALPN, server_name=NAME, verify_mode=ssl.CERT_NONE)
    quic = QuicConnection(configuration=configuration)
    _, client = await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: Client(quic), remote_addr=place[:2], family=FAMILY
    )
    client.connect(place)
    try:
        print(await asyncio.wait_for(told, 10))
    except asyncio.TimeoutError:
        print("silence")


asyncio.run(main())
