#!/usr/bin/env bash
# Remakes the pictures of README.md. Everyone in them is rendered by skin-synth.
#   docs/pictures/make.sh DEMO [BUILD]      DEMO: the folder of a finished `make demo`; BUILD: build
# Needs chromium, node and npm (make deps-browser).
set -eu
cd "$(dirname "$0")/../.."
demo=$(cd "${1:?usage: docs/pictures/make.sh DEMO [BUILD]}" && pwd)
build=$(cd "${2:-build}" && pwd)
here=docs/pictures
person=331903969 # of the test part: improves; the fourth photo shows no face
series='{cells: [0, 2, 3, 5, 7, 10], masked: [3], across: 8, side: 160, gap: 6}'
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# shot PAGE WIDTH HEIGHT PICTURE: a page as chromium shows it
shot() {
    local shot=$scratch/shot.${4##*.}
    chromium --headless --no-sandbox --hide-scrollbars --window-size="$2,$3" --screenshot="$shot" \
        "file://$1" 2>/dev/null
    mv "$shot" "$here/$4"
}

python3 $here/speed.py docs/performance.md >$here/speed.svg

# The contact sheet of one person.
grep "\"$person\"" "$demo/user_data.txt" >"$scratch/user_data.txt"
"$build/bin/skin-faces" "$scratch/user_data.txt" --images "$demo/clinic/images" \
    -o "$scratch/faces" --sheet "$scratch"
mv "$scratch/$person.jpg" "$scratch/sheet.jpg"
echo '<body style="margin:0"><img src="sheet.jpg" width="1000">' >"$scratch/sheet.html"
shot "$scratch/sheet.html" 1000 253 sheet.jpg

# From photos to an answer.
mkdir "$scratch/photos" "$scratch/drawn"
jq -r '.[3:][]' "$scratch/user_data.txt" | while read -r name; do
    cp "$demo/clinic/images/$name" "$scratch/photos/"
done
"$build/bin/skin-faces" --detect --draw "$scratch/drawn" "$scratch"/photos/*.jpg >/dev/null
i=0
for cell in $(grep -oP 'cells: \[\K[^]]*' <<<"$series" | tr -d ,); do
    cp "$(printf '%s\n' "$scratch"/drawn/* | sed -n "$((cell + 1))p")" "$scratch/photo$i.jpg"
    i=$((i + 1))
done
answer=$("$build/bin/skin-predict" "$demo/run/model.safetensors" --user "$person" \
    --faces "$demo/faces" --json)
verdict=$(jq -r 'if .prob_class == 1 then "improved" else "deteriorated" end' <<<"$answer")
sed -e "s/= SERIES/= $series/" -e "s/\${VERDICT}/$verdict/" $here/overview.html \
    >"$scratch/overview.html"
shot "$scratch/overview.html" 1000 424 overview.jpg

# The report, and the page with a result.
shot "$demo/report/report.html" 1000 1130 report.png
modules=$build/browser
if [ ! -d "$modules/node_modules" ]; then
    mkdir -p "$modules"
    cp tests/browser/package.json "$modules/"
    (cd "$modules" && npm install --no-package-lock --no-audit --no-fund --silent)
fi
NODE_MODULES_OF=$modules node $here/page.mjs "$build/bin" weights/demo.safetensors \
    "$scratch/photos" "$scratch"
cp $here/page.html "$scratch/"
shot "$scratch/page.html" 1000 636 page.jpg

ls -l $here/*.jpg $here/*.png $here/*.svg
