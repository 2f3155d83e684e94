#!/usr/bin/env bash
# One writer for all outputs: devices, pipes and folders are refused and stay; links are followed
# and stay; modes are kept; what shows a person is for its owner alone; a full disk and a lost
# standard output are errors with a message.   row10_outputs.sh BIN SCRATCH
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../cli/help.bash"
bin=$1 dir=$2
python3 -c 'import numpy' 2>/dev/null || { echo "needs python3-numpy"; exit 77; }
cd "$dir" || exit 1
umask 022
mode() { stat -c %a "$1"; }

python3 "$here/made_clinic.py" clinic 40 || fail "made_clinic.py"
python3 "$here/../cli/made_people.py" people 24 || fail "made_people.py"
python3 -c 'import numpy; numpy.savez("a.npz", x=numpy.zeros(3, numpy.float32))'
getdata=("$bin/skin-getdata" clinic --check-images no --quiet)
people=(--data people/data --faces people/faces)
train=("$bin/skin-train" "${people[@]}" --image-size 16 --epochs 1 --preset skincredible-gap \
    --quiet)
run 0 "${train[@]}" -o run
run 0 "$bin/skin-export" npz run/model.safetensors -o model.npz

# ---- what is no regular file ----
mkfifo pipe
mkdir folder
[ "$(id -u)" != 0 ] || mknod device c 1 3
for target in pipe folder device; do
    [ -e $target ] || continue
    kind=$(stat -c %F $target)
    for command in "${getdata[*]} -o $target" "${getdata[*]} -o good.txt --review $target" \
        "$bin/skin-export json run/model.safetensors -o $target" \
        "$bin/skin-export npz run/model.safetensors -o $target" \
        "$bin/skin-export keras run/model.safetensors --format keras -o $target" \
        "$bin/skin-import npz model.npz --preset skincredible-gap -o $target"; do
        run 1 timeout 60 $command
        says err "$target: "
        [ "$(stat -c %F $target)" = "$kind" ] || fail "$command: $target is no $kind any more"
    done
done
mkfifo pipes.txt.part pipes.txt.journal
run 1 timeout 60 "${getdata[@]}" -o pipes.txt
[ -p pipes.txt.part ] && [ -p pipes.txt.journal ] || fail "a pipe beside the output was replaced"

# ---- links and modes ----
for k in 1 2 3; do
    : >real$k
    chmod 600 real$k
    mkdir -p far
    ln -s ../real$k far/link$k
    ln -s far/link$k link$k
done
run 0 "${getdata[@]}" -o link1
run 0 "$bin/skin-export" json run/model.safetensors -o link2
run 0 "$bin/skin-import" npz model.npz --preset skincredible-gap -o link3
for k in 1 2 3; do
    [ -L link$k ] && [ -L far/link$k ] || fail "link$k was replaced by a file"
    [ -s real$k ] || fail "what link$k names was not written"
    [ "$(mode real$k)" = 600 ] || fail "real$k had mode 600, now $(mode real$k)"
done
: >shared
chmod 664 shared
run 0 "${getdata[@]}" -o shared
[ "$(mode shared)" = 664 ] || fail "shared had mode 664, now $(mode shared)"
ln -s nowhere-yet dangling
run 0 "${getdata[@]}" -o dangling
[ -L dangling ] && [ -s nowhere-yet ] || fail "a link to a file that is to be made"
ln -s loop loop
run 1 "${getdata[@]}" -o loop
says err "loop"

# ---- for the owner alone ----
run 0 "${getdata[@]}" -o notes.txt --review review.csv
cp -r people more
run 0 "$bin/skin-augment" --data more/data --faces more/faces
copy=$(ls more/faces/999*.npz | head -1)
for file in notes.txt review.csv "$copy"; do
    [ "$(mode "$file")" = 600 ] || fail "$file shows a person, but has mode $(mode "$file")"
done
[ "$(mode run/model.safetensors)" = 644 ] ||
    fail "a model is no person: mode $(mode run/model.safetensors)"

# ---- standard output ----
for command in "${getdata[*]} -o j.txt --force --json" "$bin/skin-info run/model.safetensors" \
    "$bin/skin-info --json run/model.safetensors" "$bin/skin-info --isa" "$bin/skin-info --help" \
    "$bin/skin-evaluate run/model.safetensors ${people[*]} --json" \
    "$bin/skin-predict run/model.safetensors --user p004 --faces people/faces --json" \
    "$bin/skin-split --check people/data" \
        "$bin/skin-augment --data more/data --faces more/faces --json"; do
    command=${command/ --quiet/}
    $command >/dev/full 2>err
    status=$?
    [ $status = 1 ] || { cat err; fail \
        "exit status $status with a full standard output: $command"; }
    says err "standard output: cannot write"
done
run 0 "$bin/skin-info" --isa # and not otherwise

# ---- a full disk ----
if [ "$(id -u)" = 0 ] && mkdir full && mount -t tmpfs -o size=64k tmpfs full 2>/dev/null; then
    trap 'umount full' EXIT
    python3 "$here/made_clinic.py" big 1500
    run 1 "$bin/skin-getdata" big --check-images no --quiet -o full/list.txt
    says err "No space left on device"
    [ ! -e full/list.txt ] || fail "half a list on a full disk"
fi
