"""Clients that hang up, and clients that only close their sending side.   row03_serve_hang_up.py
BIN"""
import json, socket, ssl, struct, subprocess, time, warnings
from made_bombs import many_scans
from serve_attack import LONG, WEIGHTS, Server, check, finish
from serve_help import frames, multipart

SOON = 5  # seconds in which a client that has gone must be let go; its patience is 30
HEAD = b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: 9000000\r\n\r\n" + b'{"img": ['


def connect(s, context):
    c = socket.create_connection(("127.0.0.1", s.port))
    return context.wrap_socket(c) if context else c


def wait_for_end(s, what):
    begin = time.time()
    while (held := s.metric("skin_in_flight") - 1) and time.time() - begin < SOON:
        time.sleep(0.1)
    check(held == 0, f"{what}: {held} are held after {SOON} s")
    check(s.metric("skin_memory_bytes") == 0 or held, f"{what}: memory is held")


def gone_in_upload(s, context, name):
    for size in (0, 100, 20000, 200000, 2000000):
        for kind in ("FIN", "RST"):
            for _ in range(30 if LONG else 10):
                c = connect(s, context)
                c.sendall(HEAD + b" " * size)
                if kind == "RST":
                    c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                c.close()
            time.sleep(0.2)
            wait_for_end(s, f"{name}, {kind} after {size} bytes")


def half_closed(s):
    """The whole request, then the end of sending: with Connection: close it is answered."""
    body = json.dumps({"img": frames(3)}).encode()
    head = b"POST /predict HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %d\r\n\r\n"
    request = head % len(body) + body
    right, n = 0, 200 if LONG else 40
    for _ in range(n):
        with socket.create_connection(("127.0.0.1", s.port), timeout=30) as c:
            c.sendall(request)
            c.shutdown(socket.SHUT_WR)
            right += b"".join(iter(lambda: c.recv(9999), b"")).startswith(b"HTTP/1.1 200 ")
    check(right == n, f"{right} of {n} clients that closed their sending side were answered")


def raw_answer(s, request):
    """What a client gets that says Connection: close and closes its sending side, and after how
    long."""
    begin = time.time()
    with socket.create_connection(("127.0.0.1", s.port), timeout=60) as c:
        c.sendall(request)
        c.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: c.recv(9999), b"")), time.time() - begin


def believed(s):
    """For two seconds nothing comes before the answer: simple clients take the first status line
    for it. Photos of several sizes, until one takes
    long enough for the server to have noticed the half-closed connection."""
    for scans in (5, 10, 20, 40, 80, 100):
        body, form = multipart([("photo", many_scans(2400, 1600, scans))])
        head = ("POST /v1/analyze HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                f"Content-Type: {form['Content-Type']}\r\nContent-Length: {len(body)}\r\n\r\n")
        data, took = raw_answer(s, head.encode() + body)
        if took < 1.8:
            check(
                data.startswith(b"HTTP/1.1 ") and not data.startswith(b"HTTP/1.1 100"),
                f"after {took:.1f} s: {data[:60]}")
        if took > 0.5:
            return


s = Server("--weights", WEIGHTS, "--min-photos", "1")
believed(s)
s.end(40)
s = Server("--no-detect", "--patience", "30")
gone_in_upload(s, None, "plain")
half_closed(s)
check(s.metric("skin_connections_cut_total") == 0, "none of them was slow")
s.end(40)
subprocess.run([
    "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
    "/CN=localhost", "-keyout", "key.pem", "-out", "cert.pem"
], check=True, capture_output=True)
context = ssl.create_default_context(cafile="cert.pem")
context.check_hostname = False
s = Server("--no-detect", "--patience", "30", "--tls-cert", "cert.pem", "--tls-key", "key.pem")
c = connect(s, context)
check(c.version() in ("TLSv1.2", "TLSv1.3"), f"TLS: {c.version()}")
c.close()
for size in (0, 20000, 2000000):
    for _ in range(10):
        c = connect(s, context)
        c.sendall(HEAD + b" " * size)
        c.close()
    time.sleep(SOON)
    c = connect(s, context)
    c.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    text = b"".join(iter(lambda: c.recv(9999), b"")).decode()
    check("\nskin_in_flight 1\n" in text, f"TLS, gone after {size} bytes: held after {SOON} s")
# of the old versions: that is the point
warnings.filterwarnings("ignore", category=DeprecationWarning)
for version in (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1):
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
    old.set_ciphers("ALL:@SECLEVEL=0")
    old.minimum_version = old.maximum_version = version
    try:
        connect(s, old).close()
        check(False, f"{version.name} is accepted")
    except (ssl.SSLError, ConnectionError):
        pass
s.end(40)
finish()
