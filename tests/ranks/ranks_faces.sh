#!/usr/bin/env bash
# skin-faces as several ranks under mpirun: the same bytes as one process, in the same order and
# with the same status; signals, kill -9, resuming; a missing module; tools that refuse.
#   ranks_faces.sh BIN SCRATCH
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../cli/help.bash"
. "$here/ranks.bash"
bin=$1 dir=$2 root=$(cd "$here/../.." && pwd) host=$(uname -n)
need_ranks "$bin"
needs_faces "$root"
cd "$dir" || exit 1

run 0 "$bin/skin-synth" clinic --patients 11 --seed 3
run 0 "$bin/skin-getdata" clinic -o users.txt --quiet
photo=clinic/images/$(jq -r '.[3]' users.txt | head -n 1)
head -c 1500 "$photo" >cut && cp cut "$photo" # one photo of one user is damaged
faces=("$bin/skin-faces" users.txt --images clinic/images)

# ---- one process, and 1, 2, 3 and 8 ranks ----
run 0 "${faces[@]}" -o one --crops png --sheet one.sheets --threads 2
cp out one.out
sort err >one.err
grep -q "the frame is left empty" one.err || fail "the damaged photo was not met"
for n in 1 2 3 8; do
    threads=$((n % 2 + 1))
    ranks $n 0 "${faces[@]}" -o many --crops png --sheet many.sheets --threads $threads
    diff -r one many >/dev/null || fail \
        "$n ranks of $threads threads: other files: $(diff -rq one many)"
    diff -r one.sheets many.sheets >/dev/null || fail "$n ranks: other contact sheets"
    cmp -s out one.out || fail "$n ranks: another report: $(cat out)"
    sort err | cmp -s - one.err || fail "$n ranks: other messages: $(cat err)"
    [ ! -e many/.lock ] || fail "a lock is left"
    rm -rf many many.sheets
done

# ---- a list in standard input, which only rank 0 has; a shard; a folder without a list ----
mpirun --oversubscribe -n 2 "$bin/skin-faces" - --images clinic/images \
    -o stdin <users.txt >out 2>err || fail "a list in standard input: $(cat err)"
for f in one/*.npz; do cmp -s "$f" "stdin/${f#one/}" || fail "from standard input: $f differs"; done
ranks 2 0 "${faces[@]}" -o shard --start 2 --end 5
[ "$(ls shard)" = "$(ls one | grep npz | sort | comm -12 - <(ls shard))" ] &&
    [ "$(ls shard | wc -l)" = 3 ] || fail "a shard: $(ls shard)"
mkdir -p folder/ann folder/bo
i=0
for f in clinic/images/*.jpg; do
    i=$((i + 1))
    [ $i -le 8 ] || break
    if [ $((i % 2)) = 0 ]; then cp "$f" folder/ann/; else cp "$f" folder/bo/; fi
done
run 0 "$bin/skin-faces" folder -o folder.one
ranks 3 0 "$bin/skin-faces" folder -o folder.many
diff -r folder.one folder.many >/dev/null || fail "a folder of people: other files"

# ---- --detect: the lines in order, the failures, the status ----
run 1 "$bin/skin-faces" --detect --json folder "$photo" folder/ann
cp out one.out
sort err >one.err
ranks 3 1 "$bin/skin-faces" --detect --json folder "$photo" folder/ann
cmp -s out one.out || fail "--detect: other lines"
sort err | cmp -s - one.err || fail "--detect: other messages: $(cat err)"
ls folder/*/* | "$bin/skin-faces" --detect - >one.out 2>err
ls folder/*/* | mpirun --oversubscribe -n 2 "$bin/skin-faces" --detect - >out 2>err
cmp -s out one.out || fail "--detect -: $(cat out err)"

# ---- a user without a single photo that can be read: status 1, once, and the others are done ----
cp -r clinic bad
id=$(jq -r '.[0]' users.txt | sed -n 4p)
jq -r --arg id "$id" 'select(.[0] == $id) | .[3:][]' users.txt | while read -r f; do
    cp cut "bad/images/$f"
done
run 1 "$bin/skin-faces" users.txt --images bad/images -o bad.one
cp out one.out
sort err >one.err
ranks 3 1 "$bin/skin-faces" users.txt --images bad/images -o bad.many
diff -r bad.one bad.many >/dev/null && cmp -s out one.out ||
    fail "a bad user: other files, or another report"
sort err | cmp -s - one.err || fail "a bad user: other messages: $(cat err)"

# ---- the folder of the output cannot be written: the status and messages of one process ----
echo >file
run 1 "${faces[@]}" -o file/faces
ranks 2 1 "${faces[@]}" -o file/faces
one_line

# ---- one rank is told something else than the others: one message, which names it ----
timeout 60 mpirun --oversubscribe -n 1 "${faces[@]}" -o other : -n 1 "${faces[@]}" -o other \
    --weights missing.safetensors >out 2>err
[ $? = 1 ] || fail "one rank without weights: not 1"
without_mpirun err
one_line
says err "rank 1 on $host: missing.safetensors"

# ---- signals, while all are at work ----
begun() { # FOLDER: until some users are finished
    for _ in $(seq 2000); do
        [ "$(ls "$1" 2>/dev/null | grep -c npz)" -lt 2 ] || return 0
        sleep 0.005
    done
    fail "nothing was begun"
}
whole() { # FOLDER: each finished file is that of one process
    for f in "$1"/*.npz; do cmp -s "$f" "slow/${f#"$1"/}" || fail "$f is not whole"; done
}
resumed() { # FOLDER
    ranks 2 0 "${slow[@]}" -o "$1"
    grep -qE '[1-9][0-9]* finished before' out || fail "nothing was resumed: $(cat out)"
    diff -r slow "$1" >/dev/null || fail "after resuming: other files: $(diff -rq slow "$1")"
}
slow=("$bin/skin-faces" users.txt --images clinic/images --threads 1 --retry-rotated --min-face 12 \
    --factor 0.95)
run 0 "${slow[@]}" -o slow

ranks_behind 3 "${slow[@]}" -o term
begun term
kill -TERM "$(rank_process 1 skin-faces)" || fail "rank 1 was not found"
wait "$job" && fail "SIGTERM on rank 1: status 0"
without_mpirun err
says err "interrupted (rank 1 on $host); run the same command again to resume"
[ "$(grep -c interrupted err)" = 1 ] || fail "more than one message: $(cat err)"
whole term
resumed term

# mpirun waits, sends SIGTERM, waits as long again and kills; what the ranks say meanwhile it may
# not show any more, so they say it to files.
# shellcheck disable=SC2016  # each rank expands it
OMPI_MCA_odls_base_sigkill_timeout=2 ranks_behind 3 sh -c 'exec "$@" 2>said.$OMPI_COMM_WORLD_RANK' \
    sh "${slow[@]}" -o int
begun int
kill -INT "$job"
wait "$job" && fail "Ctrl-C: status 0"
[ "$(cat said.* | grep -c "skin-faces: interrupted")" = 1 ] ||
    fail "Ctrl-C: not one message: $(cat said.*)"
whole int
resumed int

export OMPI_MCA_orte_execute_quiet=0
ranks_behind 3 "${slow[@]}" -o killed
begun killed
kill -KILL "$(rank_process 2 skin-faces)" || fail "rank 2 was not found"
wait "$job" && fail "kill -9 of rank 2: status 0"
export OMPI_MCA_orte_execute_quiet=1
says err "process rank 2"
whole killed
resumed killed

# ---- another run on the same users ----
ranks_behind 2 "${slow[@]}" -o both
begun both
run 1 "${slow[@]}" -o both
says err "is writing it"
wait "$job" || fail "the first of two runs: $(cat err)"

# ---- no module: a message, status 1, and no copies of the job ----
mkdir -p bare/bin
cp "$bin/skin-faces" bare/bin/
ranks 3 1 bare/bin/skin-faces users.txt --images clinic/images -o bare/faces
one_line
says err "libopenmpi-dev"
[ ! -e bare/faces ] || fail "without the module something was done"
run 0 bare/bin/skin-faces users.txt --images clinic/images -o bare/faces \
    # and none is needed by one process

# ---- a launcher of another MPI ----
run 1 env SLURM_PROCID=0 SLURM_STEP_NUM_TASKS=2 "${faces[@]}" -o slurm
says err "srun started 2 processes, but Open MPI sees 1"
run 0 env SKIN_RANKS=off SLURM_PROCID=0 SLURM_STEP_NUM_TASKS=2 "${faces[@]}" -o slurm

# ---- tools that do not run as ranks; help and wrong usage once ----
for tool in skin-split skin-serve; do
    ranks 2 2 "$bin/$tool" users.txt
    grep -q "runs as one process" err && one_line || fail "$tool does not refuse: $(cat err)"
done
ranks 3 0 "$bin/skin-faces" --version
[ "$(wc -l <out)" = 1 ] || fail "--version of 3 ranks: $(cat out)"
ranks 3 2 "$bin/skin-faces" users.txt -o x
says err "--images DIR is missing"
one_line
ranks 3 2 "$bin/skin-faces" --no-such-option
[ "$(grep -c no-such-option err)" = 1 ] || fail "a wrong option: $(cat err)"
echo ok
