#!/usr/bin/env bash
# Runs every test of a build and ends with one line "N passed, N failed, N skipped".
#
#   tests/run.sh BUILD [--programs]      --programs: the C test programs only
#   T='convlstm_*' tests/run.sh BUILD    only tests whose name, with or without "test_", matches
#
# A test is a program of tests/unit, a fuzz target with its corpus, or a script
# tests/{cli,embed,attack,ranks}/*.sh BIN SCRATCH (exit 0: passed, 77: skipped). All output is kept
# in BUILD/tests/log/NAME.log and its end is shown when the test fails.
set -u
cd "$(dirname "$0")/.." || exit 1
build=$(cd "${1:?usage: tests/run.sh BUILD [--programs]}" && pwd) || exit 1
only=${2:-}
pattern=${T:-*}
log=$build/tests/log
mkdir -p "$log"
passed=0 failed=0 skipped=0 failures=()
limit=${TEST_TIMEOUT:-600}
# Threads that wait sleep: on a busy machine the many short parallel regions of small tests would
# spin most of the time away.
export OMP_WAIT_POLICY=${OMP_WAIT_POLICY:-passive}

run() { # NAME COMMAND...
    local name=$1 begin=$SECONDS status word
    shift
    # shellcheck disable=SC2053  # the right side is a pattern
    [[ $name == $pattern || ${name#test_} == $pattern ]] || return 0
    timeout "$limit" "$@" >"$log/$name.log" 2>&1 </dev/null
    status=$?
    case $status in
    0) passed=$((passed + 1)) word=ok ;;
    77) skipped=$((skipped + 1)) word=skipped ;;
    *) failed=$((failed + 1)) word="FAILED (status $status)" failures+=("$name") ;;
    esac
    printf '%-28s %s  %ds\n' "$name" "$word" $((SECONDS - begin))
    if [ $status = 77 ]; then tail -n 1 "$log/$name.log" | sed 's/^/    /'; fi
    if [ $status != 0 ] && [ $status != 77 ]; then
        tail -n 40 "$log/$name.log" | sed 's/^/    /'
        echo "    alone: make check T=$name      whole output: $log/$name.log"
    fi
}

for source in tests/unit/*/test_*.c; do
    name=$(basename "$source" .c)
    [ ! -x "$build/tests/$name" ] || run "$name" "$build/tests/$name"
done
if [ "$only" != --programs ]; then
    for source in tests/fuzz/fuzz_*.c; do # the corpus of each fuzz target
        name=$(basename "$source" .c)
        [ ! -x "$build/tests/$name" ] || run "$name" "$build/tests/$name" \
            "tests/fuzz/corpus/${name#fuzz_}"
    done
    scratch=$(mktemp -d)
    trap 'rm -rf "$scratch"' EXIT
    for script in tests/cli/*.sh tests/embed/*.sh tests/attack/*.sh tests/ranks/*.sh; do
        [ -f "$script" ] || continue
        name=$(basename "$script" .sh)
        mkdir -p "$scratch/$name"
        run "$name" bash "$script" "$build/bin" "$scratch/$name"
        rm -rf "${scratch:?}/$name"
    done
fi
[ $failed = 0 ] || echo "failed: ${failures[*]}  (whole output in $log)"
if [ $((passed + failed + skipped)) = 0 ]; then
    echo "no test was run: none matches '$pattern', or they are not built ('make tests')"
    failed=1
fi
echo "$passed passed, $failed failed, $skipped skipped"
[ $failed = 0 ]
