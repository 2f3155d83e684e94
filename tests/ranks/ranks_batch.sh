#!/usr/bin/env bash
# skin-getdata, skin-evaluate and skin-predict as several ranks under mpirun: the bytes, the order
# and the status of one process; skin-getdata resumes what another number of ranks began.
#   ranks_batch.sh BIN SCRATCH
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../cli/help.bash"
. "$here/ranks.bash"
bin=$1 dir=$2 host=$(uname -n)
need_ranks "$bin"
/usr/bin/python3 -c 'import numpy' 2>/dev/null || { echo "needs python3-numpy"; exit 77; }
cd "$dir" || exit 1

# ---- skin-getdata: 800 users made of 16, with a missing file, a broken one, lost photos and labels
# by hand ----
run 0 "$bin/skin-synth" small --patients 16 --seed 5 --size 240:260
mkdir -p clinic/followup_data clinic/images
/usr/bin/python3 - <<'END'
import csv, glob, json, os
rows = list(csv.reader(open("small/dr_msg_stats.csv")))
at = rows[0].index("user_id")
out = csv.writer(open("clinic/dr_msg_stats.csv", "w"))
out.writerow(rows[0])
for copy in range(50):
    for row in rows[1:]:
        user = int(row[at]) + copy * 10**7
        out.writerow(row[:at] + [user] + row[at + 1:])
        records = json.load(open(f"small/followup_data/user_{int(row[at]):012d}.json"))
        for r in records:
            if "userId" in r:
                r["userId"] = user
        json.dump(records, open(f"clinic/followup_data/user_{user:012d}.json", "w"))
out.writerow(["no number"] + rows[1][1:] if at == 0 else rows[1][:at] + ["no number"] +
             rows[1][at + 1:])
for f in glob.glob("small/images/*"):
    os.link(f, "clinic/images/" + os.path.basename(f))
files = sorted(os.listdir("clinic/followup_data"))
os.remove("clinic/followup_data/" + files[100])
open("clinic/followup_data/" + files[400], "w").write("[{")
for f in sorted(os.listdir("clinic/images"))[::40]:
    os.remove("clinic/images/" + f)
with open("hand.csv", "w") as f:
    f.write("user_id,label\n")
    for i, name in enumerate(files[5::50]):
        f.write(f"{int(name[5:17])},{['improved', 'deteriorated', 'drop'][i % 3]}\n")
    f.write("1,improved\n")
END
label=("$bin/skin-getdata" clinic --override hand.csv)
run 1 "${label[@]}" -o one.txt --review one.csv --json
cp out one.out
cp err one.err
for n in 2 3 8; do
    ranks $n 1 "${label[@]}" -o many.txt --review many.csv --json
    cmp -s many.txt one.txt && cmp -s many.csv one.csv || fail "$n ranks: another output"
    cmp -s out one.out || fail "$n ranks: another summary: $(cat out)"
    sed 's/many\./one./g' err | cmp -s - one.err ||
        fail "$n ranks: other messages: $(diff err one.err | head -n 5)"
    [ ! -e many.txt.journal ] || fail "a journal is left"
    rm -f many.txt many.csv
done

# ---- stopped, and resumed by another number of ranks ----
for signal in TERM KILL; do
    rm -f many.*
    ranks_behind 3 "${label[@]}" -o many.txt --review many.csv
    for _ in $(seq 2000); do
        [ ! -s many.txt.journal ] || [ "$(wc -l <many.txt.journal)" -lt 20 ] || break
        sleep 0.003
    done
    kill -$signal "$(rank_process 1 skin-getdata)" 2>/dev/null # nobody, if the run was quicker
    if ! wait "$job" && [ -e many.txt.journal ]; then
        [ $signal = KILL ] || says err "interrupted (rank 1 on $host); many.txt is unchanged"
        [ ! -e many.txt ] || fail "SIG$signal: half an output has the whole one's name"
        ranks 2 1 "${label[@]}" -o many.txt --review many.csv
        says err "resuming after the"
    fi
    cmp -s many.txt one.txt && cmp -s many.csv one.csv ||
        fail "SIG$signal: another output after resuming"
done
ranks 2 1 "${label[@]}" -o no/such/folder/many.txt
one_line
ranks 2 2 "${label[@]}" -o many.txt --sentiment comprehend
says err "one process"

# ---- skin-evaluate: people, folds, arrays ----
/usr/bin/python3 "$here/../cli/made_people.py" people 130 || fail "made_people.py"
data=(--data people/data --faces people/faces)
run 0 "$bin/skin-train" "${data[@]}" --image-size 16 --epochs 2 --preset skincredible-gap \
    --optimizer adam --learning-rate 0.01 -o run
for f in $(ls people/faces/*.npz | sed -n '3p;20p;41p;60p'); do echo junk >"$f"; done \
    # people who are left out
for part in test validation; do
    judge=("$bin/skin-evaluate" run/model.safetensors "${data[@]}" --partition $part --batch 3)
    run 0 "${judge[@]}" -o one --log run/log.csv
    cp out one.out
    sort err >one.err
    for n in 2 3; do
        ranks $n 0 "${judge[@]}" -o many --log run/log.csv
        diff -r one many >/dev/null || fail "$part, $n ranks: another report: $(diff -rq one many)"
        cmp -s out one.out || fail "$part, $n ranks: another table: $(diff out one.out)"
        sort err | cmp -s - one.err || fail "$part, $n ranks: other messages: $(cat err)"
    done
    rm -rf one many
done
# a calibrated model also compares photos with those it was measured on; measuring is for one
# process
run 0 "$bin/skin-evaluate" run/model.safetensors "${data[@]}" --partition train \
    --calibrate fitted.safetensors --quiet
run 0 "$bin/skin-evaluate" fitted.safetensors "${data[@]}" --partition test --json
cp out one.out
ranks 3 0 "$bin/skin-evaluate" fitted.safetensors "${data[@]}" --partition test --json
cmp -s out one.out || fail "a calibrated model by 3 ranks: $(diff out one.out | head -n 5)"
ranks 2 1 "$bin/skin-evaluate" run/model.safetensors "${data[@]}" --partition train \
    --calibrate many.safetensors
says err "--calibrate measures all photos in one process"
mkdir empty
ranks 2 1 "$bin/skin-evaluate" run/model.safetensors --data people/data --faces empty
says err "no faces of any of the"
[ "$(grep -c "no faces of any" err)" = 1 ] || fail "more than one message: $(cat err)"
ranks 2 1 "$bin/skin-evaluate" run/model.safetensors --data people/data --faces nowhere
says err "nowhere: there is no such folder"
ranks 2 1 "$bin/skin-evaluate" missing.safetensors "${data[@]}"
one_line

# ---- skin-predict: an array of many people, some of whom cannot be judged; any network's answers
# ----
/usr/bin/python3 - <<'END'
import numpy as np
rng = np.random.default_rng(1)
mask = (rng.random((61, 5)) < 0.8).astype(np.uint8)
mask[[7, 30, 60]] = 0
np.savez("many.npz", img=rng.integers(0, 256, (61, 5, 16, 16, 3), np.uint8), mask=mask,
         y=np.eye(2, dtype=np.float32)[rng.integers(0, 2, 61)])
END
for options in "" --json "-o answers.npz"; do
    run 1 "$bin/skin-predict" run/model.safetensors --npz many.npz $options
    [ "$(wc -l <out)" = 61 ] || [ "$options" = "-o answers.npz" ] || fail "not 61 lines"
    cp out one.out
    cp err one.err
    [ ! -e answers.npz ] || mv answers.npz one.npz
    for n in 2 3 8; do
        ranks $n 1 "$bin/skin-predict" run/model.safetensors --npz many.npz $options
        cmp -s out one.out || fail \
            "skin-predict $options by $n ranks: $(diff out one.out | head -n 4)"
        cmp -s err one.err || fail \
            "skin-predict $options by $n ranks: other messages: $(diff err one.err | head -n 4)"
        [ ! -e answers.npz ] || cmp -s answers.npz one.npz ||
            fail "skin-predict -o by $n ranks: other answers"
    done
done
run 0 "$bin/skin-evaluate" run/model.safetensors --npz many.npz --json
cp out one.out
ranks 3 0 "$bin/skin-evaluate" run/model.safetensors --npz many.npz --json
cmp -s out one.out || fail "skin-evaluate --npz by 3 ranks: other figures"
ranks 2 2 "$bin/skin-predict" run/model.safetensors --user 1 --faces people/faces
says err "one person's photos"
ranks 2 1 "$bin/skin-predict" run/model.safetensors --npz nothing.npz
one_line
echo ok
