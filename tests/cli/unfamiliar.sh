#!/usr/bin/env bash
# Unfamiliar photos: a calibrated model tells photos that are not like those it was calibrated on,
# in skin-evaluate and skin-predict alike; arrays that do not fit are refused.
set -u
. "$(dirname "$0")/help.bash"
bin=$1 dir=$2 here=$(cd "$(dirname "$0")" && pwd)
python3 -c 'import numpy' 2>/dev/null || { echo "needs python3-numpy"; exit 77; }
cd "$dir" || exit 1

python3 "$here/made_people.py" people 150 || fail "made_people.py"
data=(--data people/data --faces people/faces)
run 0 "$bin/skin-train" "${data[@]}" --image-size 16 --epochs 8 --preset skincredible-gap \
    --optimizer adam --learning-rate 0.01 --bn-momentum 0.8 --augment flip -q -o run
run 0 "$bin/skin-evaluate" run/model.safetensors "${data[@]}" --partition train \
    --calibrate fitted.safetensors -q
run 0 "$bin/skin-evaluate" run/model.safetensors "${data[@]}" -o untold -q
jq -e '.unfamiliar == null' untold/metrics.json >/dev/null || fail "a model that cannot tell tells"
head -1 untold/predictions.csv | grep -q unfamiliar && fail "a column that nothing fills"

# ---- people as they are, and others ----
mkdir odd
python3 - <<'PY'
import json, numpy as np
for n, who in enumerate(json.load(open("people/data/partition.json"))["test"]):
    a = dict(np.load(f"people/faces/{who}.npz"))
    rng = np.random.default_rng(n)
    f = a["img"].astype(float)
    # a negative, a colour, noise, light from above
    f = [
        255 - f, f * [1.5, 1, 1], f + rng.normal(0, 50, f.shape),
        f * np.linspace(0.3, 1.7, 32)[:, None, None]
    ][n % 4]
    a["img"] = (np.clip(f, 0, 255) * a["mask"][:, None, None, None]).astype(np.uint8)
    np.savez(f"odd/{who}.npz", **a)
PY
for faces in people/faces odd; do
    run 0 "$bin/skin-evaluate" fitted.safetensors --data people/data --faces $faces -o report -q
    told=$(jq .unfamiliar report/metrics.json)
    [ "$(awk -F, 'NR > 1 && $11 != ""' report/predictions.csv | wc -l)" = "$told" ] ||
        fail "predictions.csv and metrics.json differ"
    says report/report.html "$told people, whose photos are not like"
    if [ $faces = odd ]; then
        [ "$told" -ge 27 ] || fail "only $told of 30 odd people were told"
        [ "$(awk -F, 'NR > 1 { print $11 }' report/predictions.csv | sort -u | wc -l)" -ge 3 ] ||
            fail "one reason for everything: $(cut -d, -f11 report/predictions.csv)"
    else
        [ "$told" -le 4 ] || fail "$told of 30 people as they are were told"
    fi
    tail -n +2 report/predictions.csv | head -4 >some
    while IFS=, read -r id _ _ _ _ _ _ _ _ _ reason; do
        run 0 "$bin/skin-predict" fitted.safetensors --user "$id" --faces $faces --json
        [ "$(jq -r '.unfamiliar, (.unfamiliar_reason // "")' out | xargs)" = \
            "$([ -n "$reason" ] && echo "true $reason" || echo false)" ] ||
            fail "$id of $faces: $(cat out), and '$reason' in the report"
        run 0 "$bin/skin-predict" fitted.safetensors --user "$id" --faces $faces
        [ "$(grep -c 'unfamiliar photos: ' out)" = "$([ -n "$reason" ] && echo 1 || echo 0)" ] ||
            fail "$id: $(cat out)"
    done <some
done
run 0 "$bin/skin-predict" run/model.safetensors --user p004 --faces odd --json
jq -e 'has("unfamiliar") | not' out >/dev/null || fail "told without a calibration"

{
    echo id,group
    jq -r '.test[]' people/data/partition.json | awk '{ print $1 "," (NR % 3 ? "a" : "b") }'
} >groups.csv
run 0 "$bin/skin-evaluate" fitted.safetensors --data people/data --faces odd --groups groups.csv \
    --json -q
jq -e '([.fairness.groups[] | .unfamiliar * .people] | add | round) == .unfamiliar
    and .unfamiliar > 20' out >/dev/null ||
    fail "unfamiliar by group: $(jq -c .fairness.groups out)"

# ---- an average, and a calibration anew ----
run 0 "$bin/skin-import" average run/model.safetensors fitted.safetensors -o both.safetensors
run 0 "$bin/skin-evaluate" both.safetensors "${data[@]}" --partition train \
    --calibrate both.safetensors -q
run 0 "$bin/skin-info" both.safetensors --json
jq -e '[.arrays[] | select(.name == "familiar/hidden/mean").shape] == [[64]]' out >/dev/null ||
    fail "two hidden layers of 32"
run 0 "$bin/skin-evaluate" both.safetensors --data people/data --faces odd --json -q
jq -e '.unfamiliar >= 27' out >/dev/null || fail "an average: $(jq .unfamiliar out)"
run 0 "$bin/skin-evaluate" fitted.safetensors "${data[@]}" --partition train \
    --calibrate again.safetensors -q
cmp fitted.safetensors again.safetensors || fail "calibrated twice on the same people"

# ---- too few people; arrays that do not fit ----
mkdir few
cp people/data/label.json few/
jq '.train |= .[:58]' people/data/partition.json >few/partition.json
run 0 "$bin/skin-evaluate" run/model.safetensors --data few --faces people/faces --partition train \
    --calibrate few.safetensors
says err "that takes 59 people"
"$bin/skin-info" few.safetensors --json |
    jq -e 'all(.arrays[]; .name | startswith("familiar/") | not)' >/dev/null ||
    fail "58 people were kept"
python3 - <<'PY'
import json, struct
raw = open("fitted.safetensors", "rb").read()
size = struct.unpack("<Q", raw[:8])[0]
head, body = json.loads(raw[8:8 + size]), bytearray(raw[8 + size:])
def write(name, head, body):
    text = json.dumps(head).encode()
    text += b" " * (-len(text) % 8)
    open(name + ".safetensors", "wb").write(struct.pack("<Q", len(text)) + text + body)
def changed(name, array, value, place=0):
    at = head[array]["data_offsets"][0] + 8 * place
    other = bytearray(body)
    other[at:at + 8] = struct.pack("<d", value)
    write(name, head, other)
changed("bad_nan", "familiar/hidden/inverse", float("nan"))
changed("bad_scale", "familiar/look/scale", 0)
changed("bad_order", "familiar/shape/distance", 1e9)
changed("bad_frame", "familiar/frame", 3)
renamed = {k.replace("familiar/look/mean", "familiar/look/median"): v for k, v in head.items()}
write("bad_name", renamed, body)
PY
for bad in bad_*.safetensors; do
    run 1 "$bin/skin-predict" "$bad" --user p004 --faces people/faces
    says err "$bad: its arrays 'familiar/...' do not fit together"
    one_line
    run 1 "$bin/skin-serve" "$bad" --listen 127.0.0.1:0 --no-detect
    says err "familiar/"
done
echo "all passed"
