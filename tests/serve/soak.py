"""Slow, gone, greedy and hostile clients beside honest ones, for a long time.   soak.py BIN MINUTES
[--untimed]

Each kind of client has addresses of its own (127.0.0.x). The honest ones must get every answer, the
same to the last bit, in time; whoever asks for health must get that at once; memory and descriptors
must stay level; and at the end the server must stop in order. With --untimed, for builds with a
sanitizer, which are slow and hold on to memory, an honest client may be told that its
time is over (503), and neither waits nor memory are judged.
"""
import http.client, json, os, random, signal, socket, struct, sys, threading, time, zlib
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "attack"))
from made_bombs import many_scans
from serve_attack import WEIGHTS, Server, check, finish
from serve_help import frames, multipart

MINUTES = float(sys.argv[2])
UNTIMED = "--untimed" in sys.argv
WARM = min(60, MINUTES * 60 / 4)  # seconds after which memory is compared
DEADLINE = 20
rng = random.Random(1)
end = time.time() + MINUTES * 60
counts = {}
lock = threading.Lock()

s = Server("--weights", WEIGHTS, "--deadline", str(DEADLINE), "--patience", "5", "--memory",
           str(512 << 20))


def count(what, n=1):
    with lock:
        counts[what] = counts.get(what, 0) + n


def going():
    return time.time() < end


def connect(address, timeout=60):
    return socket.create_connection(("127.0.0.1", s.port), timeout=timeout,
                                    source_address=(address, 0))


def ask(address, method, path, body=None, headers={}):
    c = http.client.HTTPConnection("127.0.0.1", s.port, timeout=90, source_address=(address, 0))
    try:
        c.request(method, path, body, headers)
        r = c.getresponse()
        return r.status, r.read()
    finally:
        c.close()


# ---- honest clients ----

CROPS = [json.dumps({"img": frames(n, 20, 20)}).encode() for n in (2, 5, 9)]
PHOTOS, FORM = multipart([("photo", many_scans(320, 240, 4)), ("photo", many_scans(200, 200, 3))])


def comparable(status, data):
    try:
        answer = json.loads(data)
    except ValueError:
        return status, data
    for key in ("request_id",):
        answer.pop(key, None)
    if isinstance(answer.get("model"), dict):
        answer["model"].pop("generation", None)
    return status, answer


REQUESTS = [("POST", "/predict", body, {})
            for body in CROPS] + [("POST", "/v1/analyze", PHOTOS, FORM)]
EXPECTED = [comparable(*ask("127.0.0.1", *r)) for r in REQUESTS]
waits, health = [], []


def honest(address):
    own = random.Random(address)
    while going():
        which = own.randrange(len(REQUESTS))
        begin = time.time()
        try:
            got = comparable(*ask(address, *REQUESTS[which]))
        except OSError as e:
            got = ("lost", repr(e))
        waits.append(time.time() - begin)
        count("honest answers")
        late = UNTIMED and got[0] == 503
        check(late or got == EXPECTED[which],
              f"honest {address}: {REQUESTS[which][1]}: {str(got)[:200]}")
        time.sleep(own.uniform(0, 0.4))


def prober(address):
    while going():
        for path in ("/health", "/v2/health/ready", "/metrics"):
            begin = time.time()
            try:
                status = ask(address, "GET", path)[0]
            except OSError as e:
                status = repr(e)
            health.append(time.time() - begin)
            check(status == 200, f"{path}: {status}")
        time.sleep(0.05)


# ---- the others ----

def hostile(work):
    """Calls work(address) again and again; what becomes of it is all the same."""
    def loop(address):
        while going():
            try:
                work(address)
            except (OSError, http.client.HTTPException):
                pass
            count(work.__name__)
            time.sleep(0.02)
    return loop


def head(length, path="/predict", more=""):
    return f"POST {path} HTTP/1.1\r\nHost: x\r\n{more}Content-Length: {length}\r\n\r\n".encode()


@hostile
def idlers(address):
    held = [connect(address) for _ in range(300)]
    time.sleep(rng.uniform(0, 6))
    [c.close() for c in held]


@hostile
def half_heads(address):
    held = []
    for _ in range(80):
        c = connect(address)
        c.sendall(b"POST /predict HTTP/1.1\r\nHost: x\r\nX: " + b"y" * rng.randrange(3000))
        held.append(c)
    time.sleep(rng.uniform(0, 6))
    [c.close() for c in held]


@hostile
def tricklers(address):
    with connect(address) as c:
        c.sendall(head(10**6))
        for _ in range(rng.randrange(1, 200)):
            c.sendall(b" ")
            time.sleep(0.05)


@hostile
def gone(address):
    c = connect(address)
    c.sendall(head(3 * 10**6) + b'{"img": [[[' + b"[1,2,3]," * rng.randrange(200000))
    if rng.random() < 0.5:
        c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    c.close()


HEAVY, HEAVY_FORM = multipart([("photo", many_scans(1600, 1600, 90))] * 10)


@hostile
def gone_after(address):
    with connect(address) as c:
        kind = HEAVY_FORM["Content-Type"]
        c.sendall(
            head(len(HEAVY), "/v1/analyze", f"Content-Type: {kind}\r\n" +
                 rng.choice(["", "Connection: close\r\n"])) + HEAVY)
        time.sleep(rng.uniform(0, 1))
        if rng.random() < 0.3:
            c.shutdown(socket.SHUT_WR)
            time.sleep(0.5)


@hostile
def greedy(address):
    def one():
        try:
            ask(address, "POST", "/v1/analyze", HEAVY, HEAVY_FORM)
        except (OSError, http.client.HTTPException):
            pass
    threads = [threading.Thread(target=one) for _ in range(40)]
    [t.start() for t in threads]
    [t.join() for t in threads]


packer = zlib.compressobj(9, zlib.DEFLATED, 31)
BOMB = packer.compress(b'{"img":[[[') + b"".join(
    packer.compress(b"[1,2,3]," * (1 << 17)) for _ in range(120)) + packer.flush()


@hostile
def packed(address):
    held = []
    for _ in range(10):
        c = connect(address)
        c.sendall(head(len(BOMB), more="Content-Encoding: gzip\r\n") + BOMB)
        held.append(c)
    time.sleep(rng.uniform(0, 4))
    [c.close() for c in held]


@hostile
def memory_holders(address):
    held = []
    for _ in range(30):
        c = connect(address)
        c.sendall(head(10**8) + b'{"img": [[[' + b"[1,2,3]," * 400000)
        held.append(c)
    time.sleep(rng.uniform(0, 4))
    [c.close() for c in held]


@hostile
def nonsense(address):
    with connect(address, 5) as c:
        c.sendall(
            rng.choice([
                os.urandom(300), b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + os.urandom(400),
                b"GET " + b"/" * 70000,
                b"POST /predict HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffff\r\n",
                b"PUT / HTTP/9.9\r\n\r\n" * 50
            ]))
        c.recv(999)


@hostile
def bad_photos(address):
    photo = bytearray(many_scans(900, 900, 60))
    for _ in range(20):
        photo[rng.randrange(len(photo))] = rng.randrange(256)
    body, form = multipart([("photo", bytes(photo))] * 3)
    ask(address, "POST", "/v1/analyze", body, form)


@hostile
def churners(address):
    for _ in range(50):
        connect(address).close()


# ---- the watch ----

def resident():
    return sum(
        int(l.split()[1]) for l in open(f"/proc/{s.process.pid}/status") if l.startswith("VmRSS"))


def descriptors():
    return len(os.listdir(f"/proc/{s.process.pid}/fd"))


def reloader(_):
    while going():
        time.sleep(3)
        s.process.send_signal(signal.SIGHUP)
        count("reloads")


others = (idlers, half_heads, tricklers, gone, gone_after, greedy, packed, memory_holders, nonsense,
          bad_photos, churners)
threads = [threading.Thread(target=honest, args=(f"127.0.1.{i}",)) for i in (1, 2, 3)]
threads += [
    threading.Thread(target=prober, args=("127.0.2.1", )),
    threading.Thread(target=reloader, args=("", ))
]
threads += [
    threading.Thread(target=work, args=(f"127.0.3.{i + 1}", )) for i, work in enumerate(others)
]
[t.start() for t in threads]
begin, seen = time.time(), []
while going():
    time.sleep(1)
    if s.process.poll() is not None:
        check(False, f"the server ended: {s.process.returncode}: {s.process.stderr.read()[-5000:]}")
        sys.stdout.flush()
        os._exit(1)
    seen.append((time.time() - begin, resident(), descriptors()))
[t.join() for t in threads]
time.sleep(3)
flat = s.metric("skin_memory_bytes"), s.metric("skin_in_flight") - 1, s.metric("skin_queue_length")
check(flat == (0, 0, 0), f"when all have gone, memory, requests and queue are {flat}")
early = max(m for t, m, _ in seen if t < max(WARM, seen[0][0] + 1))
late = max(m for t, m, _ in seen if t > seen[-1][0] * 0.75)
check(UNTIMED or late < 1.3 * early + 100_000, f"resident memory grew from {early} to {late} KiB")
check(descriptors() < 60, f"{descriptors()} descriptors are open at the end")
waits.sort()
health.sort()
figure = lambda v: (f"median {v[len(v) // 2] * 1e3:.0f} ms, "
                    f"99 % {v[int(len(v) * 0.99)] * 1e3:.0f} ms, at most {v[-1] * 1e3:.0f} ms")
print(f"{MINUTES:g} minutes: honest requests {len(waits)}: {figure(waits)}")
print(f"health, readiness, metrics {len(health)}: {figure(health)}")
print(
    f"resident at most {early >> 10} MiB in the first {WARM:.0f} s, {late >> 10} MiB in the last "
    f"quarter; descriptors at most {max(d for _, _, d in seen)}, {descriptors()} at the end"
)
print("the others: " + ", ".join(f"{k} {v}" for k, v in sorted(counts.items())))
check(UNTIMED or waits[-1] < DEADLINE, f"an honest client waited {waits[-1]:.1f} s")
check(UNTIMED or health[len(health) // 2] < 0.1 and health[-1] < 3,
      f"health took {health[-1]:.1f} s")
s.end(40)
finish()
