"""SIGTERM at the limit of connections, again and again.   row02_serve_sigterm.py BIN"""
import socket, threading, time
from serve_attack import LONG, Server, failures, finish

ROUNDS, DRAIN = (1000 if LONG else 40), 5
answered = lost = 0


def hammer(port, stop, counts):
    while not stop.is_set():
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=2) as c:
                c.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                counts[b" 200 " in c.recv(999)] += 1
        except ConnectionRefusedError:
            time.sleep(0.001)
        except OSError:
            counts[False] += 1


slowest = 0
for i in range(ROUNDS):
    s = Server("--no-detect", "--connections", "8", "--drain", str(DRAIN))
    stop, counts = threading.Event(), {True: 0, False: 0}
    threads = [threading.Thread(target=hammer, args=(s.port, stop, counts)) for _ in range(12)]
    [t.start() for t in threads]
    time.sleep(0.06 + 0.001 * (i % 37))
    slowest = max(slowest, s.end(DRAIN + 3))
    stop.set()
    [t.join() for t in threads]
    answered, lost = answered + counts[True], lost + counts[False]
    if len(failures) > 3:
        break
print(
    f"{i + 1} times SIGTERM: {len(failures)} failures, slowest end {slowest:.1f} s, {answered} "
    f"requests answered, {lost} accepted and not answered"
)
finish()
