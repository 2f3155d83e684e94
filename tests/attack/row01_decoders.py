"""Of many requests every tenth kills, hangs or bloats its decoder.   row01_decoders.py BIN
The decoder is harmed from outside while it works: the product has no hook for it. Its parent, the
server, cannot see the difference."""
import http.client, io, itertools, json, multiprocessing, os, resource, signal, threading, time
from made_bombs import many_scans
from serve_attack import LONG, WEIGHTS, Server, check, finish
from serve_help import multipart
import numpy as np
import skimage.data, skimage.io

REQUESTS, CLIENTS, DEADLINE = 1000 if LONG else 120, 4, 3
SLACK = 2        # seconds above the deadline, for a busy machine
HEALTH = 0.050   # seconds
# bytes of addresses by which only the decoder of a harmful photo exceeds its parent
LARGE = 200 << 20
PAGE = os.sysconf("SC_PAGESIZE")
SANITIZED = os.environ.get("SANITIZED") == "1"


# ---- processes ----

def children(pid):
    try:
        return [int(word) for word in open(f"/proc/{pid}/task/{pid}/children").read().split()]
    except OSError:
        return [] # it has ended


def memory(pid):
    """Bytes of addresses, and of memory held; (0, 0) if the process has ended."""
    try:
        words = open(f"/proc/{pid}/statm").read().split()
    except OSError:
        return 0, 0
    return int(words[0]) * PAGE, int(words[1]) * PAGE


def has_worked(pid):
    """Whether a process has used some processor time: it is behind the fence, and decodes."""
    try:
        fields = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
    except OSError:
        return False
    # hundredths of a second; a new process uses a fifth of one
    return int(fields[11]) + int(fields[12]) >= 2


def find_decoder(seconds):
    """The decoder that works on the harmful photo; there is one at a time."""
    until = time.time() + seconds
    while time.time() < until:
        for pid in children(spawner):
            if memory(pid)[0] > memory(spawner)[0] + LARGE and has_worked(pid):
                return pid
        time.sleep(0.002)
    return None


def settled():
    """Bytes of addresses and of memory held by the server and its children, once no decoder is
    left."""
    until = time.time() + 10
    while children(spawner) and time.time() < until:
        time.sleep(0.01)
    check(not children(spawner), "decoders are left when nothing is asked")
    every = [memory(pid) for pid in (s.process.pid, spawner)]
    return sum(m[0] for m in every), sum(m[1] for m in every)


# ---- harm ----

def starve(pid):
    """It may take no more memory: the next allocation fails as if the photo had bloated it."""
    resource.prlimit(pid, resource.RLIMIT_AS,
                     (1 << 20, resource.prlimit(pid, resource.RLIMIT_AS)[1]))


# what is done, the status and code that the sender gets, words of the reason
KINDS = (
    (lambda pid: os.kill(pid, signal.SIGKILL), 422, "UNSUPPORTED_IMAGE", "its decoder was killed"),
    (lambda pid: os.kill(pid, signal.SIGSTOP), 503, "DEADLINE", ""),
    # of a photo that needs more memory when half of the work is done
    (starve, 422, "UNSUPPORTED_IMAGE", "memory"),
    (lambda pid: os.kill(pid, signal.SIGSEGV), 422, "UNSUPPORTED_IMAGE", "its decoder crashed"),
)
one_harm = threading.Lock() # else nobody could say whose decoder it is


def harm(number):
    """Sends a photo that takes seconds to decode, and meanwhile harms its decoder. Whether the
    answer is the documented one."""
    do, status, code, words = KINDS[number % len(KINDS)]
    with one_harm:
        got = []
        sender = threading.Thread(
            target=lambda: got.append(ask(unpacked if do is starve else harmful)))
        sender.start()
        pid = find_decoder(DEADLINE)
        check(pid is not None, f"harm {number}: its decoder was not found")
        if pid:
            do(pid)
        sender.join()
    answer = json.loads(got[0][1])
    ok = got[0][0] == status and answer["code"] == code and (SANITIZED or words in answer["detail"])
    check(ok, f"harm {number}: expected {status} {code} '{words}', got {got[0][0]} {answer}")
    return ok


# ---- honest requests ----

def ask(request):
    begin = time.time()
    status, _, data = s.ask("POST", "/v1/analyze", *request)
    waited.append(time.time() - begin)
    return status, data


def judge(data):
    """An answer without what differs from request to request."""
    answer = json.loads(data)
    answer.pop("request_id", None)
    return answer


def photos():
    """Requests of one small photo each, with the same face."""
    face = skimage.data.astronaut()[:256, 96:352]
    for step in range(5):
        out = io.BytesIO()
        skimage.io.imsave(out, face[step:, step:].copy(), plugin="pil", format_str="png")
        yield multipart([("photo", out.getvalue())])


def slow_png():
    """Grey, so that it is unpacked, unfiltered and made RGB, each into memory of its own. With
    noise, so that the first takes long."""
    out, noise = io.BytesIO(), np.random.default_rng(1)
    skimage.io.imsave(out, np.uint8(noise.integers(0, 16, (4000, 6000)) == 0), plugin="pil",
                      format_str="png", check_contrast=False)
    return multipart([("photo", out.getvalue())])


def count(what, ok):
    with counting:
        counts[what] += ok


def client(numbers):
    for n in numbers:
        if n % 10 == 9:
            count("documented errors", harm(n // 10))
            continue
        status, data = ask(honest[n % len(honest)])
        ok = status == 200 and judge(data) == expected[n % len(honest)]
        check(ok, f"request {n}: {status} {data[:300]}")
        count("right answers", ok)


def watch_health(port, done, out):
    """In a process of its own: seconds that each question took, and how late the machine lets a
    sleeper go on, which no server can mend."""
    took, late, c = [], [], http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    while not done.is_set():
        begin = time.monotonic()
        c.request("GET", "/v2/health/ready")
        r = c.getresponse()
        r.read()
        end = time.monotonic()
        took.append(end - begin if r.status == 200 else 1e9)
        time.sleep(0.01)
        late.append(time.monotonic() - end - 0.01)
    out.put((took, max(late)))


# ---- the test ----

def load(numbers):
    """Shares out the requests among the clients."""
    numbers, lock = iter(numbers), threading.Lock()

    def mine():
        while True:
            with lock:
                n = next(numbers, None)
            if n is None:
                return
            yield n
    threads = [threading.Thread(target=lambda: client(mine())) for _ in range(CLIENTS)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()


counts, waited, counting = {"right answers": 0, "documented errors": 0}, [], threading.Lock()
harmful, unpacked = multipart([("photo", many_scans(6000, 4000, 100))]), slow_png()
honest = list(photos())
s = Server("--weights", WEIGHTS, "--deadline", str(DEADLINE), "--threads", str(CLIENTS),
           "--workers", str(CLIENTS), "--min-photos", "1")
spawner = children(s.process.pid)[0]
expected = [judge(ask(request)[1]) for request in honest]
check(all("probability_improved" in e for e in expected), f"an honest request: {expected[0]}")
load(range(40)) # each worker has its threads and its memory
before, restarts = settled(), s.metric("skin_decoder_restarts_total")
counts, waited = {k: 0 for k in counts}, []

done, out = multiprocessing.Event(), multiprocessing.Queue()
watcher = multiprocessing.Process(target=watch_health, args=(s.port, done, out))
watcher.start()
begin = time.time()
load(range(REQUESTS))
seconds = time.time() - begin
done.set()
health, late = out.get()
health.sort()
watcher.join()
after = settled()

print(
    f"{REQUESTS} requests in {seconds:.1f} s: {counts}; the slowest answer after {max(waited):.1f} "
    "s"
)
check(counts == {
    "right answers": REQUESTS * 9 // 10,
    "documented errors": REQUESTS // 10
}, f"{counts}")
check(max(waited) < DEADLINE + SLACK, f"one waited {max(waited):.1f} s")
print(
    f"health: {len(health)} times, median {health[len(health) // 2] * 1e3:.1f} ms, 99 % "
    f"{health[len(health) * 99 // 100] * 1e3:.1f} ms, slowest {health[-1] * 1e3:.1f} ms; a sleeper "
    f"was late by up to {late * 1e3:.1f} ms"
)
check(health[-1] < HEALTH + late, f"health took {health[-1] * 1e3:.0f} ms")
restarts = s.metric("skin_decoder_restarts_total") - restarts
# their decoders report it, and live; a sanitizer ends them
starved = 0 if SANITIZED else sum(n % len(KINDS) == 2 for n in range(REQUESTS // 10))
check(restarts == REQUESTS // 10 - starved, f"{restarts} decoders were replaced")
print(
    f"memory: {before[1] >> 10} KiB before, {after[1] >> 10} KiB after; addresses "
    f"{before[0] >> 20} and {after[0] >> 20} MiB"
)
check(SANITIZED or after[1] < before[1] + (16 << 20), "memory grew by more than 16 MiB")
check(after[0] < before[0] + (128 << 20), "addresses grew by more than 128 MiB")
s.end(30)
finish()
