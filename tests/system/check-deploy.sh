#!/usr/bin/env bash
# docs/deploy as it stands: the systemd unit is valid, closed, and its system calls are enough for
# the server; nginx takes its configuration and the server answers through it.
#   tests/system/check-deploy.sh BUILD
set -eu
cd "$(dirname "$0")/../.."
build=$(cd "${1:?usage: tests/system/check-deploy.sh BUILD}" && pwd)
for tool in systemd-analyze nginx openssl strace curl jq; do
    command -v $tool >/dev/null || { echo \
        "needs $tool (apt-get install systemd nginx-light openssl strace curl jq)"; exit 77; }
done
work=$(mktemp -d)
model=$PWD/weights/demo.safetensors weights=$PWD/weights/mtcnn.safetensors
server=0 proxy=0
end() {
    [ $proxy = 0 ] || kill $proxy
    [ $server = 0 ] || kill $server
    wait
    rm -rf "$work"
}
trap end EXIT
fail() { echo "FAILED: $*" >&2; exit 1; }

start() { # COMMAND...: sets server and port
    : >"$work/out" # of the server before, which would be taken for this one's
    "$@" >"$work/out" 2>"$work/err" &
    server=$!
    for i in $(seq 300); do
        port=$(sed -n 's/^listening on .*:\([0-9]*\)$/\1/p' "$work/out")
        [ -z "$port" ] || return 0
        sleep 0.1
    done
    cat "$work/err"
    fail "the server did not start"
}

"$build/bin/skin-synth" "$work/clinic" --patients 1 --seed 5 --photos 6:6 --no-face 0 --quiet
photos=()
for p in "$work"/clinic/images/*.jpg; do photos+=(-F "photo=@$p"); done

# ---- the unit ----
mkdir "$work/unit"
sed "s#/usr/local/bin/skin-serve#$build/bin/skin-serve#" docs/deploy/skin-serve.service \
    >"$work/unit/skin-serve.service"
problems=$(systemd-analyze verify --man=no "$work/unit/skin-serve.service" 2>&1 |
    grep -F skin-serve.service || :)
[ -z "$problems" ] || fail "systemd-analyze verify: $problems"
systemd-analyze security --offline=true --threshold=15 --no-pager "$work/unit/skin-serve.service" \
    >"$work/security" || { tail -n 1 "$work/security"; fail "the unit leaves too much open"; }
tail -n 1 "$work/security" | sed 's/^[^O]*//'

# ---- its system calls: those that it denies get EPERM, of which the server needs none ----
members() { systemd-analyze syscall-filter "$1" | sed -n 's/^    \([@a-z_0-9-]*\)$/\1/p' |
    while read -r x; do case $x in @*) members "$x" ;; *) echo "$x" ;; esac done; }
members @system-service | sort -u >"$work/service"
{ members @privileged; members @resources; } | sort -u >"$work/denied"
grep -qx SystemCallFilter=seccomp docs/deploy/skin-serve.service ||
    fail "the unit denies the filter of decoders"
{ comm -23 "$work/service" "$work/denied"; echo seccomp; } | sort -u >"$work/allowed"
calls() { # STRACE-OPTION...: serves, reloads and stops under strace
    start strace -f -qq -o "$work/calls" "$@" "$build/bin/skin-serve" "$model" \
        --weights "$weights" --listen 127.0.0.1:0 --workers 2
    curl -fsS "http://127.0.0.1:$port/v1/analyze" "${photos[@]}" -F explain=1 |
        jq -e '.photos_used >= 2' >/dev/null || fail "an analysis under strace $*"
    pkill -HUP -P $server -x skin-serve
    sleep 1
    pkill -TERM -P $server -x skin-serve
    wait $server || fail "exit status $? under strace $*"
    server=0
    ! grep "photos are decoded" "$work/err" ||
        fail "the fence of the decoders is not whole under strace $*"
    sed -n 's/^[0-9]* *\([a-z_0-9]*\)(.*/\1/p' "$work/calls" | sort -u
}
calls -e trace=all >"$work/used"
odd=$(comm -23 "$work/used" "$work/allowed" | grep -vx execve || :)
for call in $odd; do calls -e "inject=$call:error=EPERM" >/dev/null; done
echo "$(wc -l <"$work/used") system calls; the unit denies $(echo $odd), without which the server does"

# ---- nginx in front, with TLS ----
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=skin.example.org \
    -keyout "$work/key.pem" -out "$work/cert.pem" 2>/dev/null
start "$build/bin/skin-serve" "$model" --weights "$weights" --listen 127.0.0.1:0
front=$((20000 + RANDOM % 10000))
sed -e "s#/etc/letsencrypt/live/skin.example.org/fullchain.pem#$work/cert.pem#; s#/etc/letsencrypt/live/skin.example.org/privkey.pem#$work/key.pem#" \
    -e "s#listen 443#listen 127.0.0.1:$front#; /listen \[::\]/d; s#127.0.0.1:5000#127.0.0.1:$port#" docs/deploy/nginx.conf >"$work/server.conf"
mkdir "$work/body" "$work/proxy"
cat >"$work/nginx.conf" <<CONF
daemon off;
pid $work/nginx.pid;
error_log stderr;
events {}
http {
    client_body_temp_path $work/body;
    proxy_temp_path $work/proxy;
    fastcgi_temp_path $work/fastcgi;
    uwsgi_temp_path $work/uwsgi;
    scgi_temp_path $work/scgi;
    include $work/server.conf;
}
CONF
nginx -t -c "$work/nginx.conf" 2>"$work/nginx.log" || { cat "$work/nginx.log"; fail "nginx -t"; }
nginx -c "$work/nginx.conf" 2>"$work/nginx.log" &
proxy=$!
url=https://127.0.0.1:$front
for i in $(seq 100); do curl -fsk "$url/health" >/dev/null && break || sleep 0.1; done
curl -fsSk -D "$work/head" "$url/" | grep -q '<title>SkinCredible' || fail "the page through nginx"
grep -qi '^strict-transport-security:' "$work/head" || fail "no HSTS: $(cat "$work/head")"
curl -fsSk "$url/v1/analyze" "${photos[@]}" | jq -e '.photos_used >= 2' >/dev/null ||
    fail "an analysis through nginx"
[ "$(curl -sk -o /dev/null -w '%{http_code}' "$url/metrics")" = 403 ] ||
    fail "/metrics can be reached from outside"
[ "$(head -c 9000000 /dev/zero | curl -sk -o /dev/null -w '%{http_code}' --data-binary @- "$url/predict")" = 400 ] || fail "a large body through nginx"
[ -z "$(find "$work/body" "$work/proxy" -type f)" ] || fail "nginx wrote bodies to the disk"
echo "nginx takes its configuration; through it the server answers over TLS and nothing touches the disk"
