#!/usr/bin/env bash
# Buckets as they really are (encrypted, in another region, archived, behind a proxy, public),
# credentials from every place of the usual chain, and splits written to a bucket.
# The service is our own (tests/s3/odd.py), which verifies every signature.
#   buckets_odd.sh BIN SCRATCH
set -u
. "$(dirname "$0")/help.bash"
bin=$(cd "$1" && pwd) here=$(cd "$(dirname "$0")" && pwd) python=${PYTHON:-/usr/bin/python3}
cd "$2" || exit 1
for name in $(compgen -e AWS_); do unset "$name"; done
unset http_proxy HTTP_PROXY
export HOME=$PWD AWS_EC2_METADATA_DISABLED=true AWS_MAX_ATTEMPTS=2 AWS_REGION=us-east-1
$python - <<'PY'
import json, os
os.makedirs("clinic/followup_data"), os.makedirs("clinic/images/odd")
names = [
    "a b+c&d=e%25.jpg", "?#;:@$,.jpg", "ümläut \u0939.jpg", "quote\"'<>.jpg",
    "back\\slash^`{|}.jpg", "~!*().jpg"
]
with open("clinic/dr_msg_stats.csv", "w") as f:
    f.write("user_id\n1\n")
records = [{
    "entry_type": "Annotation",
    "userId": 1,
    "created_at": f"2024010{k + 1}",
    "image_path": "odd/" + n
} for k, n in enumerate(names)]
records.append({
    "entry_type": "DrMessage",
    "userId": 1,
    "created_at": "20240201",
    "dr_note": "Much better."
})
with open("clinic/followup_data/user_000000000001.json", "w") as f:
    json.dump(records, f)
for n in names:
    with open("clinic/images/odd/" + n, "wb") as f:
        f.write(n.encode())
with open("people.txt", "w") as f:
    for u in range(20):
        f.write(json.dumps([str(u), str(u % 2), "note", f"{u}.jpg"]) + "\n")
PY
mkfifo server.in server.out
$python "$here/../s3/odd.py" clinic <server.in >server.out &
exec {server}>server.in
read -r port <server.out
url=http://127.0.0.1:$port
seen() {
    $python -c \
        "import sys, urllib.request as u; sys.stdout.write(u.urlopen('$url/seen').read().decode())"
}
main=(AWS_ENDPOINT_URL_S3="$url" AWS_ACCESS_KEY_ID=AKIDEXAMPLE \
    AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY)
if ! env "${main[@]}" "$bin/skin-getdata" s3://plain -o probe.txt >out 2>err &&
    grep -q 'no libcurl' err; then
    echo "this build has no libcurl"
    exit 77
fi
run 0 "$bin/skin-getdata" clinic -q -o users.txt

# works BUCKET VARIABLES...: the same users as of the folder, photos with odd names included
works() {
    local bucket=$1
    shift
    rm -f got.txt
    run 0 env "$@" "$bin/skin-getdata" "s3://$bucket" -q -o got.txt --check-images yes
    cmp users.txt got.txt || fail "s3://$bucket with $*: other users"
}
# fails BUCKET WORD: status 1, that word in the message, nothing written
fails() {
    rm -f got.txt
    run 1 env "${main[@]}" "$bin/skin-getdata" "s3://$1" -q -o got.txt --check-images yes
    says err "$2"
    [ ! -e got.txt ] || fail "s3://$1: something was written"
}

# ---- what proves that the bytes are right, and what does not ----
for bucket in plain kms dsse customer parts summed foreign-base64 foreign-upper foreign-prefix \
    foreign-other foreign-empty; do
    works $bucket "${main[@]}"
done
for bucket in wrong-bytes wrong-sum; do fails $bucket "do not match their checksum"; done

# ---- another region: found by one more try, once for all requests ----
for bucket in frankfurt headeronly bodyonly dublin temporary; do
    works $bucket "${main[@]}"
    [ "$(seen | grep -c "us-east-1 .* /$bucket[/?]")" = 1 ] ||
        fail "$bucket: the wrong region was asked more than once: $(seen | grep "/$bucket")"
done
fails circle "another region"
[ "$(seen | grep -c ' /circle/')" = 2 ] ||
    fail "a bucket that sends in a circle was asked $(seen | grep -c ' /circle/') times"

# ---- messages of their own ----
fails skew "clock of this machine is wrong"
fails proxy "HTML page came instead"
fails portal "HTML page came instead"
fails archive "archived"

# ---- without credentials ----
works public AWS_ENDPOINT_URL="$url" AWS_NO_SIGN_REQUEST=yes
run 0 env AWS_ENDPOINT_URL="$url" "$bin/skin-getdata" s3://public -q -o got.txt --no-sign-request
run 1 env AWS_ENDPOINT_URL="$url" "$bin/skin-getdata" s3://public -q -o got.txt
says err "no AWS credentials"
says err "--no-sign-request"

# ---- the usual chain ----
by() {
    [ "$(seen | tail -n 1 | cut -d' ' -f1)" = "AKID$1" ] ||
        fail "keys of $1 expected: $(seen | tail -n 1)"
}
mkdir .aws
cat >.aws/credentials <<'EOF'
[keys]
aws_access_key_id = AKIDPROFILE
aws_secret_access_key = secret of PROFILE
EOF
cat >.aws/config <<EOF
[default]
endpoint_url = $url/
credential_process = cat process.json
[profile  keys]
region = eu-west-1
services = here
[profile broken]
endpoint_url = $url
credential_process = echo no json
[profile failing]
endpoint_url = $url
credential_process = cat process.json; false
[profile role]
endpoint_url = $url
role_arn = arn:aws:iam::1:role/good
source_profile = keys
[profile refused]
endpoint_url = $url
role_arn = arn:aws:iam::1:role/refused
source_profile = keys
[profile alone]
endpoint_url = $url
role_arn = arn:aws:iam::1:role/good
[profile round]
endpoint_url = $url
role_arn = arn:aws:iam::1:role/good
source_profile = round
[profile web]
endpoint_url = $url
role_arn = arn:aws:iam::1:role/good
web_identity_token_file = $PWD/web.token
[profile sso]
endpoint_url = $url
sso_start_url = https://example.awsapps.com/start
[services here]
other =
  endpoint_url = http://127.0.0.1:9
s3 =
  endpoint_url = $url
EOF
cat >process.json <<'JSON'
{"Version": 1, "AccessKeyId": "AKIDPROCESS", "SecretAccessKey": "secret of PROCESS",
 "SessionToken": "token of PROCESS", "Expiration": "2099-01-01T00:00:00Z"}
JSON
echo 'a web identity' >web.token
echo 'pass of the container' >container.token
works plain; by PROCESS
works plain AWS_PROFILE=keys; by PROFILE
works plain AWS_PROFILE=role; by ROLE
works plain AWS_PROFILE=web; by WEB
works plain AWS_WEB_IDENTITY_TOKEN_FILE=web.token AWS_ROLE_ARN=arn:aws:iam::1:role/good; by WEB
works plain "${main[@]}" AWS_PROFILE=web; by EXAMPLE # the environment goes first
other=(AWS_CONFIG_FILE=/nonexistent AWS_ENDPOINT_URL="$url")
works plain "${other[@]}" AWS_CONTAINER_CREDENTIALS_FULL_URI="$url/agent" \
    AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=container.token
by CONTAINER
works plain "${other[@]}" AWS_CONTAINER_CREDENTIALS_FULL_URI="$url/agent" \
    AWS_CONTAINER_AUTHORIZATION_TOKEN="pass of the container"
by CONTAINER
works plain "${other[@]}" AWS_EC2_METADATA_DISABLED= AWS_EC2_METADATA_SERVICE_ENDPOINT="$url"
by MACHINE
[ "$(seen | grep -c 'security-credentials/the-role')" = 2 ] ||
    fail "keys that are about to expire: asked $(seen | grep -c 'security-credentials/the-role') times"
wrong() { # WORD VARIABLES...
    local word=$1
    shift
    run 1 env "$@" "$bin/skin-getdata" s3://plain -q -o got.txt
    says err "$word"
}
wrong "credential_process" AWS_PROFILE=broken
wrong "failed" AWS_PROFILE=failing
wrong "AccessDenied" AWS_PROFILE=refused
wrong "source_profile" AWS_PROFILE=alone
wrong "circle" AWS_PROFILE=round
wrong "SSO" AWS_PROFILE=sso
wrong "no AWS credentials" AWS_PROFILE=nobody AWS_ENDPOINT_URL="$url"
wrong "HTTP 401" "${other[@]}" AWS_CONTAINER_CREDENTIALS_FULL_URI="$url/agent"
wrong "expected https" "${other[@]}" AWS_CONTAINER_CREDENTIALS_FULL_URI=http://agent.example/
wrong "web.none" "${other[@]}" AWS_WEB_IDENTITY_TOKEN_FILE=web.none \
    AWS_ROLE_ARN=arn:aws:iam::1:role/good

# ---- splits in a bucket: the same files as in a folder ----
run 0 "$bin/skin-split" people.txt -o data --test 0.2
run 0 env "${main[@]}" "$bin/skin-split" people.txt -o s3://kms/data --test 0.2
run 0 env "${main[@]}" "$bin/skin-split" --check s3://kms/data
[ ! -e s3: ] || fail "a folder 's3:' was created"
for f in label.json persons.json flipped.json partition.json; do
    $python -c \
        "import sys, urllib.request as u; sys.stdout.buffer.write(u.urlopen('$url/stored/kms/data/$f').read())" >sent
    cmp sent "data/$f" || fail "$f differs in the bucket"
done
[ "$(seen | grep 'PUT /kms/data' | tail -n 1 | cut -d' ' -f4)" = /kms/data/partition.json ] ||
    fail "the partition was not written last"
run 0 env "${main[@]}" "$bin/skin-split" people.txt -o s3://plain/folds --folds 3
run 0 env "${main[@]}" "$bin/skin-split" --check s3://plain/folds/fold3
run 1 env "${main[@]}" "$bin/skin-split" people.txt -o s3://skew/data
says err "clock"
exec {server}>&-
wait
echo "passed"
