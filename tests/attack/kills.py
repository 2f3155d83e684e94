"""SIGKILL at any moment of the tools that fill folders: each run resumes or refuses, and nothing is
ever a mix.   kills.py BIN SHIM

Half of the kills come after a random time, the other half at a random call of rename, fsync, write
or open (faults_preload.c), where the windows are that time alone seldom meets. KILLS=n in all (20;
with LONG=1, 500).
"""
import hashlib, os, random, shutil, subprocess, sys, time
import numpy as np

BIN, SHIM = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
LONG = os.environ.get("LONG", "") not in ("", "0")
KILLS = int(os.environ.get("KILLS", 500 if LONG else 24))
SEED = int(os.environ.get("SEED", 0)) or random.randrange(1 << 30)
HERE = os.path.dirname(os.path.abspath(__file__))
MTCNN = os.path.join(HERE, "..", "..", "weights", "mtcnn.safetensors")
rng = random.Random(SEED)
failed = []
TRAIN = [
    "skin-train", "--data", "people/data", "--faces", "people/faces", "--image-size", "16",
    "--batch", "4", "--quiet", "--threads", "1", "--preset", "skincredible-gap", "--epochs", "4",
    "--checkpoint-steps", "1"
]


def tool(*command, expect=0):
    p = subprocess.run([BIN + "/" + command[0], *command[1:]], capture_output=True, text=True)
    if expect is not None and p.returncode != expect:
        sys.exit(f"{' '.join(command)}: {p.returncode}: {p.stderr[-500:]}")
    return p.returncode, p.stderr


def killed(command, seconds, counts):
    """One run that is killed, after a time or at a call. What it was killed by, or None if it was
    done before."""
    environment = dict(os.environ)
    if rng.random() < 0.5:
        kind = rng.choice([k for k in counts if counts[k]])
        number = rng.randint(1, counts[kind])
        environment |= {
            "LD_PRELOAD": SHIM,
            "FAULT_KIND": kind,
            "FAULT_NUMBER": str(number),
            "FAULT_KILL": "1"
        }
        how, after = f"at {kind} {number}", None
    else:
        after = rng.uniform(0, seconds * 1.05)
        how = f"after {after:.3f} s"
    p = subprocess.Popen([BIN + "/" + command[0], *command[1:]], stdout=subprocess.DEVNULL,
                         stderr=subprocess.DEVNULL, env=environment)
    try:
        p.wait(after)
    except subprocess.TimeoutExpired:
        p.kill()
        p.wait()
    return how if p.returncode == -9 else None


def tree(folder, without=()):
    found = {}
    for d, _, files in os.walk(folder):
        for f in files:
            path = os.path.relpath(os.path.join(d, f), folder)
            if not any(part.startswith(".")
                       for part in path.split(os.sep)) and ".tmp" not in f and not f.endswith(
                           (".lock", ".part", ".journal")) and f not in without:
                found[path] = hashlib.sha256(open(os.path.join(d, f), "rb").read()).hexdigest()
    return found


def measure(command, folder):
    """Seconds of a whole run, and how many calls of each kind it makes. Leaves its output in
    `folder`."""
    begin = time.time()
    tool(*command)
    seconds, copy = time.time() - begin, folder + ".count"
    shutil.rmtree(copy, ignore_errors=True)
    other = [a.replace(folder, copy, 1) if a.startswith(folder) else a for a in command]
    if os.path.isdir(folder + ".start"):
        shutil.copytree(folder + ".start", copy)
    elif any(a.startswith(copy + "/") for a in other):
        os.makedirs(copy)
    subprocess.run([BIN + "/" + other[0], *other[1:]], stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL, env=dict(os.environ, LD_PRELOAD=SHIM,
                                                       FAULT_COUNT="count"))
    shutil.rmtree(copy, ignore_errors=True)
    counts = {kind: int(n) for kind, n in (line.split() for line in open("count"))}
    counts = {kind: counts[kind] for kind in ("rename", "sync", "write", "open")}
    return seconds, counts


def fail(text):
    failed.append(text)
    print("FAILED:", text)


def resumes(name, command, folder, kills, without=()):
    """Killed, run again, and so on: then left alone, it has written what an undisturbed run writes;
    and whatever was there before was a part of that."""
    start = tree(folder + ".start") if os.path.isdir(folder + ".start") else {}

    def begin():
        shutil.rmtree(folder, ignore_errors=True)
        if start:
            shutil.copytree(folder + ".start", folder)
        elif any(a.startswith(folder + "/") for a in command):
            os.makedirs(folder)

    begin()
    seconds, counts = measure(command, folder)
    whole, n = tree(folder, without), 0
    while n < kills:
        begin()
        for _ in range(rng.randint(1, 4)):
            how = killed(command, seconds, counts)
            n += how is not None
            for path, content in tree(folder, without).items():
                if content not in (whole.get(path), start.get(path)):
                    fail(f"{name} killed {how}: {path} is neither whole nor the earlier one")
        status, said = tool(*command, expect=None)
        if status or tree(folder, without) != whole:
            fail(
                f"{name} killed {how}, then left alone: status {status}, not what an undisturbed "
                f"run writes: {said[-200:]}"
            )
    print(f"{name}: {n} kills")


def replaces(name, old, new, folder, judge, kills):
    """A run over another's output, killed: the old one, the new one, or what is refused."""
    shutil.rmtree(folder, ignore_errors=True)
    tool(*old)
    shutil.rmtree(folder + ".start", ignore_errors=True)
    shutil.copytree(folder, folder + ".start")
    before = tree(folder)
    seconds, counts = measure(new, folder)
    after, n, kept, refused = tree(folder), 0, 0, 0
    while n < kills:
        shutil.rmtree(folder)
        shutil.copytree(folder + ".start", folder)
        how = killed(new, seconds, counts)
        n += how is not None
        now = tree(folder)
        if now in (before, after):
            kept += now == before
            continue
        refused += 1
        if judge():
            fail(
                f"{name} killed {how}: a mix is taken: "
                f"{[p for p in now if now[p] != before.get(p)]} are new, "
                f"{[p for p in now if now[p] != after.get(p)]} old"
            )
    print(f"{name}: {n} kills: {kept} left the old one, {refused} none")


def trains(kills):
    """A run that is killed goes on by --restore, where it has a checkpoint, to the same model, to
    the last bit."""
    command, folder = [*TRAIN, "-o", "run"], "run"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.rmtree(folder + ".start", ignore_errors=True)
    seconds, counts = measure(command, folder)
    whole, n = open("run/model.safetensors", "rb").read(), 0
    while n < kills:
        shutil.rmtree(folder, ignore_errors=True)
        for _ in range(rng.randint(1, 4)):
            more = ["--restore"] if os.path.exists("run/checkpoint.safetensors") else ["--force"]
            how = killed([*command, *more], seconds, counts)
            n += how is not None
            if os.path.exists("run/model.safetensors"):
                status, said = tool("skin-evaluate", "run/model.safetensors", "--data",
                                    "people/data", "--faces", "people/faces", "--json", expect=None)
                if status and "people" not in said:
                    fail(f"skin-train killed {how}: its model is refused: {said[-200:]}")
        more = ["--restore"] if os.path.exists("run/checkpoint.safetensors") else ["--force"]
        status, said = tool(*command, *more, expect=None)
        if status or open("run/model.safetensors", "rb").read() != whole:
            fail(
                f"skin-train killed {how}, then {more[0]}: status {status}, another model: "
                f"{said[-200:]}"
            )
    print(f"skin-train: {n} kills")


print(f"seed {SEED}")
subprocess.run([sys.executable, os.path.join(HERE, "made_clinic.py"), "clinic", "40"], check=True)
subprocess.run([sys.executable,
                os.path.join(HERE, "..", "cli", "made_people.py"), "people", "24"], check=True)
tool("skin-synth", "small", "--patients", "3", "--threads", "1")
tool("skin-getdata", "small", "-o", "small.txt", "--quiet")
tool("skin-getdata", "clinic", "-o", "list.txt", "--check-images", "no", "--quiet")
for n in (1, 2):
    tool(*TRAIN, "--seed", str(n), "-o", f"run{n}")
share = -(-KILLS // 6)
resumes("skin-getdata", [
    "skin-getdata", "clinic", "-o", "got/list.txt", "--review", "got/review.csv", "--check-images",
    "no", "--quiet"
], "got", share)
resumes("skin-faces", [
    "skin-faces", "small.txt", "--images", "small/images", "-o", "cut", "--weights", MTCNN,
    "--threads", "1"
], "cut", share)
shutil.copytree("people", "added.start")
resumes("skin-augment", ["skin-augment", "--data", "added/data", "--faces", "added/faces"], "added",
        share)
split = ["skin-split", "list.txt", "-o", "split", "--test", "0.3"]
replaces("skin-split", [*split, "--seed", "1"], [*split, "--seed", "2"], "split",
         lambda: tool("skin-split", "--check", "split", expect=None)[0] == 0, share)
report = lambda n: [
    "skin-evaluate", f"run{n}/model.safetensors", "--data", "people/data", "--faces",
    "people/faces", "-o", "report", "--threads", "1", "--quiet"
]
replaces("skin-evaluate", report(1), report(2), "report",
         lambda: os.path.exists("report/metrics.json"), share)
trains(share)
print(f"{len(failed)} failures")
sys.exit(bool(failed))
