#!/usr/bin/env python3
"""What a process costs that loads a model of the preset and predicts one sequence: time from exec
to the answer, and memory.

    bench/start.py [--build build] [--rounds 41] [--threads N]

bench/start/answer.c is compiled against the static and the shared library, and run in turn. Each
figure is the least of the rounds, which other processes change least.
"nothing" is a program that does nothing, "OpenBLAS" one that is linked with OpenBLAS and does
nothing."""
import argparse
import os
import subprocess
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
EMPTY = "int main(void) { return 0; }\n"


def compile_all(args, folder):
    """name -> program"""
    lib = os.path.join(os.path.abspath(args.build), "lib")
    answer = [
        os.path.join(HERE, "start", "answer.c"), "-I" + os.path.join(ROOT, "libconvlstm"),
        "-I" + os.path.join(ROOT, "libconvlstm", "base")
    ]
    empty = os.path.join(folder, "empty.c")
    with open(empty, "w", encoding="utf-8") as f:
        f.write(EMPTY)
    programs = {
        "nothing": [empty],
        "OpenBLAS": [empty, "-Wl,--no-as-needed", "-lopenblas"],
        "static": [
            *answer,
            os.path.join(lib, "libconvlstm.a"), "-lopenblas", "-lz", "-fopenmp", "-lm", "-lpthread",
            "-ldl"
        ],
        "shared": [*answer, "-L" + lib, "-Wl,-rpath," + lib, "-lconvlstm"],
    }
    for name, words in programs.items():
        subprocess.run(["cc", "-O2", "-o", os.path.join(folder, name), *words], check=True)
    return {name: os.path.join(folder, name) for name in programs}


def run(program, model, threads):
    """Milliseconds from exec to the end, then what the program prints."""
    start = time.monotonic_ns()
    out = subprocess.run([program, model, str(start), str(threads)], check=True,
                         stdout=subprocess.PIPE, text=True, close_fds=False).stdout
    return [1e-6 * (time.monotonic_ns() - start)] + [float(v) for v in out.split()]


def main():
    p = argparse.ArgumentParser(
        prog="bench/start.py", description=
        "Time from exec to the answer, and memory, of a process that predicts one sequence.")
    p.add_argument("--build", default=os.path.join(ROOT, "build"))
    p.add_argument("--rounds", type=int, default=41)
    p.add_argument("--threads", type=int, default=os.cpu_count())
    args = p.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        programs = compile_all(args, folder)
        model = os.path.join(folder, "model.safetensors")
        subprocess.run([programs["static"], "--make", model], check=True)
        found = {name: [] for name in programs}
        for _ in range(args.rounds):
            for name, program in programs.items():
                found[name].append(run(program, model, args.threads))
    print(
        "| program | main, ms | model | session | answer | end | memory when main begins, MB | at "
        "most |\n|---|---|---|---|---|---|---|---|"
    )
    for name, rounds in found.items():
        end, *rest = [min(c) for c in zip(*rounds)]
        if not rest:
            print(f"| {name} | | | | | {end:.2f} | | |")
            continue
        *at, most, begin = rest
        print(f"| {name} | " + " | ".join(f"{v:.2f}" for v in (*at, end)) +
              f" | {begin / 1024:.1f} | {most / 1024:.1f} |")


if __name__ == "__main__":
    main()
