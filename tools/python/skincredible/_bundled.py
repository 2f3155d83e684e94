"""The libraries of other projects that a wheel may have inside: build_wheel.py with
SKIN_BUNDLE=1."""
import ctypes
import os

# In the order in which they need each other.
NAMES = ("libz.so.1", "libgomp.so.1", "libquadmath.so.0", "libgfortran.so.5", "libopenblas.so.0")


def load(folder: str) -> None:
    """Loads those in the folder, so that our libraries find them by name. One that the process has
    already is taken as it is, and one that the system has comes before the wheel's own: there
    should
    be one OpenMP runtime. But of OpenBLAS the system's may be of another build."""
    for name in NAMES if os.path.isdir(folder) else ():
        path = os.path.join(folder, name)
        known = [(name, os.RTLD_NOLOAD), (name, ctypes.RTLD_GLOBAL), (path, ctypes.RTLD_GLOBAL)]
        if "openblas" in name:
            del known[1]
        for place, mode in known:
            try:
                ctypes.CDLL(place, mode=mode)
                break
            except OSError:
                continue
