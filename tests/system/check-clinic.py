#!/usr/bin/env python3
"""A simulated clinic of 5,000 users with small photos through skin-getdata, skin-faces and
skin-split: the memory of each step and what it grows by from a tenth of the clinic to the whole;
two shards of every step, each killed by SIGKILL again and again and gone on with, against one
undisturbed run, byte for byte, without a finished user being made again.

    check-clinic.py BUILD [--users N] [--kills N] [--keep DIR]       (`make check-clinic`; needs
    python3-pil, takes some minutes)

The photos are pieces of skin-synth's, each cut, turned to another light and stored anew, so that no
two are the same.
"""
import argparse, filecmp, glob, json, os, random, shutil, signal, subprocess, sys, tempfile, time

parser = argparse.ArgumentParser()
parser.add_argument("build")
parser.add_argument("--users", type=int, default=5000)
parser.add_argument("--kills", type=int, default=6,
                    help="of each shard of skin-getdata and of skin-faces")
parser.add_argument("--keep", help="work here and leave everything")
args = parser.parse_args()
BIN = os.path.abspath(args.build) + "/bin/"
PHOTOS, SIDE = 6, 96
random.seed(1)


def fail(text):
    sys.exit("FAILED: " + text)


def run(*command, kill_after=None, expect=0):
    """Exit status, peak memory in MiB, seconds and standard output; None for all where it was
    killed before its end."""
    with tempfile.TemporaryFile() as out:
        begin = time.monotonic()
        child = subprocess.Popen([BIN + command[0], *map(str, command[1:])], stdout=out,
                                 stderr=subprocess.DEVNULL)
        if kill_after is not None:
            time.sleep(kill_after)
            child.send_signal(signal.SIGKILL)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = status
        if os.WIFSIGNALED(status):
            return None
        if os.WEXITSTATUS(status) != expect:
            fail(f"{' '.join(map(str, command))}: exit status {os.WEXITSTATUS(status)}")
        out.seek(0)
        return usage.ru_maxrss / 1024, time.monotonic() - begin, out.read().decode()


def make_clinic():
    from PIL import Image, ImageEnhance
    if not os.path.exists("base"):
        run("skin-synth", "base", "--patients", 24, "--seed", 11, "--size", "240:250", "--photos",
            "6:6", "--no-exif", "--no-face", 0, "--quiet")
    base = [Image.open(p).convert("RGB") for p in sorted(glob.glob("base/images/*.jpg"))]
    notes = [
        "Much better than last month.", "No new pimples, marks are fading.",
        "Worse, many new bumps on the chin.", "No improvement so far.", "La piel está mejor."
    ]
    os.makedirs("clinic/followup_data", exist_ok=True)
    with open("clinic/dr_msg_stats.csv", "w") as f:
        f.write("user_id\n" + "".join(f"{u}\n" for u in range(args.users)))
    for u in range(args.users):
        folder, records = f"{u % 100:02d}", []
        os.makedirs("clinic/images/" + folder, exist_ok=True)
        for k in range(PHOTOS):
            photo = random.choice(base)
            side = min(photo.size) * random.uniform(0.9, 1)
            left, top = random.uniform(0,
                                       photo.width - side), random.uniform(0, photo.height - side)
            small = photo.resize((SIDE, SIDE), Image.BILINEAR,
                                 box=(left, top, left + side, top + side))
            ImageEnhance.Brightness(small).enhance(random.uniform(0.8, 1.1)).save(
                f"clinic/images/{folder}/{u}_{k}.jpg", quality=80)
            records.append({
                "entry_type": "Annotation",
                "userId": u,
                "created_at": 1600000000 + 1000 * k,
                "image_path": f"{folder}/{u}_{k}.jpg"
            })
        records.append({
            "entry_type": "DrMessage",
            "userId": u,
            "created_at": 1601000000,
            "dr_note": notes[u % len(notes)]
        })
        with open(f"clinic/followup_data/user_{u:012d}.json", "w") as f:
            json.dump(records, f)


def stamps(folder):
    return {
        e.name: (e.stat().st_ino, e.stat().st_mtime_ns)
        for e in os.scandir(folder)
        if e.name.endswith(".npz")
    }


def killed_runs(command, seconds):
    """The command killed after random shares of its time, then left alone. Returns its last run's
    figures and how often it was killed."""
    kills = 0
    while kills < args.kills:
        done = run(*command, kill_after=seconds * random.uniform(0.02, 1.6 / args.kills))
        if done:
            return done, kills
        kills += 1
        look_at_finished()
    return run(*command), kills


def look_at_finished():
    """Files of crops that are finished may not change any more."""
    for name, stamp in seen.items():
        if not os.path.exists("cut/" + name) or (os.stat("cut/" + name).st_ino,
                                                 os.stat("cut/" + name).st_mtime_ns) != stamp:
            fail(f"{name} was finished and has been made again or is gone")
    if os.path.isdir("cut"):
        seen.update(stamps("cut"))


seen = {}


def same_folders(a, b):
    names = sorted(os.listdir(a))
    if names != sorted(os.listdir(b)) or filecmp.cmpfiles(a, b, names, shallow=False)[0] != names:
        fail(f"{a} and {b} differ")


def in_a_child(work):
    """A process's peak memory is at least what its parent had when it was started: the pictures are
    made elsewhere."""
    pid = os.fork()
    if pid == 0:
        work()
        os._exit(0)
    if os.waitpid(pid, 0)[1]:
        fail("the clinic could not be made")


def main():
    in_a_child(make_clinic)
    tenth, n = args.users // 10, args.users
    print(f"{n} users, {n * PHOTOS} photos of {SIDE} x {SIDE}", flush=True)

    small, (memory, seconds, _) = run("skin-getdata", "clinic", "-q", "-o", "tenth.txt", "--end",
                                      tenth), run("skin-getdata", "clinic", "-q", "-o", "users.txt",
                                                  "--review", "review.csv")
    print(
        f"skin-getdata: {memory:.0f} MiB ({small[0]:.0f} for a tenth of the clinic), "
        f"{n / seconds:.0f} users/s"
    )
    getdata = ["skin-getdata", "clinic", "-q"]
    kills = killed_runs([*getdata, "-o", "a.txt", "--review", "a.csv", "--end", n // 2],
                        seconds / 2)[1] + killed_runs(
                            [*getdata, "-o", "b.txt", "--review", "b.csv", "--start", n // 2],
                            seconds / 2)[1]
    text = lambda name: open(name, newline="").read()
    if text("a.txt") + text("b.txt") != text("users.txt") or text("a.csv") + text("b.csv").split(
            "\n", 1)[1] != text("review.csv"):
        fail("skin-getdata: two shards differ from one run")
    kept = sum(1 for _ in open("users.txt"))
    print(f"              two shards, killed {kills} times: the same bytes; {kept} users kept",
          flush=True)

    faces = ["skin-faces", "users.txt", "--images", "clinic/images", "--json", "--min-face", 30]
    small = run(*faces, "-o", "few", "--end", tenth)
    memory, seconds, out = run(*faces, "-o", "faces")
    result = json.loads(out)
    print(
        f"skin-faces:   {memory:.0f} MiB ({small[0]:.0f} for a tenth), "
        f"{result['photos'] / seconds:.0f} photos/s, {result['without_face']} of "
        f"{result['photos']} without a face, {result['poor']} poor"
    )
    kills = before = 0
    for shard in (["--end", kept // 2], ["--start", kept // 2]):
        (_, _, out), killed = killed_runs([*faces, "-o", "cut", *shard], seconds / 2)
        look_at_finished()
        result = json.loads(out)
        kills, before = kills + killed, before + result["finished_before"]
        if result["skipped"]:
            fail(f"skin-faces: {result}")
    same_folders("faces", "cut")
    print(
        f"              two shards, killed {kills} times: the same bytes; {before} users were "
        f"finished before the last runs, and none of {len(seen)} finished files was made again",
        flush=True)

    few = [line for line in open("users.txt")][: kept // 10]
    open("few.txt", "w").writelines(few)
    small = run("skin-split", "few.txt", "-o", "data_few", "--faces", "faces")
    memory, seconds, _ = run("skin-split", "users.txt", "-o", "data", "--faces", "faces")
    run("skin-split", "--check", "data", "--faces", "faces")
    print(
        f"skin-split:   {memory:.0f} MiB ({small[0]:.0f} for a tenth), {kept / seconds:.0f} "
        "users/s; no leak"
    )
    print("check-clinic: passed")


folder = args.keep or tempfile.mkdtemp()
os.makedirs(folder, exist_ok=True)
os.chdir(folder)
try:
    main()
finally:
    if not args.keep:
        shutil.rmtree(folder)
