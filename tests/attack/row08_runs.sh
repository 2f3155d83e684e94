#!/usr/bin/env bash
# A run folder is never overwritten unasked, and a model is judged by its own list of people: after
# a new run that is killed at once, the old model is whole or gone.   row08_runs.sh BIN SCRATCH
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../cli/help.bash"
bin=$1 dir=$2
kills=$([ "${LONG:-0}" = 0 ] && echo 6 || echo 100)
python3 -c 'import numpy' 2>/dev/null || { echo "needs python3-numpy"; exit 77; }
cd "$dir" || exit 1

python3 "$here/../cli/made_people.py" people 40 || fail "made_people.py"
python3 "$here/../cli/made_people.py" other 40 || fail "made_people.py"
# other: the same people in other parts
jq '{train: (.test + .validation + .train[4:]), validation: .train[2:4], test: .train[:2]}' \
    people/data/partition.json >other/data/partition.json
train=("$bin/skin-train" --image-size 16 --epochs 1 --preset skincredible-gap --quiet \
    --faces people/faces)
evaluate=("$bin/skin-evaluate" run/model.safetensors --faces people/faces --json)

run 0 "${train[@]}" --data people/data -o run
run 0 "${evaluate[@]}" --data people/data

# ---- an occupied folder ----
sha256sum run/* >before
run 1 "${train[@]}" --data other/data -o run
says err "run/checkpoint.safetensors exists"
says err "--restore"
says err "--force"
sha256sum -c before >/dev/null || fail "a refused run changed the folder"
rm run/checkpoint.safetensors
run 1 "${train[@]}" --data other/data -o run
says err "run/model.safetensors exists"
run 2 "${train[@]}" --data other/data -o run --force --restore

# ---- facts that must agree ----
cp -r run mixed
run 0 "${train[@]}" --data other/data -o second
cp second/people.json mixed/people.json
run 1 "$bin/skin-evaluate" mixed/model.safetensors --faces people/faces --data other/data --json
says err "it is not the list of the people that mixed/model.safetensors was trained on"

# ---- replaced, and killed at any moment: the new people, or no model ----
for k in $(seq "$kills"); do
    rm -rf run
    cp -r mixed run
    run 0 "${train[@]}" --data people/data -o run --force
    "${train[@]}" --data other/data -o run --force --epochs 50 >/dev/null 2>&1 &
    child=$!
    sleep "0.0$((k % 10))"
    kill -9 $child 2>/dev/null
    wait $child 2>/dev/null
    [ -e run/model.safetensors ] || continue
    "${evaluate[@]}" --data people/data >out 2>err
    old=$?
    "${evaluate[@]}" --data other/data >out 2>err
    new=$?
    [ $((old + new)) = 1 ] || { cat err; fail \
        "kill $k: the model passes as both runs' or neither's ($old, $new)"; }
done
