#!/usr/bin/env bash
# skin-getdata stopped and resumed, and in shards: the bytes of one undisturbed run, and no finished
# user is looked at again.   getdata_resume.sh BIN SCRATCH
set -u
bin=$(cd "$1" && pwd) here=$(cd "$(dirname "$0")" && pwd) python=${PYTHON:-/usr/bin/python3}
cd "$2" || exit 1
fail() { echo "FAILED: $*"; exit 1; }
$python "$here/made_notes.py" clinic 600 "Skin is better now." ||
    { echo "needs python3"; exit 77; }
flags=(--check-images no --override by_hand.csv)
printf 'user_id,label\n3,improved\n500,drop\n' >by_hand.csv
began=$(date +%s%N)
"$bin/skin-getdata" clinic -o whole.txt --review whole.csv "${flags[@]}" --json >whole.json ||
    fail "the undisturbed run"
took=$((($(date +%s%N) - began) / 1000)) # microseconds

# ---- shards ----
"$bin/skin-getdata" clinic -q -o a.txt --review a.csv "${flags[@]}" --end 250 2>/dev/null ||
    fail "the first shard"
"$bin/skin-getdata" clinic -q -o b.txt --review b.csv "${flags[@]}" --start 250 \
    --end 9999 2>/dev/null || fail "the second shard"
cat a.txt b.txt | cmp - whole.txt || fail "two shards differ from one run"
{ cat a.csv; tail -n +2 b.csv; } | cmp - whole.csv ||
    fail "the reviews of two shards differ from one run's"
"$bin/skin-getdata" clinic -q -o c.txt --start 600 2>err && fail "a shard behind the end"
grep -q 'only 600 users' err || fail "a shard behind the end: $(cat err)"

# ---- killed, or interrupted, at many moments, until it is through ----
kills=0
for i in $(seq 1 60); do
    "$bin/skin-getdata" clinic -o cut.txt --review cut.csv "${flags[@]}" --json >cut.json 2>err &
    pid=$!
    # the first early in the run, so that there is one on every machine
    delay=$((i == 1 ? took / 10 : took * (RANDOM % 90 + 10) / 100))
    sleep "$(printf '%d.%06d' $((delay / 1000000)) $((delay % 1000000)))"
    signal=KILL
    [ $((i % 3)) = 0 ] && signal=INT
    if kill -$signal $pid 2>/dev/null; then kills=$((kills + 1)); fi
    wait $pid 2>/dev/null && break
    [ ! -e cut.txt ] || cmp -s cut.txt whole.txt || fail "half of the output has its name"
done
[ -e cut.txt ] || "$bin/skin-getdata" clinic -o cut.txt --review cut.csv "${flags[@]}" \
    --json >cut.json 2>err || fail "$(cat err)"
cmp cut.txt whole.txt && cmp cut.csv whole.csv && cmp cut.json whole.json ||
    fail "killed $kills times, the output differs"
[ -z "$(ls cut.txt.* cut.csv.* 2>/dev/null)" ] || fail "left behind: $(ls cut.txt.* cut.csv.*)"
[ $kills -gt 0 ] || fail "never killed"

# ---- what is finished is not looked at again: its files may have gone ----
$python - "$bin/skin-getdata" <<'PY' || fail "stopping in the middle"
import os, signal, subprocess, sys, time

p = subprocess.Popen([
    sys.argv[1], "clinic", "-o", "mid.txt", "--review", "mid.csv", "--check-images", "no",
    "--override", "by_hand.csv"
], stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
while not os.path.exists("mid.txt.journal") or open("mid.txt.journal").read().count("\n") < 20:
    time.sleep(0.001)
p.send_signal(signal.SIGSTOP)
done = open("mid.txt.journal").read().count("\n") - 2 # the last line may be half
p.send_signal(signal.SIGKILL)
p.wait()
assert 0 < done < 590, done
for i in range(done):
    os.rename(f"clinic/followup_data/user_{i:012d}.json",
              f"clinic/followup_data/gone_{i:012d}.json")
print(done)
PY
"$bin/skin-getdata" clinic -o mid.txt --review mid.csv "${flags[@]}" >out 2>err ||
    fail "a finished user was read again: $(cat err)"
grep -q 'resuming after the' err || fail "$(cat err)"
cmp mid.txt whole.txt && cmp mid.csv whole.csv || fail "resumed, the output differs"
for f in clinic/followup_data/gone_*; do mv "$f" "${f/gone_/user_}"; done

# ---- other settings, another list, --force: begun anew ----
half() { # a run that is stopped behind some users
    rm -f half.txt*
    "$bin/skin-getdata" clinic -o half.txt "${flags[@]}" >/dev/null 2>&1 || fail "half"
    head -n 5 half.txt >half.txt.part
    printf '%s\n' "$1" >half.txt.journal
    rm half.txt
}
half "skin-getdata 1 of another time"
"$bin/skin-getdata" clinic -o half.txt "${flags[@]}" >/dev/null 2>err || fail "$(cat err)"
cmp half.txt whole.txt || fail "another run's rest was used"
echo "getdata_resume: all passed (killed $kills times)"
