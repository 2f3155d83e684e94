"""Builds the wheel (PEP 517) out of the Python files and the two shared libraries of this tree.

The libraries are taken from $SKIN_LIBRARIES, or from build/lib of the tree around this folder, where
they are built if they are missing. Equal input gives the same bytes."""
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
        subprocess.run(["make", "-C", ROOT, *(f"build/lib/{name}" for name in LIBRARIES)], check=True)
    return folder


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
    with zipfile.ZipFile(os.path.join(wheel_directory, file_name), "w", zipfile.ZIP_DEFLATED) as out:
        for name, data in entries:
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            out.writestr(entry, data)
    return file_name


def build_sdist(sdist_directory, config_settings=None):
    raise RuntimeError("the libraries are built from the whole tree: install from tools/python of a "
                       "checkout, or build a wheel with pip wheel")
