#!/usr/bin/env python3
"""Trains Keras's own network on the people that skin-train is given, for a limited time, and
evaluates it on the same people as skin-evaluate does.

    tests/peers/keras_compare.py --data DATA --faces FACES [--budget 3600] [--seeds 3]
        [--report REPORT/metrics.json] [--processor-time] [--state FOLDER]

The network is the original's: ConvLSTM2D(20), BatchNormalization, ConvLSTM2D(10),
BatchNormalization, Flatten, Dense(32), Dense(2), with masks, batches of 8, the last 30 photos, and
binary cross-entropy. Everything else is Keras's default: its initial weights, and SGD at 0.01
(--optimizer adam: Adam at 0.001).

Each seed trains for --budget seconds, in which it also builds its graph and validates, and keeps
the epoch with the lowest validation loss, as the original did. On a machine that does other work,
too, --processor-time counts the time of processors instead, divided by how many there are: Keras
keeps them 95 % busy when it is alone. With --state, each epoch's end is kept in a folder, where a
stopped run goes on. The script prints, for each seed,
the balanced accuracy with a 95 % interval (2,000 bootstrap draws within the classes), and then
that of our own report. It runs in an environment of its own, build/venv-keras (or VENV)."""
import argparse
import json
import os
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "goldens"))
import environment  # noqa: E402

environment.enter("keras", environment.KERAS)
os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="", KERAS_BACKEND="tensorflow")
import keras  # noqa: E402
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402

BATCH = 8


# ---- people ----


def read_people(args, part):
    """A list of (valid frames (n,size,size,3) float32 in 0..1, mask (T), label (2)), as skin-train
    reads them: those without a face are left out."""
    with open(os.path.join(args.data, "partition.json")) as f:
        ids = json.load(f)[part]
    with open(os.path.join(args.data, "label.json")) as f:
        labels = json.load(f)
    people = []
    for person in ids:
        path = os.path.join(args.faces, person + ".npz")
        if not os.path.exists(path):
            continue
        with np.load(path) as arrays:
            img = arrays["img"][-args.frames :]
            mask = arrays["mask"][-args.frames :].astype(bool)
        if mask.any():
            small = tf.image.resize(img[mask], (args.size, args.size)).numpy() / np.float32(255)
            people.append((small, mask, np.float32(labels[person])))
    return people


def batch_of(people, args):
    """img (B,T,H,W,3), mask (B,T), labels (B,2); missing photos are masked, at the end."""
    img = np.zeros((len(people), args.frames, args.size, args.size, 3), np.float32)
    mask = np.zeros((len(people), args.frames), bool)
    for i, (frames, valid, _) in enumerate(people):
        mask[i, : len(valid)] = valid
        img[i, mask[i]] = frames
    return img, mask, np.stack([label for _, _, label in people])


# ---- Keras ----


def hard_sigmoid(x):
    """What Keras 2 called so, and the original used."""
    return keras.ops.clip(0.2 * x + 0.5, 0, 1)


def network(args):
    img = keras.Input((args.frames, args.size, args.size, 3))
    mask = keras.Input((args.frames,), dtype="bool")
    recurrent = dict(kernel_size=3, padding="same", recurrent_activation=hard_sigmoid)
    x = keras.layers.ConvLSTM2D(20, return_sequences=True, **recurrent)(img, mask=mask)
    pixels = keras.ops.reshape(mask, (-1, args.frames, 1, 1))
    pixels = keras.ops.tile(pixels, (1, 1, args.size, args.size))
    x = keras.layers.BatchNormalization()(x, mask=pixels)
    x = keras.layers.ConvLSTM2D(10, **recurrent)(x, mask=mask)
    x = keras.layers.Flatten()(keras.layers.BatchNormalization()(x))
    x = keras.layers.Dense(32, activation="relu")(x)
    model = keras.Model([img, mask], keras.layers.Dense(2, activation="sigmoid")(x))
    optimizers = {"sgd": keras.optimizers.SGD(0.01), "adam": keras.optimizers.Adam(0.001)}
    model.compile(optimizer=optimizers[args.optimizer], loss="binary_crossentropy")
    return model


def judge(model, people, args):
    """Probabilities (n,2) and labels (n,2)."""
    probs, labels = [], []
    for first in range(0, len(people), BATCH):
        img, mask, y = batch_of(people[first : first + BATCH], args)
        probs.append(np.asarray(model.predict_on_batch([img, mask])))
        labels.append(y)
    return np.concatenate(probs), np.concatenate(labels)


def mean_loss(probs, labels):
    p = np.clip(probs, 1e-7, 1 - 1e-7)
    return float(-np.mean(labels * np.log(p) + (1 - labels) * np.log(1 - p)))


class Clock:
    """Seconds since it was made, and those before: of the wall, or of all processors together."""

    def __init__(self, args, before=0):
        self.now = time.time
        if args.processor_time:
            self.now = lambda: time.process_time() / os.cpu_count()
        self.start = self.now() - before

    def seconds(self):
        return self.now() - self.start


class State:
    """What a stopped run goes on from, one file for each seed."""

    def __init__(self, model, seed, args):
        self.model, self.epochs, self.steps, self.seconds = model, 0, 0, 0
        self.best, self.best_loss = None, np.inf
        self.path = args.state and os.path.join(args.state, f"{args.optimizer}{seed}.npz")
        model.optimizer.build(model.trainable_variables)
        if self.path and os.path.exists(self.path):
            self.load()

    def load(self):
        with np.load(self.path) as kept:
            self.epochs, self.steps = int(kept["epochs"]), int(kept["steps"])
            self.seconds, self.best_loss = float(kept["seconds"]), float(kept["best_loss"])
            n = len(self.model.get_weights())
            self.model.set_weights([kept[f"last{i}"] for i in range(n)])
            for i, v in enumerate(self.model.optimizer.variables):
                v.assign(kept[f"optimizer{i}"])
            if np.isfinite(self.best_loss):
                self.best = [kept[f"best{i}"] for i in range(n)]
        print(f"  goes on after {self.epochs} epochs, {self.seconds:.0f} s", file=sys.stderr)

    def save(self):
        if not self.path:
            return
        optimizer = [np.asarray(v) for v in self.model.optimizer.variables]
        lists = {"last": self.model.get_weights(), "best": self.best or [], "optimizer": optimizer}
        arrays = {f"{name}{i}": a for name, arrays in lists.items() for i, a in enumerate(arrays)}
        with open(self.path + ".part", "wb") as f:
            np.savez(f, epochs=self.epochs, steps=self.steps, seconds=self.seconds,
                     best_loss=self.best_loss, **arrays)
        os.replace(self.path + ".part", self.path)


def train_epoch(model, people, order, state, clock, args):
    """False: the time was over before the epoch was."""
    for first in range(0, len(order), BATCH):
        if clock.seconds() >= args.budget:
            return False
        img, mask, y = batch_of([people[i] for i in order[first : first + BATCH]], args)
        model.train_on_batch([img, mask], y)
        state.steps += 1
    return True


def train(people, seed, args):
    """The model with the weights of its best epoch (the last ones if no epoch was finished), and
    the number of steps."""
    keras.utils.set_random_seed(seed)
    model = network(args)
    state = State(model, seed, args)
    clock = Clock(args, state.seconds)
    while clock.seconds() < args.budget:
        order = np.random.default_rng([seed, state.epochs]).permutation(len(people["train"]))
        if not train_epoch(model, people["train"], order, state, clock, args):
            break
        loss = mean_loss(*judge(model, people["validation"], args))
        state.epochs += 1
        if loss < state.best_loss:
            state.best, state.best_loss = model.get_weights(), loss
        state.seconds = clock.seconds()
        state.save()
        print(f"  seed {seed}, epoch {state.epochs}, {state.seconds:.0f} s: "
              f"validation loss {loss:.4f}", file=sys.stderr)
    if state.best:
        model.set_weights(state.best)
    return model, state.steps


# ---- figures ----


def balanced(right, label):
    return (right[label == 0].mean() + right[label == 1].mean()) / 2


def figures(probs, labels, draws=2000):
    """Balanced accuracy and its 95 % interval."""
    label = labels.argmax(1)
    right = (probs.argmax(1) == label).astype(float)
    rng = np.random.default_rng(0)
    classes = [np.flatnonzero(label == c) for c in (0, 1)]
    drawn = [np.concatenate([rng.choice(c, len(c)) for c in classes]) for _ in range(draws)]
    low, high = np.percentile([balanced(right[d], label[d]) for d in drawn], [2.5, 97.5])
    return balanced(right, label), low, high


def share(value, low, high):
    return f"balanced accuracy {100 * value:.1f} % ({100 * low:.1f} to {100 * high:.1f})"


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--data", required=True)
    p.add_argument("--faces", required=True)
    p.add_argument("--report", help="metrics.json of skin-evaluate, to print beside")
    p.add_argument("--budget", type=float, default=3600, help="seconds for each seed")
    p.add_argument("--processor-time", action="store_true",
                   help="seconds of all processors together, for a machine that is shared")
    p.add_argument("--state", help="a folder for what a stopped run goes on from")
    p.add_argument("--seeds", type=int, default=3)
    p.add_argument("--partition", default="test")
    p.add_argument("--optimizer", choices=("sgd", "adam"), default="sgd")
    p.add_argument("--size", type=int, default=80)
    p.add_argument("--frames", type=int, default=30)
    args = p.parse_args()
    if args.state:
        os.makedirs(args.state, exist_ok=True)
    people = {p: read_people(args, p) for p in ("train", "validation", args.partition)}
    print("people: " + ", ".join(f"{p} {len(group)}" for p, group in people.items()), flush=True)
    for seed in range(args.seeds):
        model, steps = train(people, seed, args)
        value, low, high = figures(*judge(model, people[args.partition], args))
        kind = " of all processors" if args.processor_time else ""
        print(f"Keras {keras.__version__}, {args.optimizer}, seed {seed}: "
              f"{share(value, low, high)} after {steps} steps, {args.budget:.0f} s{kind}",
              flush=True)
    if args.report:
        with open(args.report) as f:
            ours = json.load(f)
        low, high = ours["intervals_95"]["balanced_accuracy"]
        print("ours: " + share(ours["balanced_accuracy"], low, high))


main()
