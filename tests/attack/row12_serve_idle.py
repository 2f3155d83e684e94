"""Connections that do nothing, as many as there may be.   row12_serve_idle.py BIN"""
import socket, time
from serve_attack import LONG, Server, check, finish


def flood(s, n, text):
    held = []
    for _ in range(n):
        c = socket.create_connection(("127.0.0.1", s.port))
        c.sendall(text)
        held.append(c)
    return held


s = Server("--no-detect", "--patience", "30", "--connections", "64")
for text in (b"", b"GET /health HTT", b"POST /predict HTTP/1.1\r\nHost: x\r\n"):
    held = flood(s, 64, text)
    time.sleep(0.7)
    times = []
    for _ in range(50 if LONG else 20):
        begin = time.time()
        check(s.alive(), "alive")
        times.append(time.time() - begin)
    print(f"64 connections of 64 that have sent {text!r}: health after {max(times):.3f} s at most")
    check(max(times) < 2, f"health took {max(times):.1f} s")
    [c.close() for c in held]
    time.sleep(1.5)
s.end(40)
finish()
