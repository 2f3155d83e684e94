#!/usr/bin/env bash
# Our own figures as Markdown: time, GFLOP/s and share of the FMA peak measured in the same run;
# scaling, memory, lower instruction sets. A few minutes; bench/peers.sh has the comparison.
set -eu
cd "$(dirname "$0")/.."
bin=${BIN:-build/bin}
threads=${THREADS:-$(nproc)}
rounds=${ROUNDS:-7}

# row WHAT BENCH-ARGUMENTS...: a line for each problem; of the header only the first is shown
row() {
    local what=$1
    shift
    "$bin/bench" --json --quiet --rounds "$rounds" "$@" | jq -r --arg what "$what" \
        '(if .gflops > 0 then "\(.percent_of_peak | round) %" else "-" end) as $of_peak
        | [.name + $what, .threads, .isa, (.ms * 100 | round / 100), (.gflops | round), $of_peak,
           (.peak_gflops | round), (.rss_mb | round)]
        | "| \(map(tostring) | join(" | ")) |"'
}
"$bin/bench" --json --quiet --rounds 1 --seconds 0 rnet:mb1 |
    jq -r --arg date "$(date +%F)" \
        '[$date, "commit \(.commit)", .machine, "\(.clock_mhz) MHz",
          "read bandwidth \(.read_gbs) GB/s", .compiler, .blas] | join(", ") + "\n"'
echo "| work | threads | kernels | ms | GFLOP/s | of peak | peak, GFLOP/s | peak resident, MB |"
echo "|---|---|---|---|---|---|---|---|"
for work in train_b8 train_b8_half infer_b1 infer_b8 frames_b2; do
    row "" --threads "$threads" --set $work
done
row ", one thread" --threads 1 --set infer_b1
row ", one thread" --threads 1 --set infer_b8
row "" --threads "$threads" --set infer_75x53
NBASE_MAX_ISA=avx2 row ", AVX2" --threads "$threads" --set infer_b8
for work in pnet rnet100 onet30; do row "" --threads 1 --set $work; done
row "" --threads "$threads" --set detect_1200x630
echo
echo "JPEG, a photo of 1536 x 2048:"
echo
echo "| decoded | stb_image, ms | libjpeg-turbo, ms | ratio |"
echo "|---|---|---|---|"
"$bin/bench" --json --quiet --rounds "$rounds" --set jpeg |
    jq -rs 'group_by(.name) | sort_by(.[0].name | length)[]
    | (map(select(.engine == "stb_image").ms)[0]) as $a
    | (map(select(.engine == "libjpeg-turbo").ms)[0]) as $b
    | def tenths: . * 10 | round / 10;
    [.[0].name, ($a | tenths)] + (if $b then [($b | tenths), ($a / $b | tenths)] else ["-", "-"] end)
    | "| \(map(tostring) | join(" | ")) |"'
