"""Mutated HTTP requests to a running skin-serve, best one built with sanitizers: it must live,
answer no 500, and give all memory back.   fuzz_http.py BIN MODEL [SECONDS] [SEED]"""
import json, os, random, re, signal, socket, subprocess, sys, time

BIN, MODEL, seconds, seed = sys.argv[1], sys.argv[2], float(sys.argv[3]) if len(
    sys.argv) > 3 else 60, int(sys.argv[4]) if len(sys.argv) > 4 else 1
rng = random.Random(seed)
server = subprocess.Popen([
    BIN + "/skin-serve", MODEL, "--no-detect", "--listen", "127.0.0.1:0", "--max-body", "100000",
    "--patience", "2", "--threads", "1"
], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
line = server.stdout.readline()
if not line:
    sys.exit(server.stderr.read())
port = int(line.rsplit(":", 1)[1])


def post(path, body, kind="application/json", chunked=False):
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: {kind}\r\n"
    if chunked:
        pieces = b"".join(b"%x\r\n%s\r\n" % (len(body[i:i + 20]), body[i:i + 20])
                          for i in range(0, len(body), 20))
        return (head + "Transfer-Encoding: chunked\r\n\r\n").encode() + pieces + b"0\r\n\r\n"
    return (head + f"Content-Length: {len(body)}\r\n\r\n").encode() + body


frames = json.dumps({"img": [[[[1, 2, 3], [4, 5, 6]]]] * 2, "detect": False}).encode()
infer = json.dumps({
    "inputs": [{
        "name": "img",
        "shape": [1, 1, 1, 3],
        "datatype": "UINT8",
        "data": [1, 2, 3]
    }]
}).encode()
form = (b'--b\r\nContent-Disposition: form-data; name="photo"; filename="x"\r\n\r\n\xff\xd8\xff\r\n'
        b'--b\r\nContent-Disposition: form-data; name="date"\r\n\r\n2024-01-01\r\n--b--\r\n')
seeds = [
    b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /v1/model HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer x\r\n\r\n",
    b"HEAD /metrics HTTP/1.1\r\nHost: x\r\n\r\n", b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
    post("/predict", frames),
    post("/predict?detect=1", frames),
    post("/predict", frames, chunked=True),
    post("/v2/models/skin/infer", infer),
    post("/v2/models/skin/infer", infer, chunked=True),
    post("/v1/analyze", form, "multipart/form-data; boundary=b"),
    post("/v1/analyze",
         json.dumps({
             "photos": [{
                 "data": "/9j/",
                 "date": "2024-01-01"
             }]
         }).encode())
]
words = [
    b"\r\n", b"\r", b"\n", b"\0", b":", b"%00", b"%", b"..", b"/", b"?", b"&", b"=", b'"', b"\\",
    b"{", b"}", b"[", b"]", b",", b"--b", b"--", b"Content-Length: 5\r\n",
    b"Content-Length: -1\r\n", b"Transfer-Encoding: chunked\r\n", b"Expect: 100-continue\r\n",
    b"Connection: close\r\n", b"HTTP/1.0", b"HTTP/2.0", b"9999999999999999999999", b"0", b"-1",
    b"1e309", b"FFFFFFFF", b"\xff", b"\xf0\x9f\x98\x80", b"boundary=", b"Upgrade: h2c\r\n",
    b"A" * 5000
]


def mutate(data):
    data = bytearray(data)
    for _ in range(rng.choice((0, 1, 1, 2, 3, 8))):
        at = rng.randrange(len(data) + 1)
        what = rng.randrange(6)
        if what == 0 and data:
            data[at % len(data)] = rng.randrange(256)
        elif what == 1:
            data[at:at] = rng.choice(words)
        elif what == 2:
            del data[at:at + rng.choice((1, 2, 5, 50))]
        elif what == 3:
            piece = data[at:at + rng.randrange(60)]
            data[at:at] = piece * rng.choice((1, 2, 30))
        elif what == 4:
            other = rng.choice(seeds)
            data[at:] = other[rng.randrange(len(other)):]
        else:
            numbers = list(re.finditer(rb"\d+", data))
            if numbers:
                m = rng.choice(numbers)
                data[m.start():m.end()] = rng.choice(
                    (b"0", b"1", b"-1", b"255", b"256", b"4294967296", b"18446744073709551616",
                     b"1e5"))
    return bytes(data)


def ask(data, wait=0.05):
    """What came back; pieces are sent apart now and then, and the connection is broken off now and
    then."""
    out = b""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as s:
        try:
            cut = rng.randrange(len(data) + 1) if rng.random() < 0.3 else len(data)
            s.sendall(data[:cut])
            if cut < len(data):
                time.sleep(0.001)
                s.sendall(data[cut:])
            if rng.random() < 0.1:
                return b""
            # an answer that comes later is counted by the server: no 500 among them is looked for
            # at the end
            s.settimeout(wait)
            while piece := s.recv(65536):
                out += piece
        except OSError:
            pass
    return out


done, statuses, begin = 0, {}, time.time()
while time.time() - begin < seconds:
    data = b"".join(mutate(rng.choice(seeds)) for _ in range(rng.choice((1, 1, 1, 2, 3))))
    out = ask(data)
    done += 1
    for status in re.findall(rb"^HTTP/1\.[01] (\d{3})", out, re.M):
        statuses[status.decode()] = statuses.get(status.decode(), 0) + 1
        if status == b"500" or server.poll() is not None:
            sys.exit(f"seed {seed}, request {done}: {status} to {data!r}: {out[:1000]!r}")
    if server.poll() is not None:
        sys.exit(
            f"seed {seed}, request {done}: the server died of {data!r}: {server.stderr.read()}")
time.sleep(3)
rng.random = lambda: 1.0 # in one piece
text = ask(b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", wait=20)
if b"skin_memory_bytes 0\n" not in text:
    sys.exit(f"memory was not given back: {text[-1500:]!r}")
if b'status="500"' in text:
    sys.exit(f"a request was answered 500: {text[-3000:]!r}")
server.send_signal(signal.SIGTERM)
if server.wait(30) != 0:
    sys.exit(f"exit status {server.returncode}: {server.stderr.read()[-3000:]}")
print(
    f"{done} requests in {time.time() - begin:.0f} s, answers by status: "
    f"{dict(sorted(statuses.items()))}; none 500, all memory given back, exit status 0"
)
