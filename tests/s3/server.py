#!/usr/bin/env python3
"""A small S3 server for the tests that trusts nobody: it verifies every request's Signature Version
4 from the raw request (AWS's documentation, "Create a signed
AWS API request"), keeps objects in memory, and fails on demand. Prints "PORT" on standard output
when it listens.

    server.py [--root DIR --bucket NAME] [--dump DIR]
        --root loads the files below DIR into the bucket at the start, --dump writes every object to
        DIR/BUCKET/KEY at the end

Faults are chosen by the object's name: .../fail503-N/... answers 503 the first N times, cut-N sends
half of the body and hangs up, corrupt-N sends wrong bytes,
stall-N sends nothing for a minute, slow sends in pieces with pauses, and failpart-N answers 503 to
parts behind the first of a multipart upload. Reading "uploads-open" tells how
many uploads are neither complete nor given up, "parts-together" how many parts came side by side.
"""
import argparse, hashlib, hmac, os, re, sys, threading, time, urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from xml.sax.saxutils import escape

ACCESS, SECRET = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
# notes: the SHA-256 that the writer gave
objects, notes, uploads, tries, lock = {}, {}, {}, {}, threading.Lock()
together = [0, 0]  # parts that are being sent now, and the most so far
PAGE = 7  # objects a list page: small, so that paging is tested


def hmac256(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def verify(handler, body):
    """None if the signature is right, else an S3 error code."""
    auth = handler.headers.get("Authorization", "")
    m = re.fullmatch(
        r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/(\w+)/aws4_request, "
        r"?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})",
        auth)
    if not m:
        return "AccessDenied"
    access, day, region, service, signed, signature = m.groups()
    if access != ACCESS:
        return "InvalidAccessKeyId"
    names = signed.split(";")
    if names != sorted(
            names
    ) or "host" not in names or "x-amz-date" not in names or "x-amz-content-sha256" not in names:
        return "SignatureDoesNotMatch"
    if "/clinic/token/" in handler.path and handler.headers.get(
            "x-amz-security-token"
    ) is None or "x-amz-security-token" in handler.headers and "x-amz-security-token" not in names:
        return "InvalidToken"
    claimed = handler.headers["x-amz-content-sha256"]
    if claimed != hashlib.sha256(body).hexdigest():
        return "XAmzContentSHA256Mismatch"
    path, _, query = handler.path.partition("?")
    pairs = query.split("&") if query else []
    if pairs != sorted(pairs):
        return "SignatureDoesNotMatch"
    headers = "".join(f"{n}:{' '.join(handler.headers.get(n, '').split())}\n" for n in names)
    canonical = "\n".join([handler.command, path, query, headers, signed, claimed])
    scope = f"{day}/{region}/{service}/aws4_request"
    text = "\n".join([
        "AWS4-HMAC-SHA256", handler.headers["x-amz-date"], scope,
        hashlib.sha256(canonical.encode()).hexdigest()
    ])
    key = hmac256(hmac256(hmac256(hmac256(("AWS4" + SECRET).encode(), day), region), service),
                  "aws4_request")
    return None if hmac.compare_digest(
        hmac.new(key, text.encode(), hashlib.sha256).hexdigest(),
        signature) else "SignatureDoesNotMatch"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def answer(self, status, body=b"", headers=()):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        if status != 304:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def error(self, status, code):
        # as moto's server calls them
        self.answer(
            status,
            f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>no</Message></Error>".encode(
            ), [("Content-Type", "text/html; charset=utf-8")])

    def fault(self, key, kind):
        m = re.search(kind + r"-(\d+)/", key)
        if not m:
            return False
        with lock:
            tries[key, kind] = tries.get((key, kind), 0) + 1
            return tries[key, kind] <= int(m.group(1))

    def handle_any(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        bad = verify(self, body)
        if bad:
            return self.error(403, bad)
        if self.headers.get("Content-Type") == "application/x-www-form-urlencoded":
            # a server may well take the body apart, and keep nothing
            return self.error(400, "MalformedForm")
        path, _, query = self.path.partition("?")
        parts = urllib.parse.unquote(path)[1:].split("/", 1)
        bucket, key = parts[0], parts[1] if len(parts) > 1 else ""
        args = dict(urllib.parse.parse_qsl(query, keep_blank_values=True))
        if bucket == "nosuchbucket":
            return self.error(404, "NoSuchBucket")
        if self.fault(key, "fail503"):
            return self.error(503, "SlowDown")
        if self.fault(key, "stall"):
            time.sleep(60)
            return None
        return getattr(self, "on_" + self.command)(bucket, key, args, body)

    do_GET = do_PUT = do_HEAD = do_POST = do_DELETE = handle_any

    def on_HEAD(self, bucket, key, args, body):
        data = objects.get((bucket, key))
        self.answer(404 if data is None else 200, b"",
                    [] if data is None else [("ETag", '"%s"' % hashlib.md5(data).hexdigest())])

    def described(self, bucket, key, tag):
        note = notes.get((bucket, key))
        return [("ETag", tag)] + ([("x-amz-meta-skincredible-sha256", note)] if note else [])

    def on_GET(self, bucket, key, args, body):
        if "list-type" in args:
            return self.list(bucket, args)
        if key.endswith("parts-together"):
            return self.answer(200, str(together[1]).encode())
        if key.endswith("uploads-open"):
            return self.answer(200, str(len(uploads)).encode())
        data = objects.get((bucket, key))
        if data is None:
            return self.error(404, "NoSuchKey")
        tag = '"%s"' % (hashlib.md5(data).hexdigest() + ("-3" if "multipart" in key else ""))
        if self.headers.get("If-None-Match") == tag:
            return self.answer(304, b"", [("ETag", tag)])
        if self.fault(key, "corrupt"):
            data = b"\0" + data[1:]
        cut, slow = self.fault(key, "cut"), "slow" in key
        if not cut and not slow:
            return self.answer(200, data, self.described(bucket, key, tag))
        self.send_response(200)
        self.send_header("ETag", tag)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        step = max(1, len(data) // 4)
        for i in range(0, len(data) // 2 if cut else len(data), step):
            self.wfile.write(data[i : i + step])
            self.wfile.flush()
            time.sleep(0.3 if slow else 0)
        self.close_connection = True

    def list(self, bucket, args):
        keys = sorted(k for b, k in objects if b == bucket and k.startswith(args.get("prefix", "")))
        # a token with letters that must be encoded
        begin = int(args.get("continuation-token", "t+/=0")[5:] or 0)
        rows = "".join(
            f"<Contents><Key>{escape(k)}</Key><Size>{len(objects[bucket, k])}</Size></Contents>"
            for k in keys[begin:begin + PAGE])
        more = begin + PAGE < len(keys)
        token = f"t+/={0}{begin + PAGE}"
        token = f"<NextContinuationToken>{token}</NextContinuationToken>" if more else ""
        xml = ('<?xml version="1.0"?><ListBucketResult '
               'xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
               f"<IsTruncated>{str(more).lower()}</IsTruncated>{rows}{token}</ListBucketResult>")
        self.answer(200, xml.encode(), [("Content-Type", "application/xml")])

    def on_PUT(self, bucket, key, args, body):
        tag = '"%s"' % hashlib.md5(body).hexdigest()
        if "uploadId" in args and args["partNumber"] != "1" and self.fault(key, "failpart"):
            return self.error(503, "SlowDown")
        if "uploadId" in args:
            with lock:
                together[0] += 1
                together[1] = max(together)
            time.sleep(0.4)
            with lock:
                together[0] -= 1
            uploads[args["uploadId"]][int(args["partNumber"])] = body
        else:
            objects[bucket,
                    key], notes[bucket,
                                key] = body, self.headers.get("x-amz-meta-skincredible-sha256")
        self.answer(200, b"", [("ETag", tag)])

    def on_POST(self, bucket, key, args, body):
        if "uploads" in args:
            uid = "id/+" + str(len(uploads))
            uploads[uid] = {}
            notes[bucket, key] = self.headers.get("x-amz-meta-skincredible-sha256")
            return self.answer(
                200,
                (f"<InitiateMultipartUploadResult><UploadId>{uid}</UploadId>"
                 "</InitiateMultipartUploadResult>").encode())
        parts = uploads.pop(args["uploadId"])
        listed = re.findall(r"<PartNumber>(\d+)</PartNumber><ETag>(.*?)</ETag>", body.decode())
        if [(int(n), t) for n, t in listed] != [(n, '"%s"' % hashlib.md5(d).hexdigest())
                                                for n, d in sorted(parts.items())]:
            return self.error(400, "InvalidPart")
        objects[bucket, key] = b"".join(d for _, d in sorted(parts.items()))
        self.answer(200, b"<CompleteMultipartUploadResult/>")

    def on_DELETE(self, bucket, key, args, body):
        uploads.pop(args.get("uploadId"), None)
        self.answer(204)


def dump(folder):
    for (bucket, key), data in objects.items():
        path = os.path.join(folder, bucket, key)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as f:
            f.write(data)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--root")
    p.add_argument("--bucket", default="clinic")
    p.add_argument("--dump")
    a = p.parse_args()
    for folder, _, files in os.walk(a.root) if a.root else ():
        for f in files:
            full = os.path.join(folder, f)
            with open(full, "rb") as h:
                objects[a.bucket, os.path.relpath(full, a.root)] = h.read()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    print(server.server_port, flush=True)
    # Ends with its parent: a test that crashes leaves no server behind.
    threading.Thread(target=lambda: (sys.stdin.buffer.read(), a.dump and dump(a.dump), os._exit(0)),
                     daemon=True).start()
    server.serve_forever()


if __name__ == "__main__":
    main()
