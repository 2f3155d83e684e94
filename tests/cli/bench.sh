#!/usr/bin/env bash
# bench: descriptors, the three forms of output, engines, and that figures come with a passed
# comparison.
set -eu
bin=$1 dir=$2
fail() { echo "$1" >&2; exit 1; }
run() { "$bin/bench" --quiet --rounds 2 --seconds 0 --threads 2 "$@"; }

out=$(run --json --cold 'mb2ic5oc8ih9iw7kh3n"odd"' step:mb1ic3oc2ih6kh5 step_b:ic2oc3ih5iw8 \
    conv_bd:ic4oc3ih6 conv_bw:ic4oc3ih6 gemm:m5n7k9 tanh:n100)
echo "$out" | jq -es \
    'all(.ms > 0 and .peak_gflops > 0 and .threads == 2 and .error <= 1e-4 and .rss_mb > 0
        and (.machine | length > 0) and (.commit | length > 0))' >/dev/null ||
        fail "a field is missing: $out"
echo "$out" | jq -es 'map(select(.name == "odd" and .shape == "mb2ic5oc8ih9iw7kh3kw3"))
    | (map(.engine) | unique | contains(["openblas", "ours", "reference"])) and
    (map(.cache) | unique | contains(["cold", "once", "warm"]))' >/dev/null ||
    fail "engines or caches: $out"
out=$(run --json --engine ours,openblas conv:ic3oc8ih5)
echo "$out" | jq -es \
    'all(.engine != "reference") and (map(select(.engine == "ours").isa) | contains(["ref"]))' \
    >/dev/null || fail "--engine: $out"
out=$(run --json --isas best --engine ours conv:ic3oc8ih5)
[ "$(echo "$out" | wc -l)" = 1 ] || fail "--isas best: $out"
out=$(run --csv infer:mb1t2ih8iw8 train:mb2t3ih8iw8v2 rnet:mb3 onet:mb2 pnet:ih40iw50)
[ "$(echo "$out" | head -n 1 | tr , '\n' | wc -l)" = 19 ] && [ "$(echo "$out" | wc -l)" = 6 ] ||
    fail "CSV: $out"
out=$(run --json photo:ih315iw600min40 photo_decode:ih315iw600 photo_detect:ih315iw600mb3min40 \
    photo_crop:ih315iw600min40)
echo "$out" | jq -es \
    'length == 4 and all(.ms > 0 and .items_per_s > 0 and (.error < 0.1))
    and (map(.items) | sort) == [2, 2, 2, 3]' >/dev/null || fail "photos: $out"
[ "$(printf '\n\n' | run --wait rnet:mb3 | wc -l)" = 3 ] ||
    fail "--wait: expected ready and two times"
printf '\n' | run --wait --cpu rnet:mb3 | awk 'NR == 2 { ok = $1 > 0 } END { exit !ok }' ||
    fail "--wait --cpu"
out=$(run --json ucf50:mb1 ucf50:train1 two_ways:mb1)
echo "$out" | jq -es 'length == 3 and all(.ms > 0 and .gflops > 0 and .error < 1e-3)' >/dev/null \
    || fail "known networks: $out"
run --set two_ways_infer --write-network "$dir/two_ways.safetensors" ||
    fail "--write-network failed"
"$bin/skin-info" "$dir/two_ways.safetensors" | grep -q go_backwards=true ||
    fail "--write-network: not the network"
! run --set pnet --write-network "$dir/pnet.safetensors" 2>/dev/null ||
    fail "--write-network takes pnet"
for wrong in conv:ic3 mb8ic3oc4ih5x7 gemm:m5n6 train:mb0 'ic3oc4ih5n"open' nothing:mb3; do
    status=0
    run "$wrong" >/dev/null 2>&1 || status=$?
    [ $status = 2 ] || fail "$wrong: status $status"
done

# ---- engines that are loaded ----
unset LD_LIBRARY_PATH
"$bin/bench" --list >"$dir/list"
for engine in blis mkl libxsmm onednn; do
    missing=$(sed -n "s/^  $engine .*; not here: //p" "$dir/list")
    [ -n "$missing" ] || continue
    if run --engine $engine conv:ic3oc8ih5 >"$dir/out" 2>&1; then
        fail "$engine measures without its library"
    fi
    grep -qF "no $engine: $missing" "$dir/out" ||
        fail "$engine does not say what is missing: $(cat "$dir/out")"
done
fake() { # CODE: a libblis.so.4 of ours
    echo "$1" | gcc -shared -fPIC -xc - -o "$dir/libblis.so.4"
    status=0
    LD_LIBRARY_PATH=$dir run --engine blis gemm:m5n7k9 >"$dir/out" 2>"$dir/err" || status=$?
    [ $status = 1 ] && [ ! -s "$dir/out" ] || fail "status $status: $(cat "$dir/out")"
}
fake 'int nothing;'
grep -q 'libblis.so.4 has no cblas_sgemm' "$dir/err" ||
    fail "a library without the function: $(cat "$dir/err")"
fake 'void cblas_sgemm(void) {} void bli_thread_set_num_threads(long n) { (void)n; }'
grep -q 'gemm:m5n7k9 by blis .*is wrong' "$dir/err" ||
    fail "a library that computes nothing: $(cat "$dir/err")"
