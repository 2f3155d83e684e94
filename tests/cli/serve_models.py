"""Two small models with random weights: flat.safetensors (16x16) and gap.safetensors (any size)."""
import hashlib, json, struct, subprocess
import numpy as np


def weights(rng, dense):
    w = {}
    def lstm(name, inputs, filters):
        w[name + "/kernel"] = rng.normal(0, .1, (3, 3, inputs, 4 * filters))
        w[name + "/recurrent_kernel"] = rng.normal(0, .1, (3, 3, filters, 4 * filters))
        w[name + "/bias"] = rng.normal(0, .1, 4 * filters)
    def norm(name, channels):
        w[name + "/gamma"], w[name + "/beta"] = rng.uniform(.5, 1.5,
                                                            channels), rng.normal(0, .1, channels)
        w[name + "/moving_mean"], w[name + "/moving_variance"] = rng.normal(0, .1,
                                                                            channels), rng.uniform(
                                                                                .5, 1.5, channels)
    lstm("conv_lstm2d", 3, 20); norm("batch_normalization", 20)
    lstm("conv_lstm2d_1", 20, 10); norm("batch_normalization_1", 10)
    w["dense/kernel"], w["dense/bias"] = rng.normal(0, .3, (dense, 32)), rng.normal(0, .1, 32)
    w["dense_1/kernel"], w["dense_1/bias"] = rng.normal(0, .3, (32, 2)), rng.normal(0, .1, 2)
    return {k: v.astype(np.float32) for k, v in w.items()}


def make(bin_dir, side=16, seed=3, names=("flat", "gap")):
    rng = np.random.default_rng(seed)
    for name, preset, dense in ((names[0], "skincredible", side * side * 10),
                                (names[1], "skincredible-gap", 10)):
        np.savez(name + "_weights.npz", **weights(rng, dense))
        subprocess.run([
            bin_dir + "/skin-import", "npz", name + "_weights.npz", "--preset", preset,
            "--recurrent-activation", "hard_sigmoid_k2", "-o", name + ".safetensors"
        ], check=True, stdout=subprocess.DEVNULL)


def set_metadata(source, target, **entries):
    """A copy of a model file with more metadata."""
    raw = open(source, "rb").read()
    size = struct.unpack("<Q", raw[:8])[0]
    header = json.loads(raw[8:8 + size])
    header["__metadata__"].update(entries)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(target, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + raw[8 + size:])


def set_familiar(source, target, distance, size=16):
    """A copy of a model file that was measured on 59 people who look like nothing, at this distance
    of each other: new photos are rarer than everyone, or than nobody. The network is not
    compared."""
    raw = open(source, "rb").read()
    length = struct.unpack("<Q", raw[:8])[0]
    header, body = json.loads(raw[8:8 + length]), raw[8 + length:]
    body += b"\0" * (-len(body) % 8)
    def add(name, values):
        nonlocal body
        a = np.asarray(values, np.float64)
        header["familiar/" + name] = {
            "dtype": "F64",
            "shape": list(a.shape),
            "data_offsets": [len(body), len(body) + a.nbytes]
        }
        body += a.tobytes()
    add("frame", [size, size])
    for group, n in (("look", 8), ("shape", 64)):
        for name, values in (("mean", np.zeros(n)), ("scale", np.ones(n)), ("inverse", np.eye(n)),
                             ("distance", np.full(59, distance))):
            add(f"{group}/{name}", values)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(target, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + body)


def weights_digest(source):
    """The SHA-256 by which a model card names network and weights: the description, then each
    tensor's name and bytes, in the network's order."""
    raw = open(source, "rb").read()
    size = struct.unpack("<Q", raw[:8])[0]
    header = json.loads(raw[8:8 + size])
    h = hashlib.sha256(header.pop("__metadata__")["convlstm"].encode() + b"\0")
    for name, tensor in sorted(header.items(), key=lambda item: item[1]["data_offsets"]):
        begin, end = tensor["data_offsets"]
        h.update(name.encode() + b"\0" + raw[8 + size + begin:8 + size + end])
    return h.hexdigest()
