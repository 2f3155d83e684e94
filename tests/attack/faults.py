"""Lets each call of a kind fail once, in every tool: no signal, no silence, nothing half-written.
faults.py BIN SHIM [TOOL...]

For each tool and kind of call (faults_preload.c) the calls are counted in a run that is left alone.
Then a run is made for some of them (LONG=1: up to MOST) in which that one fails.
Of memory that some libraries ask for themselves, every request is granted: they end the process
where they get none (docs/SECURITY.md), or, libwebp and its demuxer, do not tell it from damage.
Nothing needs a thread that it cannot have: such a run writes what the whole run writes, on fewer.
The others may fail.
A run that fails says why, and leaves what was there: no file, the earlier one, or files that the
whole run writes, too, where a folder is filled file by file. A run that ends with 0 has written
what the whole run writes.
"""
import hashlib, os, random, shutil, subprocess, sys
import numpy as np

BIN, SHIM, ONLY = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2]), sys.argv[3:]
LONG = os.environ.get("LONG", "") not in ("", "0")
HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.join(HERE, "..", "..")
DEMO = os.path.join(ROOT, "weights", "demo.safetensors")
MTCNN = os.path.join(ROOT, "weights", "mtcnn.safetensors")
KINDS = os.environ["KINDS"].split(",") if "KINDS" in os.environ else ("memory", "open", "read",
                                                                      "write", "sync", "rename",
                                                                      "truncate", "thread",
                                                                      "process")
MOST = int(os.environ.get("MOST", 250)) if LONG else 2
EXCEPT = "libexttextcat,libhdf5,libheif,libde265,libstdc++,liblcms2,libseccomp,libwebp,libwebpdemux"
SECONDS = 60
rng = random.Random(int(os.environ.get("SEED", 1)))
failures = []
TRAIN = [
    "--data", "people/data", "--faces", "people/faces", "--image-size", "16", "--batch", "4",
    "--seed", "3", "--quiet", "--threads", "1"
]


class Case:
    """command: OUT stands for what it writes. before: copied to OUT first. parts: a folder that is
    filled file by file, each whole. volatile: names whose content differs from run to run."""
    def __init__(self, name, command, before=None, parts=False, volatile=(), added=False):
        self.name, self.command, self.before = name, command, before
        self.parts, self.volatile, self.added = parts, volatile, added


CASES = [
    Case("skin-synth", ["skin-synth", "OUT", "--patients", "3", "--threads", "1"], parts=True),
    Case("skin-getdata", [
        "skin-getdata", "clinic", "-o", "OUT/list.txt", "--check-images", "no", "--quiet",
        "--review", "OUT/review.csv"
    ], parts=True),
    Case("skin-getdata over an earlier list",
         ["skin-getdata", "clinic", "-o", "OUT/list.txt", "--check-images", "no", "--quiet"],
         before="old_list", parts=True),
    Case("skin-faces", ["skin-faces", "photos", "-o", "OUT", "--threads", "1", "--weights", MTCNN],
         parts=True),
    Case("skin-faces of all formats",
         ["skin-faces", "formats", "-o", "OUT", "--threads", "1", "--weights", MTCNN], parts=True),
    Case("skin-split", ["skin-split", "list.txt", "-o", "OUT", "--test", "0.3"], parts=True),
    Case("skin-augment", ["skin-augment", "--data", "OUT/data", "--faces", "OUT/faces"],
         before="people", parts=True, added=True),
    Case("skin-train",
         ["skin-train", *TRAIN, "--preset", "skincredible-gap", "--epochs", "2", "-o", "OUT"],
         parts=True, volatile=("log.csv", "checkpoint.safetensors", "model.safetensors")),
    Case("skin-evaluate", [
        "skin-evaluate", "run/model.safetensors", "--data", "people/data", "--faces",
        "people/faces", "-o", "OUT", "--threads", "1", "--quiet"
    ], parts=True),
    Case(
        "skin-predict",
        ["skin-predict", "run/model.safetensors", "--npz", "small.npz", "--json", "--threads", "1"
         ]),
    Case("skin-predict photos", [
        "skin-predict", DEMO, "photos/a/0.jpg", "photos/a/1.jpg", "--weights", MTCNN, "--json",
        "--threads", "1"
    ]),
    Case("skin-info", ["skin-info", DEMO]),
    Case("skin-info h5", ["skin-info", "model.h5"]),
    Case("skin-export npz", ["skin-export", "npz", "run/model.safetensors", "-o", "OUT/m.npz"],
         before="old_npz"),
    Case("skin-export keras",
         ["skin-export", "keras", "run/model.safetensors", "-o", "OUT/m.keras"],
         volatile=("m.keras", )),
    Case("skin-import npz", [
        "skin-import", "npz", "model.npz", "--preset", "skincredible-gap", "-o", "OUT/m.safetensors"
    ], before="old_model"),
    Case("skin-import keras", [
        "skin-import", "keras", "model.h5", "--network", "network.json", "-o", "OUT/m.safetensors"
    ]),
    Case("skin-nextframe", [
        "skin-nextframe", "video.npz", "-o", "OUT", "--epochs", "1", "--steps", "1", "--batch", "2",
        "--filters", "2", "--threads", "1", "--pictures", "1"
    ], parts=True, volatile=("log.csv", "checkpoint.safetensors", "steps.csv")),
]


def quiet(*command):
    p = subprocess.run(command, capture_output=True, text=True)
    if p.returncode:
        sys.exit(f"cannot prepare: {' '.join(command)}: {p.stderr[-500:]}")


def prepare():
    tool = lambda name, *rest: quiet(BIN + "/" + name, *rest)
    quiet(sys.executable, os.path.join(HERE, "made_clinic.py"), "clinic", "6")
    quiet(sys.executable, os.path.join(HERE, "..", "cli", "made_people.py"), "people", "15")
    tool("skin-synth", "faces_clinic", "--patients", "2", "--threads", "1")
    pictures = sorted(
        os.path.join(d, f) for d, _, files in os.walk("faces_clinic/images") for f in files)
    os.makedirs("photos/a")
    for i, p in enumerate(pictures[:2]):
        shutil.copy(p, f"photos/a/{i}.jpg")
    shutil.copytree("photos", "formats")
    for name in ("p3.webp", "p3.heic", "p3.avif"):
        shutil.copy(os.path.join(HERE, "..", "goldens", "photos", name), "formats/a")
    tool("skin-getdata", "clinic", "-o", "list.txt", "--check-images", "no", "--quiet")
    tool("skin-train", *TRAIN, "--preset", "skincredible-gap", "--epochs", "1", "-o", "run")
    tool("skin-export", "npz", "run/model.safetensors", "-o", "model.npz")
    tool("skin-export", "keras", "run/model.safetensors", "-o", "model.h5", "--format", "weights")
    tool("skin-export", "json", "run/model.safetensors", "-o", "network.json")
    np.savez("small.npz", img=np.full((2, 2, 16, 16, 3), 0.5, np.float32))
    np.savez("video.npz", frames=np.random.default_rng(1).integers(0, 255, (4, 4, 12, 12),
                                                                   np.uint8))
    for folder, name in (("old_list", "list.txt"), ("old_npz", "m.npz"), ("old_model",
                                                                          "m.safetensors")):
        os.mkdir(folder)
        shutil.copy(DEMO, os.path.join(folder, name))


def tree(folder):
    """Relative paths of all files, with what they hold."""
    found = {}
    for d, _, files in os.walk(folder):
        for f in files:
            path = os.path.join(d, f)
            found[os.path.relpath(path, folder)] = hashlib.sha256(open(path,
                                                                       "rb").read()).hexdigest()
    return found


def run(case, kind, number, on=False):
    """Status, standard output, standard error, and what is in the output's folder."""
    shutil.rmtree("out", ignore_errors=True)
    if case.before:
        shutil.copytree(case.before, "out")
    elif any(a.startswith("OUT/") for a in case.command):
        os.mkdir("out")
    command = [a.replace("OUT", "out", 1) if a.startswith("OUT") else a for a in case.command]
    if kind == "thread" and "--threads" in command:
        command[command.index("--threads") + 1] = "3"
    environment = dict(os.environ, LD_PRELOAD=SHIM, FAULT_KIND=kind, FAULT_NUMBER=str(number),
                       FAULT_COUNT="count", FAULT_EXCEPT=EXCEPT, OMP_NUM_THREADS="1",
                       OPENBLAS_NUM_THREADS="1")
    if on:
        environment["FAULT_ON"] = "1"
    with open("stdout", "wb") as out, open("stderr", "wb") as err:
        try:
            status = subprocess.run([BIN + "/" + command[0], *command[1:]], stdout=out, stderr=err,
                                    stdin=subprocess.DEVNULL, env=environment,
                                    timeout=SECONDS).returncode
        except subprocess.TimeoutExpired:
            status = f"none after {SECONDS} s"
    return status, open("stdout", "rb").read(), open("stderr", errors="replace").read(), tree("out")


# Not output: locks stay, a journal is what a run resumes by, and a folder whose name begins with a
# point is where a tool puts together what it has not published.
AIDS = (".lock", ".journal", ".part")


def compare(case, kind, status, stdout, stderr, files, whole):
    """What is wrong with a run of which one call failed; empty: nothing."""
    wrong = []
    if status not in (0, 1) or (status and kind == "thread"):
        wrong.append(f"status {status}")
    if status == 1 and not stderr.strip():
        wrong.append("fails without a word")
    if kind == "memory" and "damaged" in stderr and "HDF5" not in stderr:
        wrong.append("takes want of memory for damage")
    before = tree(case.before) if case.before else {}
    # Some tools go on with the other people, and say so by status and message.
    skipped = status == 1 and "skipped" in stderr
    for name, content in files.items():
        if name.endswith(AIDS) or any(part.startswith(".") for part in name.split(os.sep)):
            continue
        if name not in whole[1] and name not in before:
            wrong.append(f"leaves {name}")
        elif os.path.basename(name) in case.volatile:
            continue
        elif not skipped and content not in (whole[1].get(name), before.get(name)):
            wrong.append(f"{name} is neither the earlier one nor what a whole run writes")
        elif status == 0 and name in whole[1] and content != whole[1][name]:
            wrong.append(f"status 0, but {name} is not what a whole run writes")
    if status == 0:
        missing = [n for n in whole[1] if n not in files and not n.endswith(AIDS)]
        if missing:
            wrong.append(f"status 0 without {', '.join(missing)}")
        if stdout != whole[0]:
            wrong.append("status 0 with another standard output")
    if status == 1 and not case.added:
        lost = [n for n in before if n not in files]
        if lost:
            wrong.append(f"the earlier {', '.join(lost)} is gone")
    return wrong


def counted():
    return {kind: int(n) for kind, n in (line.split() for line in open("count"))}


def try_case(case):
    runs = 0
    status, stdout, stderr, files = run(case, "memory", 0)
    if status:
        failures.append(case.name)
        print(f"FAILED: {case.name}: {status} without a fault: {stderr[-300:]}")
        return
    whole, counts = (stdout, files), counted()
    run(case, "thread", 0)
    counts["thread"] = counted()["thread"]
    for kind in KINDS:
        count = counts[kind]
        numbers = range(1, count + 1)
        if count > MOST:
            numbers = sorted({count} | set(rng.sample(numbers, MOST - 1)))
        for number in numbers:
            for on in (False, True) if LONG or kind in ("write", "thread") else (False,):
                runs += 1
                status, stdout, stderr, files = run(case, kind, number, on)
                for wrong in compare(case, kind, status, stdout, stderr, files, whole):
                    failures.append(wrong)
                    print(
                        f"FAILED: {case.name}: {kind} call {number} of "
                        f"{count}{' and all after it' if on else ''}: {wrong}: "
                        f"{stderr.strip()[-200:]}"
                    )
    print(f"{case.name}: {runs} runs")


prepare()
for case in CASES:
    if not ONLY or case.name in ONLY or case.name.split()[0] in ONLY:
        try_case(case)
print(f"{len(failures)} failures")
sys.exit(bool(failures))
