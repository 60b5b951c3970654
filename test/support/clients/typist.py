"""Somebody at a terminal: runs a program as the leader of a session with a pseudo-terminal of its own.

Takes one JSON line each on standard input: {"type": TEXT}, {"resize": [ROWS, COLUMNS]} or {"modes": true}. What the terminal shows goes to standard
output as it comes; the modes go to standard error, a line each. Ends with the program, and its exit code.
"""

import fcntl
import json
import os
import pty
import select
import struct
import sys
import termios


def resize(master, rows, columns):
    fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


def main():
    pid, master = pty.fork()
    if pid == 0:
        os.execvp(sys.argv[1], sys.argv[1:])
    resize(master, 24, 80)
    commands = b""
    watched = [master, 0]
    while master in watched:
        readable, _, _ = select.select(watched, [], [])
        if master in readable:
            try:
                octets = os.read(master, 65536)
            except OSError:
                octets = b""
            if not octets:
                watched.remove(master)
            os.write(1, octets)
        if 0 in readable:
            octets = os.read(0, 65536)
            if not octets:
                watched.remove(0)
            *lines, commands = (commands + octets).split(b"\n")
            for line in lines:
                command = json.loads(line)
                if "type" in command:
                    os.write(master, command["type"].encode())
                if "resize" in command:
                    resize(master, *command["resize"])
                if "modes" in command:
                    modes = termios.tcgetattr(master)
                    os.write(2, (json.dumps(modes[:4]) + "\n").encode())
    _, status = os.waitpid(pid, 0)
    sys.exit(os.waitstatus_to_exitcode(status) & 0xFF)


main()
