"""A client that makes progress is waited for; one that trickles is cut.   row17_serve_patience.py
BIN"""
import json, socket, time
from serve_attack import LONG, Server, check, finish
from serve_help import frames

PATIENCE, SECONDS = 2, 20 if LONG else 6


def send(s, size, pieces):
    """A body of about `size` bytes in so many pieces over SECONDS; the start of the answer."""
    body = json.dumps({"img": frames()}).encode()
    body = b" " * (size - len(body)) + body
    with socket.create_connection(("127.0.0.1", s.port), timeout=30) as c:
        c.sendall(b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body))
        try:
            for i in range(pieces):
                c.sendall(body[i * len(body) // pieces:(i + 1) * len(body) // pieces])
                time.sleep(SECONDS / pieces)
            return c.recv(99)
        except ConnectionError:
            return b""


s = Server("--no-detect", "--patience", str(PATIENCE))
check(
    send(s, SECONDS * (64 << 10), SECONDS * 4).startswith(b"HTTP/1.1 200"),
    "64 KiB/s are waited for")
check(send(s, SECONDS * (1 << 10), SECONDS * 4) == b"", "1 KiB/s is cut")
check(s.metric("skin_connections_cut_total") == 1, "and counted")
s.end(40)
finish()
