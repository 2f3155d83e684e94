#!/usr/bin/env bash
# Small files that unpack to a great deal: no tool unpacks more than a picture's header asks for, or
# more than is in proportion to an archive.   row04_unpacked.sh BIN SCRATCH
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../cli/help.bash"
bin=$1 dir=$2 model=$(cd "$here/../.." && pwd)/weights/demo.safetensors
python3 "$here/made_bombs.py" "$dir" png npz || fail "made_bombs.py"
cd "$dir" || exit 1

# peak MIB COMMAND...: runs it and checks the most memory that it held; its output to out and err.
# Twice as much address space ends a tool that goes far beyond.
peak() {
    local most=$1 held
    shift
    held=$(python3 - "$most" "$@" <<'END'
import resource, subprocess, sys
most = int(sys.argv[1])
limit = lambda: resource.setrlimit(resource.RLIMIT_AS, ((2 * most + 1024) << 20,) * 2)
with open("out", "wb") as out, open("err", "wb") as err:
    subprocess.run(sys.argv[2:], stdout=out, stderr=err, preexec_fn=limit, timeout=100)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss >> 10)
END
    ) || fail "$*"
    [ "$held" -lt "$most" ] || fail "it held $held MiB: $*"
    echo "$held MiB: ${*##*/}"
}

# ---- pictures ----
for picture in bomb bomb_pieces bomb_interlaced; do
    run 1 "$bin/skin-predict" --crops "$model" $picture.png
    says err "$picture.png: its picture data unpack to far more than the"
    peak 100 "$bin/skin-predict" --crops "$model" $picture.png
done

# ---- arrays ----
peak 50 "$bin/skin-info" one.npz
run 1 "$bin/skin-info" one.npz
says err "one.npz: a000.npy: its"
says err "would unpack to 2147483"
peak 50 "$bin/skin-info" many.npz
run 1 "$bin/skin-info" many.npz
says err "many.npz: a003.npy: its"
says err "after 2013"
says err "is 268435456 in all"
run 0 "$bin/skin-info" modest.npz
