#!/usr/bin/env bash
# The recipes of docs/deploy: the Kubernetes objects by schemas and against each other, with the
# server run as they run it; the batch scripts of Slurm, with stand-ins for srun, whose shards make
# up the whole.
#   recipes.sh BIN SCRATCH
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../cli/help.bash"
. "$here/ranks.bash"
bin=$1 dir=$2 root=$(cd "$here/../.." && pwd)
/usr/bin/python3 -c 'import yaml, jsonschema' 2>/dev/null ||
    { echo "needs python3-yaml and python3-jsonschema"; exit 77; }
needs_faces "$root"
cd "$dir" || exit 1
recipes=$root/docs/deploy

# ---- Kubernetes: what we have is right, and each of these faults is found ----
check() { /usr/bin/python3 "$here/recipes.py" "$@"; }
check "$recipes/kubernetes" || fail "docs/deploy/kubernetes"
planted() { # FILE SED-EXPRESSION
    rm -rf planted
    cp -r "$recipes/kubernetes" planted
    sed -i "$2" "planted/$1"
    cmp -s "planted/$1" "$recipes/kubernetes/$1" && fail "$2 changes nothing"
    check planted >log && fail "not found: $2"
}
planted serve.yaml 's/readinessProbe/readynessProbe/'
planted serve.yaml 's/targetPort: http/targetPort: web/'
planted serve.yaml 's/^    app: skin-serve$/    app: other/'
planted serve.yaml 's/averageUtilization: 70/averageUtilization: "70"/'
planted serve.yaml 's/memory: 4Gi/memory: 4 GB/'
planted serve.yaml 's/    name: skin-serve$/    name: skin-server/'
planted serve.yaml 's/secretName: skin-token/secret: skin-token/'
planted faces.yaml 's/claimName: clinic/claimName: other/'
planted faces.yaml 's/"-n", "4"/"-n", "5"/'
planted faces.yaml 's/Worker:/Workers:/'

# ---- the server with the Deployment's arguments: its probes' answers, asked as kubelet asks, by
# the pod's address ----
mapfile -t args < <(check "$recipes/kubernetes" --args | grep -- --listen | jq -r '.[]')
[ ${#args[@]} -gt 4 ] || fail "the Deployment has no arguments for skin-serve"
echo secret-token-of-some-length >token
port=$((20000 + $$ % 20000))
for i in "${!args[@]}"; do
    [ "${args[i]}" != 0.0.0.0:8080 ] || args[i]=127.0.0.1:$port
    [ "${args[i]}" != /secrets/token ] || args[i]=$PWD/token
done
"$bin/skin-serve" "$root/weights/demo.safetensors" --allow-public "${args[@]}" >serve.out 2>&1 &
server=$!
trap 'kill $server 2>/dev/null' EXIT
for path in $(grep -o 'path: /v2.*' "$recipes/kubernetes/serve.yaml" | cut -d' ' -f2 | sort -u); do
    for _ in $(seq 200); do
        status=$(curl -s -o answer -w '%{http_code}' -H "Host: 10.1.2.3:8080" \
            -A kube-probe/1.29 "http://127.0.0.1:$port$path")
        [ "$status" != 200 ] || break
        sleep 0.1
    done
    [ "$status" = 200 ] || fail "$path answers $status: $(cat answer serve.out)"
done
kill $server
wait $server || fail "skin-serve does not end well: $(cat serve.out)"

# ---- Slurm's array: shards by wc and arithmetic, which together are the whole ----
run 0 "$bin/skin-synth" clinic --patients 6 --seed 8 --size 240:260
run 0 "$bin/skin-getdata" clinic -o users.txt --quiet
run 0 "$bin/skin-faces" users.txt --images clinic/images -o whole
export PATH=$bin:$PATH
for task in 0 1 2 3; do
    SLURM_ARRAY_TASK_COUNT=4 SLURM_ARRAY_TASK_ID=$task bash "$recipes/slurm/faces-array.sbatch" \
        users.txt clinic/images array >out 2>err || fail "task $task: $(cat err)"
done
diff -r whole array >/dev/null || fail \
    "the array's shards are not the whole: $(diff -rq whole array)"
bash "$recipes/slurm/faces-array.sbatch" users.txt clinic/images 2>err &&
    fail "an argument is missing and it runs"
says err "usage: sbatch"

# ---- Slurm with MPI: srun stands for mpirun here, and takes the options that Slurm's takes ----
if command -v mpirun >/dev/null && [ -f "$bin/../lib/skincredible/skin-mpi.so" ]; then
    mkdir -p stand-in
    cat >stand-in/srun <<'END'
#!/bin/bash
while [[ $1 == --* ]]; do
    [[ $1 =~ ^--(mpi=pmix|kill-on-bad-exit=1|cpus-per-task=[0-9]+)$ ]] || { echo "srun: $1?" >&2; exit 1; }
    shift
done
exec mpirun --oversubscribe -n 2 "$@"
END
    chmod +x stand-in/srun
    PATH=$PWD/stand-in:$PATH SLURM_CPUS_PER_TASK=2 bash "$recipes/slurm/faces.sbatch" users.txt \
        clinic/images ranks >out 2>err || fail "faces.sbatch: $(cat err)"
    diff -r whole ranks >/dev/null || fail "faces.sbatch: other files"

    # ---- the MPI job's command, with the volume's places ----
    mkdir data
    cp -r clinic/images users.txt data
    mapfile -t args < <(check "$recipes/kubernetes" --args | grep -- '"skin-faces"' |
        jq -r '.[]' | sed "s|^/data|$PWD/data|; s|^/srv/mtcnn.safetensors|$SKIN_WEIGHTS|")
    timeout 100 mpirun "${args[@]}" >out 2>err || fail "the MPI job's command: $(cat err)"
    diff -r whole data/faces >/dev/null || fail "the MPI job's command: other files"
fi
echo ok
