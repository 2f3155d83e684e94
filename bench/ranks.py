#!/usr/bin/env python3
"""Training on two ranks of one thread beside one process of two threads, and beside PyTorch's
DistributedDataParallel, in one run, alternating.

    bench/ranks.py [--bin build/bin] [--rounds 3] [--steps 12] [--no-torch]

The work is train_b8: preset skincredible, batches of 8 people, 30 photos of 80x80, all valid, SGD.
A figure is what a step adds to a run: the
median of long runs less the median of runs of two steps, over their difference in steps (PyTorch:
the median of its steps, and of the rounds). Needs mpirun; PyTorch comes from the environment that
runs the script."""
import argparse, os, socket, statistics, subprocess, sys, tempfile, time

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "peers"))
import data  # noqa: E402

RANKS = 2


def arguments():
    p = argparse.ArgumentParser(description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--bin", default=os.path.join(HERE, "..", "build", "bin"))
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--steps", type=int, default=12)
    p.add_argument("--no-torch", action="store_true")
    return p.parse_args()


def make_work(args, scratch):
    """The model and the arrays: one batch."""
    weights, model, arrays = (os.path.join(scratch, n)
                              for n in ("weights.npz", "model.safetensors", "people.npz"))
    np.savez(weights, **data.made_weights())
    subprocess.run([
        os.path.join(args.bin, "skin-import"), "npz", weights, "--preset", "skincredible",
        "--recurrent-activation", "hard_sigmoid_k2", "-o", model
    ], check=True, stdout=subprocess.DEVNULL)
    img, _, labels = data.batch("train_b8")
    np.savez(arrays, img=img, labels=labels, mask=np.ones(img.shape[:2], bool))
    return model, arrays


def run_steps(args, work, scratch, launcher, threads, steps):
    """Seconds of a whole run of so many steps."""
    model, arrays = work
    command = [
        *launcher,
        os.path.join(args.bin, "skin-train"), "--npz", arrays, "--init", model, "--steps",
        str(steps), "--no-shuffle", "--optimizer", "sgd", "--learning-rate",
        str(data.RATE), "--loss", "bce", "--batch",
        str(data.BATCH), "--threads",
        str(threads), "--quiet", "-o",
        tempfile.mkdtemp(dir=scratch)
    ]
    begin = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - begin


class Ours:
    """Whole runs of skin-train, short and long ones in turn."""

    def __init__(self, work, launcher, threads):
        self.work, self.launcher, self.threads = work, launcher, threads
        self.short, self.long = [], []

    def run(self, args, scratch):
        self.short.append(run_steps(args, self.work, scratch, self.launcher, self.threads, 2))
        self.long.append(
            run_steps(args, self.work, scratch, self.launcher, self.threads, 2 + args.steps))

    def seconds(self, args):
        """Of a step: the middle, the least and the most."""
        start = statistics.median(self.short)
        return [(run - start) / args.steps
                for run in (statistics.median(self.long), min(self.long), max(self.long))]


def torch_ddp(args):
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = str(s.getsockname()[1])
    script = os.path.join(HERE, "peers", "ddp_torch.py")
    ranks = [
        subprocess.Popen(
            [sys.executable, script,
             str(r), str(RANKS), str(args.steps), port], stdout=subprocess.PIPE, text=True)
        for r in range(RANKS)
    ]
    answers = [p.communicate()[0] for p in ranks]
    if any(p.returncode for p in ranks):
        sys.exit("ranks: PyTorch failed")
    return float(answers[0])


def main():
    args = arguments()
    os.environ.update(OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")
    mpirun = ["mpirun", "--quiet", "--bind-to", "none", "-n", str(RANKS)]
    torch = []
    with tempfile.TemporaryDirectory() as scratch:
        work = make_work(args, scratch)
        alone, ranks = Ours(work, [], 2), Ours(work, mpirun, 1)
        for _ in range(args.rounds):
            alone.run(args, scratch)
            ranks.run(args, scratch)
            if not args.no_torch:
                torch.append(torch_ddp(args))
    rows = {"1 process, 2 threads": alone.seconds(args), "2 ranks, 1 thread": ranks.seconds(args)}
    if torch:
        rows["PyTorch DDP, 2 processes, 1 thread"] = [
            statistics.median(torch), min(torch), max(torch)
        ]
    own = rows["2 ranks, 1 thread"][0]
    for name, (middle, least, most) in rows.items():
        print(
            f"{name:36} {1e3 * middle:8.1f} ms a step   {middle / own:5.2f} times that of the "
            f"ranks   ({1e3 * least:.1f} to {1e3 * most:.1f})"
        )


if __name__ == "__main__":
    main()
