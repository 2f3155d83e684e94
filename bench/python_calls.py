#!/usr/bin/env python3
"""Calls from Python beside the same calls from C, in one run, alternating: predict for a batch of 8
and of 1, and 8 threads that each have a session of their own.

    bench/python_calls.py [--build build] [--rounds 9] [--compiler cc]

The work is preset skincredible on 30 photos of 80x80. Figures are milliseconds of a call, the
middle of the rounds."""
import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
FRAMES, SIZE = 30, 80
ROWS = [("predict, batch 8", 8, 1, 3), ("predict, batch 1", 1, 1, 20),
        ("8 threads, batch 1 each", 1, 8, 5)]


def arguments():
    p = argparse.ArgumentParser(description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--build", default=os.path.join(HERE, "..", "build"))
    p.add_argument("--rounds", type=int, default=9)
    p.add_argument("--compiler", default="cc")
    return p.parse_args()


def compile_c(args, scratch):
    root, lib = os.path.join(HERE, ".."), os.path.abspath(os.path.join(args.build, "lib"))
    program = os.path.join(scratch, "python_calls")
    subprocess.run([
        args.compiler, "-O2", "-std=gnu11", f"-I{root}/libconvlstm", f"-I{root}/libconvlstm/base",
        os.path.join(HERE, "peers", "python_calls.c"), "-o", program, f"-L{lib}", "-lconvlstm",
        f"-Wl,-rpath,{lib}", "-lpthread"
    ], check=True)
    return program


def load_package(args, scratch):
    """The package of this tree, beside the libraries of this build."""
    package = os.path.join(scratch, "skincredible")
    os.mkdir(package)
    source = os.path.join(HERE, "..", "tools", "python", "skincredible")
    lib = os.path.join(args.build, "lib")
    for folder, names in (source, os.listdir(source)), (lib, ["libconvlstm.so.0", "libmtcnn.so.0"]):
        for name in names:
            if not name.startswith("__pycache__"):
                os.symlink(os.path.abspath(os.path.join(folder, name)), os.path.join(package, name))
    sys.dont_write_bytecode = True
    sys.path.insert(0, scratch)
    import skincredible

    return skincredible


class Python:
    def __init__(self, package, path):
        self.model = package.Model.load(path)
        values = 8 * FRAMES * SIZE * SIZE * 3
        self.photos = ((np.arange(values) * 31 % 251) / np.float32(250)).astype(np.float32).reshape(
            8, FRAMES, SIZE, SIZE, 3)

    def measure(self, batch, threads, calls):
        x = self.photos[:batch]
        if threads == 1:
            self.model.predict(x)  # the first one allocates
            begin = time.perf_counter()
            for _ in range(calls):
                self.model.predict(x)
            return (time.perf_counter() - begin) * 1e3 / calls
        sessions = [self.model.session(num_threads=1) for _ in range(threads)]
        for s in sessions:
            s.predict(x)

        def work(session):
            for _ in range(calls):
                session.predict(x)

        team = [threading.Thread(target=work, args=(s,)) for s in sessions]
        begin = time.perf_counter()
        for t in team:
            t.start()
        for t in team:
            t.join()
        return (time.perf_counter() - begin) * 1e3 / calls


def main():
    args = arguments()
    with tempfile.TemporaryDirectory() as scratch:
        package = load_package(args, scratch)
        path = os.path.join(scratch, "model.safetensors")
        package.Model.preset("skincredible", SIZE, SIZE, seed=1).save(path)
        python = Python(package, path)
        c = subprocess.Popen([compile_c(args, scratch), path], stdin=subprocess.PIPE,
                             stdout=subprocess.PIPE, text=True)
        for name, batch, threads, calls in ROWS:
            took = {"C": [], "Python": []}
            for _ in range(args.rounds):
                c.stdin.write(f"{batch} {threads} {calls}\n")
                c.stdin.flush()
                took["C"].append(float(c.stdout.readline()))
                took["Python"].append(python.measure(batch, threads, calls))
            middle = {who: statistics.median(t) for who, t in took.items()}
            spread = "   ".join(f"{who} {middle[who]:.2f} ms ({min(t):.2f} to {max(t):.2f})"
                                for who, t in took.items())
            print(f"{name:24} Python / C {middle['Python'] / middle['C']:.3f}   {spread}",
                  flush=True)
        c.stdin.close()
        c.wait()


if __name__ == "__main__":
    main()
