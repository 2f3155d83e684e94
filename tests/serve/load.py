"""skin-serve under load, with answers compared.   load.py BIN MODEL [--requests 2000] [--soak
20000] [--json FILE]

1. 2,000 requests of mixed sizes from 32 connections: none lost, each answer that of the same
request alone, bit for bit; /v2/health/live from another process meanwhile.
2. 20,000 requests: memory flat.   3. Two people's photos in turns: neither sees the other's.   4.
                                   SIGTERM under load: what was accepted is answered.   5. kill -9
                                   under load: nothing on disk.
"""
import argparse, asyncio, json, multiprocessing, os, random
import signal, socket, subprocess, sys, tempfile, time

failures = []


def check(ok, text):
    if not ok:
        failures.append(text)
        print("FAILED:", text)


class Server:
    def __init__(self, *options):
        self.folder = tempfile.mkdtemp(prefix="skin-load-")
        environment = dict(os.environ, TMPDIR=self.folder, OMP_WAIT_POLICY="passive")
        self.process = subprocess.Popen([
            arguments.bin + "/skin-serve", MODEL, "--weights", WEIGHTS, "--listen", "127.0.0.1:0",
            "--queue", "1000", "--deadline", "600", *options
        ], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=self.folder,
                                        env=environment)
        line = self.process.stdout.readline()
        if not line:
            sys.exit(self.process.stderr.read())
        self.port = int(line.rsplit(":", 1)[1])

    def status(self, key):
        for line in open(f"/proc/{self.process.pid}/status"):
            if line.startswith(key + ":"):
                return int(line.split()[1])

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        check(
            self.process.wait(120) == 0,
            f"exit status {self.process.returncode}: {self.process.stderr.read()[-500:]}")
        os.rmdir(self.folder) # empty, or this fails


# ---- requests ----

def frames_request(rng, frames, height, width, path="/predict"):
    img = [[[[rng.randrange(256)
              for _ in range(3)]
             for _ in range(width)]
            for _ in range(height)]
           for _ in range(frames)]
    return path, "application/json", json.dumps({"img": img}, separators=(",", ":")).encode()


def photos_request(photos, explain=False):
    body = b"".join(
        b'--bound\r\nContent-Disposition: form-data; name="photo"; filename="p.jpg"\r\n\r\n' + p +
        b"\r\n" for p in photos)
    body += b'--bound\r\nContent-Disposition: form-data; name="explain"\r\n\r\n%d' % explain
    body += b"\r\n--bound--\r\n"
    return "/v1/analyze", "multipart/form-data; boundary=bound", body


async def ask(reader, writer, request, keep=True):
    """Status and parsed body, without what differs from request to request."""
    path, kind, body = request
    writer.write(
        f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: {kind}\r\nContent-Length: "
        f"{len(body)}\r\n{'' if keep else 'Connection: close' + chr(13) + chr(10)}\r\n"
        .encode() + body)
    await writer.drain()
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    length = int(
        next(l for l in head.split("\r\n") if l.lower().startswith("content-length")).split(":")[1])
    answer = json.loads(await reader.readexactly(length))
    answer.pop("request_id", None)
    return int(head.split()[1]), answer


async def alone(port, requests):
    answers = []
    for r in requests:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 24)
        answers.append(await ask(reader, writer, r))
        writer.close()
    return answers


async def hammer(port, requests, expected, count, connections):
    """`count` requests; latencies in seconds, and how many were lost or wrong."""
    left, latencies, lost, wrong = iter(range(count)), [], [], []

    async def client():
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 24)
        for i in left:
            k = (i * 7919) % len(requests)
            begin = time.perf_counter()
            try:
                answer = await ask(reader, writer, requests[k])
            except (OSError, EOFError, asyncio.IncompleteReadError) as e:
                lost.append(repr(e))
                reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 24)
                continue
            latencies.append(time.perf_counter() - begin)
            if answer != expected[k]:
                wrong.append((k, str(answer)[:200], str(expected[k])[:200]))
        writer.close()

    await asyncio.gather(*(client() for _ in range(connections)))
    return latencies, lost, wrong


def watch_live(port, stop, out):
    """In a process of its own: how long /v2/health/live takes, and how late the machine lets a
    sleeper go on, which no server can mend."""
    times, late = [], []
    while not stop.is_set():
        begin = time.perf_counter()
        with socket.create_connection(("127.0.0.1", port), timeout=10) as s:
            s.sendall(b"GET /v2/health/live HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            answer = b"".join(iter(lambda: s.recv(4096), b""))
        times.append(time.perf_counter() - begin)
        if b"200 OK" not in answer:
            times.append(99)
        begin = time.perf_counter()
        time.sleep(0.02)
        late.append(time.perf_counter() - begin - 0.02)
    out.put((times, late))


def percentile(values, p):
    return sorted(values)[min(len(values) - 1, int(len(values) * p / 100))]


# ---- the parts ----

def test_throughput(server, requests, expected, count, figures):
    stop, out = multiprocessing.Event(), multiprocessing.Queue()
    watcher = multiprocessing.Process(target=watch_live, args=(server.port, stop, out))
    watcher.start()
    begin = time.perf_counter()
    latencies, lost, wrong = asyncio.run(hammer(server.port, requests, expected, count, 32))
    seconds = time.perf_counter() - begin
    stop.set()
    live, late = out.get()
    watcher.join()
    check(not lost and len(latencies) == count, f"{len(lost)} of {count} lost: {lost[:3]}")
    check(not wrong, f"{len(wrong)} answers differ from those of single requests: {wrong[:2]}")
    # on a quiet machine the second is nothing
    check(max(live) < 0.05 + max(late), f"/v2/health/live took {max(live) * 1000:.0f} ms")
    figures.update(requests=count, seconds=seconds, per_second=count / seconds,
                   p50_ms=1000 * percentile(latencies, 50), p99_ms=1000 * percentile(latencies, 99),
                   live_max_ms=1000 * max(live), live_asked=len(live))
    print(
        f"{count} requests from 32 connections in {seconds:.1f} s: {count / seconds:.0f}/s, p50 "
        f"{figures['p50_ms']:.0f} ms, p99 {figures['p99_ms']:.0f} ms, none lost, answers bit for "
        "bit those of single requests"
    )
    print(
        f"/v2/health/live meanwhile, {len(live)} times: p50 {1000 * percentile(live, 50):.1f} ms, "
        f"p99 {1000 * percentile(live, 99):.1f} ms, slowest {1000 * max(live):.1f} ms (a process "
        f"that only slept was let go on up to {1000 * max(late):.1f} ms late)"
    )


def test_memory(server, requests, expected, count, figures):
    small = [
        k for k in range(len(requests))
        if requests[k][0] == "/predict" and len(requests[k][2]) < 100000
    ]
    some, right = [requests[k] for k in small], [expected[k] for k in small]
    marks = []
    for part in range(5): # the first fifth warms up: buffers grow to the largest batch
        latencies, lost, wrong = asyncio.run(hammer(server.port, some, right, count // 5, 32))
        check(not lost and not wrong and len(latencies) == count // 5,
              f"soak: {len(lost)} lost, {len(wrong)} wrong")
        marks.append(server.status("VmRSS") / 1024)
    figures["memory_mib"] = marks
    check(marks[-1] < marks[0] * 1.05 + 2, f"memory grew: {marks} MiB")
    print(f"{count} requests: memory after each fifth {', '.join(f'{m:.1f}' for m in marks)} MiB")


def test_two_clients(server, people):
    """Two people's photos in turns over their own connections, many times: every answer is the
    person's own."""
    requests = [photos_request(p, explain=True) for p in people]
    expected = asyncio.run(alone(server.port, requests))
    check(expected[0] != expected[1] and all(status == 200 for status, _ in expected),
          "two people are told apart")

    async def both():
        async def person(k):
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port, limit=1 << 24)
            for _ in range(15):
                check(await ask(reader, writer, requests[k]) == expected[k],
                      f"person {k} was answered otherwise")
            writer.close()
        await asyncio.gather(*(person(k % 2) for k in range(4)))
    asyncio.run(both())
    print("two people's photos in turns, 60 analyses: each answer the person's own")


def test_sigterm(requests, expected):
    server = Server()
    answered, refused, lost = [], [], []

    async def client(number, stopped):
        for i in range(number, 100000, 32):
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", server.port,
                                                               limit=1 << 24)
            except OSError as e: # not accepted
                refused.append(repr(e))
                return
            k = i % len(requests)
            try:
                answer = await ask(reader, writer, requests[k], keep=False)
            except Exception as e:
                lost.append(repr(e))
                return
            answered.append(answer == expected[k])
            writer.close()
            if stopped.is_set() and i > 50000:
                return

    async def run():
        stopped = asyncio.Event()
        clients = [asyncio.create_task(client(n, stopped)) for n in range(32)]
        await asyncio.sleep(2)
        server.process.send_signal(signal.SIGTERM)
        stopped.set()
        await asyncio.wait_for(asyncio.gather(*clients), 120)

    asyncio.run(run())
    check(server.process.wait(60) == 0, f"exit status {server.process.returncode}")
    check(not lost, f"{len(lost)} accepted requests were lost: {lost[:3]}")
    check(
        all(answered) and len(answered) > 32 and refused,
        f"{len(answered)} answered, {answered.count(False)} wrong, {len(refused)} refused")
    os.rmdir(server.folder)
    print(f"SIGTERM under load: {len(answered)} requests answered, none lost, exit status 0")


def test_kill(requests):
    server = Server()
    pid = server.process.pid

    async def run():
        async def client(number):
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", server.port,
                                                               limit=1 << 24)
                for i in range(number, 100000):
                    await ask(reader, writer, requests[i % len(requests)])
            except (OSError, EOFError, asyncio.IncompleteReadError):
                pass
        clients = [asyncio.create_task(client(n)) for n in range(16)]
        await asyncio.sleep(2)
        files = [os.readlink(f"/proc/{pid}/fd/{f}") for f in os.listdir(f"/proc/{pid}/fd")]
        on_disk = [f for f in files if f.startswith("/") and not f.startswith("/dev/")]
        check(not on_disk, f"open files: {on_disk}")
        written = dict(l.split(": ")
                       for l in open(f"/proc/{pid}/io").read().splitlines())["write_bytes"]
        check(int(written) == 0, f"{written} bytes were written to disk")
        server.process.kill()
        await asyncio.gather(*clients)

    asyncio.run(run())
    check(server.process.wait(10) == -9, "killed")
    left = os.listdir(server.folder)
    check(not left, f"left in its folder: {left}")
    os.rmdir(server.folder)
    print("kill -9 under load: no file open, no byte written, nothing left")


parser = argparse.ArgumentParser()
parser.add_argument("bin")
parser.add_argument("model")
parser.add_argument("--requests", type=int, default=2000)
parser.add_argument("--soak", type=int, default=20000)
parser.add_argument("--json")
arguments = parser.parse_args()
MODEL, WEIGHTS = os.path.abspath(arguments.model), os.path.abspath("weights/mtcnn.safetensors")
arguments.bin = os.path.abspath(arguments.bin)
rng = random.Random(1)
clinic = tempfile.mkdtemp(prefix="skin-load-")
subprocess.run([
    arguments.bin + "/skin-synth", clinic + "/clinic", "--patients", "2", "--seed", "3", "--photos",
    "6:6", "--no-face", "0", "--quiet"
], check=True)
names = sorted(os.listdir(clinic + "/clinic/images"))
people = [[open(f"{clinic}/clinic/images/{n}", "rb").read()
           for n in names
           if n.startswith(who)]
          for who in sorted({n.split("_")[0]
                             for n in names})]
subprocess.run(["rm", "-r", clinic], check=True)
requests = [
    frames_request(rng, f, h, w)
    for f, h, w in ((1, 8, 8), (2, 16, 16), (3, 48, 48), (5, 24, 24), (4, 48, 48), (8, 48, 48),
                    (12, 32, 40), (6, 80, 80), (2, 160, 160), (20, 48, 48), (1, 200, 120))
]
requests += [photos_request(p[:2]) for p in people]
figures = {}
server = Server("--workers", "2")
expected = asyncio.run(alone(server.port, requests))
check(all(status == 200 for status, _ in expected),
      f"single requests: {[e for e in expected if e[0] != 200][:2]}")
test_throughput(server, requests, expected, arguments.requests, figures)
test_memory(server, requests, expected, arguments.soak, figures)
test_two_clients(server, people)
server.stop()
test_sigterm(requests, expected)
test_kill(requests)
if arguments.json:
    json.dump(figures, open(arguments.json, "w"), indent=1)
sys.exit(1 if failures else 0)
