"""Mutated HDF5 files: none crashes, hangs or bloats the tool that reads it.   row09_hdf5.py BIN
COUNT [FIRST]
Mutant N is the same on every machine; `row09_hdf5.py BIN 1 N` repeats it, and leaves it in
mutant_N.h5."""
import glob, os, random, resource, struct, subprocess, sys, time

BIN, COUNT, FIRST = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 0
ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
SECONDS, MEMORY = 2, 400 << 20 # of a run; the tool itself allows its reader 10 seconds
EDGES = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 1 << 40,
         (1 << 63) - 1, (1 << 64) - 1)
bases = [
    open(path, "rb").read()
    for path in sorted(glob.glob(ROOT + "/tests/goldens/keras_models/*/*.h5"))
]
assert bases


def interesting(r, data):
    """A place in the file: mostly where its structure is, not its numbers."""
    if r.random() < 0.2:
        return r.randrange(len(data))
    marks = [b"TREE", b"HEAP", b"SNOD", b"GCOL", b"OHDR", b"FRHP", b"BTHD"]
    mark, at = r.choice([m for m in marks if m in data]), -1
    for _ in range(r.randint(1, 1 + data.count(mark))):
        at = max(data.find(mark, at + 1), at)
    return min(max(at, 0) + r.randrange(64), len(data) - 1)


def mutate(n):
    r = random.Random(n)
    data = bytearray(r.choice(bases))
    for _ in range(r.choice((1, 1, 2, 4))):
        at, kind = interesting(r, data), r.randrange(4)
        if kind == 0:
            data[at] ^= 1 << r.randrange(8)
        elif kind == 1:
            data[at] = r.randrange(256)
        else:
            value = r.choice(EDGES) if kind == 2 else interesting(r, data)
            size = r.choice((1, 2, 4, 8))
            data[at:at + size] = (value & (1 << 8 * size) - 1).to_bytes(size, "little")
    if r.random() < 0.05:
        del data[r.randrange(len(data)):]
    return bytes(data)


def limit():
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS + 2))


def read(path):
    """Exit status, what is said, seconds."""
    begin = time.time()
    done = subprocess.run([BIN + "/skin-info", path], capture_output=True, text=True,
                          errors="replace", preexec_fn=limit, timeout=100)
    return done.returncode, done.stderr, time.time() - begin


bad, ends = 0, {}
for n in range(FIRST, FIRST + COUNT):
    path = f"mutant_{n}.h5"
    with open(path, "wb") as f:
        f.write(mutate(n))
    status, says, took = read(path)
    held = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss << 10
    fine = status == 0 and not says or status == 1 and says.startswith(
        "skin-info: " + path) and says.count("\n") == 1
    if not fine or held > MEMORY:
        print(
            f"FAILED: mutant {n}: status {status} after {took:.1f} s, {held >> 20} MiB: "
            f"{says[-300:]!r}"
        )
        bad += 1
        if held > MEMORY:
            break
    how = "read" if status == 0 else says.split(
        " HDF5 ", 1)[1].split(":")[0] if "reader of HDF5" in says else "refused"
    ends.setdefault(how, []).append(n)
    if COUNT > 1:
        os.unlink(path)
for how, which in sorted(ends.items()):
    print(f"{how}: {len(which)} mutants" + (f", such as {which[:5]}" if len(which) < 50 else ""))
sys.exit(bad > 0)
