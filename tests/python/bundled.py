"""Whether a wheel's own OpenBLAS is what its library runs on: bundled.py UNPACKED
Without NumPy, which may have loaded another one under the same name."""
import ctypes
import os
import sys

package = os.path.join(os.path.abspath(sys.argv[1]), "skincredible")
sys.path.insert(0, package)
import _bundled  # noqa: E402

_bundled.load(os.path.join(package, "bundled"))
ctypes.CDLL(os.path.join(package, "libconvlstm.so.0"))
with open("/proc/self/maps", encoding="utf-8") as maps:
    used = {line.split()[-1] for line in maps if "openblas" in line}
if used != {os.path.join(package, "bundled", "libopenblas.so.0")}:
    sys.exit(f"expected the wheel's own OpenBLAS, found {used or 'none'}")
