"""Row 41: the upstream proxy without the sidecar. past_proxy.py send OWN PROXY PORT DENIED

Everything of it has the port 999 as its own.
"""
import socket

from packets import attempt, dispatch, family, ip, send_raw, tcp, udp_packet

OWN_PORT, SYN, RST, ACK = 999, 2, 4, 16
CONNECT = b"CONNECT evil.example.org:443 HTTP/1.1\r\n\r\n"


def connected(own, proxy, port, kind):
    with socket.socket(family(proxy), kind) as one:
        one.settimeout(5)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        one.bind((own, OWN_PORT))
        one.connect((proxy, port))
        one.send(CONNECT)
        return f"told {one.recv(99)[:20]!r}"


def send(own, proxy, port, denied):
    port = int(port)
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        attempt(f"a socket, {kind.name}", lambda: connected(own, proxy, port, kind))
    for flags in (SYN, ACK, RST, SYN | ACK):
        packet = ip(own, proxy, 6, tcp(own, OWN_PORT, proxy, port, flags, CONNECT))
        attempt(f"a raw segment, flags {flags}", lambda: send_raw(packet, proxy))
    attempt("a raw datagram", lambda: send_raw(udp_packet(own, OWN_PORT, proxy, port, CONNECT), proxy))
    for what, target in (("to itself", own), ("to the outside", denied)):
        packet = ip(proxy, target, 6, tcp(proxy, port, target, OWN_PORT, SYN | ACK))
        attempt(f"in the proxy's name {what}", lambda: send_raw(packet, target))
        packet = udp_packet(proxy, OWN_PORT, target, 9, CONNECT)
        attempt(f"a datagram in the proxy's name {what}", lambda: send_raw(packet, target))


dispatch(globals())
