#!/usr/bin/env bash
# One output, two runs: the second is refused and names the first, for every tool that writes a
# folder or a labelled list; a killed run's lock does not stay; shards without a common user run
# side by side.   row07_locks.sh BIN SCRATCH
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../cli/help.bash"
bin=$1 dir=$2
pairs=$([ "${LONG:-0}" = 0 ] && echo 8 || echo 60)
python3 -c 'import numpy' 2>/dev/null || { echo "needs python3-numpy"; exit 77; }
cd "$dir" || exit 1

python3 "$here/made_clinic.py" clinic 3000 || fail "made_clinic.py"
python3 "$here/../cli/made_people.py" people 24 || fail "made_people.py"

# hold LOCKFILE TOOL, release: another run's lock
hold() {
    coproc HOLDER { exec python3 "$here/hold_lock.py" "$1" "$2"; }
    read -r _ <&"${HOLDER[0]}"
    holder=$HOLDER_PID
}
release() {
    kill "$holder"
    wait "$holder" 2>/dev/null
}
# refused LOCKFILE COMMAND...: fails while the lock is held, and names its holder
refused() {
    local lock=$1
    shift
    mkdir -p "$(dirname "$lock")"
    hold "$lock" skin-other
    run 1 "$@"
    says err "skin-other is writing it (process $holder on "
    says err "since 2026-01-02T03:04:05Z"
    one_line
    release
}

for n in $(seq 40); do echo "[\"$n\", \"$((n % 2))\", \"n\", \"a.jpg\"]"; done >users.txt
getdata=("$bin/skin-getdata" clinic --check-images no --quiet)
train=("$bin/skin-train" --data people/data --faces people/faces --image-size 16 --epochs 1 \
    --preset skincredible-gap --quiet)
refused out.txt.lock "${getdata[@]}" -o out.txt
refused review.csv.lock "${getdata[@]}" -o out.txt --review review.csv
refused run/.lock "${train[@]}" -o run
refused split/.lock "$bin/skin-split" users.txt -o split
refused people/data/.lock "$bin/skin-augment" --data people/data --faces people/faces
refused synth/.lock "$bin/skin-synth" synth --patients 2 --size 240 --quiet
[ ! -e out.txt ] && [ ! -e run/model.safetensors ] && [ ! -e split/label.json ] ||
    fail "a refused run wrote"

# without the holder the same commands pass, and leave no lock behind
run 0 "${getdata[@]}" -o out.txt --review review.csv
run 0 "${train[@]}" -o run
run 0 "$bin/skin-split" users.txt -o split
refused report/.lock "$bin/skin-evaluate" run/model.safetensors --data people/data \
    --faces people/faces -o report
run 0 "$bin/skin-evaluate" run/model.safetensors --data people/data --faces people/faces -o report
run 0 "$bin/skin-augment" --data people/data --faces people/faces
for lock in out.txt.lock review.csv.lock run/.lock split/.lock report/.lock people/data/.lock; do
    [ ! -e $lock ] || fail "$lock was left behind"
done

# two names of one output are one output
ln -s out.txt link.txt
refused out.txt.lock "${getdata[@]}" -o link.txt
rm link.txt

# ---- a real run, stopped in the middle ----
cp out.txt whole.txt
"${getdata[@]}" -o mid.txt 2>first &
child=$!
for _ in $(seq 500); do [ ! -s mid.txt.part ] || break; sleep 0.01; done
kill -STOP $child
if [ -e mid.txt.part ]; then # else it was faster
    run 1 "${getdata[@]}" --min-images 9 -o mid.txt
    says err "skin-getdata is writing it (process $child on "
fi
kill -CONT $child
wait $child || { cat first; fail "the first run failed"; }
cmp mid.txt whole.txt || fail "the second run changed the first one's output"

# ---- killed: the kernel frees the lock, its file does no harm ----
"${getdata[@]}" -o mid.txt --force 2>/dev/null &
child=$!
for _ in $(seq 500); do [ ! -e mid.txt.lock ] || break; sleep 0.01; done
kill -9 $child
wait $child 2>/dev/null
run 0 "${getdata[@]}" -o mid.txt
cmp mid.txt whole.txt || fail "after a killed run the output differs"

# ---- pairs with different settings at once: one run's output, whole, or the first refused ----
run 0 "${getdata[@]}" --min-images 9 -o other.txt
cmp -s whole.txt other.txt && fail "the two settings give the same"
for pair in $(seq "$pairs"); do
    rm -f both.txt*
    "${getdata[@]}" -o both.txt 2>err1 & a=$!
    sleep "0.0$((pair % 10))"
    "${getdata[@]}" --min-images 9 -o both.txt 2>err2 & b=$!
    wait $a; a=$?
    wait $b; b=$?
    case $a$b in
    01) cmp -s both.txt whole.txt || fail "pair $pair: not the first run's output" ;;
    10) cmp -s both.txt other.txt || fail "pair $pair: not the second run's output" ;;
    00) cmp -s both.txt whole.txt || cmp -s both.txt other.txt ||
        fail "pair $pair: a mixture" ;; # one after the other
    *) cat err1 err2; fail "pair $pair: exit statuses $a and $b" ;;
    esac
done
