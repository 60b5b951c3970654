"""Takes a group of nfnetlink_log: hold_log_group.py GROUP. Prints `held`, or errno's name, and holds it until it is killed."""
import errno, socket, struct, sys

NETLINK_NETFILTER = 12
held = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER)
held.bind((0, 0))
# nlmsghdr (NFULNL_MSG_CONFIG, request and acknowledge), nfgenmsg, NFULA_CFG_CMD: bind
body = struct.pack("=BB", 0, 0) + struct.pack("!H", int(sys.argv[1])) + struct.pack("=HHB3x", 5, 1, 1)
held.send(struct.pack("=IHHII", 16 + len(body), 0x0401, 0x5, 1, 0) + body)
(code,) = struct.unpack_from("=i", held.recv(4096), 16)
print("held" if code == 0 else errno.errorcode[-code], flush=True)
if code == 0:
    held.recv(1)
