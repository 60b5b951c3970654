"""Row 24: asks a resolver at an address of the sandbox by packets that look like the sidecar's answers. own_resolver.py RESOLVER NAME

First a forged packet from the resolver, so that the question is taken for the answer to it.
"""
import sys

from packets import attempt, is_six, question, send_raw, udp_packet

resolver, name = sys.argv[1:]
loopback = "::1" if is_six(resolver) else "127.0.0.1"
for port in (53, 5300):
    opening = udp_packet(resolver, port, loopback, 15353)
    asking = udp_packet(loopback, 15353, resolver, port, question(f"port-{port}.{name}"))
    attempt(f"opening from {port}", lambda: send_raw(opening, loopback))
    attempt(f"question to {port}", lambda: send_raw(asking, resolver))
