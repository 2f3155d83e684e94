#!/usr/bin/env bash
# Builds the Dockerfile as it stands and runs the image, without a Docker engine.
# tests/system/check-image.sh BUILD      (as root; BUILD/image keeps the base system)
# buildah carries out the Dockerfile's instructions; since nothing is pulled from a hub, a Debian 12
# made by debootstrap takes the place of debian:bookworm-slim. The container runs in a
# network of its own, in which unprivileged users may bind port 80, as Docker's does.
set -eu
cd "$(dirname "$0")/../.."
bin=$(cd "${1:?usage: tests/system/check-image.sh BUILD}/bin" && pwd) out=$1/image
for tool in buildah debootstrap curl jq ip; do
    command -v $tool >/dev/null || { echo \
        "needs $tool (apt-get install buildah debootstrap curl jq iproute2)"; exit 77; }
done
[ "$(id -u)" = 0 ] || { echo "needs root, for debootstrap and chroot"; exit 77; }
mkdir -p "$out"
out=$(cd "$out" && pwd)
image=skincredible:check base=docker.io/library/debian:bookworm-slim
store=(--root "$out/store" --runroot "$out/run" --storage-driver vfs)
export BUILDAH_ISOLATION=chroot

rm -rf "$out/clinic" "$out/served"
"$bin/skin-synth" "$out/clinic" --patients 1 --seed 5 --photos 6:6 --no-face 0 --quiet

fail() { echo "FAILED: $*" >&2; exit 1; }

# ---- the base system, once ----
if [ ! -f "$out/base.tar" ]; then
    rm -rf "$out/rootfs"
    debootstrap --variant=minbase bookworm "$out/rootfs" >"$out/debootstrap.log" 2>&1 ||
        { tail "$out/debootstrap.log"; fail debootstrap; }
    tar -C "$out/rootfs" -cf "$out/base.tar.new" .
    mv "$out/base.tar.new" "$out/base.tar"
    rm -rf "$out/rootfs"
fi
if ! buildah "${store[@]}" inspect --type image $base >/dev/null 2>&1; then
    c=$(buildah "${store[@]}" from scratch)
    buildah "${store[@]}" add -q "$c" "$out/base.tar" /
    buildah "${store[@]}" config --env \
        PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin --cmd bash "$c"
    buildah "${store[@]}" commit -q --rm --format docker "$c" $base
fi

# ---- docker build -t skincredible . ----
git ls-files -z --cached --others --exclude-standard | (rm -rf "$out/context" &&
    mkdir "$out/context" && xargs -0 cp --parents -t "$out/context")
if [ -f weights/mtcnn.safetensors ]; then cp weights/mtcnn.safetensors "$out/context/weights/"; fi \
    # as in a folder where `make weights` has run; its SHA-256 is checked again
buildah "${store[@]}" bud --format docker --pull-never --layers=false \
    -t $image "$out/context" >"$out/build.log" 2>&1 ||
    { tail -n 30 "$out/build.log"; fail "the Dockerfile does not build"; }
config=$(buildah "${store[@]}" inspect --type image $image | jq -c .Docker.config)
jq -e '.User == "10001:10001" and (.ExposedPorts | has("80/tcp")) and .StopSignal == "SIGTERM"
    and (.Healthcheck.Test[0] == "CMD")' <<<"$config" >/dev/null || fail "configuration: $config"
mapfile -t entry < <(jq -r '.Entrypoint[]' <<<"$config")
mapfile -t health < <(jq -r '.Healthcheck.Test[1:][]' <<<"$config")
echo "built: $(buildah "${store[@]}" images --format '{{.Size}}' $image)"

# ---- docker run -p 80:80 skincredible ----
c=$(buildah "${store[@]}" from --pull-never $image)
trap 'buildah "${store[@]}" rm "$c" >/dev/null' EXIT
export out c
export -f fail
unshare -n bash -eu -s -- "${#entry[@]}" "${entry[@]}" "${health[@]}" <<'RUN'
n=$1
shift
entry=("${@:1:n}") health=("${@:n+1}")
store=(--root "$out/store" --runroot "$out/run" --storage-driver vfs)
ip link set lo up
echo 0 >/proc/sys/net/ipv4/ip_unprivileged_port_start
# Whoever reads standard input here reads the rest of this script.
buildah "${store[@]}" run "$c" -- "${entry[@]}" </dev/null >"$out/run.log" 2>&1 &
job=$!
for i in $(seq 200); do
    grep -q '^listening' "$out/run.log" && break
    kill -0 $job 2>/dev/null || { cat "$out/run.log"; fail "the container ended"; }
    sleep 0.1
done
buildah "${store[@]}" run "$c" -- "${health[@]}" </dev/null || fail "the health check"
pid=$(pgrep -o -u 10001 -x --ns $$ --nslist net skin-serve)
grep -q '^Uid:.10001.10001.10001' /proc/$pid/status || fail "it does not run as its own user: $(grep Uid /proc/$pid/status)"
grep -q '^CapEff:.0*$' /proc/$pid/status || fail "it has capabilities: $(grep CapEff /proc/$pid/status)"
curl -fsS http://127.0.0.1/ | grep -q '<title>SkinCredible' || fail "the page"
model=$(curl -fsS http://127.0.0.1/v1/model)
jq -e '.detects_faces and .calibrated and (.note | length > 0)' <<<"$model" >/dev/null || fail "the model: $model"
# the original's call, 30 frames of 80 x 80 with a leading 1
/usr/bin/python3 -c 'import json, random
random.seed(1)
print(json.dumps({"img": [[[[[random.randrange(256) for _ in range(3)] for _ in range(80)] for _ in range(80)] for _ in range(30)]]}))' >"$out/test_data.json"
curl -fsS -X POST http://127.0.0.1/predict -H 'Content-Type: application/json' -d @"$out/test_data.json" | jq -e '.prob_class == 0 or .prob_class == 1' >/dev/null || fail "/predict"
photos=()
for p in "$out"/clinic/images/*.jpg; do photos+=(-F "photo=@$p"); done
curl -fsS http://127.0.0.1/v1/analyze "${photos[@]}" | jq -e '.photos_used >= 2' >/dev/null || fail "/v1/analyze"
kill -TERM $pid
wait $job || fail "exit status $? after SIGTERM: $(cat "$out/run.log")"
touch "$out/served"
RUN
[ -f "$out/served" ] || fail "the checks of the server did not come to their end"
echo "the image runs as user 10001 on port 80, is healthy, answers, and stops in order"

# ---- docker build --target machines; docker run skincredible-machines mpirun ... ----
buildah "${store[@]}" bud --format docker --pull-never --layers=false --target machines \
    -t skincredible-machines:check "$out/context" >"$out/build-machines.log" 2>&1 ||
    { tail -n 30 "$out/build-machines.log"; fail "the image for many machines does not build"; }
m=$(buildah "${store[@]}" from --pull-never skincredible-machines:check)
trap 'buildah "${store[@]}" rm "$c" "$m" >/dev/null' EXIT
buildah "${store[@]}" add -q --chown 10001:10001 "$m" "$out/clinic" /home/skin/clinic
inside() { buildah "${store[@]}" run "$m" -- "$@"; }
[ "$(inside id -u)" = 10001 ] || fail "the image for many machines does not run as its own user"
inside skin-getdata clinic -o user_data.txt
inside skin-faces user_data.txt --images clinic/images -o one
inside mpirun --quiet --oversubscribe -n 2 --mca btl_vader_single_copy_mechanism none skin-faces \
    user_data.txt --images clinic/images -o two
inside diff -r one two || fail "two ranks in the image: other faces than of one process"
inside sh -c 'ls one/*.npz' >/dev/null || fail "no faces were found"
for tool in $(inside ls /usr/local/bin); do
    inside ldd "/usr/local/bin/$tool" | grep -q 'not found' &&
        fail "$tool lacks a library in the image: $(inside ldd "/usr/local/bin/$tool" | grep 'not found')"
done
inside ldd /usr/local/lib/skincredible/skin-mpi.so | grep -q 'not found' &&
    fail "the module of MPI lacks a library in the image"
inside sh -c 'ssh-keygen -q -t rsa -N "" -f .ssh/id_rsa && /usr/sbin/sshd -t -f .sshd_config' ||
    fail "sshd's configuration"
echo "the image for many machines runs as user 10001: two ranks, the faces of one process; $(buildah "${store[@]}" images --format '{{.Size}}' skincredible-machines:check)"
