#!/usr/bin/env bash
# skin-getdata on a bucket and with Comprehend, against servers of our own that verify every
# signature.   getdata_remote.sh BIN SCRATCH
set -u
bin=$(cd "$1" && pwd) here=$(cd "$(dirname "$0")" && pwd) python=${PYTHON:-/usr/bin/python3}
cd "$2" || exit 1
failures=0
fail() { echo "FAILED: $*"; failures=$((failures + 1)); }
expect() { [ "$2" = "$3" ] || fail "$1: expected '$2', got '$3'"; }
contains() { case $3 in *"$2"*) ;; *) fail "$1: '$2' is not in: $3" ;; esac; }
unset AWS_PROFILE AWS_SESSION_TOKEN AWS_ENDPOINT_URL AWS_ENDPOINT_URL_S3
export AWS_ACCESS_KEY_ID=AKIDEXAMPLE \
    AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY AWS_REGION=us-east-1 \
    AWS_SHARED_CREDENTIALS_FILE=/nonexistent AWS_CONFIG_FILE=/nonexistent

# a clinic of 30 users
$python "$here/made_notes.py" clinic 30 "Skin is better busy-2 now." ||
    { echo "needs python3"; exit 77; }
for user in $(seq 0 29); do
    mkdir -p "clinic/images/$user"
    for photo in $(seq 0 $((5 + user % 5))); do : >"clinic/images/$user/$photo.jpg"; done
done
# start NAME COMMAND...: its port in $port, its output in NAME.log; it ends when the descriptor is
# closed
start() {
    local name=$1
    shift
    mkfifo "$name.in" "$name.out"
    "$@" <"$name.in" >"$name.out" 2>"$name.log" &
    eval "exec {${name}_in}>$name.in"
    read -r port <"$name.out"
}
start bucket $python "$here/../s3/server.py" --root clinic
bucket=$port
start comprehend $python "$here/../s3/comprehend.py"
export AWS_ENDPOINT_URL_COMPREHEND=http://127.0.0.1:$port \
    AWS_ENDPOINT_URL_S3=http://127.0.0.1:$bucket
if ! "$bin/skin-getdata" s3://clinic -q -o probe.txt 2>err && grep -q 'no libcurl' err; then
    echo "this build has no libcurl"
    exit 77
fi

"$bin/skin-getdata" clinic -q -o local.txt --review local.csv || fail "the folder"
"$bin/skin-getdata" s3://clinic -q -o remote.txt --review remote.csv || fail "the bucket"
cmp local.txt remote.txt && cmp local.csv remote.csv || fail "bucket and folder differ"
"$bin/skin-getdata" s3://clinic -q -o remote.txt --check-images yes && cmp local.txt remote.txt ||
    fail "with photos checked"
AWS_SECRET_ACCESS_KEY=wrong "$bin/skin-getdata" s3://clinic -o none.txt 2>err
expect "wrong secret" 1 $?
contains "wrong secret" "SignatureDoesNotMatch" "$(cat err)"
[ ! -e none.txt ] || fail "a file with the wrong secret"
AWS_ENDPOINT_URL_S3=http://127.0.0.1:1 AWS_MAX_ATTEMPTS=2 "$bin/skin-getdata" s3://clinic \
    -o none.txt 2>err
expect "no server" 1 $?
contains "no server" "2 tries" "$(cat err)"
"$bin/skin-getdata" s3://clinic/nowhere -o none.txt 2>err; expect "no such folder" 1 $?
contains "no such folder" "dr_msg_stats.csv" "$(cat err)"

# Comprehend: throttled questions come again, and a second run asks nothing
"$bin/skin-getdata" clinic -q -o asked.txt --language comprehend --sentiment comprehend ||
    fail "Comprehend"
expect "labels by Comprehend" "1 0 1 0" "$(head -n 4 asked.txt | jq -r '.[1]' | xargs)"
expect "questions: each different note once" "DetectDominantLanguage:5 DetectSentiment:4" \
    "$(sort comprehend.log | uniq -c | awk '{print $2":"$1}' | xargs)"
[ -d asked.txt.comprehend ] || fail "the cache is not beside the output"
grep -rq acne asked.txt.comprehend && fail "a note lies in the cache"
"$bin/skin-getdata" clinic -q -o again.txt --cache asked.txt.comprehend --language comprehend \
    --sentiment comprehend || fail "Comprehend again"
cmp asked.txt again.txt || fail "the second run differs"
expect "no question in the second run" 9 "$(wc -l <comprehend.log)"
expect "who judged" "builtin comprehend" \
    "$("$bin/skin-getdata" clinic --json -o x.txt --cache asked.txt.comprehend \
        --sentiment comprehend | jq -r '.language_by + " " + .sentiment_by')"
: >"$(find asked.txt.comprehend -name '*.json' | head -n 1)"
"$bin/skin-getdata" clinic -q -o again.txt --cache asked.txt.comprehend --language comprehend \
    --sentiment comprehend && cmp asked.txt again.txt || fail "a damaged answer is asked for again"

# when it fails the whole run fails, since a missing answer is no answer, and nothing half-written
# stays
AWS_ENDPOINT_URL_COMPREHEND=http://127.0.0.1:1 AWS_MAX_ATTEMPTS=2 "$bin/skin-getdata" clinic \
    -o none.txt --sentiment comprehend 2>err
expect "Comprehend is not there" 1 $?
contains "Comprehend is not there" "Comprehend" "$(cat err)"
expect "one line" 1 "$(wc -l <err)"
[ ! -e none.txt ] && [ -z "$(ls none.txt.*.tmp 2>/dev/null)" ] ||
    fail "something is left: $(ls none*)"
sed -i 's/Worse than before/Worse and odd/' clinic/followup_data/user_000000000029.json
"$bin/skin-getdata" clinic -o none.txt --cache asked.txt.comprehend --language comprehend 2>err
expect "an odd answer" 1 $?
contains "an odd answer" "does not match its documentation" "$(cat err)"
AWS_ACCESS_KEY_ID= AWS_SECRET_ACCESS_KEY= "$bin/skin-getdata" clinic -o none.txt \
    --sentiment comprehend 2>err
expect "no credentials" 1 $?

exec {bucket_in}>&- {comprehend_in}>&-
wait
[ $failures = 0 ] && echo "getdata_remote: all passed"
exit $((failures > 0))
