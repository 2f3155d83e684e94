"""Holds the lock of an output as another run would, until standard input ends: hold_lock.py
LOCKFILE TOOL."""
import fcntl, os, socket, struct, sys

path, tool = sys.argv[1:]
f = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o666)
fcntl.fcntl(f, fcntl.F_OFD_SETLK, struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0))
os.write(
    f, f"0 {2**64 - 1} {os.getpid()} {tool} {socket.gethostname()} 2026-01-02T03:04:05Z\n".encode())
print("held", flush=True)
sys.stdin.read()
