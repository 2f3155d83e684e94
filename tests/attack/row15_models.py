"""Small models that ask for very much, and numbers that nobody means.   row15_models.py BIN"""
import os, shutil, subprocess, sys, time
import numpy as np
from made_models import recurrent
from mutate_numbers import join, mutants, split

BIN, LONG = sys.argv[1], os.environ.get("LONG", "") not in ("", "0")
HERE = os.path.dirname(os.path.abspath(__file__))
DEMO = os.path.join(HERE, "..", "..", "weights", "demo.safetensors")
TRAIN = ("--data people/data --faces people/faces --image-size 16 --batch 4 --seed 3 --quiet "
         "--preset skincredible-gap --epochs 2").split()
failed = 0


def fail(text):
    global failed
    failed += 1
    print("FAILED:", text)


def run(*command, seconds=30):
    """Status, last line of what it said, seconds, MB."""
    begin = time.time()
    # one that asks for too much must not end the machine that tests it
    p = subprocess.Popen([
        "prlimit", "--as=12000000000", "timeout", "-s", "KILL",
        str(seconds), BIN + "/" + command[0], *command[1:]
    ], stdout=subprocess.DEVNULL, stderr=open("said", "w"))
    _, status, used = os.wait4(p.pid, 0)
    said = open("said").read().strip().splitlines()
    return os.waitstatus_to_exitcode(
        status), said[-1] if said else "", time.time() - begin, used.ru_maxrss >> 10


def hostile_sizes():
    np.savez("two.npz", img=np.full((1, 2, 8, 8, 3), 0.5, np.float32), labels=np.array([[1, 0]],
                                                                                       np.float32))
    for name, size in (("wide", (20000, 20000, 1, 1)), ("deep", (4000, 4000, 1, 200)),
                       ("most", (65536, 65536, 1, 250)), ("filters", (3000, 3000, 80, 1))):
        file = name + ".safetensors"
        recurrent(file, *size)
        for command in (("skin-predict", file, "--npz",
                         "two.npz"), ("skin-predict", file, "--npz", "two.npz", "--threads",
                                      "64"), ("skin-evaluate", file, "--npz", "two.npz"),
                        ("skin-serve", file, "--no-detect", "--listen", "127.0.0.1:0")):
            status, said, seconds, megabytes = run(*command)
            print(
                f"{name} {os.path.getsize(file)} bytes, {' '.join(command)}: {status} after "
                f"{seconds:.2f} s, {megabytes} MB: {said}"
            )
            if status != 1 or file not in said or "GiB" not in said:
                fail(f"{command}: status {status}: {said}")
            if seconds > 2 or megabytes > 300:
                fail(f"{command}: took {seconds:.1f} s and {megabytes} MB to refuse")


def numbers_of_models():
    """All of the description: taken or refused, at once."""
    raw, n = open(DEMO, "rb").read(), 0
    np.savez("small.npz", img=np.full((1, 2, 8, 8, 3), 0.5, np.float32))
    for key in ("convlstm", "calibration"):
        for i, (path, value, changed) in enumerate(mutants(raw, key)):
            if not LONG and i % 7:
                continue
            open("bad.safetensors", "wb").write(changed)
            status, said, seconds, megabytes = run("skin-predict", "bad.safetensors", "--npz",
                                                   "small.npz", "--json")
            n += 1
            if status not in (0, 1) or seconds > 5 or megabytes > 3000 or (
                    status == 1 and "bad.safetensors" not in said):
                fail(
                    f"{key} {path} = {value}: status {status} after {seconds:.1f} s, {megabytes} "
                    f"MB: {said}"
                )
    print(f"{n} numbers in models: refused by name, or taken")


REFUSED = {-1, -1e300, 10**25, 2**53}  # for whatever counts or is a share
FREE = {
    "sums/seconds": {2**53},
    "best_loss": {2**53},
    "last_loss": {2**53},
    "plateau/best": {2**53}
}


def numbers_of_checkpoints():
    subprocess.run(
        [sys.executable,
         os.path.join(HERE, "..", "cli", "made_people.py"), "people", "24"], check=True)
    status, said, _, _ = run("skin-train", *TRAIN, "-o", "run")
    if status:
        fail(f"skin-train: {status}: {said}")
        return
    raw, n = open("run/checkpoint.safetensors", "rb").read(), 0

    def restore(changed):
        shutil.rmtree("bad", ignore_errors=True)
        shutil.copytree("run", "bad")
        open("bad/checkpoint.safetensors", "wb").write(changed)
        return run("skin-train", *TRAIN, "-o", "bad", "--restore")

    for key in ("trainer", "extra"):
        for i, (path, value, changed) in enumerate(mutants(raw, key)):
            if not LONG and i % 5:
                continue
            n += 1
            status, said, seconds, _ = restore(changed)
            wanted = {1} if value in REFUSED - FREE.get(path, set()) else {0, 1}
            if status not in wanted or seconds > 5 or (status and
                                                       "bad/checkpoint.safetensors" not in said):
                fail(f"{key} {path} = {value}: status {status} after {seconds:.1f} s: {said}")
    print(f"{n} numbers in checkpoints: refused by name, or harmless")
    header, data = split(raw)
    for name, value in (("dense/bias", np.nan), ("dense/kernel", np.inf),
                        ("optimizer/m/dense/bias", np.nan), ("optimizer/v/dense/bias", -1.0)):
        at = header[name]["data_offsets"][0]
        status, said, _, _ = restore(
            join(header, data[:at] + np.array([value], "<f4").tobytes() + data[at + 4:]))
        if status != 1 or name not in said:
            fail(f"{name} = {value}: status {status}: {said}")


hostile_sizes()
numbers_of_models()
numbers_of_checkpoints()
sys.exit(failed > 0)
