#!/usr/bin/env bash
# What bench does with figures: --save and --from, --compare with made-up ones, --report, --list.
#   bench_figures.sh BIN SCRATCH
set -u
. "$(dirname "$0")/help.bash"
bin=$1
cd "$2" || exit 1

# A file of figures: figures MILLISECONDS... > FILE, for one problem on a made-up machine. MODEL,
# NAME and ENGINE are taken from the environment.
figures() {
    jq -cn --arg model "${MODEL:-Processor X}" --arg name "${NAME:-layer1}" \
        --arg engine "${ENGINE:-ours}" \
        --argjson ms "[$(IFS=,; echo "$*")]" \
        '{name: $name, kind: "conv", shape: "mb8ic3", engine: $engine, isa: "avx2",
          precision: "fp32", cache: "warm", threads: 2, flops: 1e9, bytes: 1e7, peak_gflops: 200,
          samples_ms: $ms, machine: $model, processors: 2,
          read_gbs: 20, date: "2026-01-01T00:00:00Z", commit: "abc"}'
}
compare() { # STATUS OLD NEW [OPTIONS...]
    local status=$1
    shift
    run "$status" "$bin/bench" --compare "$1" --from "$2" "${@:3}"
}

# ---- regressions ----
figures 10.0 10.1 9.9 10.2 10.0 9.8 10.1 >old.json
figures 10.1 10.0 10.0 10.1 9.9 10.2 9.9 >same.json
figures 11.0 11.1 10.9 11.2 11.0 10.8 11.1 >slow.json
figures 9.0 9.1 8.9 9.2 9.0 8.8 9.1 >fast.json
figures 9.0 12.1 9.9 14.2 8.0 11.8 10.1 >wild.json
compare 0 old.json same.json
grep -q ' same *$' out || fail "the same figures are not the same: $(cat out)"
compare 1 old.json slow.json
grep -q SLOWER out && grep -q '1 of 1 are slower by more than 3 %' out ||
    fail "10 % slower is not: $(cat out)"
compare 0 old.json fast.json
grep -q ' faster *$' out || fail "10 % faster is not: $(cat out)"
compare 0 old.json wild.json
grep -q ' unclear *$' out || fail "noise is no regression, and no proof of sameness: $(cat out)"
compare 0 old.json slow.json --limit 15
grep -q ' same *$' out || fail "--limit 15 does not allow 10 %"
compare 1 old.json slow.json --limit 7
compare 0 old.json slow.json --limit 10 # the interval reaches below the limit
# An interval of the ratios: with seven rounds each, the 9th of 49 from either end.
run 1 "$bin/bench" --compare old.json --from slow.json
awk '/SLOWER/ { ok = $7 == "+10.0" && $8 == "+8.0" && $9 == "+12.0" } END { exit !ok }' out ||
    fail "the interval: $(cat out)"
figures 10 10.1 10.2 >few.json
compare 0 few.json few.json
grep -q '90 % sure: too few rounds' out || fail "three rounds cannot give 95 %: $(cat out)"

# The interval of a median: with 20 rounds between the 6th from either end. More than 50 rounds go
# by the normal distribution.
figures {1..20} >twenty.json
run 0 "$bin/bench" --from twenty.json --json
jq -e '.ms == 10.5 and .low_ms == 6 and .high_ms == 15 and (.confidence * 10000 | round) == 9586
    and .min_ms == 1' out >/dev/null ||
    fail "the median of twenty: $(cat out)"
figures $(seq 100 0.1 106) >many.json
figures $(seq 110 0.1 116) >more.json
compare 1 many.json more.json
compare 0 many.json many.json

# The reference is measured once: it says nothing, and is left out.
{ cat old.json; ENGINE=reference figures 500 | jq -c '.cache = "once"'; } >once.json
{ cat same.json; ENGINE=reference figures 900 | jq -c '.cache = "once"'; } >twice.json
compare 0 once.json twice.json
[ "$(sed -n '/^Commit/,$p' out | grep -c reference)" = 0 ] && ! grep -q 'only in' out ||
    fail "rows measured once: $(cat out)"

# ---- what cannot be compared ----
MODEL="Processor Y" figures 10 10 10 10 10 10 10 >other.json
compare 2 old.json other.json
says err "--other-machine compares them all the same"
compare 0 old.json other.json --other-machine
{ cat old.json; cat other.json; } >mixed.json
compare 2 mixed.json same.json
says err "mixed.json, line 2: measured on Processor Y"
NAME=layer2 figures 10 10 >else.json
compare 2 old.json else.json
says err "no row is in both"
compare 2 nothing.json same.json
says err nothing.json
malformed() { # MESSAGE: what bad.json holds must be refused so
    compare 2 bad.json same.json
    says err "$1"
}
echo '{"name": "layer1"' >bad.json && malformed "bad.json, line 1: "
echo '[1, 2]' >bad.json && malformed "bad.json, line 1: no JSON object"
: >bad.json && malformed "bad.json: no figures"
jq -c 'del(.samples_ms)' old.json >bad.json && malformed "an old bench wrote it"
for samples in '[]' '[0]' '[1, "2"]' '[-1]' '3' '{}'; do
    jq -c --argjson s "$samples" '.samples_ms = $s' old.json >bad.json &&
        malformed "'samples_ms' is missing or not"
done
for wrong in '.threads = -1' '.threads = 1.5' '.threads = "2"' '.name = 3' 'del(.engine)' \
    '.flops = "many"' '.machine = null' \
    ".name = (\"n\" * 64)"; do
    jq -c "$wrong" old.json >bad.json && malformed "bad.json, line 1: '"
done
printf '\n%s\n\n' "$(cat old.json)" >blank.json
compare 0 blank.json same.json
printf 'a\0b\0\0\0{}\n\0\n' >bad.json && malformed "bad.json, line 1: "

# ---- measured, saved, read again ----
run 0 "$bin/bench" --quiet --rounds 6 --seconds 0 --threads 2 --engine ours,openblas --isas best \
    --save mine.json conv:ic3oc8ih9 step:ic3oc2ih6 exp:n100
cp out measured
run 0 "$bin/bench" --rounds 1 --seconds 0 --threads 1 --engine ours --isas best exp:n100
grep -q '^# no counters of cycles.*: ' err || grep -q Mcycles out ||
    fail "neither counters nor a reason: $(cat err)"
for fact in GB/s 'fp32 peak' BLAS processors; do says err "$fact"; done
! grep -q 'cpu ms' out || fail "cpu ms without --cpu"
run 0 "$bin/bench" --quiet --rounds 1 --seconds 0.02 --threads 1 --engine ours --isas best \
    --cpu exp:n100000
# Times of the processor are no longer than those that pass; the clocks are read one after another.
awk 'NR == 2 { ok = $9 > 0 && $9 < 1.05 * $6 } END { exit !ok }' out && grep -q 'cpu ms' out ||
    fail "--cpu: $(cat out)"
[ "$(wc -l <mine.json)" = 5 ] || fail "--save: $(cat mine.json)"
jq -es 'all(.low_ms <= .ms and .ms <= .high_ms and .confidence > 0.95
        and (.samples_ms | length) == 6 and (.date | length) == 20
        and (.caches | length) > 0)' mine.json >/dev/null ||
    fail "fields: $(cat mine.json)"
run 0 "$bin/bench" --from mine.json
grep -v '^fp32' out >again
grep -v '^fp32' measured | cmp -s - again ||
    fail "--from prints other figures: $(diff measured out)"
run 0 "$bin/bench" --from mine.json --json
cmp -s out mine.json || fail "--json of --from: $(diff out mine.json)"
compare 0 mine.json mine.json
jq -c '.precision = "bf16"' old.json >half.json
run 0 "$bin/bench" --from half.json
says out "ours avx2 bf16"
compare 2 half.json same.json # another precision is other work
run 2 "$bin/bench" --from mine.json conv:ic3oc8ih9
says err "--from measures nothing"

# ---- the page ----
ENGINE='<b>&"x' NAME="layer1" figures 20 21 22 >>mine.json
jq -c '.machine = "Processor <X> & co" | .processors = 2' mine.json >page.json
run 0 "$bin/bench" --from page.json --report page.html
/usr/bin/python3 - page.html <<'PYTHON' || fail "the page"
import html.parser, re, sys
import xml.etree.ElementTree as tree

text = open(sys.argv[1], encoding="utf-8").read()

class Page(html.parser.HTMLParser):
    empty = {"meta", "br"}
    def __init__(self):
        super().__init__()
        self.open, self.seen = [], {}
    def handle_starttag(self, tag, attrs):
        self.seen[tag] = self.seen.get(tag, 0) + 1
        for key, value in attrs:
            assert not key.startswith("on") and key not in ("src", "href", "srcset"), (tag, key)
        if tag not in self.empty:
            self.open.append(tag)
    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        self.open.pop()
    def handle_endtag(self, tag):
        assert self.open.pop() == tag, f"</{tag}> does not close what is open"

page = Page()
page.feed(text)
page.close()
assert not page.open, page.open
assert "script" not in page.seen and "link" not in page.seen and "img" not in page.seen, page.seen
outside = re.sub(r'xmlns="http://www\.w3\.org/2000/svg"', "", text)
assert not re.search(r"https?:|url\(|@import", outside), "it refers to something outside"
assert "default-src 'none'" in text and "width=device-width" in text
assert "Processor &lt;X&gt; &amp; co" in text and "<b>&" not in text, "text is not escaped"
pictures = [tree.fromstring(svg) for svg in re.findall(r"<svg.*?</svg>", text, re.S)]
assert len(pictures) >= 3, f"{len(pictures)} pictures"  # the roofline, bars of conv and step
space = "{http://www.w3.org/2000/svg}"
for picture in pictures:
    width, height = (float(picture.get(k)) for k in ("width", "height"))
    assert width <= 480, "too wide for a phone"
    for shape in picture.iter():
        for key in ("x", "x1", "x2", "cx"):
            assert -1 <= float(shape.get(key, 0)) <= width + 1, (shape.tag, shape.attrib)
        for key in ("y", "y1", "y2", "cy"):
            assert -1 <= float(shape.get(key, 0)) <= height + 1, (shape.tag, shape.attrib)
dots = len(pictures[0].findall(f".//{space}circle"))
assert dots == 5, f"{dots} dots in the roofline"  # conv and step by two engines, the made-up row
PYTHON
run 1 "$bin/bench" --from slow.json --compare old.json --report changed.html
says changed.html "<td>SLOWER</td>"
says changed.html '<td class="n">+10.0 %</td><td class="n">+8.0 %</td><td class="n">+12.0 %</td>'
run 1 "$bin/bench" --from page.json --report nowhere/page.html
says err "nowhere/page.html"

# ---- the list ----
run 0 "$bin/bench" --list
for word in presets conv gates gemm photos ours openblas reference; do
    grep -qE "^  $word  *[a-zA-Z]" out || fail "--list lacks $word"
done
# Each set that a problem names is a set, and each problem that is listed can be measured.
sed -n '/^Sets/,/^$/s/^  \([a-z_0-9]*\) .*/\1/p' out | sort >sets
sed -n '/^Problems/,/^$/p' out | grep '^  ' >problems
awk '{ for (i = 4; i <= NF; i++) print $i }' problems | sort -u >used
cmp -s sets used || fail "sets and problems disagree: $(diff sets used)"
for name in exp square; do
    run 0 "$bin/bench" --quiet --rounds 1 --seconds 0 --engine ours,openblas --isas best --set $name
done
[ "$("$bin/skin-bench" --version | cut -d' ' -f1)" = skin-bench ] ||
    fail "skin-bench has another name"
run 2 "$bin/bench" --set nothing
says err "no such set or problem"
