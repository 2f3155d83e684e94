# Sourced by the tests in tests/ranks, after tests/cli/help.bash.
#
#   need_ranks BIN                 ends the test as skipped where there is no mpirun or no module
# ranks N STATUS COMMAND...      runs it as N ranks and checks the exit status; stdout to the file
# out, stderr to err, without
#                                  what mpirun itself has to say
#   ranks_behind N COMMAND...      starts it in the background: $job is mpirun's process
#   rank_process NUMBER NAME       the process of that rank of the tool NAME

# As root, with more ranks than cores, and without mpirun's own report of a status that is not 0.
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 \
    OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_orte_execute_quiet=1
export OMPI_MCA_btl_vader_single_copy_mechanism=none # containers forbid what it tries first
# Under the address sanitizer: Open MPI keeps memory of modules that it has unloaded to the end.
# Leaks of our own are looked for in test_ranks and test_convlstm_group, and in every test of one
# process.
export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=0}

need_ranks() {
    command -v mpirun >/dev/null || { echo "needs mpirun (package openmpi-bin)"; exit 77; }
    [ -f "$1/../lib/skincredible/skin-mpi.so" ] ||
        { echo "needs the module skin-mpi.so (package libopenmpi-dev at build time)"; exit 77; }
}

without_mpirun() { # FILE: lines of mpirun's own are taken out
    sed -i '/^-\{20,\}$/,/^-\{20,\}$/d' "$1"
}

ranks() {
    local count=$1 expected=$2
    shift 2
    timeout 120 mpirun --oversubscribe -n "$count" "$@" >out 2>err
    local got=$?
    without_mpirun err
    [ $got = "$expected" ] || fail \
        "as $count ranks: $*: exit status $got, expected $expected: $(tail -n 5 err)"
}

ranks_behind() {
    local count=$1
    shift
    mpirun --oversubscribe -n "$count" "$@" >out 2>err &
    job=$!
}

rank_process() {
    local p own
    for p in $(pgrep -x "$2"); do
        own=$({ tr '\0' '\n' <"/proc/$p/environ"; } 2>/dev/null |
            grep -xcE "OMPI_COMM_WORLD_RANK=$1|RANKS_TEST=$$")
        [ "$own" != 2 ] || echo "$p"
    done
}
export RANKS_TEST=$$ # tells our processes from those of other tests
