"""Checks how the files of the tree depend on each other.
    layering.py ROOT [BUILD]        layering.py --archive FILE

By includes: from room to room they point one way (ROOMS, lowest first), and no headers include each
other in a circle. With a BUILD also by symbols: no object files of an archive need each other in a
circle. Everything else is derived from the tree."""
import collections
import glob
import os
import re
import subprocess
import sys

# A room may include rooms that stand before it in its list, and base. Rooms of one line stand side
# by side: none of them includes another.
LIBRARY_ROOMS = [
    ["libconvlstm/base"],
    ["libconvlstm/kernels", "libmtcnn"],
    ["libconvlstm/cells"],
    ["libconvlstm/layers"],
    ["libconvlstm/model"],
    ["libconvlstm/trainer"],
]
TOOL_ROOMS = [
    ["tools/common", "bench/peers"],
    ["tools/store", "tools/import", "tools/pictures", "tools/fence", "tools/ranks"],
    ["tools/data", "tools/arrays"],
    ["tools/photos", "tools/feed"],
    ["tools/score"],
    ["tools/report"],
    ["tools/faces", "tools/getdata", "tools/keras", "tools/onnx", "tools/predict", "tools/serve",
     "tools/split", "tools/synth", "tools/torch", "tools/train", "tools/web"],
    ["tools"],
]
PUBLIC = {"libconvlstm/convlstm.h", "libconvlstm/convlstm_group.h", "libmtcnn/mtcnn.h",
          "libconvlstm/base/nbase.h"}
INCLUDE_PATH = ["libconvlstm", "libconvlstm/base", "libmtcnn", "tools", "tools/common"]
SEAMS = {  # a header of an outside library, and where exactly one file may include it
    "cblas.h": ("libconvlstm", "libmtcnn"),
    "zlib.h": ("libconvlstm", "libmtcnn"),
    "stb_image.h": ("tools",),
    "seccomp.h": ("tools",),
    "omp.h": ("libconvlstm", "libmtcnn"),
    "mpi.h": ("tools",),
}
TOOLS_ONLY = re.compile(
    r"(stb_|jansson|curl|microhttpd|hdf5|seccomp|csv\.h|exttextcat|jpeglib|webp|"
    r"libheif|libde265|aom/|lcms2)")
faults = []


def files_of(root):
    for top in ("libconvlstm", "libmtcnn", "tools", "bench"):
        for folder, _, names in os.walk(os.path.join(root, top)):
            for name in names:
                if name.endswith((".c", ".h", ".inc")):
                    yield os.path.relpath(os.path.join(folder, name), root)


def read_includes(root, files):
    """file -> [(text between the quotes or brackets, the file of the tree that it is, or None)]"""
    found = {}
    for name in files:
        with open(os.path.join(root, name), encoding="utf-8") as stream:
            text = stream.read()
        found[name] = []
        for header in re.findall(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]', text, re.M):
            places = [os.path.normpath(os.path.join(p, header))
                      for p in [os.path.dirname(name), *INCLUDE_PATH]]
            found[name].append((header, next((p for p in places if p in files), None)))
    return found


def circles(graph):
    """The strongly connected parts of more than one node (Tarjan 1972)."""
    number, low, stack, result = {}, {}, [], []

    def visit(node):
        number[node] = low[node] = len(number)
        stack.append(node)
        for other in sorted(graph[node]):
            if other not in number:
                visit(other)
            if other in stack:
                low[node] = min(low[node], low[other])
        if low[node] == number[node]:
            part = stack[stack.index(node):]
            del stack[stack.index(node):]
            if len(part) > 1:
                result.append(part)

    for node in sorted(graph):
        if node not in number:
            visit(node)
    return result


def room_of(name):
    folder = os.path.dirname(name)
    return "libmtcnn" if folder == "libmtcnn/kernels" else folder  # its kernels take its types


def check_rooms(includes):
    level = {}
    for rooms in (LIBRARY_ROOMS, TOOL_ROOMS):
        for at, row in enumerate(rooms):
            level.update({room: (rooms, at) for room in row})
    for name, found in includes.items():
        room = room_of(name)
        if room == "libconvlstm" or room.split("/")[0] == "bench":
            continue
        if room not in level:
            faults.append(f"{room}: give this room a place in tests/embed/layering.py")
            continue
        for _, target in found:
            other = room_of(target) if target else room
            if other == room or target in PUBLIC and room not in ("libconvlstm/base",):
                continue
            if level[room][0] is TOOL_ROOMS and other.startswith("lib"):
                faults.append(f"{name}: a tool includes {target}: only {sorted(PUBLIC)} are public")
            elif other == "libconvlstm/base":
                continue
            elif other not in level or level[other][0] is not level[room][0] or \
                    level[other][1] >= level[room][1]:
                faults.append(f"{name}: an arrow up or aside to {target}")


def check_headers(includes):
    graph = {name: {t for _, t in found if t and not t.endswith(".c")} - {name}
             for name, found in includes.items() if not name.endswith(".c")}
    for part in circles(graph):
        faults.append("headers that include each other: " + " ".join(part))


def check_names(files):
    by_name = collections.defaultdict(list)
    for name in files:
        if name.endswith(".h"):
            by_name[os.path.basename(name)].append(name)
    for name, places in by_name.items():
        if len(places) > 1:
            faults.append(f"two headers of one name: {' '.join(places)}")


def check_outside(includes):
    # the libraries unpack archives, and skin-serve bodies
    for header, tops in [*SEAMS.items(), ("zlib.h", ("tools",))]:
        users = [n for n, found in includes.items()
                 if n.startswith(tops) and any(h.endswith(header) for h, t in found if not t)]
        # omp.h: where loops run, and where BLAS is kept to one thread
        omp = ("libconvlstm/base/threads_", "libconvlstm/base/gemm.c")
        if len(users) != 1 and not (header == "omp.h" and all(u.startswith(omp) for u in users)):
            faults.append(f"{header} has {len(users)} seams, not one: {' '.join(users)}")
    for name, found in includes.items():
        for header, target in found:
            if name.startswith("lib") and not target and TOOLS_ONLY.search(header):
                faults.append(f"{name}: a library includes {header}, which only tools may")


def objects_of(archive):
    """member -> (symbols it defines, symbols it needs); a template's objects count as one member"""
    members, current = {}, None
    for line in subprocess.check_output(["nm", "-g", archive], text=True).splitlines():
        if line.endswith(".o:"):
            current = members.setdefault(line[:-1], (set(), set()))
        elif line.strip() and current:
            kind, symbol = line.split()[-2:]
            current[1 if kind == "U" else 0].add(symbol)
    return members


def check_objects(archive):
    members = objects_of(archive)
    home = {s: m for m, (defined, _) in members.items() for s in defined}
    graph = {m: {home[s] for s in needed if s in home} - {m} for m, (_, needed) in members.items()}
    for part in circles(graph):
        faults.append(f"{os.path.basename(archive)}: files that call each other: {' '.join(part)}")


def check_tree(root):
    files = set(files_of(root))
    includes = read_includes(root, files)
    check_rooms(includes)
    check_headers(includes)
    check_names(files)
    check_outside(includes)


def check_build(build):
    tools = max(glob.glob(f"{build}/obj-*/libtools.a"), key=os.path.getmtime)
    for archive in (f"{build}/lib/libconvlstm.a", f"{build}/lib/libmtcnn.a", tools):
        check_objects(archive)


def main():
    if sys.argv[1] == "--archive":
        check_objects(sys.argv[2])
    else:
        check_tree(sys.argv[1])
        if len(sys.argv) > 2:
            check_build(sys.argv[2])
    for fault in faults:
        print(fault)
    return 1 if faults else 0


sys.exit(main())
