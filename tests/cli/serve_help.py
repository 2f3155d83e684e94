"""What the tests of skin-serve share: a server on a free port, questions, and checks that are
counted."""
import http.client, json, os, signal, socket, subprocess, sys, time
import numpy as np

BIN = sys.argv[1]
failures = []
codes = set() # of all problems met


def check(ok, text):
    if not ok:
        failures.append(text)
        print("FAILED:", text)


class Server:
    """A server on a free port; `with` ends it by SIGTERM and checks that it leaves in order."""
    def __init__(self, *options, model="flat.safetensors", expect=0):
        self.expect = expect
        self.process = subprocess.Popen(
            [BIN + "/skin-serve", model, "--listen", "127.0.0.1:0", *options],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(self.process.stderr.read())
        self.port = int(line.rsplit(":", 1)[1])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            status = "killed"
        said = self.process.stderr.read()
        check(status == self.expect, f"exit status {status}: {said[-2000:]}")
        # the name of every file that is sent here
        check("selfie" not in said and "HTTP" not in said,
              f"something of a request was logged: {said[-2000:]}")

    def ask(self, method, path, body=None, headers={}):
        c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        body = body.encode() if isinstance(body, str) else body
        c.request(method, path, body, headers, encode_chunked="Transfer-Encoding" in headers)
        r = c.getresponse()
        data = r.read()
        c.close()
        return r.status, dict((k.lower(), v) for k, v in r.getheaders()), data

    def predict(self, img, path="/predict", **more):
        body = json.dumps({"img": img.tolist() if hasattr(img, "tolist") else img, **more})
        status, headers, data = self.ask("POST", path, body, {"Content-Type": "application/json"})
        return status, json.loads(data)

    def raw(self, data, wait=10, half_close=False):
        """Sends bytes, reads until the server closes or `wait` seconds of silence; the text."""
        s = socket.create_connection(("127.0.0.1", self.port), timeout=wait)
        out = b""
        try:
            s.sendall(data)
            if half_close:
                s.shutdown(socket.SHUT_WR)
            while True:
                piece = s.recv(65536)
                if not piece:
                    break
                out += piece
                if b"\r\n\r\n" in out and b"Content-Length: " in out:
                    head, body = out.split(b"\r\n\r\n", 1)
                    if len(body) >= int(head.split(b"Content-Length: ")[1].split(b"\r\n")[0]):
                        break
        except (TimeoutError, ConnectionError, socket.timeout):
            pass
        s.close()
        return out.decode("latin-1")

    def alive(self):
        return self.ask("GET", "/v2/health/live")[0] == 200


def by_tool(img, model="flat.safetensors"):
    np.savez("ask.npz", img=img)
    out = subprocess.run([BIN + "/skin-predict", model, "--npz", "ask.npz", "--json"],
                         capture_output=True, text=True)
    return json.loads(out.stdout)


def problem(got, status, code, what):
    """`got` is (status, headers, body) or (status, json)."""
    body = got[-1] if isinstance(got[-1], dict) else json.loads(got[-1] or b"{}")
    codes.add(body.get("code", "none"))
    check(got[0] == status and body.get("code") == code and body.get("status") == status,
          f"{what}: expected {status} {code}, got {got[0]} {str(body)[:300]}")
    if len(got) == 3:
        check(got[1].get("content-type") == "application/problem+json",
              f"{what}: content type {got[1].get('content-type')}")


def multipart(files, fields=(), boundary="bound"):
    """Body and content type of a form with (field name, bytes) files and (name, text) fields."""
    out = b""
    for name, data in files:
        head = (b'--%s\r\nContent-Disposition: form-data; name="%s"; '
                b'filename="selfie of me.jpg"\r\nContent-Type: image/jpeg\r\n\r\n')
        out += head % (boundary.encode(), name.encode()) + data + b"\r\n"
    for name, text in fields:
        out += b'--%s\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n' % (
            boundary.encode(), name.encode(), text.encode())
    return out + b"--%s--\r\n" % boundary.encode(), {
        "Content-Type": f"multipart/form-data; boundary={boundary}"
    }


def frames(n=1, h=2, w=2):
    return [[[[1, 2, 3]] * w] * h] * n


def run(tests):
    """Each (function, arguments); ONLY=part of a name runs those alone. Exits with 1 if anything
    failed."""
    only = os.environ.get("ONLY", "")
    for test, arguments in tests:
        if only and only not in test.__name__:
            continue
        begin = time.time()
        test(*arguments)
        print(f"{test.__name__} {time.time() - begin:.1f} s")
    sys.exit(1 if failures else 0)
