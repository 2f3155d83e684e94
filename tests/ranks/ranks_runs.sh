#!/usr/bin/env bash
# skin-train's runs of several trainings as ranks under mpirun: --folds, --restarts with and without
# --average, --review; resumed with another number of ranks. The files of one process, and its
# report.
#   ranks_runs.sh BIN SCRATCH
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../cli/help.bash"
. "$here/ranks.bash"
bin=$1 dir=$2
need_ranks "$bin"
python3 -c 'import numpy' 2>/dev/null || { echo "needs python3-numpy"; exit 77; }
cd "$dir" || exit 1

numbers() { cut -d, -f1-10 "$1"; } # of a log, without the seconds
same_runs() { # A B WHAT: the same models, people and logs, wherever they are in the two folders
    local file
    diff <(cd "$1" && find . -type f | sort) <(cd "$2" && find . -type f | sort) >files.diff ||
        fail "$3: other files: $(cat files.diff)"
    while read -r file; do
        case $file in
        */log.csv) [ "$(numbers "$1/$file")" = "$(numbers "$2/$file")" ] ||
            fail "$3: $file differs" ;;
        */model.safetensors | */people.json) cmp "$1/$file" "$2/$file" ||
            fail "$3: $file differs" ;;
        esac
    done < <(cd "$1" && find . -type f)
}

python3 "$here/../cli/made_people.py" people 30 || fail "made_people.py"
python3 - <<'PY'
import json
labels = json.load(open("people/data/label.json"))
with open("user_data.txt", "w") as f:
    for name, label in labels.items():
        f.write(json.dumps([name, str(label[1]), "a note", name + "_0.jpg"]) + "\n")
with open("review.csv", "w") as f:
    f.write("id,label,probability_of_label,likely_wrong\n")
    for n, who in enumerate(json.load(open("people/data/partition.json"))["train"]):
        f.write(f"{who},{labels[who][1]},{0.1 if n % 3 == 0 else 0.9},{int(n % 3 == 0)}\n")
PY
recipe=(--image-size 16 --epochs 2 --preset skincredible-gap --seed 1 --batch 4)
people=(--data people/data --faces people/faces)

# ---- folds ----
run 0 "$bin/skin-split" user_data.txt --faces people/faces -o data --folds 3 --validation 0.2
folds=("$bin/skin-train" --data data --faces people/faces --folds "${recipe[@]}")
run 0 "${folds[@]}" -o one --threads 2
[ -s one/fold3/model.safetensors ] || fail "no model of fold 3"
ranks 3 0 "${folds[@]}" -o many --threads 1
same_runs one many "folds of 3 ranks"
rm -r many/fold2
ranks 2 0 "${folds[@]}" -o many --threads 1 --restore
[ "$(grep -c restored err)" = 2 ] || fail \
    "two of three folds were there, each to be told of once: $(cat err)"
same_runs one many "folds, one of them made again by 2 ranks"
ranks 2 1 "${folds[@]}" -o many --threads 1
says err "--restore"

# ---- restarts: the best by validation, and the average ----
for kind in "" --average; do
    restarts=("$bin/skin-train" "${people[@]}" "${recipe[@]}" --restarts 3 $kind)
    run 0 "${restarts[@]}" -o "best$kind" --threads 2
    grep -v 'seed .*kernels' out >"said$kind"
    ranks 2 0 "${restarts[@]}" -o "best2$kind" --threads 1
    same_runs "best$kind" "best2$kind" "restarts $kind"
    grep -v 'seed .*kernels' out | sed 's/best2/best/; s/[0-9.]* s\b//' |
        diff <(sed 's/[0-9.]* s\b//' "said$kind") - >said.diff ||
        fail "restarts $kind: other words: $(cat said.diff)"
done
cmp -s best/model.safetensors best--average/model.safetensors &&
    fail "the average is one of its members"

# ---- labels in doubt ----
for kind in out soften; do
    review=("$bin/skin-train" "${people[@]}" "${recipe[@]}" --review review.csv --doubtful $kind)
    run 0 "${review[@]}" -o "doubt-$kind" --threads 2
    ranks 3 0 "${review[@]}" -o "doubt3-$kind" --threads 1
    same_runs "doubt-$kind" "doubt3-$kind" "--doubtful $kind"
done
cmp -s doubt-out/model.safetensors doubt-soften/model.safetensors &&
    fail "--doubtful changes nothing"
echo "all passed"
