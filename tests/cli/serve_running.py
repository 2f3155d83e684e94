"""skin-serve under load, with tokens, TLS and signals, over real sockets. Run by
serve_running.sh in an empty folder:  serve_running.py BIN"""
import http.client, json, os, signal, socket, ssl, subprocess, sys, threading, time
import numpy as np
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import serve_models
from serve_help import BIN, Server, by_tool, check, frames, problem, run


# ---- behaviour ----

def test_load(rng):
    """Many clients at once, each with its own answer; none lost, none mixed up."""
    images = [rng.integers(0, 256, (2 + i % 9, 16, 16, 3), np.uint8) for i in range(24)]
    expected = [by_tool(i) for i in images]
    bodies = [json.dumps({"img": i.tolist()}) for i in images]
    with Server("--no-detect", "--queue", "500", "--workers", "2") as s:
        wrong, slowest, lives, stop = [], [0.0], [], threading.Event()

        def client(n):
            c = http.client.HTTPConnection("127.0.0.1", s.port, timeout=120)
            for k in range(15):
                i = (n * 7 + k * 5) % len(images)
                begin = time.time()
                c.request("POST", "/predict", bodies[i])
                r = c.getresponse()
                got = json.loads(r.read())
                slowest[0] = max(slowest[0], time.time() - begin)
                if r.status != 200 or got != expected[i]:
                    wrong.append((i, r.status, got))
            c.close()

        def health():
            while not stop.is_set():
                begin = time.time()
                s.alive()
                lives.append(time.time() - begin)
                time.sleep(0.02)

        threads = [threading.Thread(target=client, args=(n,)) for n in range(16)]
        watcher = threading.Thread(target=health)
        begin = time.time()
        watcher.start()
        [t.start() for t in threads]
        [t.join() for t in threads]
        stop.set()
        watcher.join()
        print(
            f"load: 240 requests from 16 connections in {time.time() - begin:.1f} s, slowest "
            f"{slowest[0]:.2f} s, slowest live answer {max(lives) * 1000:.0f} ms"
        )
        check(not wrong, f"wrong answers under load: {wrong[:3]}")


def test_full_queue(rng):
    """A queue of one: the others are told to come back, and nobody waits for ever."""
    body = json.dumps({"img": rng.integers(0, 256, (400, 16, 16, 3), np.uint8).tolist()})
    with Server("--no-detect", "--queue", "1", "--batch", "1", "--threads", "1") as s:
        results = []
        def client():
            status, headers, data = s.ask("POST", "/predict", body)
            results.append((status, headers.get("retry-after"), data))
        threads = [threading.Thread(target=client) for _ in range(12)]
        [t.start() for t in threads]
        [t.join() for t in threads]
        statuses = sorted({r[0] for r in results})
        check(set(statuses) <= {200, 429} and 200 in statuses, f"statuses {statuses}")
        check(all(r[1] for r in results if r[0] == 429), "Retry-After with 429")
        check(
            len({r[2]
                 for r in results
                 if r[0] == 200}) == 1, "the same question, the same answer")
        if 429 not in statuses:
            print("the queue never filled")
    with Server("--no-detect", "--memory", str(1 << 20)) as s:
        problem(s.predict(rng.integers(0, 256, (30, 120, 120, 3), np.uint8)), 429, "BUSY",
                "more than all requests may hold")
        check(s.predict(frames())[0] == 200, "a small one fits")


def test_threads(rng):
    """The threads of the arithmetic are as many as --threads says, however many workers share
    them."""
    body = json.dumps({"img": rng.integers(0, 256, (40, 16, 16, 3), np.uint8).tolist()})
    def count(threads, workers):
        with Server("--no-detect", "--threads", str(threads), "--workers", str(workers)) as s:
            asking = [
                threading.Thread(target=s.ask, args=("POST", "/predict", body)) for _ in range(4)
            ]
            [t.start() for t in asking]
            [t.join() for t in asking]
            return len(os.listdir(f"/proc/{s.process.pid}/task"))
    others = count(2, 1) - 2
    for threads, workers in ((4, 1), (4, 2), (6, 2)):
        n = count(threads, workers)
        check(
            n <= others + threads,
            f"--threads {threads} --workers {workers}: {n} threads, {others} of them not of the "
            "arithmetic"
        )


def test_deadline(rng):
    with Server("--no-detect", "--deadline", "0.001", "--threads", "1", "--batch", "1") as s:
        body = json.dumps({"img": rng.integers(0, 256, (300, 16, 16, 3), np.uint8).tolist()})
        results = []
        threads = [
            threading.Thread(target=lambda: results.append(s.ask("POST", "/predict", body)))
            for _ in range(6)
        ]
        [t.start() for t in threads]
        [t.join() for t in threads]
        late = [r for r in results if r[0] != 200]
        check(late, "nobody waited too long")
        for r in late:
            problem(r, 503, "DEADLINE", "a request that waited too long")
            check(r[1].get("retry-after"), "Retry-After with 503")


def test_gone(rng):
    """A client that goes away is not worked for: the server is free again long before the work
    would have been done."""
    try:
        server = Server("--threads", "1")
    except RuntimeError as e:
        print("face detection is not tested:", str(e).strip()[:200])
        return
    with server as s:
        body = json.dumps({
            "img": rng.integers(0, 256, (25, 160, 160, 3), np.uint8).tolist(),
            "detect": True
        }).encode()
        def send():
            c = socket.create_connection(("127.0.0.1", s.port))
            c.sendall(b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" %
                      len(body) + body)
            return c
        def busy():
            # the question itself is one
            return "skin_in_flight 1\n" not in s.ask("GET", "/metrics")[2].decode()
        def wait(until):
            begin = time.time()
            while busy() != until and time.time() - begin < 60:
                time.sleep(0.01)
            return time.time() - begin
        c = send()
        c.recv(100)
        c.close()
        for _ in range(3): # a busy machine may notice late when the work began, or that it ended
            begin = time.time()
            c = send()
            c.recv(100)
            whole = time.time() - begin
            c.close()
            c = send()
            wait(True)
            time.sleep(0.05)
            c.close()
            rest = wait(False)
            if rest < max(0.3, whole / 2):
                break
        check(rest < max(0.3, whole / 2),
              f"worked on for {rest:.2f} s of {whole:.2f} s after the client had gone")


def test_signals(rng):
    img = rng.integers(0, 256, (300, 16, 16, 3), np.uint8)
    expected, other = by_tool(img), by_tool(img, "other.safetensors")
    body = json.dumps({"img": img.tolist()})
    os.system("cp flat.safetensors live.safetensors")
    with Server("--no-detect", model="live.safetensors") as s:
        # SIGHUP under load: every answer is one model's or the other's, and in the end it is the
        # new one's
        results, stop = [], threading.Event()
        def client():
            while not stop.is_set():
                results.append(s.predict(img))
        threads = [threading.Thread(target=client) for _ in range(4)]
        [t.start() for t in threads]
        time.sleep(0.3)
        os.system("cp other.safetensors live.new && mv live.new live.safetensors")
        s.process.send_signal(signal.SIGHUP)
        for _ in range(100):
            time.sleep(0.1)
            if json.loads(s.ask("GET", "/v1/model")[2])["generation"] == 2:
                break
        time.sleep(0.3)
        stop.set()
        [t.join() for t in threads]
        check(all(status == 200 and got in (expected, other) for status, got in results),
              f"answers during a reload: {results[:3]}")
        check(s.predict(img)[1] == other, "the new model answers")
        os.system("head -c 1000 flat.safetensors >live.safetensors")
        s.process.send_signal(signal.SIGHUP)
        time.sleep(0.5)
        check(s.predict(img)[1] == other, "a broken file leaves the model in service")
        check("skin_model_reload_failures_total 1" in s.ask("GET", "/metrics")[2].decode(),
              "the failure is counted")

    # SIGTERM under load: whatever was begun is answered
    s = Server("--no-detect")
    answers, lock = [], threading.Lock()
    def send(started):
        c = http.client.HTTPConnection("127.0.0.1", s.port, timeout=60)
        c.request("POST", "/predict", body)
        started.release()
        try:
            r = c.getresponse()
            data = r.read()
            with lock: answers.append((r.status, json.loads(data)))
        except Exception as e:
            with lock: answers.append(("lost", repr(e)))
    started = threading.Semaphore(0)
    threads = [threading.Thread(target=send, args=(started,)) for _ in range(8)]
    [t.start() for t in threads]
    [started.acquire() for _ in threads]
    s.__exit__()
    [t.join() for t in threads]
    check(
        len(answers) == 8 and all(a == (200, expected) for a in answers),
        f"SIGTERM lost answers: {[a[0] for a in answers]}")


def test_token():
    open("token", "w").write("a-secret-of-20-chars\nsecond line\n")
    open("short", "w").write("abc\n")
    with Server("--no-detect", "--token-file", "token") as s:
        body = json.dumps({"img": frames()})
        problem(s.ask("POST", "/predict", body), 401, "UNAUTHORIZED", "no token")
        for wrong in ("Bearer x", "Bearer a-secret-of-20-char", "Bearer a-secret-of-20-charsx",
                      "a-secret-of-20-chars", "Basic a-secret-of-20-chars", "Bearer "):
            problem(s.ask("POST", "/predict", body, {"Authorization": wrong}), 401, "UNAUTHORIZED",
                    wrong)
        check(
            s.ask("POST", "/predict", body,
                  {"Authorization": "Bearer a-secret-of-20-chars"})[0] == 200, "the right token")
        problem(s.ask("GET", "/metrics"), 401, "UNAUTHORIZED", "metrics without a token")
        check(s.alive(), "health needs no token")


def test_tls():
    subprocess.run([
        "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
        "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", "key.pem", "-out",
        "cert.pem"
    ], check=True, capture_output=True)
    context = ssl.create_default_context(cafile="cert.pem")
    img = frames(3)
    with Server("--no-detect", "--tls-cert", "cert.pem", "--tls-key", "key.pem") as s:
        c = http.client.HTTPSConnection("127.0.0.1", s.port, context=context, timeout=60)
        c.request("POST", "/predict", json.dumps({"img": img}))
        r = c.getresponse()
        check(r.status == 200 and json.loads(r.read()) == by_tool(np.array(img, np.uint8)),
              "over TLS")
        c.close()
        check("HTTP/1.1 200" not in s.raw(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n", wait=2),
              "plain text on a TLS port")
    open("bad.pem", "w").write("no certificate")
    refuse("certificate", "flat.safetensors", "--no-detect", "--listen", "127.0.0.1:0",
           "--tls-cert", "bad.pem", "--tls-key", "key.pem")


def refuse(text, *options, status=1):
    out = subprocess.run([BIN + "/skin-serve", *options], capture_output=True, text=True,
                         timeout=20)
    check(out.returncode == status and text in out.stderr and not out.stdout,
          f"skin-serve {options}: {out.returncode} {out.stderr!r}")


def test_local():
    """A folder of files at /local/: their bytes and types, and the policy of the page."""
    names = [
        "index.html", "style.css", "icon.svg", "app.js", "backend.js", "before.js", "course.js",
        "draw.js", "exif.js", "result.js", "skin.mjs", "worker.mjs", "skin.wasm",
        "skin-threads.wasm", "mtcnn.safetensors", "model.safetensors"
    ]
    os.mkdir("web")
    for name in names[:-1]:
        open("web/" + name, "w").write("this is " + name)
    refuse("web/model.safetensors", "flat.safetensors", "--no-detect", "--local", "web")
    open("web/model.safetensors", "w").write("this is model.safetensors")
    with Server("--no-detect", "--local", "web") as s:
        for name in names[1:]:
            status, headers, data = s.ask("GET", "/local/" + name)
            check(status == 200 and data.decode() == "this is " + name,
                  f"/local/{name}: {status} {data}")
        check(
            headers["content-type"] == "application/octet-stream" and
            s.ask("GET", "/local/skin.wasm")[1]["content-type"] == "application/wasm",
            "types of /local/")
        status, headers, data = s.ask("GET", "/local/")
        policy = headers["content-security-policy"]
        check(
            status == 200 and data == b"this is index.html" and "worker-src blob:" in policy and
            "'wasm-unsafe-eval'" in policy, f"the page at /local/: {status} {policy}")
        check((headers["cross-origin-opener-policy"],
               headers["cross-origin-embedder-policy"]) == ("same-origin", "require-corp"),
              "the page may use threads")
        headers = s.ask("GET", "/")[1]
        check(
            "wasm" not in headers["content-security-policy"] and
            "cross-origin-opener-policy" not in headers,
            "the server's own page has a policy of its own")
        for path in ("/local/../flat.safetensors", "/local/none", "/local/index.html/"):
            check(s.ask("GET", path)[0] == 404, path)
    with Server("--no-detect") as s:
        check(
            s.ask("GET", "/local/")[0] == 404 and s.ask("GET", "/local/app.js")[0] == 404,
            "without --local there is none")


def test_command_line():
    refuse("missing.safetensors", "missing.safetensors", "--no-detect")
    refuse("expected HOST:PORT", "flat.safetensors", "--no-detect", "--listen", "nowhere")
    refuse("can be reached from outside", "flat.safetensors", "--no-detect", "--listen",
           "0.0.0.0:0")
    refuse("16 characters", "flat.safetensors", "--no-detect", "--listen", "127.0.0.1:0",
           "--token-file", "short")
    refuse("token-file", "flat.safetensors", "--no-detect", "--token-file", status=2)
    refuse("go together", "flat.safetensors", "--no-detect", "--tls-cert", "x", status=2)
    with Server("--no-detect") as s:
        refuse("in use", "flat.safetensors", "--no-detect", "--listen", f"127.0.0.1:{s.port}")


serve_models.make(BIN)
serve_models.make(BIN, seed=4, names=("other", "other_gap"))
rng = np.random.default_rng(1)
run([(test_token, ()), (test_tls, ()), (test_command_line, ()), (test_local, ()),
     (test_full_queue, (rng, )), (test_threads, (rng, )), (test_deadline, (rng, )),
     (test_gone, (rng, )), (test_load, (rng, )), (test_signals, (rng, ))])
