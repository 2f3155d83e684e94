#!/usr/bin/env python3
"""Photos a second through a folder of large photos: skin-faces beside facenet-pytorch and mtcnn,
which read the same files.

    bench/photo_folder.py [--photos 400] [--peer-photos 400] [--rounds 1] [--folder DIR] [--bin
    build/bin]

The photos have 12 megapixels (4000x3000 and 3000x4000, JPEG of quality 92): those of skin-synth,
enlarged, with a camera's noise. Each program reads,
searches for faces of 20 pixels and more and cuts the largest out at 160x160, with two threads.
skin-faces is timed as a whole process, files written and
all; the peers without their start and their first photo, which makes their graphs. They take
minutes for a hundred photos: --peer-photos measures them
on the first so many. Rounds alternate; medians are printed. Needs facenet-pytorch, torch, mtcnn,
tensorflow and Pillow in the environment that runs the
script; a peer that is missing is left out. --folder keeps the photos for another run."""
import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np
from PIL import Image

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "peers"))
THREADS, SIDE, CROP, EACH = 2, (3000, 4000), 160, 20


def arguments():
    p = argparse.ArgumentParser(description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--photos", type=int, default=400)
    p.add_argument("--peer-photos", type=int, default=400)
    p.add_argument("--rounds", type=int, default=1)
    p.add_argument("--folder")
    p.add_argument("--bin", default=os.path.join(HERE, "..", "build", "bin"))
    p.add_argument("--peer", help=argparse.SUPPRESS)
    return p.parse_args()


def files_of(folder):
    return sorted(
        os.path.join(place, name) for place, _, names in os.walk(folder) for name in names)


def make_photos(args, folder):
    """`--photos` files in folders of EACH, a person each."""
    if len(files_of(folder)) == args.photos:
        return
    shutil.rmtree(folder, ignore_errors=True)
    with tempfile.TemporaryDirectory() as scratch:
        subprocess.run([
            os.path.join(args.bin, "skin-synth"),
            os.path.join(scratch, "clinic"), "--patients", "20", "--seed", "12", "--photos", "6:6",
            "--size", "1600:1600", "--no-exif", "--no-face", "0", "--quiet"
        ], check=True)
        drawn = files_of(os.path.join(scratch, "clinic", "images"))
        noise = np.random.default_rng(1).normal(0, 2, (64, 64, 3))
        for i in range(args.photos):
            photo = Image.open(drawn[i % len(drawn)])
            photo = photo.resize(SIDE if photo.height > photo.width else SIDE[::-1],
                                 Image.Resampling.BICUBIC)
            grain = np.roll(np.tile(noise, (photo.height // 64 + 1, photo.width // 64 + 1, 1)), i,
                            (0, 1))[:photo.height, :photo.width]
            place = os.path.join(folder, f"person{i // EACH:03}")
            os.makedirs(place, exist_ok=True)
            Image.fromarray(np.clip(np.asarray(photo) + grain, 0, 255).astype(np.uint8)).save(
                os.path.join(place, f"{i % EACH:02}.jpg"), quality=92)


def run_ours(args, folder):
    """Photos a second, and faces found."""
    with tempfile.TemporaryDirectory() as scratch:
        begin = time.perf_counter()
        subprocess.run([
            os.path.join(args.bin, "skin-faces"), folder, "-o",
            os.path.join(scratch, "out"), "--threads",
            str(THREADS), "--quality", "off"
        ], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        seconds = time.perf_counter() - begin
        found = sum(
            int(np.load(f)["mask"].sum())
            for f in files_of(os.path.join(scratch, "out"))
            if f.endswith(".npz"))
    return args.photos / seconds, found / args.photos


# ---- peers, each in a process of its own ----


def cut(photo, box):
    if box is None:
        return False
    photo.crop(tuple(map(int, box))).resize((CROP, CROP))
    return True


def facenet_finder():
    import peer_facenet
    import torch
    torch.set_num_threads(THREADS)
    detector = peer_facenet.MTCNN(keep_all=True, min_face_size=20, device="cpu")

    def find(photo):
        boxes, _ = detector.detect(photo)  # the largest first
        return cut(photo, None if boxes is None else boxes[0])

    return find


def mtcnn_finder():
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    import tensorflow as tf
    tf.config.threading.set_intra_op_parallelism_threads(THREADS)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    from mtcnn import MTCNN
    detector = MTCNN(device="CPU:0")

    def find(photo):
        faces = detector.detect_faces(np.asarray(photo), min_face_size=20)
        x, y, width, height = max((f["box"] for f in faces), key=lambda box: box[2] * box[3],
                                  default=(0, 0, 0, 0))
        return cut(photo, (x, y, x + width, y + height) if faces else None)

    return find


PEERS = {"facenet-pytorch": facenet_finder, "mtcnn": mtcnn_finder}


def be_peer(args):
    """Prints photos a second and faces a photo."""
    find, files = PEERS[args.peer](), files_of(args.folder)[: args.peer_photos]
    find(Image.open(files[0]).convert("RGB"))
    begin = time.perf_counter()
    found = sum(find(Image.open(f).convert("RGB")) for f in files)
    print(len(files) / (time.perf_counter() - begin), found / len(files))


def run_peer(args, folder, name):
    done = subprocess.run([
        sys.executable, __file__, "--peer", name, "--folder", folder, "--peer-photos",
        str(args.peer_photos)
    ], capture_output=True, text=True, env={
        **os.environ, "OMP_NUM_THREADS": str(THREADS)
    }, check=False)
    if done.returncode:
        print(f"{name} is left out: {(done.stderr.strip() or 'no message').splitlines()[-1]}",
              file=sys.stderr)
        return None
    speed, found = map(float, done.stdout.split()[-2:])
    return speed, found


def main():
    args = arguments()
    if args.peer:
        be_peer(args)
        return
    folder = args.folder or tempfile.mkdtemp()
    make_photos(args, folder)
    runs = {
        "skin-faces": lambda: run_ours(args, folder),
        **{
            name: (lambda n=name: run_peer(args, folder, n))
            for name in PEERS
        }
    }
    results = {name: [] for name in runs}
    for _ in range(args.rounds):
        for name, run in runs.items():
            result = run()
            if result:
                results[name].append(result)
    ours = statistics.median(speed for speed, _ in results["skin-faces"])
    print(
        f"{args.photos} photos of 12 megapixels, {THREADS} threads, {args.rounds} rounds; peers on "
        f"the first {min(args.peer_photos, args.photos)}"
    )
    for name, got in results.items():
        if got:
            speed = statistics.median(s for s, _ in got)
            print(
                f"{name:16} {speed:7.3f} photos a second   faces in {100 * got[0][1]:5.1f} %   "
                f"ours / this {ours / speed:6.2f}"
            )
    if not args.folder:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
