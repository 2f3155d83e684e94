"""The frameworks on the work of `bench --set presets`, interleaved with ours in one run; prints
medians and ratios (bench/peers.sh --help).

Each peer runs in a process of its own (peers/worker.py), which is stopped while another is
measured. It tries its variants, keeps the fastest, and must compute what ours computes
(probabilities, the losses of two steps, faces) before a figure is printed. Then rounds: ours, then
each peer, then the next round; a ratio is the median of the rounds' ratios."""
import argparse, ctypes, datetime, json, os, select, signal, statistics, subprocess, sys, tempfile

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "peers"))
import data
import networks_data

# a minute a step (XLA's gradients of convolutions on the CPU): with --peers jax --patience 600 only
SLOW = {("jax", work) for work in ("train_b8", "train_b8_half", "frames_b2")}
INFERENCE = [
    "pytorch", "jax", "keras", "onnxruntime", "openvino", "litert", "openvino-bf16", "pytorch-bf16"
]
WORKS = {  # work: peers, threads (0: --threads), bench's problem
    "train_b8": (["pytorch", "jax", "keras", "pytorch-bf16"], 0, "train_b8"),
    "train_b8_half": (["pytorch", "jax", "keras"], 0, "train_b8_half"),
    "infer_b1": (INFERENCE, 0, "infer_b1"),
    "infer_b8": (INFERENCE, 0, "infer_b8"),
    "frames_b2": (["pytorch", "jax", "keras"], 0, "frames_b2"),
    "detect_1200x630":
    (["opencv", "ncnn", "ort", "facenet-pytorch", "mtcnn"], 0, "detect_1200x630"),
    "pnet": (["torch", "opencv", "ncnn", "ort"], 1, "pnet"),
    "rnet100": (["torch", "opencv", "ncnn", "ort"], 1, "rnet100"),
    "onet30": (["torch", "opencv", "ncnn", "ort"], 1, "onet30"),
}
WORKS.update({work: (["pytorch", "keras"], 0, work) for work in networks_data.WORKS})
# bench's problems beside a peer's bfloat16; our other works are fp32
OURS_BF16 = {"infer_b1": "infer:mb1bf1", "infer_b8": "infer:mb8bf1"}
NAMES = {
    "pytorch": "PyTorch",
    "pytorch-bf16": "PyTorch, autocast",
    "openvino": "OpenVINO",
    "litert": "LiteRT",
    "openvino-bf16": "OpenVINO",
    "torch": "PyTorch",
    "jax": "JAX",
    "keras": "Keras on TensorFlow",
    "onnxruntime": "ONNX Runtime",
    "ort": "ONNX Runtime",
    "opencv": "OpenCV DNN"
}


def die_with_parent():
    # PR_SET_PDEATHSIG: a stopped process would outlive an interrupted run
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


class Process:
    """A worker that answers a line with milliseconds and is stopped the rest of the time."""

    def __init__(self, words, threads, patience):
        env = dict(os.environ, OMP_NUM_THREADS=str(threads), PEER_THREADS=str(threads),
                   TORCHINDUCTOR_CACHE_DIR=os.path.join(sys.prefix, "inductor"))
        self.process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True, env=env, preexec_fn=die_with_parent)
        if not select.select([self.process.stdout], [], [], patience)[0]:
            print(f"# not ready after {patience} s: stopped", file=sys.stderr)
            self.process.kill()
        line = self.process.stdout.readline().split(" ", 1)
        self.ok = line[0].strip() == "ready"
        self.label = line[1].strip() if len(line) > 1 else ""
        if self.ok:
            self.process.send_signal(signal.SIGSTOP)

    def measure(self):
        self.process.send_signal(signal.SIGCONT)
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        ms = float(self.process.stdout.readline())
        self.process.send_signal(signal.SIGSTOP)
        return ms

    def close(self):
        self.process.send_signal(signal.SIGCONT)
        self.process.stdin.close()
        self.process.wait()


def our_faces(args, folder):
    out = subprocess.run([
        os.path.join(args.bin, "bench"), "--faces", "--photo", folder + "/photo.png", "detect:min20"
    ], check=True, stdout=subprocess.PIPE, text=True).stdout
    return np.array([[float(v) for v in line.split()[:5]] for line in out.splitlines()])


def overlap(a, b):
    w, h = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    both = max(w, 0) * max(h, 0)
    return both / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - both)


def precision_of(peer):
    return "bf16" if peer.endswith("-bf16") else "fp32"


def judge(work, mine, theirs, precision):
    """(agrees, in words)"""
    if work.startswith("detect"):
        least = min(
            (max(overlap(a, b) for b in theirs) for a in mine), default=0) if len(theirs) else 0
        return len(mine) == len(
            theirs
        ) and least > 0.7, f"{len(theirs)} faces for our {len(mine)}, overlap at least {least:.2f}"
    if work in networks_data.WORKS:
        what = "losses of two steps" if networks_data.trains(work) else "outputs"
        worst = np.abs(theirs -
                       mine).max() / np.abs(mine).max() if theirs.shape == mine.shape else np.inf
        return worst < 1e-4, f"{what} differ by {worst:.1e}"
    # Adam's first step is as large where a gradient is rounding alone (biases before
    # BatchNormalization): the second loss feels it
    if work.startswith("frames"):
        first, second = np.abs(theirs - mine) / mine
        text = f"losses of two steps of Adam differ by {first:.1e} and {second:.1e}"
        return first < 1e-5 and second < 1e-2, text
    worst = np.abs(theirs -
                   mine).max() / np.abs(mine).max() if theirs.shape == mine.shape else np.inf
    what = "losses of two steps" if work.startswith(
        ("train", "frames")) else "probabilities" if work.startswith("infer") else "outputs"
    return worst < (1e-4 if precision == "fp32" else 1e-2), f"{what} differ by {worst:.1e}"


def expected(args, work, folder):
    """What ours computes; None where the peers are compared with one another (ours is compared with
    plain loops by bench on the same weights)."""
    if work in networks_data.WORKS:
        return networks_data.expected(work, args.bin, folder)
    if work.startswith(("train", "infer")):
        return data.expected(work, args.bin, folder)
    return our_faces(args, folder) if work.startswith("detect") else None


def start_ours(args, work, threads):
    """{precision: our process}, or None if bench can't do the work."""
    words = [
        os.path.join(args.bin, "bench"), "--quiet", "--wait", "--seconds", "0.05", "--threads",
        str(threads)
    ] + ["--cpu"] * args.cpu
    ours = {"fp32": Process([*words, "--set", WORKS[work][2]], threads, args.patience)}
    if work in OURS_BF16:
        ours["bf16"] = Process([*words, OURS_BF16[work]], threads, args.patience)
    return ours if all(p.ok for p in ours.values()) else None


def start_peers(args, work, threads, folder):
    """{peer: its process} of those that compute what ours computes."""
    want, running = expected(args, work, folder), {}
    for peer in WORKS[work][0]:
        if peer not in args.peers.split(",") if args.peers else (peer, work) in SLOW:
            continue
        worker = Process([
            sys.executable,
            os.path.join(HERE, "peers", "worker.py"), peer, work,
            str(threads), folder
        ] + ["--tune"] * args.tune + ["--cpu"] * args.cpu, threads,
                         args.patience * (20 if args.tune else 1))
        if not worker.ok:
            print(f"# {work}: no {peer}", file=sys.stderr)
            continue
        result = np.load(os.path.join(folder, f"{peer}_{work}.npy"))
        want = result if want is None else want
        agrees, words = judge(work, want, result, precision_of(peer))
        print(f"# {work}: {peer}: {words}{'' if agrees else ': NOT THE SAME, left out'}",
              file=sys.stderr, flush=True)
        if agrees:
            running[peer] = worker
        else:
            args.wrong = True
            worker.close()
    return running


def measure(args, work, folder):
    """(work, threads, {precision: our times}, [(peer, its times, the precision of ours beside it,
    its variant)]): milliseconds, one a round."""
    threads = WORKS[work][1] or args.threads
    ours = start_ours(args, work, threads)
    if not ours:
        print(f"# {work}: bench can't do it", file=sys.stderr)
        return None
    running = start_peers(args, work, threads, folder)
    mine, times = {p: [] for p in ours}, {p: [] for p in running}
    for _ in range(args.rounds):
        for precision, process in ours.items():
            mine[precision].append(process.measure())
        for peer, worker in running.items():
            times[peer].append(worker.measure())
    for worker in (*ours.values(), *running.values()):
        worker.close()
    rows = [(p, times[p], precision_of(p) if precision_of(p) in mine else "fp32", w.label)
            for p, w in running.items()]
    return work, threads, mine, sorted(
        rows, key=lambda r: (precision_of(r[0]) != "fp32", statistics.median(r[1])))


def print_rows(args, result):
    work, threads, mine, rows = result
    for peer, times, beside, label in rows:
        name, precision = NAMES.get(peer, peer), precision_of(peer)
        ms, ratio = statistics.median(times), statistics.median(
            t / o for t, o in zip(times, mine[beside]))
        ours = f"{statistics.median(mine[beside]):.1f}{'' if beside == precision else ' (fp32)'}"
        if args.markdown:
            print(
                f"| {work} | {threads} | {precision} | {ours} | {name} | {ms:.1f} | {ratio:.2f} | "
                f"{label} |",
                flush=True)
        else:
            print(
                f"{work:16}{threads:8} {precision:9}{ours:>13}  {name:20}{ms:11.1f}{ratio:8.2f}  "
                f"{label}",
                flush=True)
    if not rows:
        print(f"{work}: {statistics.median(mine['fp32']):.1f} ms, no peer", flush=True)


def machine_fields(args):
    """What bench says of the machine."""
    words = [
        os.path.join(args.bin, "bench"), "--json", "--quiet", "--rounds", "1", "--seconds", "0",
        "--engine", "ours", "--isas", "best", "exp:n1000"
    ]
    row = json.loads(subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True).stdout)
    return {
        k: row[k]
        for k in ("machine", "processors", "caches", "memory_gb", "read_gbs", "read_gbs_1",
                  "clock_mhz", "system", "version", "commit", "compiler", "kernels", "blas", "date")
    }


def save_rows(result, machine, out):
    """Every round, as lines that bench --from reads."""
    work, threads, mine, rows = result
    engines = [("ours", p, t) for p, t in mine.items()] + [(NAMES.get(p, p), precision_of(p), t)
                                                           for p, t, _, _ in rows]
    for engine, precision, times in engines:
        print(
            json.dumps({
                "name": work,
                "engine": engine,
                "precision": precision,
                "cache": "warm",
                "threads": threads,
                "samples_ms": times,
                **machine
            }), file=out, flush=True)


def versions():
    import importlib.metadata as m

    names = ("torch", "tensorflow_cpu", "keras", "jax", "onnxruntime", "ncnn",
             "opencv-python-headless", "facenet-pytorch", "mtcnn", "openvino")
    have = {
        n: m.version(n)
        for n in names
        if any(d.metadata["Name"].lower().replace("_", "-") == n.replace("_", "-")
               for d in m.distributions())
    }
    return ", ".join(f"{n} {v}" for n, v in have.items())


def main():
    p = argparse.ArgumentParser(prog="bench/peers.sh",
                                description="Ours beside the frameworks, in one run.")
    p.add_argument("--bin", default="build/bin", help=argparse.SUPPRESS)
    p.add_argument("--rounds", type=int, default=5)
    p.add_argument("--threads", type=int, help="default: all processors; with --cpu one")
    p.add_argument(
        "--cpu", action="store_true",
        help="processor time instead of the time that passes: for a busy machine, and one thread")
    p.add_argument("--work", default=",".join(WORKS), help="of " + ",".join(WORKS))
    p.add_argument("--peers",
                   help="of " + ",".join(sorted({n
                                                 for w in WORKS.values()
                                                 for n in w[0]})))
    p.add_argument(
        "--patience", type=int, default=100,
        help="seconds that a peer may take to get ready (20 times as long with --tune); 100")
    p.add_argument(
        "--tune", action="store_true",
        help="try every variant of each framework, compiled training steps too (half an hour)")
    p.add_argument("--save", metavar="FILE",
                   help="write every round as JSON, too, for bench --from FILE --report PAGE.html")
    p.add_argument("--markdown", action="store_true",
                   help="the table as docs/performance.md has it")
    args = p.parse_args()
    args.wrong = False
    args.threads = args.threads or (1 if args.cpu else os.cpu_count())
    unknown = [w for w in args.work.split(",") if w not in WORKS]
    if unknown:
        p.error(f"--work {unknown[0]}: expected some of {','.join(WORKS)}")
    bench = os.path.join(args.bin, "bench")
    commit = subprocess.run(["git", "-C", HERE, "describe", "--always", "--dirty"],
                            stdout=subprocess.PIPE, text=True).stdout.strip()
    model = next((line.split(":", 1)[1].strip()
                  for line in open("/proc/cpuinfo")
                  if line.startswith("model name")), "?")
    kind = ", processor time" if args.cpu else ""
    head = (f"{datetime.date.today()}, commit {commit}, {model}, {os.cpu_count()} processors, "
            f"{args.rounds} rounds{kind}; {versions()}")
    if args.markdown:
        print(
            head +
            "\n\n| work | threads | precision | ours, ms | peer | peer, ms | peer / ours | its "
            "fastest variant |\n|---|---|---|---|---|---|---|---|",
            flush=True)
    else:
        print(
            f"# {head}\n{'work':16}{'threads':>8} {'precision':9}{'ours ms':>13}  "
            f"{'peer':20}{'peer ms':>11}{'ratio':>8}  its fastest variant",
            flush=True)
    medians = {}
    saved = open(args.save, "w", encoding="utf-8") if args.save else None
    machine = machine_fields(args) if saved else None
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([bench, "--write-photo", folder + "/photo.png"], check=True)
        for work in args.work.split(","):
            result = measure(args, work, folder)
            if result:
                medians[work] = statistics.median(result[2]["fp32"])
                print_rows(args, result)
                if saved:
                    save_rows(result, machine, saved)
    if "train_b8" in medians and "train_b8_half" in medians:
        print(
            "\nHalf of the frames masked, ours: "
            f"{medians['train_b8'] / medians['train_b8_half']:.2f} times faster than all valid."
        )
    sys.exit(args.wrong)


main()
