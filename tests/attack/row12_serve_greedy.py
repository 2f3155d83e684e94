"""One address that takes all it can get, and what is left for another.   row12_serve_greedy.py
BIN"""
import http.client, json, socket, sys, threading, time, zlib
from made_bombs import many_scans
from serve_attack import LONG, WEIGHTS, Server, check, finish
from serve_help import frames, multipart

GREEDY, OTHER = "127.0.0.2", "127.0.0.3"
CROPS = json.dumps({"img": frames(3)}).encode()


def ask(s, address, method, path, body=None, headers={}, wait=60):
    """Status, headers and seconds; status 0: the connection was closed."""
    begin = time.time()
    c = http.client.HTTPConnection("127.0.0.1", s.port, timeout=wait, source_address=(address, 0))
    try:
        c.request(method, path, body, headers)
        r = c.getresponse()
        r.read()
        return r.status, r.headers, time.time() - begin
    except (OSError, http.client.HTTPException):
        return 0, {}, time.time() - begin
    finally:
        c.close()


def hold(s, n, address, text):
    held = []
    for _ in range(n):
        c = socket.create_connection(("127.0.0.1", s.port), source_address=(address, 0))
        try:
            c.sendall(text)
        except OSError:
            pass # refused at once
        held.append(c)
    return held


def slowest(s, n, address, *request):
    """Of n answers, all of them 200."""
    times = []
    for _ in range(n):
        status, _, seconds = ask(s, address, *request)
        check(status == 200, f"{address} {request[:2]}: {status}")
        times.append(seconds)
    return max(times)


def connections(n=256):
    """All connections, idle or in the middle of a request."""
    s = Server("--no-detect")
    for what, text in (("nothing", b""), ("half a head", b"GET /health HTT"),
                       ("half a body",
                        b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: 9000\r\n\r\n{")):
        held = hold(s, n, GREEDY, text)
        health = [
            slowest(s, 20, a, "GET", p)
            for a in (OTHER, GREEDY)
            for p in ("/health", "/v2/health/ready", "/metrics")
        ]
        predict = slowest(s, 20, OTHER, "POST", "/predict", CROPS)
        print(
            f"{n} connections of one address that have sent {what}: health {max(health):.3f} s, "
            f"another's /predict {predict:.3f} s at most"
        )
        check(
            max(health) < 0.3 and predict < 0.5,
            f"{what}: health after {max(health):.1f} s, /predict after {predict:.1f} s")
        status, headers, _ = ask(s, GREEDY, "POST", "/predict", CROPS)
        check(status == 200 or status == 429 and int(headers["Retry-After"]) >= 1,
              f"the greedy one's own request: {status}")
        [c.close() for c in held]
        time.sleep(1.3)
    two = hold(s, n, GREEDY,
               b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: 9000\r\n\r\n{") + hold(
                   s, n, "127.0.0.4", b"")
    took = max(slowest(s, 20, OTHER, "POST", "/predict", CROPS),
               slowest(s, 20, OTHER, "GET", "/health"))
    check(took < 0.5, f"two greedy addresses: another waits {took:.1f} s")
    [c.close() for c in two]
    s.end(40)


def uploads(options, address_of, headers_of, n=70):
    """n uploads of photos that take a while, then ten small ones of another address."""
    photo = many_scans(1600, 1600, 90)
    heavy, kind = multipart([("photo", photo)] * (6 if LONG else 3))
    light, _ = multipart([("photo", many_scans(64, 64, 3))] * 2)
    s = Server("--weights", WEIGHTS, "--deadline", "600", *options)
    got = []
    threads = [
        threading.Thread(target=lambda i=i: got.append(
            ask(s, address_of(i), "POST", "/v1/analyze", heavy, kind | headers_of(i), 900)))
        for i in range(n)
    ]
    [t.start() for t in threads]
    begin = time.time()
    while s.metric("skin_queue_length") < 40 and time.time() - begin < 20:
        time.sleep(0.1)
    other = [
        ask(s, OTHER, "POST", "/v1/analyze", light, kind | headers_of(-1), 120) for _ in range(10)
    ]
    # none of the photos shows a face: 422 is the right answer
    check([o[0] for o in other] == [422] * 10, f"another's uploads: {[o[0] for o in other]}")
    waits = max(o[2] for o in other)
    print(f"{n} uploads of one address: another's ten took {waits:.2f} s at most")
    check(waits < 3, f"another's upload took {waits:.1f} s")
    if LONG:
        [t.join() for t in threads]
        refused = [g for g in got if g[0] == 429]
        check(refused and all(g[0] in (422, 429) for g in got),
              f"the greedy one's uploads: {sorted(g[0] for g in got)}")
        seconds = [int(g[1]["Retry-After"]) for g in refused]
        print(f"refused: {len(seconds)}, to try again after {min(seconds)} to {max(seconds)} s")
        s.end(90)
    else:
        s.process.kill()
        s.process.wait()
        [t.join() for t in threads]


def memory():
    """Bodies that come slowly and hold what they have sent."""
    s = Server("--no-detect", "--memory", str(32 << 20))
    part = b'{"img": [[[' + b"[1,2,3]," * 250000 # 0.7 MB as bytes, room for 1 MiB
    held = hold(s, 60, GREEDY,
                b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: 9000000\r\n\r\n" + part)
    time.sleep(1)
    print(f"60 bodies of one address hold {s.metric('skin_memory_bytes') >> 20} of 32 MiB")
    body = json.dumps({"img": frames(400, 30, 30)}).encode() # 1.1 MB
    slowest(s, 5, OTHER, "POST", "/predict", body)
    [c.close() for c in held]
    s.end(40)


def bombs():
    """Bodies of 180 KB that unpack to 120 MB, from 40 connections: the threads that read them
    answer others, too."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    body = packer.compress(b'{"img":[[[') + b"".join(
        packer.compress(b"[1,2,3]," * (1 << 17)) for _ in range(120)) + packer.flush()
    head = (b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Encoding: gzip\r\n"
            b"Content-Length: %d\r\n\r\n" % len(body))
    s = Server("--no-detect")
    held = hold(s, 40, GREEDY, head + body)
    times, end = [], time.time() + (20 if LONG else 4)
    while time.time() < end:
        times.append(slowest(s, 1, OTHER, "GET", "/health"))
    predict = slowest(s, 5, OTHER, "POST", "/predict", CROPS)
    times.sort()
    print(
        f"40 packed bodies of one address: health median {times[len(times) // 2]:.3f} s, "
        f"{times[-1]:.3f} s at most; another's /predict {predict:.3f} s at most"
    )
    check(times[len(times) // 2] < 0.05 and times[-1] < 1 and predict < 2,
          "others wait for one address's bodies")
    [c.close() for c in held]
    s.end(40)


def advice():
    """Retry-After follows from the work that waits."""
    s = Server("--weights", WEIGHTS, "--queue", "2", "--deadline", "600")
    body, kind = multipart([("photo", many_scans(3000, 3000, 99))] * (6 if LONG else 2))
    ask(s, OTHER, "POST", "/v1/analyze", body, kind)
    begin = time.time()
    ask(s, OTHER, "POST", "/v1/analyze", body, kind)
    job = time.time() - begin
    threads = [
        threading.Thread(target=ask, args=(s, GREEDY, "POST", "/v1/analyze", body, kind))
        for _ in range(3)
    ]
    for t in threads:
        t.start()
        time.sleep(0.2)
    status, headers, _ = ask(s, GREEDY, "POST", "/v1/analyze", body, kind)
    check(status == 429, f"the queue is full: {status}")
    seconds = int(headers.get("Retry-After", 0))
    print(f"a job takes {job:.1f} s; the fourth client is told to come back after {seconds} s")
    check(0.6 * job <= seconds <= 2 * job + 2,
          f"Retry-After {seconds} where a job takes {job:.1f} s")
    time.sleep(seconds)
    status, _, _ = ask(s, GREEDY, "POST", "/v1/analyze", body, kind)
    check(status == 422, f"after that time it is {status}")
    [t.join() for t in threads]
    s.end(90)


only = sys.argv[2:]
for name, test in (
    ("connections", connections),
    ("uploads", lambda: uploads([], lambda i: GREEDY, lambda i: {})),
        # the header is somebody's word: believed of a proxy only
    ("spoofed",
     lambda: uploads([], lambda i: GREEDY, lambda i: {"X-Forwarded-For": f"192.0.2.{i + 2}"})),
    ("proxy", lambda:
     uploads(["--proxy", "127.0.0.0/30"], lambda i: OTHER, lambda i:
             {"X-Forwarded-For": f"10.0.0.{i % 200 + 2}, 192.0.2.7" if i >= 0 else "192.0.2.8"})),
    ("memory", memory),
    ("bombs", bombs),
    ("advice", advice)):
    if name in only if only else LONG or name != "spoofed":
        begin = time.time()
        test()
        print(f"{name}: {time.time() - begin:.1f} s")
finish()
