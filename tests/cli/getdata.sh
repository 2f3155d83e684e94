#!/usr/bin/env bash
# skin-getdata on a hand-made clinic: filters, order of photos, labels, overrides, review, and
# everything that can be wrong with the input.
#   getdata.sh BIN SCRATCH
set -u
bin=$(cd "$1" && pwd)
cd "$2" || exit 1
failures=0
fail() { echo "FAILED: $*"; failures=$((failures + 1)); }
expect() { [ "$2" = "$3" ] || fail "$1: expected '$2', got '$3'"; }
contains() { case $3 in *"$2"*) ;; *) fail "$1: '$2' is not in: $3" ;; esac; }

# message ID TIME NOTE / photo ID TIME NAME: one record; user ID RECORD...: the file
message() {
    printf '{"entry_type":"DrMessage","userId":%s,"created_at":%s,"dr_note":"%s"}' "$1" "$2" "$3"
}
photo() {
    printf '{"entry_type":"Annotation","userId":%s,"created_at":%s,"image_path":"%s"}' "$1" "$2" \
        "$3"
}
user() {
    local IFS=,
    local id=$1
    shift
    echo "[$*]" >"clinic/followup_data/user_$(printf %012d "$id").json"
}
photos() {
    local i out=()
    for i in $(seq "$2"); do
        out+=("$(photo "$1" $((1600000000 + i * 86400)) "$1/p$i.jpg")")
        touch_photo "$1/p$i.jpg"
    done
    local IFS=,
    echo "${out[*]}"
}
touch_photo() { mkdir -p "clinic/images/$(dirname "$1")"; : >"clinic/images/$1"; }

mkdir -p clinic/followup_data clinic/images
{
    printf '\xef\xbb\xbf"user_id",note\r\n7,"a note with, a comma\r\nand a line break"\r\n'
    printf '%s\r\n' 8, 7,again 9,x 10,x 11,x 12,x 13,x 14,x
} >clinic/dr_msg_stats.csv
# 7: photos out of order, times of four kinds; an older bad note, the latest English one good, a
# later one in Spanish
for p in a b c d e f; do touch_photo "7/$p.jpg"; done
user 7 "$(photo 7 '"2020-03-01T10:00:00Z"' 7/c.jpg)" "$(photo 7 1577836800 7/a.jpg)" \
    "$(photo 7 1580515200000 7/b.jpg)" "$(photo 7 '"2020-03-01 16:00:00+05:30"' 7/d.jpg)" \
    "$(photo 7 '"2020-05-01"' 7/f.jpg)" "$(photo 7 '"1586000000.5"' 7/e.jpg)" \
        "$(message 7 '"2020-01-01"' 'Acne is worse.')" \
    "$(message 7 '"2020-06-01T00:00:00Z"' 'No new acne, redness much better.')" \
        "$(message 7 '"2020-06-02"' 'La piel está mejor que antes, continúe igual.')" \
        '{"entry_type":"Other","userId":7,"created_at":1}'
user 8 "$(photos 8 6)" "$(message 8 1610000000 'Pain persists, no improvement.')"
user 9 "$(photos 9 6)" "$(message 9 1610000000 'Chehre par daag abhi bhi hain')"
user 10 "$(photos 10 5)" "$(message 10 1610000000 'Much better.')"
user 11 "$(photos 11 30)" "$(message 11 1610000000 'Much better.')"
user 12 "$(photos 12 6)" "$(message 12 1610000000 "$(printf 'Much better. %.0s' $(seq 400))")"
user 13 "$(photos 13 6)" '{"entry_type":"DrMessage","userId":13,"created_at":1,"dr_note":null}'
user 14 "$(photos 14 29)" "$(message 14 1610000000 '\u200bSkin is clear now \"great\"\nkeep it up')"

summary=$("$bin/skin-getdata" clinic -o user_data.txt --review review.csv --json 2>err) ||
    fail "a good clinic: status $?, $(cat err)"
expect "kept" "7 8 14" "$(jq -r '.[0]' user_data.txt | xargs)"
expect "labels" "1 0 1" "$(jq -r '.[1]' user_data.txt | xargs)"
expect "order of photos" "7/a.jpg 7/b.jpg 7/c.jpg 7/d.jpg 7/e.jpg 7/f.jpg" \
    "$(head -n 1 user_data.txt | jq -r '.[3:][]' | xargs)"
expect "note of 7" "No new acne, redness much better." "$(head -n 1 user_data.txt | jq -r '.[2]')"
expect "all strings" "true" "$(jq -s 'all(.[][]; type == "string")' user_data.txt)"
counts='{"users":8,"kept":3,"positive":2,"negative":1,'
counts+='"few":1,"many":1,"lang":1,"long":1,"none":1,"errors":0}'
expect "summary" "$counts" \
    "$(jq -c '{users, kept, positive, negative,
        few: .dropped.few_images, many: .dropped.many_images, lang: .dropped.other_language,
        long: .dropped.note_too_long, none: .dropped.no_note, errors}' <<<"$summary")"
expect "review lines" 10 "$(grep -c -E '^[0-9]+,' review.csv)"
contains "review" "Pain persists -" "$(grep '^8,' review.csv)"
contains "review, language" ",hi-Latn," "$(grep '^9,' review.csv)"
contains "text summary" "3 kept" "$("$bin/skin-getdata" clinic -o other.txt 2>&1 | tr -s ' ')"
cmp -s user_data.txt other.txt || fail "two runs differ"

# options
expect "--min-images 5" "7 8 10 14" \
    "$("$bin/skin-getdata" clinic -q -o o.txt --min-images 5 && jq -r '.[0]' o.txt | xargs)"
expect "--frames 31" "7 8 11 14" \
    "$("$bin/skin-getdata" clinic -q -o o.txt --frames 31 && jq -r '.[0]' o.txt | xargs)"
expect "--note-bytes" "7 8 12 14" \
    "$("$bin/skin-getdata" clinic -q -o o.txt --note-bytes 10000 && jq -r '.[0]' o.txt | xargs)"

# overrides win over the notes, not over the number of photos
printf 'user_id,label,who\n8,improved,dr a\n9,deteriorated,\n7,drop,\n10,1,\n999,1,\n' >by_hand.csv
"$bin/skin-getdata" clinic -o o.txt --override by_hand.csv >out 2>err || fail "override: $(cat err)"
expect "override" "8:1 9:0 14:1" "$(jq -r '.[0]+":"+.[1]' o.txt | xargs)"
contains "override of nobody" "1 users in it are not in" "$(cat err)"

# refuse STATUS TEXT ARGUMENTS...: that status, that text in the message, no output left
refuse() {
    local status=$1 text=$2 got
    shift 2
    rm -f none.txt
    "$bin/skin-getdata" "$@" -o none.txt >out 2>err
    got=$?
    expect "status of $*" "$status" "$got"
    contains "message of $*" "$text" "$(cat err)"
    [ "$(wc -l <err)" -le 3 ] || fail "message of $* is long: $(cat err)"
    [ ! -e none.txt ] && [ -z "$(ls none.txt.* 2>/dev/null)" ] || fail "$* left something behind"
}
refuse 1 "dr_msg_stats.csv" nowhere
refuse 2 "min-images" clinic --min-images 40
mkdir -p bad/followup_data bad/images
table() { printf "$1" >bad/dr_msg_stats.csv; }
table 'id,note\n7,x\n'; refuse 1 "column 'user_id' is missing in the first line, which has 'id', 'note'" bad
table ''; refuse 1 "empty" bad
table 'user_id\n'; refuse 1 "no user in it" bad
table 'user_id,a\n7,"open\n'; refuse 1 "not valid CSV" bad
table 'user_id,user_id\n7,8\n'; refuse 1 "twice" bad
table 'user_id\n5\n'; refuse 1 "user_000000000005.json" bad
printf 'user_id,label\n7,better\n' >wrong.csv; refuse 1 "row 2" clinic --override wrong.csv
printf 'user_id\n7\n' >wrong.csv; refuse 1 "column 'label' is missing" clinic --override wrong.csv
printf 'user_id,label\n7,1\n7,0\n' >wrong.csv; refuse 1 "twice" clinic --override wrong.csv

# one wrong user among good ones: named by file and key, skipped, the others written, status 1
cp clinic/followup_data/user_000000000008.json good.json
wrong() {
    local text=$1
    "$bin/skin-getdata" clinic -o o.txt >out 2>err
    expect "status with a wrong user ($text)" 1 $?
    contains "a wrong user" "$text" "$(head -n 1 err)"
    contains "a wrong user's file" "user_000000000008.json" "$(head -n 1 err)"
    contains "the count" "1 users and 0 rows skipped" "$(tail -n 1 err)"
    expect "the others" "7 14" "$(jq -r '.[0]' o.txt | xargs)"
}
change() { jq -c "$1" good.json >clinic/followup_data/user_000000000008.json; }
for key in entry_type userId created_at; do
    change "del(.[2].$key)"
    wrong "the key '$key' is missing"
done
change 'del(.[0].image_path)'; wrong "the key 'image_path' is missing"
change 'del(.[-1].dr_note)'; wrong "the key 'dr_note' is missing"
change '.[-1].dr_note = 5'; wrong "'dr_note' is a whole number, expected text"
change '.[0].image_path = ["x"]'; wrong "'image_path' is an array"
change '.[0].image_path = "../x.jpg"'; wrong "stay inside"
change '.[0].image_path = "/etc/passwd"'; wrong "stay inside"
change '.[0].created_at = "yesterday"'; wrong "'created_at' is not a time"
change '.[0].created_at = "2020-02-30"'; wrong "'created_at' is not a time"
change '.[0].created_at = null'; wrong "'created_at' is not a time"
change '.[0].created_at = "31.01.2024"'; wrong 'not a time: "31.01.2024"'
change '.[0].created_at = "240131"'; wrong 'not a time: "240131"'
change '.[-1].created_at = 20240131'; wrong 'not a time: 20240131'
change '.[-1].created_at = "01/31/2024"'; wrong 'user 8 skipped'
change '.[0].userId = 9'; wrong "'userId' is not that of the file"
change '.[0].entry_type = 1'; wrong "'entry_type'"
change '.[1] = 3'; wrong "record 2 is a whole number"
change '{}'; wrong "expected an array"
head -c 100 good.json >clinic/followup_data/user_000000000008.json; wrong "not valid JSON"
: >clinic/followup_data/user_000000000008.json; wrong "not valid JSON"
printf '[{"entry_type":"DrMessage","userId":8,"created_at":1,"dr_note":"\xff\xfe"}]' \
    >clinic/followup_data/user_000000000008.json
wrong "not valid JSON"
rm clinic/followup_data/user_000000000008.json; wrong "user_000000000008.json"
mkdir clinic/followup_data/user_000000000008.json
wrong "user_000000000008.json"
rmdir clinic/followup_data/user_000000000008.json
cp good.json clinic/followup_data/user_000000000008.json

# what nobody reads may be anything
sed 's/"entry_type"/"score":NaN,"score":-Infinity,"entry_type"/g; s/^\[/[{"entry_type":"Login"},/' \
    good.json >clinic/followup_data/user_000000000008.json
"$bin/skin-getdata" clinic -q -o o.txt 2>err || fail "unread keys: $(cat err)"
cmp -s user_data.txt o.txt || fail "unread keys change the output"
iconv -f UTF-8 -t UTF-16 good.json >clinic/followup_data/user_000000000008.json
"$bin/skin-getdata" clinic -q -o o.txt 2>err || fail "records in UTF-16: $(cat err)"
cmp -s user_data.txt o.txt || fail "records in UTF-16 change the output"
cp good.json clinic/followup_data/user_000000000008.json

# tables as spreadsheets write them
sheet() { # WHAT: the table as it is gives the same users
    "$bin/skin-getdata" clinic -q -o o.txt 2>err || fail "$1: $(cat err)"
    expect "$1" "7 8 14" "$(jq -r '.[0]' o.txt | xargs)"
}
cp clinic/dr_msg_stats.csv table.csv
printf 'sep=;\r\nname;User_ID\r\n"a; b";7\r\n;8\r\n;14.0\r\n' >clinic/dr_msg_stats.csv; sheet "sep="
printf 'name\tuser_id\nx, y\t7\n\t8\n\t14\n' | iconv -f UTF-8 -t UTF-16BE >clinic/dr_msg_stats.csv
sheet "UTF-16"
printf 'user_id;name\n7;Jos\xe9\n' >clinic/dr_msg_stats.csv; refuse 1 "Latin-1" clinic
printf 'Patient;User ID\n1;7\n' >clinic/dr_msg_stats.csv; refuse 1 "'User ID'" clinic
cp table.csv clinic/dr_msg_stats.csv

# a photo that is not there is left out and told; with five left the user has too few
rm clinic/images/8/p3.jpg
"$bin/skin-getdata" clinic -o o.txt >out 2>err || fail "a lost photo is no error: $(cat err)"
contains "a lost photo" "images/8/p3.jpg" "$(cat err)"
expect "too few are left" "7 14" "$(jq -r '.[0]' o.txt | xargs)"
expect "--check-images no" "7 8 14" \
    "$("$bin/skin-getdata" clinic -q -o o.txt --check-images no && jq -r '.[0]' o.txt | xargs)"
touch_photo 8/p3.jpg

# what is read is never replaced
cp by_hand.csv kept.csv
(cd clinic && find . -type f -exec sha256sum {} + | sort) >before
for out in clinic/dr_msg_stats.csv clinic/followup_data/user_000000000007.json \
    ./clinic/followup_data/new.txt by_hand.csv; do
    "$bin/skin-getdata" clinic --override by_hand.csv -o "$out" >out 2>err
    expect "status of -o $out" 1 $?
    contains "-o $out" "name another output" "$(cat err)"
    "$bin/skin-getdata" clinic --override by_hand.csv -o o.txt --review "$out" >out 2>err
    expect "status of --review $out" 1 $?
done
(cd clinic && find . -type f -exec sha256sum {} + | sort) >after
cmp -s before after && cmp -s by_hand.csv kept.csv || fail "the clinic was changed"

# a note kept as HTML
cp clinic/followup_data/user_000000000014.json fourteen.json
user 14 "$(photos 14 6)" "$(message 14 1610000000 '<p>The acne has <b>not</b>&nbsp;improved.</p>')"
"$bin/skin-getdata" clinic -q -o o.txt || fail "a note in HTML: status $?"
expect "a note in HTML" "0 <p>The acne has <b>not</b>&nbsp;improved.</p>" \
    "$(jq -r 'select(.[0] == "14") | .[1] + " " + .[2]' o.txt)"
cp fourteen.json clinic/followup_data/user_000000000014.json

# a photo in several records is one photo: five in ten records are too few
cp clinic/followup_data/user_000000000010.json ten.json
jq -c '. + [.[] | select(.entry_type == "Annotation")]' ten.json \
    >clinic/followup_data/user_000000000010.json
"$bin/skin-getdata" clinic -o o.txt --json >out 2>err ||
    fail "repeated photos are no error: $(cat err)"
contains "repeated photos" "user 10: 5 records have a photo that another has" "$(cat err)"
expect "repeated photos are counted once" "7 8 14 1" \
    "$(jq -r '.[0]' o.txt | xargs) $(jq .dropped.few_images out)"
cp ten.json clinic/followup_data/user_000000000010.json

# a row that names no user
printf 'user_id\n7\nabc\n14\n' >clinic/dr_msg_stats.csv
"$bin/skin-getdata" clinic -o o.txt >out 2>err; expect "status with a bad row" 1 $?
contains "a bad row" "row 3: user_id 'abc'" "$(cat err)"
expect "the others with a bad row" "7 14" "$(jq -r '.[0]' o.txt | xargs)"

# a full disk leaves the old file
if [ -w /dev/full ]; then
    "$bin/skin-getdata" clinic -q -o /dev/full/x.txt 2>err; expect "status when it can't write" 1 $?
fi
mkdir -p readonly && echo old >readonly/user_data.txt

[ $failures = 0 ] && echo "getdata: all passed"
exit $((failures > 0))
