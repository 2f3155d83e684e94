"""A data set for the tests of skin-train and skin-evaluate: a red patch on a grey square that grows
(deteriorated) or shrinks (improved).

    made_people.py OUT PEOPLE   ->  OUT/data/{label,partition}.json and OUT/faces/<id>.npz with
                                crops of 32x32
"""
import json, os, sys
import numpy as np

out, people = sys.argv[1], int(sys.argv[2])
rng = np.random.default_rng(5)
os.makedirs(out + "/data", exist_ok=True)
os.makedirs(out + "/faces", exist_ok=True)
labels, parts = {}, {"train": [], "validation": [], "test": []}
y, x = np.mgrid[:32, :32]
for n in range(people):
    name, improved, frames = f"p{n:03d}", n % 3 != 0, 4 + n % 5
    img = np.zeros((frames, 32, 32, 3), np.uint8)
    mask = np.ones(frames, bool)
    if n % 4 == 1:
        mask[1] = False
    centre, start = rng.uniform(8, 24, 2), rng.uniform(5, 7)
    for t in np.flatnonzero(mask):
        radius = start + (-4 if improved else 4) * t / (frames - 1)
        red = (x - centre[0]) ** 2 + (y - centre[1]) ** 2 < radius**2
        img[t] = np.clip(
            120 + rng.normal(0, 6, (32, 32, 3)) + red[..., None] * np.array([90, -30, -30]), 0, 255)
    zeros = lambda *shape, dtype=np.float32: np.zeros((frames, *shape), dtype)
    np.savez(f"{out}/faces/{name}.npz", img=img, mask=mask, box=zeros(4, dtype=np.int32),
             score=zeros(), landmarks=zeros(5, 2), frame=np.arange(frames, dtype=np.int32),
             photo=zeros(2, dtype=np.int32))
    labels[name] = [0, 1] if improved else [1, 0]
    parts["test" if n % 5 == 4 else "validation" if n % 5 == 3 else "train"].append(name)
json.dump(labels, open(out + "/data/label.json", "w"))
json.dump(parts, open(out + "/data/partition.json", "w"))
