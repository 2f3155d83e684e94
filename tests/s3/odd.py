#!/usr/bin/env python3
"""An S3 service that answers as real ones do beyond the clean case, and lends keys: STS, a
container's agent, a machine's metadata. It verifies every signature, as server.py does.

    odd.py FOLDER       serves FOLDER in every bucket, prints "PORT" on standard output, and ends
                        when standard input is closed

The bucket's name says what is odd (BUCKETS). GET /seen answers what was asked: a line per request,
with the key's name, the region and the path;
GET /stored/BUCKET/KEY what was written.
"""
import base64, hashlib, json, os, sys, threading, time, urllib.parse
from http.server import ThreadingHTTPServer
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import server

SECRETS = {server.ACCESS: (server.SECRET, None)}  # access key -> secret, token
for name in ("PROCESS", "ROLE", "WEB", "CONTAINER", "MACHINE", "PROFILE"):
    SECRETS["AKID" + name] = ("secret of " + name,
                              None if name in ("PROFILE", ) else "token of " + name)
RENEWED = 0  # how often the machine's keys were asked for
seen, lock, verifying = [], threading.Lock(), threading.Lock()
REGIONS = {
    "frankfurt": "eu-central-1",
    "headeronly": "eu-central-1",
    "bodyonly": "ap-south-1",
    "dublin": "eu-west-1",
    "temporary": "eu-north-1",
    "circle": None
}


def keys_json(name, token, hours=1.0):
    secret, session = SECRETS["AKID" + name]
    return json.dumps({
        "Version":
        1,
        "Code":
        "Success",
        "AccessKeyId":
        "AKID" + name,
        "SecretAccessKey":
        secret,
        token:
        session,
        "Expiration":
        time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3600 * hours))
    }).encode()


class Odd(server.Handler):
    def marks(self, bucket, key, data):
        """The header lines that describe an object."""
        md5, other = hashlib.md5(data).hexdigest(), hashlib.md5(data + b"!").hexdigest()
        own = [("x-amz-meta-skincredible-sha256", n)
               for n in [server.notes.get((bucket, key))]
               if n]
        right = base64.b64encode(hashlib.sha256(data).digest()).decode()
        foreign = {
            "base64": right,
            "upper": hashlib.sha256(data).hexdigest().upper(),
            "prefix": "sha256:" + hashlib.sha256(data).hexdigest(),
            "other": hashlib.sha256(data + b"!").hexdigest(),
            "empty": ""
        }
        if bucket.startswith("foreign-"):
            return [("ETag", f'"{md5}"'), ("x-amz-meta-sha256", foreign[bucket[8:]])]
        return own + {
            "kms": [("ETag", f'"{other}"'), ("x-amz-server-side-encryption", "aws:kms")],
            "dsse": [("ETag", f'"{other}"'), ("x-amz-server-side-encryption", "aws:kms:dsse")],
            "customer": [("ETag", f'"{other}"'),
                         ("x-amz-server-side-encryption-customer-algorithm", "AES256")],
            "parts": [("ETag", f'"{other}-2"')],
            "summed": [("ETag", f'"{other}"'),
                       ("x-amz-checksum-sha256", right)] if self.headers.get("x-amz-checksum-mode")
            == "ENABLED" or self.command == "PUT" else [("ETag", f'"{other}"')],
            "wrong-bytes": [("ETag", f'"{other}"')],
            "wrong-sum": [("ETag", f'"{md5}"'), ("x-amz-checksum-crc32", "AAAAAA==")]
        }.get(bucket, [("ETag", f'"{md5}"')])

    def signed_right(self, body):
        """The access key; or None, and the error is sent."""
        auth = self.headers.get("Authorization", "")
        access = auth.partition("Credential=")[2].partition("/")[0]
        secret, token = SECRETS.get(access, (None, None))
        bad = "InvalidAccessKeyId"
        if secret and token == self.headers.get("x-amz-security-token"):
            with verifying:  # server.py knows one key at a time
                server.ACCESS, server.SECRET = access, secret
                bad = server.verify(self, body)
        if bad:
            self.error(403, bad)
        return None if bad else access

    def handle_any(self):
        global RENEWED
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        path, _, query = self.path.partition("?")
        args = dict(urllib.parse.parse_qsl(query, keep_blank_values=True))
        if path == "/seen":
            return self.answer(200, ("\n".join(seen) + "\n").encode())
        if path.startswith("/stored/"):
            return self.answer(200, server.objects[tuple(path[8:].split("/", 1))])
        auth = self.headers.get("Authorization", "")
        scope = auth.partition("Credential=")[2].split("/")
        region = scope[2] if len(scope) > 2 else ""
        with lock:
            seen.append(f"{scope[0] or '-'} {region or '-'} {self.command} {self.path}")
        # ---- who lends keys ----
        if path == "/agent":
            return self.answer(200, keys_json(
                "CONTAINER", "Token")) if auth == "pass of the container" else self.answer(401)
        if path == "/latest/api/token":
            return self.answer(200, b"metadata pass") if self.command == "PUT" and self.headers.get(
                "X-aws-ec2-metadata-token-ttl-seconds") else self.answer(405)
        if path.startswith("/latest/meta-data/iam/security-credentials/"):
            if self.headers.get("X-aws-ec2-metadata-token") != "metadata pass":
                return self.answer(401)
            RENEWED += not path.endswith("/")
            # the first keys are about to expire: they must be renewed
            return self.answer(
                200, b"the-role" if path.endswith("/") else keys_json("MACHINE", "Token",
                                                                      0.01 if RENEWED == 1 else 6))
        if path == "/" and self.command == "POST":
            form = dict(urllib.parse.parse_qsl(body.decode()))
            if form["RoleArn"].endswith("/refused"):
                return self.error(403, "AccessDenied")
            name = "WEB" if "WebIdentityToken" in form else "ROLE"
            if name == "WEB" and (auth or form["WebIdentityToken"] != "a web identity"):
                return self.error(403, "InvalidIdentityToken")
            if name == "ROLE" and (not self.signed_right(body) or "/sts/" not in auth):
                return None
            secret, token = SECRETS["AKID" + name]
            return self.answer(
                200,
                ('<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">'
                 f"<AssumeRoleResult><Credentials><AccessKeyId>AKID{name}</AccessKeyId>"
                 f"<SecretAccessKey>{secret}</SecretAccessKey><SessionToken>{token}</SessionToken>"
                 "<Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult>"
                 "</AssumeRoleResponse>").encode())
        # ---- buckets ----
        bucket, _, key = urllib.parse.unquote(path)[1:].partition("/")
        if bucket == "public":
            if auth:
                return self.error(403, "InvalidAccessKeyId")
        elif not self.signed_right(body):
            return None
        at = [("x-amz-bucket-region", REGIONS.get(bucket) or "")]
        wrong = bucket in REGIONS and region != REGIONS[bucket]
        if wrong and bucket == "frankfurt":
            return self.answer(
                400,
                b"<Error><Code>AuthorizationHeaderMalformed</Code>"
                b"<Region>eu-central-1</Region></Error>", at)
        if wrong and bucket == "headeronly":
            return self.answer(400, b"", at)
        if wrong and bucket == "bodyonly":
            return self.answer(
                400,
                b"<Error><Code>AuthorizationHeaderMalformed</Code>"
                b"<Region>ap-south-1</Region></Error>")
        if wrong and bucket == "dublin":
            return self.answer(
                301,
                b"<Error><Code>PermanentRedirect</Code>"
                b"<Endpoint>dublin.s3-eu-west-1.amazonaws.com</Endpoint></Error>")
        if wrong and bucket == "temporary":
            return self.answer(
                307, b"<Error><Code>TemporaryRedirect</Code></Error>",
                [("Location", "https://temporary.s3.eu-north-1.amazonaws.com" + path)])
        if bucket == "circle":  # never satisfied
            return self.answer(
                301, b"<Error><Code>PermanentRedirect</Code></Error>",
                [("x-amz-bucket-region", "eu-west-2" if region == "eu-west-1" else "eu-west-1")])
        if bucket == "skew":
            return self.error(403, "RequestTimeTooSkewed")
        if bucket == "archive" and key.endswith(".json") and self.command == "GET":
            return self.error(403, "InvalidObjectState")
        if bucket == "proxy":
            return self.answer(200, b"<html><body>User name:</body></html>",
                               [("Content-Type", "text/html")])
        if bucket == "portal":
            return self.answer(302, b"<!DOCTYPE html><p>Log in",
                               [("Location", "http://login.example/")])
        if self.command == "PUT" and "uploadId" in args:
            server.uploads[args["uploadId"]][int(args["partNumber"])] = body
            return self.answer(200, b"", [("ETag", '"%s"' % hashlib.md5(body).hexdigest())])
        if self.command in ("POST", "DELETE"):
            return getattr(self, "on_" + self.command)(bucket, key, args, body)
        if self.command == "PUT":
            server.objects[bucket, key], server.notes[bucket, key] = body, self.headers.get(
                "x-amz-meta-skincredible-sha256")
            return self.answer(200, b"", self.marks(bucket, key, body))
        if "list-type" in args:
            return self.list_encoded(bucket, args)
        data = server.objects.get((bucket, key), server.objects.get(("", key)))
        if data is None:
            return self.error(404, "NoSuchKey")
        return self.answer(200, data, self.marks(bucket, key, data))

    do_GET = do_PUT = do_HEAD = do_POST = do_DELETE = handle_any

    def list_encoded(self, bucket, args):
        assert args.get("encoding-type") == "url"  # a key may hold what is no XML
        keys = sorted({
            k
            for b, k in server.objects
            if b in ("", bucket) and k.startswith(args.get("prefix", ""))
        })
        rows = "".join(
            f"<Contents><Key>{urllib.parse.quote_plus(k, safe='/')}</Key><Size>1</Size></Contents>"
            for k in keys)
        self.answer(
            200,
            ("<ListBucketResult><EncodingType>url</EncodingType><IsTruncated>false</IsTruncated>"
             f"{rows}</ListBucketResult>").encode(), [("Content-Type", "application/xml")])


def main():
    for folder, _, files in os.walk(sys.argv[1]):
        for f in files:
            full = os.path.join(folder, f)
            with open(full, "rb") as h:
                server.objects["", os.path.relpath(full, sys.argv[1])] = h.read()
    service = ThreadingHTTPServer(("127.0.0.1", 0), Odd)
    service.daemon_threads = True
    print(service.server_port, flush=True)
    threading.Thread(target=lambda: (sys.stdin.buffer.read(), os._exit(0)), daemon=True).start()
    service.serve_forever()


if __name__ == "__main__":
    main()
