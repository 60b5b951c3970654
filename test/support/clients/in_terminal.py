"""Runs a command in a terminal of its own: in_terminal.py KEYS|SIGNAL UNTIL COMMAND ARGUMENT... Once UNTIL was shown, types KEYS or sends the
signal. Prints JSON: its exit code, what was shown, and whether the terminal is as it was."""
import fcntl, json, os, pty, select, signal, struct, sys, termios, time

how, wanted, argv = sys.argv[1], sys.argv[2].encode(), sys.argv[3:]
leader, follower = pty.openpty()
fcntl.ioctl(leader, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
before = termios.tcgetattr(follower)
pid = os.fork()
if pid == 0:
    os.setsid()
    fcntl.ioctl(follower, termios.TIOCSCTTY, 0)
    for fd in (0, 1, 2):
        os.dup2(follower, fd)
    os.execvp(argv[0], argv)
shown, is_done, ended, status = b"", False, 0, None
limit = time.monotonic() + 60
while time.monotonic() < limit:
    ready, _, _ = select.select([leader], [], [], 0.1)
    if ready:
        shown += os.read(leader, 65536)
    if not is_done and wanted in shown:
        is_done = True
        if how.startswith("SIG"):
            os.kill(pid, getattr(signal, how))
        else:
            os.write(leader, how.encode())
    if not ready:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            break
if not ended:
    os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
code = os.waitstatus_to_exitcode(status)
print(json.dumps({"code": code, "shown": shown.decode(errors="replace"), "restored": termios.tcgetattr(follower) == before}))
