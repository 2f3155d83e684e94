#!/usr/bin/env bash
# Networks of any kind on arrays: skin-train, skin-predict and skin-evaluate with x, y and mask.
# Networks with several inputs are in array_inputs.sh.
set -u
. "$(dirname "$0")/help.bash"
bin=$1 dir=$2 python=/usr/bin/python3
cd "$dir" || exit 1

# ---- networks and arrays of every form ----
$python - <<'PY' || fail "making the files needs python3-numpy"
import json
import numpy as np
rng = np.random.default_rng(5)
cell = dict(type="conv_lstm2d", filters=3, kernel_size=3, padding="same",
            recurrent_activation="sigmoid")
def network(name, channels, *layers):
    json.dump(
        {
            "format": 1,
            "input": {
                "height": 12,
                "width": 13,
                "channels": channels
            },
            "layers": list(layers)
        }, open(name + ".json", "w"))


network("frames", 1, dict(cell, return_sequences=True),
        dict(type="conv3d", filters=1, kernel_size=3, padding="same", activation="sigmoid"))
network("classes", 2, dict(cell, return_sequences=False), dict(type="global_average_pool"),
        dict(type="dense", units=3, activation="softmax"))
network("numbers", 2, dict(cell, return_sequences=False), dict(type="global_average_pool"),
        dict(type="dense", units=2, activation="tanh"), dict(type="dense", units=3))
network("tied", 2, dict(cell, return_sequences=False), dict(type="flatten"),
        dict(type="dense", units=3, activation="softmax"))
network("each", 2, dict(cell, return_sequences=True),
        dict(type="global_average_pool", each_frame=True),
        dict(type="dense", units=3, activation="softmax"))
network("cells", 1, dict(cell, filters=1, return_sequences=True))
two = [
    dict(cell, return_sequences=True, name="cells"),
    dict(type="global_average_pool", each_frame=True, name="means"),
    dict(cell, filters=2, return_sequences=False, name="last", inputs=["cells"]),
    dict(type="global_average_pool", name="mean"),
    dict(type="dense", units=3, activation="softmax", name="class")
]
json.dump(
    {
        "format": 1,
        "input": {
            "height": 12,
            "width": 13,
            "channels": 2
        },
        "layers": two,
        "outputs": ["class", "means", "last"]
    }, open("several.json", "w"))
network("colours", 3, dict(cell, return_sequences=False), dict(type="global_average_pool"),
        dict(type="dense", units=4, activation="relu"))
mask = rng.random((10, 5)) < .8
mask[:, 2] = True
x = rng.integers(0, 4, (10, 5, 12, 13, 2)) / 4
def save(name, **arrays): np.savez(name + ".npz", **arrays)


film = rng.random((10, 5, 12, 13, 1), dtype=np.float32)
truth = rng.random((10, 5, 12, 13, 1), dtype=np.float32)
film[~mask], truth[~mask] = np.nan, np.nan  # what is masked may be anything
save("film", x=film, mask=mask, y=truth)
save("film_alone", x=np.nan_to_num(film[3]), y=np.nan_to_num(truth[3]), mask=mask[3])
save("flat_truth", x=film, mask=mask, y=truth[..., 0])
number = rng.integers(0, 3, 10)
save("f32", x=x.astype("f4"), y=number)
save("f64", x=x, y=np.eye(3)[number])
save("whole", x=(4 * x).astype("i2"), y=number)
save("whole32", x=(4 * x).astype("f4"), y=number)
each = rng.integers(0, 3, (10, 5)).astype("f4")
each[~mask] = np.nan
save("each", x=x.astype("f4"), y=each, mask=mask)
save("measured", x=x.astype("f4"), y=rng.normal(0, 1, (10, 3)))
picture = rng.integers(0, 256, (3, 4, 12, 13, 3), dtype=np.uint8)
picture[:, 1] = 0  # of pictures such a frame is masked, of numbers it is one like the others
save("bytes", img=picture)
save("unit", x=(picture / np.float32(255)).astype("f4"))
save("as_they_are", x=picture)
save("as_floats", x=picture.astype("f4"))
# what is refused
save("both", x=x, img=picture)
save("flat", x=x[0, 0])
save("empty", x=x[:, :, :0])
save("half_mask", x=x, mask=mask[:, :3])
save("no_y", x=x)
save("long_y", x=x, y=np.zeros((10, 4)))
save("class_3", x=x, y=number + 1 * (np.arange(10) == 7) * 3)
save("class_half", x=x, y=number + .5)
save("small", x=x[:, :, :10], y=number)
save("no_frames", x=x[:, :0], y=number)
spoilt = x.copy()
spoilt[7, 3, 11, 12, 1] = np.inf
save("spoilt", x=spoilt, y=number)
save("spoilt_y", x=x, y=np.where(np.arange(30).reshape(10, 3) == 16, np.nan, .5))
PY

# ---- training ----
train() { run 0 "$bin/skin-train" --quiet --no-shuffle --batch 5 --seed 4 "$@"; }
train --network frames.json --npz film.npz --steps 3 -o frames
train --network frames.json --npz flat_truth.npz --steps 3 -o frames_flat
cmp frames/log.csv frames_flat/log.csv || fail "y without the axis of one channel trains otherwise"
train --network classes.json --npz f32.npz --steps 3 -o classes
train --network classes.json --npz f64.npz --steps 3 -o classes64
cmp classes/log.csv classes64/log.csv || fail \
    "class numbers, or float64, train otherwise than one of three in float32"
train --network each.json --npz each.npz --steps 3 -o each
train --network numbers.json --npz measured.npz --steps 3 -o numbers
train --network cells.json --npz film.npz --steps 3 -o cells
run 1 "$bin/skin-train" --network cells.json --npz film.npz --steps 1 --loss bce -o never
run 1 "$bin/skin-train" --network classes.json --npz f32.npz --steps 1 --class-weight balanced \
    -o never
says err "--class-weight is for two classes"
run 1 "$bin/skin-train" --npz f32.npz --steps 1 -o never
says err "frames of 2 channels; the network takes 3"
run 1 "$bin/skin-train" --network classes.json --npz f32.npz --image-size 20 --steps 1 -o never
says err "only 'img' can be resized"
run 1 "$bin/skin-train" --network tied.json --npz small.npz --steps 1 -o never
says err "frames of 10 x 13; the network takes 12 x 13 only"
# A run that is cut and restored ends with the same model.
train --network frames.json --npz film.npz --steps 1 -o pieces
train --network frames.json --npz film.npz --steps 3 -o pieces --restore
cmp frames/model.safetensors pieces/model.safetensors || fail "restored: another model"
run 1 "$bin/skin-train" --quiet --no-shuffle --batch 5 --seed 4 --network frames.json \
    --npz film_alone.npz --steps 4 -o pieces --restore

# ---- validation on other arrays ----
checked="--network classes.json --npz f32.npz --validation f64.npz"
checked="$checked --optimizer adam --learning-rate 0.2"
train $checked --epochs 6 -o checked
train $checked --epochs 2 -o checked_pieces
train $checked --epochs 6 -o checked_pieces --restore
cmp checked/model.safetensors checked_pieces/model.safetensors ||
    fail "restored: another best model"
cmp checked/log.csv checked_pieces/log.csv || fail "restored: another log"
run 0 "$bin/skin-predict" checked/model.safetensors --npz f64.npz -o checked_y.npz
$python - <<'PY' || fail "validation"
import csv
import numpy as np
rows = list(csv.reader(open("checked/log.csv")))
assert rows[0] == ["step", "loss", "val_loss"], rows[0]
steps, checks = [r for r in rows[1:] if r[1]], [r for r in rows[1:] if r[2]]
assert [r[0] for r in steps] == [str(i + 1) for i in range(12)], rows
assert [r[0] for r in checks] == ["2", "4", "6", "8", "10", "12"], rows
losses = [float(r[2]) for r in checks]
assert len(set(losses)) > 1 and min(losses) < losses[-1] * (1 - 1e-9) or losses[-1] == min(losses)
y, target = np.load("checked_y.npz")["y"], np.load("f64.npz")["y"]
kept = -np.log((y * target).sum(1)).mean()
assert abs(kept - min(losses)) < 1e-5 * min(losses), (kept, losses)
PY
run 0 "$bin/skin-train" --no-shuffle --batch 5 $checked --learning-rate 30 --epochs 40 \
    --early-stop 2 -o stopped
says err "stopped early: no better validation loss for 2 passes"
says out "pass 1  loss "
train $checked --keep last --epochs 2 -o last
train --network classes.json --npz f32.npz --optimizer adam --learning-rate 0.2 --epochs 2 \
    -o unchecked
for name in last unchecked; do
    run 0 "$bin/skin-predict" $name/model.safetensors --npz f32.npz -o $name.npz
done
cmp last.npz unchecked.npz || fail "validation changes the training"
run 2 "$bin/skin-train" --data a --faces b --validation f64.npz -o never
says err "--validation goes with --npz"
run 2 "$bin/skin-train" --npz f32.npz --early-stop 2 -o never
says err "--early-stop needs --validation FILE"
run 1 "$bin/skin-train" --network classes.json --npz f32.npz --validation no_y.npz --steps 1 \
    -o never
says err "no_y.npz: there is no 'y'"
run 1 "$bin/skin-train" --network classes.json --npz f32.npz --validation class_3.npz --steps 1 \
    -o never
says err "class_3.npz: 'y' is"

# ---- predicting ----
predict() { run 0 "$bin/skin-predict" "$@"; }
predict frames/model.safetensors --npz film.npz -o frames_y.npz
predict frames/model.safetensors --npz film_alone.npz -o alone_y.npz
for kind in f32 f64; do predict classes/model.safetensors --npz $kind.npz -o ${kind}_y.npz; done
for kind in whole whole32; do
    predict classes/model.safetensors --npz $kind.npz -o ${kind}_y.npz
done
predict each/model.safetensors --npz each.npz -o each_y.npz
predict numbers/model.safetensors --npz measured.npz -o numbers_y.npz
predict classes/model.safetensors --npz f32.npz --json
cp out lines.json
predict classes/model.safetensors --npz f32.npz
says out "item 9: "
run 1 "$bin/skin-predict" frames/model.safetensors --npz film.npz
says err "-o OUT.npz"
# several outputs: an array for each
run 0 "$bin/skin-import" network several.json -o several.safetensors
predict several.safetensors --npz f32.npz -o several_y.npz
$python - <<'PY' || fail "several outputs"
import numpy as np
y = np.load("several_y.npz")
assert sorted(y.files) == ["class", "last", "means"], y.files
assert y["class"].shape == (10, 3)
assert y["means"].shape == (10, 5, 3)
assert y["last"].shape == (10, 12, 13, 2)
assert abs(y["class"].sum(1) - 1).max() < 1e-5
assert abs(y["means"]).max() > 0 and abs(y["last"]).max() > 0
PY
run 1 "$bin/skin-predict" several.safetensors --npz f32.npz
says err "more than a vector"
run 2 "$bin/skin-predict" frames/model.safetensors photo.png -o y.npz
run 1 "$bin/skin-predict" frames/model.safetensors photo.png
says err "gives a sequence of frames of 1; to judge people it takes 3 colours"
for tool in "skin-evaluate frames/model.safetensors --data . --faces ." \
    "skin-serve frames/model.safetensors --listen 127.0.0.1:0"; do
    run 1 timeout 20 "$bin"/$tool
    says err "to judge people"
done

# ---- several outputs: an array, a loss and figures for each ----
$python - <<'PY' || fail "making targets of several outputs"
import numpy as np
rng = np.random.default_rng(8)
z = dict(np.load("each.npz"))
del z["y"]
names = {
    "class": rng.integers(0, 3, 10),
    "means": rng.random((10, 5, 3)),
    "last": rng.random((10, 12, 13, 2))
}
names["means"][~z["mask"]] = np.nan
np.savez("three.npz", **z, **names)
np.savez("two.npz", **z, **{k: names[k] for k in ("class", "means")})
np.savez("wrong.npz", **z, **{**names, "last": names["last"][:, 1:]})
np.savez("none.npz", **z, y=names["class"])
PY
three="--init several.safetensors --npz three.npz --learning-rate 0.1"
train $three --steps 3 -o three
train $three --steps 3 --micro-batch 2 -o three_parts
train $three --steps 1 -o three_pieces
train $three --steps 3 -o three_pieces --restore
cmp three/model.safetensors three_pieces/model.safetensors ||
    fail "several outputs restored: another model"
cmp three/log.csv three_pieces/log.csv || fail "several outputs restored: another log"
run 1 "$bin/skin-train" --quiet --no-shuffle --batch 5 --seed 4 $three --steps 4 \
    --loss-weights last=2 -o three_pieces --restore
weighed="--loss-weights class=0.5,last=2 --losses means=mae,last=huber --huber-delta 0.1"
train $three $weighed --validation three.npz --epochs 2 --keep last -o weighed
train --init several.safetensors --npz two.npz --loss-weights last=0 --steps 2 -o two
train --network several.json --npz three.npz --losses means=mae --steps 2 -o fresh
run 1 "$bin/skin-train" --init several.safetensors --npz two.npz --steps 2 -o never
says err "two.npz: there is no 'last'"
says err "--loss-weights last=0"
run 1 "$bin/skin-train" --init several.safetensors --npz none.npz --steps 2 -o never
says err "an array of its name, 'class', 'means', 'last'"
run 1 "$bin/skin-train" --init several.safetensors --npz wrong.npz --steps 2 -o never
says err "'last' has the shape (10, 11, 13, 2); for this network it is (10, 12, 13, 2)"
run 1 "$bin/skin-train" $three --steps 2 --losses first=mse -o never
says err "the network has no output 'first'"
run 1 "$bin/skin-train" $three --steps 2 --losses class=rmse -o never
says err "--losses: class: expected bce, softmax"
run 1 "$bin/skin-train" $three --steps 2 --loss-weights class -o never
says err "expected OUTPUT=a number"
run 1 "$bin/skin-train" $three --steps 1 --losses means=ssim -o too_small
says err "ssim compares frames of at least 11x11; output means is a sequence of vectors of 3"
train $three --steps 2 --losses last=ssim -o similar
run 2 "$bin/skin-train" --data a --faces b --losses class=mse -o never
says err "go with --npz"
for model in several three/model weighed/model; do
    run 0 "$bin/skin-predict" $model.safetensors --npz three.npz -o "${model%/model}_three.npz"
done
run 0 "$bin/skin-evaluate" three/model.safetensors --npz three.npz -o report_three
says out "class"
says out "PSNR"
run 0 "$bin/skin-evaluate" three/model.safetensors --npz two.npz -o report_two
run 1 "$bin/skin-evaluate" three/model.safetensors --npz none.npz -o never
run 1 "$bin/skin-evaluate" three/model.safetensors --npz three.npz --kind numbers -o never
says err "--kind is for networks with one output"
$python - <<'PY' || fail "several outputs trained and judged"
import csv
import json
import numpy as np
truth, mask = np.load("three.npz"), np.load("three.npz")["mask"]
rows = slice(0, 5)  # the first batch
def losses(y, rows=slice(None)):
    m = mask[rows]
    means = (y["means"][rows] - truth["means"][rows])[m]
    last = y["last"][rows] - truth["last"][rows]
    small = abs(last) <= 0.1
    return {
        "class": -np.log(y["class"][rows][np.arange(len(m)), truth["class"][rows]]).mean(),
        "means": (means**2).mean(),
        "last": (last**2).mean(),
        "mae": abs(means).mean(),
        "huber": np.where(small, last**2 / 2, 0.1 * (abs(last) - 0.05)).mean()
    }
def table(name):
    rows = list(csv.DictReader(open(name + "/log.csv")))
    return list(rows[0]), rows
def near(a, b): assert abs(float(a) - b) < 1e-5 * max(1, abs(b)), (a, b)
start = losses(np.load("several_three.npz"), rows)
names, log = table("three")
assert names == ["step", "loss", "class_loss", "means_loss", "last_loss"], names
for k in ("class", "means", "last"): near(log[0][k + "_loss"], start[k])
near(log[0]["loss"], start["class"] + start["means"] + start["last"])
assert len(log) == 3 and float(log[2]["loss"]) < float(log[0]["loss"])
for a, b in zip(log, table("three_parts")[1]):
    near(b["loss"], float(a["loss"])), near(b["last_loss"], float(a["last_loss"]))
names, log = table("weighed")
assert names == [
    "step", "loss", "class_loss", "means_loss", "last_loss", "val_loss", "val_class_loss",
    "val_means_loss", "val_last_loss"
], names
near(log[0]["means_loss"], start["mae"]), near(log[0]["last_loss"], start["huber"])
near(log[0]["loss"], 0.5 * start["class"] + start["mae"] + 2 * start["huber"])
assert [bool(r["val_loss"]) for r in log
        ] == [False, False, True] * 2 and not log[0]["val_last_loss"] and not log[2]["means_loss"]
# the validation is by batches of five, each its own mean
y = np.load("weighed_three.npz")
halves = [losses(y, slice(0, 5)), losses(y, slice(5, 10))]
for name, key in (("class", "class"), ("means", "mae"), ("last", "huber")):
    near(log[-1]["val_%s_loss" % name], np.mean([h[key] for h in halves]))
near(log[-1]["val_loss"], np.mean([0.5 * h["class"] + h["mae"] + 2 * h["huber"] for h in halves]))
def ssim(a, b):
    g = np.exp(-np.arange(-5, 6) ** 2 / 4.5)
    w, values = np.outer(g, g) / np.outer(g, g).sum(), []
    for r in range(a.shape[0] - 10):
        for c in range(a.shape[1] - 10):
            u, v = a[r:r + 11, c:c + 11], b[r:r + 11, c:c + 11]
            mu, mv = (w * u).sum(), (w * v).sum()
            values.append((2 * mu * mv + 1e-4) * (2 * (w * (u - mu) * (v - mv)).sum() + 9e-4) /
                          ((mu**2 + mv**2 + 1e-4) * ((w * (u - mu)**2).sum() +
                                                     (w * (v - mv)**2).sum() + 9e-4)))
    return np.mean(values)
last = np.load("several_three.npz")["last"].astype(float)
similarities = [ssim(last[i, ..., k], truth["last"][i, ..., k]) for i in range(5) for k in range(2)]
near(table("similar")[1][0]["last_loss"], 1 - np.mean(similarities))
names, log = table("two")
assert log[0]["last_loss"] == "" and log[0]["means_loss"] and not np.isnan(float(log[0]["loss"]))
near(log[0]["loss"], float(log[0]["class_loss"]) + float(log[0]["means_loss"]))
o, y = json.load(open("report_three/metrics.json"))["outputs"], np.load("three_three.npz")
assert list(o) == ["class", "means", "last"], o
assert [v["kind"] for v in o.values()] == ["classes", "numbers", "frames"], o
now = losses(y)
near(o["class"]["log_loss"], now["class"])
near(o["class"]["accuracy"], (y["class"].argmax(1) == truth["class"]).mean())
near(o["means"]["mse"], now["means"])
near(o["means"]["mae"], now["mae"])
near(o["last"]["mse"], now["last"])
assert list(json.load(open("report_two/metrics.json"))["outputs"]) == ["class", "means"]
PY

# ---- evaluating ----
evaluate() { run 0 "$bin/skin-evaluate" "$@"; }
evaluate classes/model.safetensors --npz f32.npz -o report_classes
says out "balanced accuracy"
evaluate each/model.safetensors --npz each.npz -o report_each
evaluate numbers/model.safetensors --npz measured.npz --json
cp out numbers.json
evaluate frames/model.safetensors --npz film.npz --thresholds 0.4,0.6 --json
cp out frames_figures.json
run 1 "$bin/skin-evaluate" frames/model.safetensors --npz film.npz --kind classes
says err "--kind frames"
run 1 "$bin/skin-evaluate" frames/model.safetensors --npz film.npz --thresholds 0.4,
says err "expected up to 8 numbers"
run 2 "$bin/skin-evaluate" frames/model.safetensors --npz film.npz --data .
run 2 "$bin/skin-evaluate" frames/model.safetensors --data . --faces . --kind frames

$python - <<'PY' || fail "figures"
import json
import numpy as np
def y(name): return np.load(name + "_y.npz")["y"]
film = np.load("film.npz")
mask, truth, said = film["mask"], film["y"], y("frames")
assert said.shape == (10, 5, 12, 13, 1) and y("alone").shape == (5, 12, 13, 1)
assert (y("alone") == said[3]).all(), "a sequence alone"
for i, row in enumerate(mask):
    for t in np.flatnonzero(~row):
        before = said[i, t - 1] if t else 0
        assert (said[i, t] == before).all(), "a masked frame repeats the one before"
assert (y("f32") == y("f64")).all() and (y("whole") == y("whole32")).all(), "types of x"
lines = [json.loads(line)["y"] for line in open("lines.json")]
assert (np.array(lines, np.float32) == y("f32")).all(), "lines"
# the first loss is that of the start weights; those of all steps fall
log = np.loadtxt("frames/log.csv", delimiter=",", skiprows=1)
assert log.shape == (3, 2) and log[2, 1] < log[0, 1]
# figures
o, number, p = json.load(open("report_classes/metrics.json")), np.load("f32.npz")["y"], y("f32")
confusion = np.zeros((3, 3), int)
np.add.at(confusion, (number, p.argmax(1)), 1)
assert [c["said"] for c in o["classes"]] == confusion.tolist()
assert o["kind"] == "classes" and o["items"] == 10
assert np.isclose(o["accuracy"], (number == p.argmax(1)).mean())
assert np.isclose(o["log_loss"], -np.log(p[np.arange(10), number]).mean())
o, number, p = json.load(open("report_each/metrics.json")), np.load("each.npz")["y"], y("each")
assert p.shape == (10, 5, 3)
confusion = np.zeros((3, 3), int)
np.add.at(confusion, (number[mask].astype(int), p[mask].argmax(1)), 1)
assert [c["said"] for c in o["classes"]] == confusion.tolist() and o["items"] == 10
assert np.isclose(o["accuracy"], (number[mask] == p[mask].argmax(1)).mean())
o, a = json.load(open("numbers.json")), y("numbers").astype(float)
t = np.load("measured.npz")["y"].astype("f4").astype(float)
assert o["kind"] == "numbers"
assert np.isclose(o["mae"], abs(a - t).mean())
assert np.isclose(o["rmse"], np.sqrt(((a - t) ** 2).mean()))
assert np.isclose(o["r2"], 1 - ((a - t) ** 2).sum() / ((t - t.mean(0)) ** 2).sum())
o = json.load(open("frames_figures.json"))
a, t = said[mask].astype(float), truth[mask].astype(float)
assert o["kind"] == "frames"
assert np.isclose(o["mse"], ((a - t) ** 2).mean())
assert np.isclose(o["psnr"], -10 * np.log10(((a - t) ** 2).mean()))
for e in o["events"]:
    truly, judged = t >= e["threshold"], a >= e["threshold"]
    assert np.isclose(e["csi"], (truly & judged).sum() / (truly | judged).sum())
# structural similarity by its definition, window by window
g = np.exp(-np.arange(-5, 6) ** 2 / 4.5)
w = np.outer(g, g) / np.outer(g, g).sum()
values = []
for p, q in zip(a[..., 0], t[..., 0]):
    for r in range(2):
        for c in range(3):
            u, v = p[r:r + 11, c:c + 11], q[r:r + 11, c:c + 11]
            mu, mv = (w * u).sum(), (w * v).sum()
            su, sv = (w * (u - mu) ** 2).sum(), (w * (v - mv) ** 2).sum()
            suv = (w * (u - mu) * (v - mv)).sum()
            above = (2 * mu * mv + 1e-4) * (2 * suv + 9e-4)
            values.append(above / ((mu**2 + mv**2 + 1e-4) * (su + sv + 9e-4)))
assert np.isclose(o["ssim"], np.mean(values)), (o["ssim"], np.mean(values))
PY

# ---- x is taken as it is, img is pictures ----
for f in unit bytes as_they_are as_floats; do
    $python - $f <<'PY' || fail "$f"
import sys
import numpy as np
z = dict(np.load(sys.argv[1] + ".npz"))
np.savez(sys.argv[1] + "_t.npz", **z, y=np.zeros((3, 4)))
PY
    train --network colours.json --npz ${f}_t.npz --steps 1 -o run_$f
done
masked() { # FILE: the same with the mask written down
    $python - "$1" "$2" <<'PY' || fail "$1"
import sys
import numpy as np
z = dict(np.load(sys.argv[1] + "_t.npz"))
mask = np.ones((3, 4), bool)
mask[:, 1] = sys.argv[2] == "valid"
np.savez(sys.argv[1] + "_m.npz", **z, mask=mask)
PY
    train --network colours.json --npz "$1_m.npz" --steps 1 -o "run_$1_$2"
}
masked bytes masked
masked bytes valid
masked unit valid
cmp run_bytes_masked/log.csv run_bytes/log.csv || fail "a frame of zeros of img is not masked"
cmp -s run_bytes_valid/log.csv run_bytes/log.csv && fail "the mask of img changes nothing"
cmp run_unit_valid/log.csv run_unit/log.csv || fail "a frame of zeros of x is masked"
cmp run_unit/log.csv run_bytes_valid/log.csv || fail "img of uint8 is not divided by 255"
cmp run_as_they_are/log.csv run_as_floats/log.csv || fail "x of uint8 is not taken as it is"
cmp -s run_unit/log.csv run_as_floats/log.csv && fail "x of uint8 is taken as a picture"
# A description as Windows' editors write it; a member twice, of which one would be ignored, a zero
# byte.
printf '\xef\xbb\xbf' | cat - colours.json >marked.json
sed 's/"filters": 3/"filters": 5, "filters": 3/' colours.json >twice.json
printf '{}\0' | cat colours.json - >zero.json
run 0 "$bin/skin-import" network colours.json --seed 1 -o plain_net.safetensors
run 0 "$bin/skin-import" network marked.json --seed 1 -o marked_net.safetensors
cmp plain_net.safetensors marked_net.safetensors || fail "a byte-order mark changes the network"
train --network marked.json --npz bytes_t.npz --steps 1 -o run_marked
for f in twice zero; do
    run 1 "$bin/skin-train" --network $f.json --npz bytes_t.npz --steps 1 -o never
    says err "$f.json"
    run 1 "$bin/skin-import" network $f.json -o never.safetensors
    says err "$f.json"
done
# Pictures of floats that nobody has scaled, or to -1..1, and a mask that says nothing.
$python - <<'PY' || fail "pictures of other ranges"
import numpy as np
z = dict(np.load("bytes_t.npz"))
img = z["img"].astype("f4") / 255
np.savez("range_255.npz", img=img * 255, y=z["y"])
np.savez("range_1.npz", img=img * 2 - 1, y=z["y"])
np.savez("range_right.npz", img=img, y=z["y"])
np.savez("masks.npz", img=img, y=z["y"], masks=np.ones((3, 4)))
np.savez("mask_nan.npz", img=img, y=z["y"],
         mask=np.where(np.arange(12).reshape(3, 4) == 9, np.nan, 1))
PY
for f in range_255 range_1; do
    train --network colours.json --npz $f.npz --steps 1 -o run_$f
    says err "floats are taken as they are and should be 0..1"
done
train --network colours.json --npz range_right.npz --steps 1 -o run_right
[ -s err ] && fail "floats in 0..1: $(cat err)"
run 1 "$bin/skin-train" --network colours.json --npz mask_nan.npz --steps 1 -o never
says err "'mask' is nan in item 2, frame 1"
run 1 "$bin/skin-train" --network colours.json --npz masks.npz --steps 1 -o never
says err "'masks' is not read; name the array 'mask'"

# ---- what is refused, by name, and leaves the output alone ----
echo before >kept.npz
refuses() { # FILE WORDS
    run 1 "$bin/skin-predict" classes/model.safetensors --npz "$1.npz" -o kept.npz
    says err "$1.npz"
    says err "$2"
    [ "$(cat kept.npz)" = before ] || fail "$1: the output was replaced"
}
refuses both "are both there"
refuses flat "of shape (sequences, frames, height, width, channels)"
refuses empty "an axis has length 0"
refuses half_mask "10 x 5 frames"
refuses no_frames "no frames"
refuses spoilt "inf in item 7, frame 3, row 11, column 12, channel 1"
refuses film "frames of 1 channels; the network takes 2"
untrainable() { # FILE WORDS
    run 1 "$bin/skin-train" --quiet --network classes.json --npz "$1.npz" --steps 1 -o never
    says err "$1.npz"
    says err "$2"
    [ ! -e never/model.safetensors ] || fail "$1: a model was written"
    run 1 "$bin/skin-evaluate" classes/model.safetensors --npz "$1.npz"
    says err "$2"
}
untrainable no_y "there is no 'y'"
untrainable long_y "(10, 3), or (10,) with the numbers of classes"
untrainable class_3 "item 7; expected a class from 0 to 2"
untrainable class_half "expected a class from 0 to 2"
untrainable spoilt "inf in item 7, frame 3"
untrainable spoilt_y "nan in item 5"
echo "passed"
