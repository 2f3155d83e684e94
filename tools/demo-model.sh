#!/usr/bin/env bash
# Makes weights/demo.safetensors, the model in the Docker image: what `make demo` trained, with a
# probability calibrated on a second simulated clinic.
#   demo-model.sh BIN DEMO OUT.safetensors      DEMO: the folder of a finished `make demo`
set -eu
bin=$1 demo=$2 out=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$bin/skin-synth" "$work/clinic" --patients 150 --seed 1001 --quiet
"$bin/skin-getdata" "$work/clinic" -o "$work/user_data.txt"
"$bin/skin-faces" "$work/user_data.txt" --images "$work/clinic/images" -o "$work/faces"
"$bin/skin-split" "$work/user_data.txt" --faces "$work/faces" -o "$work/data" --test 0.5 \
    --validation 0.02 --seed 1
# half of the people to fit the curve on, half to see that it holds
"$bin/skin-evaluate" "$demo/run/model.safetensors" --data "$work/data" --faces "$work/faces" \
    --partition train --calibrate "$out" \
    --note "Demonstration model: trained on rendered faces of invented people. What it says about real skin means nothing."
"$bin/skin-evaluate" "$out" --data "$work/data" --faces "$work/faces" --partition test --card "$out"
