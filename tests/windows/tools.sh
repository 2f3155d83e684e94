#!/usr/bin/env bash
# The tools for Windows, under wine, beside those of a native build with the same libraries left
# out: output, messages, status and files.
#     tests/windows/tools.sh NATIVE WINDOWS SCRATCH ISA...
# NATIVE and WINDOWS are folders of the tools; the environment has WINE and WINEPREFIX.
set -u
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
native=$1 windows=$2 dir=$3
shift 3
export LC_ALL=C.UTF-8 SKIN_RANKS=off
cd "$dir" || exit 1
/usr/bin/python3 "$here/photos.py" || { echo \
    "needs python3-skimage, python3-numpy and python3-pil"; exit 77; }
cp "$root/weights/demo.safetensors" Modell_模型.safetensors
cp "$root/weights/mtcnn.safetensors" .

fail() {
    echo "FAILED: $*" >&2
    tail -n 5 ./*.err >&2
    exit 1
}
# on FOLDER STATUS TOOL ARGUMENT...: a run in a folder of its own, with what is said in FOLDER.out
# and FOLDER.err
on() {
    local where=$1 status=$2 tool=$3 got
    shift 3
    case $where in
    native*) (cd "$where" && exec "$native/$tool" "$@") >"$where.out" 2>"$where.err" ;;
    *) (cd "$where" && exec "$WINE" "$windows/$tool.exe" "$@") >"$where.out" 2>"$where.err" ;;
    esac
    got=$?
    sed -i '/^it looks like wine32 is missing\|^multiarch needs\|^execute "dpkg\|^wine32:i386\|wine32:i386"$/d' "$where.err"
    [ $got = "$status" ] || fail "$where: $tool $*: status $got, expected $status"
}
# both STATUS TOOL ARGUMENT...: the same natively and on Windows
both() {
    on native "$@"
    on windows "$@"
    diff native.out windows.out || fail "$*: what it prints"
    diff native.err windows.err || fail "$*: what it reports"
}
files() { (cd "$1" && find . -type f | LC_ALL=C sort | while read -r f; do sha256sum "$f"; done); }

# shellcheck source=tests/windows/pipeline.sh
. "$here/pipeline.sh"

for isa in "$@"; do
    export NBASE_MAX_ISA=$isa
    rm -rf native windows
    mkdir native windows
    for w in native windows; do
        cp -r Fotos ./*.txt ./*.npz ./*.safetensors $w/
    done
    weights=(--weights mtcnn.safetensors)

    # ---- what is there ----
    both 0 skin-info Modell_模型.safetensors sequences.npz
    both 0 skin-faces --detect "${weights[@]}" Fotos/Grüße "Fotos/顔写真/一.png"
    grep -q "Bild 9.jpg: 210x210, 1 face" windows.out || fail "no face in the photo"
    both 0 skin-faces --detect --json --retry-rotated "${weights[@]}" Fotos/顔写真/一.png

    # ---- a folder of people, a list of users ----
    both 0 skin-faces "${weights[@]}" Fotos -o "Gesichter 顔" --crops png --sheet Bögen --threads 2
    both 0 skin-faces "${weights[@]}" user_data.txt --images Fotos -o liste --json
    diff <(files native) <(files windows) || fail "files"
    [ -f "windows/Gesichter 顔/顔写真.npz" ] || [ "$(ls "windows/Gesichter 顔"/*.npz | wc -l)" = 2 ] ||
        fail "$(ls "windows/Gesichter 顔")"
    both 0 skin-faces "${weights[@]}" Fotos -o "Gesichter 顔" # finished before
    grep -q "2 finished before" windows.out || fail "the second run: $(cat windows.out)"
    ! ls -A "windows/Gesichter 顔" windows/liste | grep -q "lock\|tmp" ||
        fail "left behind: $(ls -A windows/*)"

    # ---- answers ----
    both 0 skin-predict "${weights[@]}" --json Modell_模型.safetensors Fotos/Grüße
    both 0 skin-predict "${weights[@]}" Modell_模型.safetensors --user ann --faces liste
    both 0 skin-predict --json Modell_模型.safetensors --npz sequences.npz -o Antwort_答.npz
    cmp native/Antwort_答.npz windows/Antwort_答.npz || fail "the answers as an array"
done

# ---- the same by Windows's separators, and lists in standard input ----
on windows 0 skin-faces --detect "${weights[@]}" 'Fotos\Grüße\März' 'Fotos\顔写真\一.png'
mv windows.out by_backslash
on native 0 skin-faces --detect "${weights[@]}" Fotos/Grüße/März Fotos/顔写真/一.png
diff by_backslash native.out || fail "names with backslashes"
printf 'Fotos\\Grüße\\Bild 9.jpg\r\n' | on windows 0 skin-faces --detect "${weights[@]}" -
grep -q "210x210, 1 face" windows.out || fail "a list in standard input: $(cat windows.out)"
on windows 0 skin-faces "${weights[@]}" - --images Fotos -o eingabe <user_data.txt
cmp windows/eingabe/ann.npz windows/liste/ann.npz || fail "users in standard input"
SKIN_WEIGHTS='..\windows\mtcnn.safetensors' on windows 0 skin-faces \
    --detect 'Fotos\Grüße\Bild 9.jpg'
! grep -q $'\r' windows.out || fail "carriage returns in what it prints"

# ---- refused ----
both 1 skin-info nirgends.npz Fotos
both 1 skin-predict "${weights[@]}" user_data.txt Fotos
both 1 skin-predict "${weights[@]}" nirgends.safetensors Fotos
both 1 skin-faces --weights sequences.npz --detect Fotos
both 1 skin-faces --detect "${weights[@]}" Fotos/nirgends.jpg
both 2 skin-faces --detect --size 3 Fotos
both 0 skin-faces --help
on windows 1 skin-faces "${weights[@]}" user_con.txt --images Fotos -o geräte
grep -q "geräte/con.npz: no file can have this name here" windows.err ||
    fail "the name of a device: $(cat windows.err)"
on windows 1 skin-faces "${weights[@]}" user_outside.txt --images Fotos -o hinaus
grep -q "is not a name within the folder" windows.err ||
    fail "out of the folder: $(cat windows.err)"

# ---- one run at a time; Ctrl-C, and the rest of the job ----
for i in $(seq 1 400); do
    printf '["u%d", "1", "", "Grüße/Bild 9.jpg"]\n' "$i"
done >windows/viele.txt
(cd windows && exec "$WINE" "$windows/skin-faces.exe" "${weights[@]}" --threads 1 viele.txt \
    --images Fotos -o viele) \
    >first.out 2>first.err &
first=$!
for _ in $(seq 1 300); do
    [ -f windows/viele/u2.npz ] && break
    sleep 0.1
done
on windows 1 skin-faces "${weights[@]}" viele.txt --images Fotos -o viele
grep -q "^skin-faces: viele: skin-faces is writing it (process" windows.err ||
    fail "a second run: $(cat windows.err)"
kill -INT $first
wait $first
[ $? = 1 ] || fail "Ctrl-C: $(cat first.err)"
grep -q "interrupted; run the same command again to resume" first.err ||
    fail "Ctrl-C: $(cat first.err)"
! ls -A windows/viele | grep -q "lock\|tmp" || fail "left behind: $(ls -A windows/viele)"
done_before=$(ls windows/viele/*.npz | wc -l)
[ "$done_before" -lt 400 ] || fail "Ctrl-C came too late to show anything"
on windows 0 skin-faces "${weights[@]}" viele.txt --images Fotos -o viele
grep -q "$((400 - done_before)) written, $done_before finished before" windows.out ||
    fail "resumed: $(cat windows.out)"

mkdir windows/besetzt.npz native/besetzt.npz
both 1 skin-predict Modell_模型.safetensors --npz sequences.npz -o besetzt.npz
pipeline
echo "the tools for Windows: as natively ($*)"
