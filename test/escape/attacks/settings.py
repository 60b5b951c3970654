"""Row 29: the kernel's settings of this network namespace. settings.py write | passed-on OWN DENIED | unreachable MARK ADDRESS..."""
import glob
import os
import socket
import struct

from packets import SO_MARK, attempt, dispatch, family, ip, is_six, octets, udp

SO_BINDTODEVICE, IP_RECVERR, IPV6_RECVERR = 25, 11, 25
DATA = b"data that others are to pass on" * 3

SETTINGS = {
    "ipv4/ip_forward": 1,
    "ipv4/fwmark_reflect": 1,
    "ipv4/tcp_fwmark_accept": 1,
    "ipv4/ip_nonlocal_bind": 1,
    "ipv4/ip_local_port_range": "1024 65535",
    "ipv4/ip_unprivileged_port_start": 0,
    "ipv4/ping_group_range": "0 2147483647",
    "ipv4/icmp_echo_enable_probe": 1,
    "ipv4/icmp_errors_use_inbound_ifaddr": 1,
    "ipv4/conf/*/accept_local": 1,
    "ipv4/conf/*/accept_redirects": 1,
    "ipv4/conf/*/accept_source_route": 1,
    "ipv4/conf/*/arp_accept": 1,
    "ipv4/conf/*/bc_forwarding": 1,
    "ipv4/conf/*/forwarding": 1,
    "ipv4/conf/*/proxy_arp": 1,
    "ipv4/conf/*/proxy_arp_pvlan": 1,
    "ipv4/conf/*/route_localnet": 1,
    "ipv4/conf/*/rp_filter": 0,
    "ipv4/conf/*/secure_redirects": 0,
    "ipv4/conf/*/send_redirects": 1,
    "ipv4/conf/*/src_valid_mark": 1,
    "ipv4/neigh/*/retrans_time_ms": 50,
    "ipv6/fwmark_reflect": 1,
    "ipv6/ip_nonlocal_bind": 1,
    "ipv6/conf/*/accept_ra": 2,
    "ipv6/conf/*/accept_ra_from_local": 1,
    "ipv6/conf/*/accept_redirects": 1,
    "ipv6/conf/*/accept_source_route": 1,
    "ipv6/conf/*/accept_untracked_na": 1,
    "ipv6/conf/*/forwarding": 1,
    "ipv6/conf/*/ioam6_enabled": 1,
    "ipv6/conf/*/ndisc_notify": 1,
    "ipv6/conf/*/proxy_ndp": 1,
    "ipv6/conf/*/rpl_seg_enabled": 1,
    "ipv6/conf/*/seg6_enabled": 1,
    "ipv6/neigh/*/retrans_time_ms": 50,
    "netfilter/nf_conntrack_checksum": 0,
    "netfilter/nf_conntrack_tcp_be_liberal": 1,
    "netfilter/nf_conntrack_tcp_ignore_invalid_rst": 1,
    "netfilter/nf_conntrack_udp_timeout": 86400,
    "netfilter/nf_conntrack_udp_timeout_stream": 86400,
}


def write():
    """All at once; those that this kernel does not have are left out."""
    for setting, value in SETTINGS.items():
        for path in glob.glob(f"/proc/sys/net/{setting}"):

            def act():
                with open(path, "w") as file:
                    file.write(str(value))
                return "written"

            attempt(path.removeprefix("/proc/sys/net/"), act)


def segments(kind, *addresses):
    """A routing header with one segment to go before UDP: type 0, segment routing (RFC 8754), RPL (RFC 6554)."""
    last = 1 if kind == 4 else 0
    words = struct.pack("!BBBB", 17, 2 * len(addresses), kind, 1) + bytes([len(addresses) - 1 if last else 0, 0, 0, 0])
    return words + b"".join(map(octets, addresses))


def packets(own, denied):
    body = udp(own, 9, denied, 9, DATA)
    if is_six(denied):
        for place in ("::1", own):
            for kind in (0, 2, 3):
                yield f"routing header {kind} by way of {place}", ip(own, place, 43, segments(kind, denied) + body), place
            yield f"segment routing by way of {place}", ip(own, place, 43, segments(4, denied, place) + body), place
    else:
        for place in ("127.0.0.1", own, "127.255.255.255", "192.0.2.255"):
            for what, kind in (("loose", 0x83), ("strict", 0x89)):
                option = bytes([kind, 7, 4]) + octets(denied)
                yield f"{what} source route by way of {place}", ip(own, place, 17, body, options=option), place
        yield "from a loopback address", ip("127.0.0.1", denied, 17, udp("127.0.0.1", 9, denied, 9, DATA)), denied
    yield "plain", ip(own, denied, 17, body), denied


def passed_on(own, denied):
    """Packets that a router would send on to the denied address, through the output hook to ourselves."""
    for what, packet, destination in packets(own, denied):
        for device in ("", "lo", "eth0"):
            with socket.socket(family(destination), socket.SOCK_RAW, socket.IPPROTO_RAW) as one:
                if device:
                    one.setsockopt(socket.SOL_SOCKET, SO_BINDTODEVICE, device.encode())
                attempt(f"{what}, on {device or 'any'}", lambda: one.sendto(packet, (destination, 0)) and None)


def unreachable(mark, *addresses):
    """Datagrams with a mark for neighbours that are not there: the kernel tells us so, by messages with the mark that the packet had last."""
    for address in addresses:
        with socket.socket(family(address), socket.SOCK_DGRAM) as one:
            one.setsockopt(socket.SOL_SOCKET, SO_MARK, int(mark))
            one.setsockopt(*((socket.IPPROTO_IPV6, IPV6_RECVERR) if is_six(address) else (socket.IPPROTO_IP, IP_RECVERR)), 1)
            one.settimeout(10)
            one.connect((address, 9))

            def act():
                one.send(DATA)
                one.recv(512)

            attempt(address, act)


dispatch(globals())
