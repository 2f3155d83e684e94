#!/usr/bin/env python3
"""Training from the disk against training from memory: seconds of an epoch of skin-train
(skincredible, 30 photos of 80 x 80, batch 8) with all crops in --cache and with none.

    prefetch.py BUILD [--people N] [--rounds N]       the rounds alternate, four epochs each, of
    which the first does not count

Run it on a quiet machine. The files lie in a temporary folder; what the system keeps of them in its
page cache costs no reading, only copying and checking.
"""
import argparse, csv, json, os, statistics, subprocess, tempfile

import numpy as np

parser = argparse.ArgumentParser()
parser.add_argument("build")
parser.add_argument("--people", type=int, default=48)
parser.add_argument("--rounds", type=int, default=2)
args = parser.parse_args()
tool = os.path.abspath(args.build) + "/bin/skin-train"

with tempfile.TemporaryDirectory() as folder:
    os.chdir(folder)
    os.makedirs("faces")
    os.makedirs("data")
    rng = np.random.default_rng(1)
    ids = [str(i) for i in range(args.people)]
    for i in ids:
        np.savez(f"faces/{i}.npz", img=rng.integers(0, 256, (29, 160, 160, 3), np.uint8))
    json.dump({i: [k % 2, 1 - k % 2] for k, i in enumerate(ids)}, open("data/label.json", "w"))
    json.dump({"train": ids, "validation": [], "test": []}, open("data/partition.json", "w"))
    seconds = {"memory": [], "disk": []}
    for _ in range(args.rounds):
        for kind, cache in (("memory", 4096), ("disk", 0)):
            subprocess.run([
                tool, "--data", "data", "--faces", "faces", "-o", kind, "--epochs", "4", "--recipe",
                "original", "--quiet", "--cache",
                str(cache)
            ], check=True)
            with open(kind + "/log.csv", newline="") as f:
                seconds[kind] += [float(row["seconds"]) for row in csv.DictReader(f)][1:]
    mean = {kind: statistics.mean(s) for kind, s in seconds.items()}
    same = open("memory/model.safetensors", "rb").read() == open("disk/model.safetensors",
                                                                 "rb").read()
    print(
        f"an epoch of {args.people} people: from memory {mean['memory']:.2f} s "
        f"{seconds['memory']}, from the disk {mean['disk']:.2f} s {seconds['disk']}: "
        f"{100 * (mean['disk'] / mean['memory'] - 1):+.1f} %; the models are "
        f"{'the same' if same else 'NOT the same'}"
    )
