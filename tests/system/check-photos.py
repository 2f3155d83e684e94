"""Odd photos against what they show: prints a table, a row per case, and fails if one is wrong.

    check-photos.py BUILD CASES

CASES/cases.json lists the photos beside it: {"name", "group", "want", "words"}. Wanted is
'as-truth':
the same size and faces as in CASES/truth/NAME.png, and in the group 'colour' the same colours; or
'refused', with one of `words` in the message. CASES/walk, if it is there, is a folder of people.

The first profile of the detector decides. Where it stands on an edge, so that one level in a few
pixels of the truth makes another box already, the next one does. What a photo itself changes is no
reason to ask another profile."""
import json
import os
import subprocess
import sys
import tempfile

import numpy as np
from PIL import Image

OPTIONS = ["--min-face", "40"]
PROFILES = ("ipazc-0.1", "mtcnn-1.0", "facenet-pytorch")
FAR = 6  # pixels between two boxes that are the same
SHAKES, SHAKEN = 8, 0.01  # copies of the truth, and the share of numbers that differ by one level


def run(tool, *arguments):
    return subprocess.run([os.path.join(BIN, tool), *arguments], capture_output=True, text=True,
                          check=False)


def detect(path, profile=PROFILES[0]):
    """The report on a picture, and the message where there is none."""
    done = run("skin-faces", "--detect", "--json", "--profile", profile, *OPTIONS, path)
    report = json.loads(done.stdout.splitlines()[0])
    return (None, report["error"]) if "error" in report else (report, "")


def same_faces(a, b):
    boxes = [sorted(face["box"] for face in report["faces"]) for report in (a, b)]
    return len(boxes[0]) == len(boxes[1]) and all(
        abs(x - y) <= FAR for one, other in zip(*boxes) for x, y in zip(one, other))


def stands_on_edge(truth, profile):
    """Whether copies of the truth that differ by one level in a few pixels show other faces."""
    expected, pixels = detect(truth, profile)[0], np.asarray(Image.open(truth)).astype(int)
    draw = np.random.default_rng(1)
    with tempfile.TemporaryDirectory() as folder:
        copy = os.path.join(folder, "copy.png")
        for _ in range(SHAKES):
            change = draw.choice([-1, 1], pixels.shape) * (draw.random(pixels.shape) < SHAKEN)
            Image.fromarray(np.clip(pixels + change, 0, 255).astype(np.uint8)).save(copy)
            if not same_faces(detect(copy, profile)[0], expected):
                return True
    return False


def crop(path):
    """The face that is chosen in a picture, (160,160,3); None if it cannot be read."""
    with tempfile.TemporaryDirectory() as folder:
        os.makedirs(os.path.join(folder, "in", "one"))
        ending = os.path.splitext(path)[1]
        os.symlink(os.path.abspath(path), os.path.join(folder, "in", "one", "1" + ending))
        done = run("skin-faces", os.path.join(folder, "in"), "-o", os.path.join(folder, "out"),
                   "--quality", "off", *OPTIONS)
        if done.returncode:
            return None
        arrays = np.load(os.path.join(folder, "out", "one.npz"))
        return arrays["img"][0].astype(float)


def difference(path, truth):
    """Mean difference of the crops' colours, in levels."""
    a, b = crop(path), crop(truth)
    if a is None or b is None:
        return 255.0
    return float(np.abs(a.mean((0, 1)) - b.mean((0, 1))).max())


def judge_truth(case, path):
    truth = os.path.join(CASES, "truth", case["name"] + ".png")
    report, error = detect(path)
    expected, _ = detect(truth)
    if not report:
        return False, error
    if (report["width"], report["height"]) != (expected["width"], expected["height"]):
        return False, f"{report['width']}x{report['height']} pixels"
    if case["group"] == "colour":
        apart = difference(path, truth)
        return apart <= 1, f"colours differ by {apart:.2f} levels"
    for profile in PROFILES:
        if same_faces(detect(path, profile)[0], detect(truth, profile)[0]):
            return True, report.get("note", "") if profile == PROFILES[0] else f"by {profile}"
        if not stands_on_edge(truth, profile):
            return False, f"other faces by {profile}"
    return False, "all profiles stand on an edge"


def judge(case):
    path = os.path.join(CASES, case["name"])
    if case["want"] == "as-truth":
        return judge_truth(case, path)
    report, error = detect(path)
    return not report and any(word in error for word in case["words"]), error or "taken"


def judge_walk(folder):
    with tempfile.TemporaryDirectory() as out:
        done = run("skin-faces", folder, "-o", out, "--crops", "png", *OPTIONS)
        found = sorted(os.path.relpath(os.path.join(at, name), out)
                       for at, _, names in os.walk(out) for name in names)
        wanted = {"anna.npz", "ben.npz", "anna/1.png", "anna/2.png"}
        listed = run("skin-faces", "--detect", *OPTIONS, folder).stdout.count(" face")
        good = done.returncode == 0 and wanted <= set(found) and len(found) == 6 and listed == 4
        return good, " ".join(found)


def main():
    with open(os.path.join(CASES, "cases.json"), encoding="utf-8") as stream:
        cases = json.load(stream)
    rows = [(case["name"], case["group"], case["want"], *judge(case)) for case in cases]
    walk = os.path.join(CASES, "walk")
    if os.path.isdir(walk):
        rows.append(("walk", "folder", "two people", *judge_walk(walk)))
    width = max(len(row[0]) for row in rows)
    for name, group, want, good, detail in rows:
        print(f"{'ok   ' if good else 'WRONG'} {name:{width}} {group:11} {want:10} {detail}")
    wrong = sum(not row[3] for row in rows)
    print(f"{len(rows) - wrong} right, {wrong} wrong")
    return 1 if wrong or not rows else 0


if len(sys.argv) != 3:
    sys.exit(__doc__)
BIN, CASES = os.path.join(sys.argv[1], "bin"), sys.argv[2]
sys.exit(main())
