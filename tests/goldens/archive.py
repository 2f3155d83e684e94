#!/usr/bin/env python3
"""Writes goldens/archive/: small files as NumPy and safetensors write them, for test_archive.c.

Needs numpy and safetensors: python3 -m venv V && V/bin/pip install numpy safetensors &&
V/bin/python tests/goldens/archive.py
The sums in the C test are of these arrays; every writer's bytes may differ between versions, their
contents may not.
"""
import io
import os

import numpy as np

here = os.path.join(os.path.dirname(os.path.abspath(__file__)), "archive")
os.makedirs(here, exist_ok=True)
arrays = {
    "a": (np.arange(6, dtype="<f4") * 0.5 - 1).reshape(2, 3),
    "fortran": np.asfortranarray(np.arange(24, dtype="<f8").reshape(2, 3, 4)),
    "flag": np.array([True, False, True]),
    "half": np.array(3.5, dtype="<f2"),
    "none": np.zeros((0, 3), dtype="<i8"),
    "big": np.arange(-2, 2, dtype=">i2"),
    "zeros": np.zeros((20, 50), dtype="u1"),
}


class Pipe(io.RawIOBase):
    """A file that can't seek: zipfile then writes data descriptors."""

    def __init__(self):
        super().__init__()
        self.parts = []

    def writable(self):
        return True

    def write(self, data):
        self.parts.append(bytes(data))
        return len(data)


np.savez(os.path.join(here, "stored.npz"), **arrays)
np.savez_compressed(os.path.join(here, "deflated.npz"), **arrays)
pipe = Pipe()
np.savez_compressed(pipe, **arrays)
with open(os.path.join(here, "streamed.npz"), "wb") as f:
    f.write(b"".join(pipe.parts))
for version in (1, 2, 3):
    with open(os.path.join(here, f"v{version}.npy"), "wb") as f:
        np.lib.format.write_array(f, arrays["a"], version=(version, 0))
np.save(os.path.join(here, "object.npy"), np.array([{}, None]), allow_pickle=True)
np.save(os.path.join(here, "text.npy"), np.array(["a", "b"]))
np.save(os.path.join(here, "complex.npy"), np.array([1j]))
np.save(os.path.join(here, "record.npy"), np.zeros(2, dtype=[("x", "<f4"), ("y", "<i4")]))

from safetensors.numpy import save_file  # noqa: E402

save_file({k: np.ascontiguousarray(v.astype(v.dtype.newbyteorder("<"))) for k, v in arrays.items()},
          os.path.join(here, "official.safetensors"), metadata={"key": "value \u20ac", "empty": ""})
