#!/usr/bin/env bash
# Detection on the simulated clinic, against what truth.json says was rendered: a face is found in
# at least 98 % of the photos that hold one, in the right place, and none (score
# >= 0.9) in those that don't.   clinic.sh BIN SCRATCH     (environment: PATIENTS, SEED: a larger
# clinic by hand)
set -eu
bin=$1 scratch=$2 root=$(cd "$(dirname "$0")/../.." && pwd)
export SKIN_WEIGHTS=${SKIN_WEIGHTS:-$root/weights/mtcnn.safetensors}
[ -f "$SKIN_WEIGHTS" ] || { echo "no weights: run make weights"; exit 77; }
"$bin/skin-synth" "$scratch/clinic" --patients "${PATIENTS:-9}" --seed "${SEED:-11}"
"$bin/skin-faces" --detect --json "$scratch"/clinic/images/*.jpg >"$scratch/found.jsonl"
jq -n --slurpfile truth "$scratch/clinic/truth.json" --slurpfile found "$scratch/found.jsonl" '
  def common(k; a; b): [([a[k]+a[k+2], b[k]+b[k+2]] | min) - ([a[k], b[k]] | max), 0] | max;
  def overlap(a; b): common(0; a; b) * common(1; a; b);
  def iou(a; b): overlap(a; b) as $o | $o / (a[2]*a[3] + b[2]*b[3] - $o);
  ([$found[] | {key: (.image | split("/") | last), value: [.faces[] | select(.score >= 0.9)]}]
      | from_entries) as $by
  | [$truth[0].patients[].photos[]] as $photos
  | ($photos | map(select(.face))) as $with | ($photos | map(select(.face | not))) as $without
  | ($with | map(select(.box as $b | [$by[.image_path][] | iou(.box; $b)] | max // 0 | . > 0.4))
      | length) as $right
  | ($without | map(select($by[.image_path] | length > 0) | .image_path)) as $wrong
  | {with_face: ($with | length), found: $right, rate: ($right / ($with | length)),
      without_face: ($without | length), false_alarms: $wrong}' | tee "$scratch/rates.json"
jq -e '.with_face > 100 and .without_face > 0 and .rate >= 0.98 and (.false_alarms | length) == 0' \
    "$scratch/rates.json" >/dev/null
