"""Builds the wheel (PEP 517) out of the Python files and the two shared libraries of this tree.

The libraries are taken from $SKIN_LIBRARIES, or from build/lib of the tree around this folder,
where
they are built if they are missing. With SKIN_BUNDLE=1 the wheel also has OpenBLAS and what it
needs,
as they are on this machine, for machines without. Equal input gives the same bytes."""
import base64
import hashlib
import os
import re
import subprocess
import sysconfig
import zipfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
LIBRARIES = ("libconvlstm.so.0", "libmtcnn.so.0")
ABOUT = """Metadata-Version: 2.1
Name: skincredible
Version: {version}
Summary: ConvLSTM networks and MTCNN face detection on the CPU
Requires-Python: >=3.9
Requires-Dist: numpy>=1.21
"""


def _version():
    with open(os.path.join(ROOT, "libconvlstm/base/nbase.h"), encoding="utf-8") as header:
        return re.search(r'NBASE_VERSION_STRING "(.*)"', header.read()).group(1)


def _libraries():
    folder = os.environ.get("SKIN_LIBRARIES")
    if folder:
        return folder
    folder = os.path.join(ROOT, "build", "lib")
    if not all(os.path.exists(os.path.join(folder, name)) for name in LIBRARIES):
        subprocess.run(["make", "-C", ROOT, *(f"build/lib/{name}" for name in LIBRARIES)],
                       check=True)
    return folder


def _needs(path):
    """Library -> where the loader finds it, of all that a file needs."""
    lines = subprocess.run(["ldd", path], check=True, stdout=subprocess.PIPE,
                           universal_newlines=True).stdout
    return dict(re.findall(r"(\S+) => (/\S+)", lines))


def _bundled(folder):
    """(name, path) of the libraries to bundle. OpenBLAS's OpenMP build, and no other, does as the
    library says with threads; Debian keeps its builds in folders side by side."""
    names = {}
    with open(os.path.join(HERE, "skincredible", "_bundled.py"), encoding="utf-8") as file:
        exec(file.read(), names)
    found = _needs(os.path.join(folder, LIBRARIES[0]))
    blas = found.get("libopenblas.so.0", "libopenblas.so.0")
    beside = os.path.join(os.path.dirname(blas), "openblas-openmp", "libopenblas.so.0")
    for path in (blas, beside):
        if os.path.exists(path) and "libgomp.so.1" in _needs(path):
            found = {**found, **_needs(path), "libopenblas.so.0": path}
            return [(name, found[name]) for name in names["NAMES"] if name in found]
    raise RuntimeError(f"SKIN_BUNDLE: {blas} is not OpenBLAS's OpenMP build: install that, and let "
                       "the loader find it (Debian: libopenblas0-openmp)")


def _tag():
    return "py3-none-" + re.sub(r"[-.]", "_", sysconfig.get_platform())


def _contents():
    """(name in the wheel, bytes), in order."""
    package = os.path.join(HERE, "skincredible")
    for name in sorted(os.listdir(package)):
        if name.endswith(".py") or name == "py.typed":
            with open(os.path.join(package, name), "rb") as file:
                yield f"skincredible/{name}", file.read()
    folder = _libraries()
    for name in LIBRARIES:
        with open(os.path.join(folder, name), "rb") as file:
            yield f"skincredible/{name}", file.read()
    if os.environ.get("SKIN_BUNDLE", "0") not in ("", "0"):
        for name, path in _bundled(folder):
            with open(path, "rb") as file:
                yield f"skincredible/bundled/{name}", file.read()


def get_requires_for_build_wheel(config_settings=None):
    return []


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    version, tag = _version(), _tag()
    info = f"skincredible-{version}.dist-info"
    wheel = (f"Wheel-Version: 1.0\nGenerator: build_wheel\nRoot-Is-Purelib: false\nTag: {tag}\n")
    entries = [*_contents(), (f"{info}/METADATA", ABOUT.format(version=version).encode()),
               (f"{info}/WHEEL", wheel.encode())]
    record = ""
    for name, data in entries:
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        record += f"{name},sha256={digest},{len(data)}\n"
    entries.append((f"{info}/RECORD", (record + f"{info}/RECORD,,\n").encode()))
    file_name = f"skincredible-{version}-{tag}.whl"
    with zipfile.ZipFile(os.path.join(wheel_directory, file_name), "w",
                         zipfile.ZIP_DEFLATED) as out:
        for name, data in entries:
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            out.writestr(entry, data)
    return file_name


def build_sdist(sdist_directory, config_settings=None):
    raise RuntimeError(
        "the libraries are built from the whole tree: install from tools/python of a "
        "checkout, or build a wheel with pip wheel")
