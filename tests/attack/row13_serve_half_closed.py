"""Clients that have left, and clients that only send no more, plain and with TLS.
row13_serve_half_closed.py BIN"""
import os, signal, socket, ssl, subprocess, time
from made_bombs import many_scans
from serve_attack import LONG, WEIGHTS, Server, check, finish
from serve_help import multipart

SOON = 3  # seconds in which a client that has left must be noticed
PHOTO = many_scans(1600, 1600, 90)  # a fifth of a second
subprocess.run([
    "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
    "/CN=localhost", "-keyout", "key.pem", "-out", "cert.pem"
], check=True, capture_output=True)


def request(photos, headers="", version="1.1"):
    body, kind = multipart([("photo", PHOTO)] * photos)
    head = (f"POST /v1/analyze HTTP/{version}\r\nHost: x\r\n{headers}"
            f"Content-Type: {kind['Content-Type']}\r\nContent-Length: {len(body)}\r\n\r\n")
    return head.encode() + body


class Endpoint:
    def __init__(self, tls):
        options = ["--tls-cert", "cert.pem", "--tls-key", "key.pem"] if tls else []
        self.server = Server("--weights", WEIGHTS, "--deadline", "300", *options)
        self.context = ssl.create_default_context(cafile="cert.pem") if tls else None
        if tls:
            self.context.check_hostname = False

    def connect(self):
        c = socket.create_connection(("127.0.0.1", self.server.port), timeout=60)
        return self.context.wrap_socket(c) if self.context else c

    def in_flight(self):
        """Without the question itself."""
        with self.connect() as c:
            c.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            text = b"".join(iter(lambda: c.recv(9999), b"")).decode()
        return int(text.split("\nskin_in_flight ")[1].split()[0]) - 1

    def wait_for_end(self, what):
        begin = time.time()
        while (held := self.in_flight()) and time.time() - begin < SOON:
            time.sleep(0.1)
        check(held == 0, f"{what}: still worked for after {SOON} s")
        if not held:
            return time.time() - begin
        while self.in_flight():
            time.sleep(0.2)
        return time.time() - begin


def stop_sending(c):
    """The system's end of sending, under whatever is above it; one can still read."""
    with socket.socket(fileno=os.dup(c.fileno())) as raw:
        raw.shutdown(socket.SHUT_WR)


def half_closed(e, name):
    n, right = 20 if LONG else 5, 0
    for i in range(n):
        for text in (request(3), request(3, "Connection: close\r\n"), request(3, version="1.0")):
            with e.connect() as c:
                c.sendall(text)
                time.sleep(0.05 * (i % 5))
                stop_sending(c)
                got = b""
                while b"NO_FACE" not in got and (piece := c.recv(9999)):
                    got += piece
            final = got.replace(b"HTTP/1.1 100 Continue\r\n\r\n", b"")
            right += final.startswith(b"HTTP/1.1 422 ") and b"NO_FACE" in final
            if i == 0:
                check(
                    got.count(b"100 Continue") <= (b" HTTP/1.1" in text),
                    f"{name}: an interim answer to HTTP/1.0")
    check(right == 3 * n,
          f"{name}: {right} of {3 * n} clients that closed their sending side were answered")


def gone(e, name):
    for headers in ("", "Connection: close\r\n"):
        for wait in (0, 0.4):
            c = e.connect()
            c.sendall(request(60, headers))
            time.sleep(wait)
            c.close()
            time.sleep(0.3)
            took = e.wait_for_end(f"{name}, gone after {wait} s, {headers!r}")
            print(f"{name}, {headers.strip()!r}: let go after {took:.1f} s")


def killed_programs(e, name):
    body, kind = multipart([("photo", PHOTO)] * 60)
    open("body", "wb").write(body)
    url = f"{'https' if e.context else 'http'}://127.0.0.1:{e.server.port}/v1/analyze"
    programs = {
        "curl": ([
            "curl", "-sk", "-H", f"Content-Type: {kind['Content-Type']}", "-H", "Expect:",
            "--data-binary", "@body", url
        ], None)
    }
    if e.context:
        programs["openssl"] = ([
            "openssl", "s_client", "-quiet", "-connect", f"127.0.0.1:{e.server.port}"
        ], request(60, "Connection: close\r\n"))
    for program, (command, text) in programs.items():
        p = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL)
        if text:
            p.stdin.write(text)
            p.stdin.flush()
        time.sleep(1)
        check(e.in_flight() == 1, f"{name}, {program}: the request is at work")
        p.send_signal(signal.SIGKILL)
        p.wait()
        took = e.wait_for_end(f"{name}, {program} was killed")
        print(f"{name}, {program} killed: let go after {took:.1f} s")


for tls in (False, True):
    e = Endpoint(tls)
    name = "TLS" if tls else "plain"
    half_closed(e, name)
    gone(e, name)
    killed_programs(e, name)
    e.server.end(40)
finish()
