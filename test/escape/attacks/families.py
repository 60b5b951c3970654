"""Row 26: families and options that are not everyday. families.py families DENIED | sources OWN DENIED ALLOWED"""
import socket
import struct

from packets import attempt, dispatch, family, is_six, octets

# AF_VSOCK is left alone: it speaks to the machine's host, which is not ours to attack.
FAMILIES = {
    "AX.25": 3, "IPX": 4, "AppleTalk": 5, "NET/ROM": 6, "X.25": 9, "ROSE": 11, "DECnet": 12, "RDS": 21, "IRDA": 23, "PPPoX": 24,
    "LLC": 26, "CAN": 29, "TIPC": 30, "Bluetooth": 31, "RxRPC": 33, "ISDN": 34, "Phonet": 35, "802.15.4": 36, "CAIF": 37, "NFC": 39,
    "KCM": 41, "QIPCRTR": 42, "SMC": 43, "MCTP": 45,
}
IP_TRANSPARENT, IP_FREEBIND, IPV6_TRANSPARENT, IPV6_FREEBIND, MPTCP = 19, 15, 75, 78, 262
LLC_ADDRESS = struct.pack("=HHBBBB6s", 26, 1, 0, 0, 0, 4, b"\xff" * 6) + bytes(2)


def families(denied):
    for name, number in FAMILIES.items():
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_RAW, socket.SOCK_SEQPACKET):

            def act():
                with socket.socket(number, kind, 0) as one:
                    use(one, number, denied)
                return "opened"

            attempt(f"{name} {kind.name}", act)


def use(one, number, denied):
    """Says something to the denied address where the family knows what an address of IP is, or to everyone on the link."""
    import ctypes

    inet = struct.pack("=H", family(denied)) + struct.pack("!H", 80)
    inet += bytes(4) + octets(denied) + bytes(4) if is_six(denied) else octets(denied) + bytes(8)
    address = LLC_ADDRESS if number == 26 else inet
    libc = ctypes.CDLL(None, use_errno=True)
    one.setblocking(False)
    libc.connect(one.fileno(), address, len(address))
    libc.sendto(one.fileno(), b"data", 4, 0, address, len(address))


def sources(own, denied, allowed):
    six = is_six(own)
    level = socket.IPPROTO_IPV6 if six else socket.IPPROTO_IP
    options = {"transparent": IPV6_TRANSPARENT if six else IP_TRANSPARENT, "freebind": IPV6_FREEBIND if six else IP_FREEBIND}
    for name, option in options.items():
        for kind, protocol in ((socket.SOCK_DGRAM, 0), (socket.SOCK_STREAM, 0), (socket.SOCK_STREAM, MPTCP)):
            for source, target in ((denied, allowed), (allowed, denied), (own, denied)):

                def act():
                    with socket.socket(family(own), kind, protocol) as one:
                        one.settimeout(0.2)
                        one.setsockopt(level if protocol != MPTCP or six else socket.SOL_IP, option, 1)
                        one.bind((source, 0))
                        one.connect((target, 80))
                        one.send(b"data")

                attempt(f"{name} {kind.name} {protocol} from {source} to {target}", act)


dispatch(globals())
