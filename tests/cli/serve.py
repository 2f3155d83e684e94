"""skin-serve over real sockets. Run by serve.sh in an empty folder:  serve.py BIN"""
import http.client, json, os, signal, socket, struct, subprocess, sys, threading, time
import numpy as np
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import serve_models

BIN = sys.argv[1]
failures = []


def check(ok, text):
    if not ok:
        failures.append(text)
        print("FAILED:", text)


class Server:
    """A server on a free port; `with` ends it by SIGTERM and checks that it leaves in order."""
    def __init__(self, *options, model="flat.safetensors", expect=0):
        self.expect = expect
        self.process = subprocess.Popen([BIN + "/skin-serve", model, "--listen", "127.0.0.1:0", *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
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
        check(status == self.expect, f"exit status {status}: {self.process.stderr.read()[-2000:]}")

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
    out = subprocess.run([BIN + "/skin-predict", model, "--npz", "ask.npz", "--json"], capture_output=True, text=True)
    return json.loads(out.stdout)


def problem(got, status, code, what):
    """`got` is (status, headers, body) or (status, json)."""
    body = got[-1] if isinstance(got[-1], dict) else json.loads(got[-1] or b"{}")
    codes.add(body.get("code", "none"))
    check(got[0] == status and body.get("code") == code and body.get("status") == status, f"{what}: expected {status} {code}, got {got[0]} {str(body)[:300]}")
    if len(got) == 3:
        check(got[1].get("content-type") == "application/problem+json", f"{what}: content type {got[1].get('content-type')}")


# ---- the original's API ----

def test_predict(rng):
    with Server("--no-detect") as s, Server("--no-detect", model="gap.safetensors") as g:
        base = rng.integers(0, 256, (30, 16, 16, 3), np.uint8)
        cases = {"equal frame count": base, "smaller frame count": base[:5], "larger frame count": rng.integers(0, 256, (47, 16, 16, 3), np.uint8),
                 "larger image": rng.integers(0, 256, (6, 40, 33, 3), np.uint8), "smaller image": rng.integers(0, 256, (6, 7, 9, 3), np.uint8), "one frame": base[:1],
                 "one pixel": rng.integers(2, 256, (2, 1, 1, 3), np.uint8)}
        holes = base[:8].copy()
        holes[2] = holes[5] = 0
        cases["empty frames"] = holes
        for name, img in cases.items():
            for server, model in ((s, "flat.safetensors"), (g, "gap.safetensors")):
                status, got = server.predict(img)
                check(status == 200 and got == by_tool(img, model), f"{name}, {model}: {status} {got}, skin-predict {by_tool(img, model)}")
                check(list(got) == ["prob_class", "negative_prob", "positive_prob"] and type(got.get("prob_class")) is int, f"{name}: keys {got}")
        check(s.predict(base[None])[1] == by_tool(base), "a leading 1")
        unit = (base[:4] / np.float32(255)).astype(np.float32)
        check(s.predict(unit)[1] == by_tool(unit), "floats 0..1")
        loud = base[:4].astype(np.float64) + 0.0
        check(abs(s.predict(loud)[1]["positive_prob"] - by_tool(base[:4])["positive_prob"]) < 1e-6, "floats 0..255")
        dark = rng.integers(0, 2, (3, 16, 16, 3), np.uint8)
        check(s.predict(dark)[1] == by_tool(dark.astype(np.float32)), "whole numbers 0 and 1 are fractions, as the rule says")
        check(s.predict(base, more={"x": [1, {"y": None}]}, other="text \u00e9 \U0001f600", last=False)[1] == by_tool(base), "unknown keys are passed over")
        spaced = json.dumps({"img": base[:3].tolist()}, indent=3).replace(",", " ,\t\r\n")
        check(json.loads(s.ask("POST", "/predict", spaced)[2]) == by_tool(base[:3]), "white space, and no content type")
        # chunked, in pieces that cut everywhere
        body = json.dumps({"img": base[:2].tolist()}).encode()
        check(json.loads(s.ask("POST", "/predict", (body[i:i + 7] for i in range(0, len(body), 7)), {"Transfer-Encoding": "chunked"})[2]) == by_tool(base[:2]), "chunked")
        # several requests on one connection
        c = http.client.HTTPConnection("127.0.0.1", s.port, timeout=60)
        for img in (base[:2], base[:3], base[:2]):
            c.request("POST", "/predict", json.dumps({"img": img.tolist()}))
            check(json.loads(c.getresponse().read()) == by_tool(img), "keep-alive")
        c.close()
        status, headers, data = s.ask("GET", "/v2/health/ready")
        check(status == 200 and json.loads(data) == {"ready": True}, "ready")
        check(s.ask("HEAD", "/health")[0] == 200 and s.ask("HEAD", "/health")[2] == b"", "HEAD")
        check(headers.get("x-content-type-options") == "nosniff" and len(headers.get("x-request-id", "")) == 16 and headers.get("cache-control") == "no-store", f"headers {headers}")
        m = json.loads(s.ask("GET", "/v1/model")[2])
        check((m["height"], m["width"], m["any_size"], m["labels"], m["generation"]) == (16, 16, False, ["deteriorated", "improved"], 1), f"/v1/model: {m}")
        text = s.ask("GET", "/metrics")[2].decode()
        check('skin_requests_total{route="/predict",status="200"}' in text and "skin_queue_length 0" in text and "skin_memory_bytes 0" in text, f"metrics: {text}")


def test_detect(rng):
    photo = "/usr/lib/python3/dist-packages/skimage/data/astronaut.png"
    try:
        from PIL import Image
        face = Image.open(photo).convert("RGB").crop((120, 10, 330, 220))
        server = Server()
    except Exception as e:
        print("face detection is not tested:", str(e).strip()[:200])
        return
    with server as s:
        os.makedirs("photos", exist_ok=True)
        field = Image.new("RGB", face.size, (90, 120, 60))
        pictures = [face, face.transpose(Image.FLIP_LEFT_RIGHT), field]
        names = []
        for i, p in enumerate(pictures):
            p.save(f"photos/{i}.png")
            names.append(f"photos/{i}.png")
        out = subprocess.run([BIN + "/skin-predict", "flat.safetensors", *names, "--json"], capture_output=True, text=True)
        img = np.stack([np.asarray(p) for p in pictures])
        check(s.predict(img, detect=True)[1] == json.loads(out.stdout), "detect: true")
        check(s.predict(img, "/predict?detect=1")[1] == json.loads(out.stdout), "?detect=1")
        check(s.predict(img, detect=False)[1] == by_tool(img), "detect: false")
        problem(s.predict(img[2:], detect=True), 422, "NO_FACE", "no face in any photo")


def multipart(files, fields=(), boundary="bound"):
    """Body and content type of a form with (field name, bytes) files and (name, text) fields."""
    out = b""
    for name, data in files:
        out += b'--%s\r\nContent-Disposition: form-data; name="%s"; filename="selfie of me.jpg"\r\nContent-Type: image/jpeg\r\n\r\n%s\r\n' % (boundary.encode(), name.encode(), data)
    for name, text in fields:
        out += b'--%s\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n' % (boundary.encode(), name.encode(), text.encode())
    return out + b"--%s--\r\n" % boundary.encode(), {"Content-Type": f"multipart/form-data; boundary={boundary}"}


def test_analyze(rng):
    photo = "/usr/lib/python3/dist-packages/skimage/data/astronaut.png"
    try:
        from PIL import Image
        face = Image.open(photo).convert("RGB").crop((120, 10, 330, 220))
        server = Server("--max-photos", "6", "--max-photo", "300000", "--max-pixels", "200000", "--patience", "5")
    except Exception as e:
        print("photos are not tested:", str(e).strip()[:200])
        return
    import base64, io, zlib
    def png(p):
        b = io.BytesIO()
        p.save(b, "PNG")
        return b.getvalue()
    pictures = [png(face), png(face.transpose(Image.FLIP_LEFT_RIGHT)), png(Image.new("RGB", (200, 200), (90, 120, 60)))]
    def ask(body, headers):
        status, _, data = server.ask("POST", "/v1/analyze", body, headers)
        return status, json.loads(data)
    with server as s:
        os.makedirs("photos", exist_ok=True)
        for i, p in enumerate(pictures):
            open(f"photos/{i}.png", "wb").write(p)
        tool = json.loads(subprocess.run([BIN + "/skin-predict", "flat.safetensors", *[f"photos/{i}.png" for i in range(3)], "--json"], capture_output=True, text=True).stdout)
        found = json.loads(subprocess.run([BIN + "/skin-faces", "--detect", "--json", "photos/0.png"], capture_output=True, text=True).stdout)["faces"][0]
        status, got = ask(*multipart([("photo", p) for p in pictures]))
        check(status == 200 and abs(got["positive_prob"] - tool["positive_prob"]) < 1e-6 and got["prob_class"] == tool["prob_class"], f"analyze {status} {got}, skin-predict {tool}")
        logit = lambda p: np.log(p / (1 - p))
        expected = 1 / (1 + np.exp(-(logit(tool["positive_prob"]) - logit(tool["negative_prob"])) / 2))
        check(abs(got["probability_improved"] - expected) < 1e-5, f"one probability: {got['probability_improved']}, expected {expected}")
        check([f["used"] for f in got["photos"]] == [True, True, False] and got["photos"][2]["reason"] == "NO_FACE" and got["photos_used"] == 2, f"photos: {got['photos']}")
        check(got["photos"][0]["box"] == found["box"] and abs(got["photos"][0]["score"] - found["score"]) < 1e-5, f"box {got['photos'][0]['box']}, skin-faces {found['box']}")
        check("selfie" not in json.dumps(got), "a file name came back")
        # as JSON; in the order of the dates; explained
        body = {"photos": [{"data": base64.b64encode(p).decode(), "date": d} for p, d in zip(pictures, ("2024-03-01", "2024-01-01T10:00:00Z", "2024-02-01"))], "explain": True}
        status, dated = ask(json.dumps(body), {"Content-Type": "application/json"})
        check(status == 200 and [f["index"] for f in dated["photos"]] == [1, 2, 0], f"order by date: {dated}")
        order = json.loads(subprocess.run([BIN + "/skin-predict", "flat.safetensors", *[f"photos/{i}.png" for i in (1, 2, 0)], "--json"], capture_output=True, text=True).stdout)
        check(abs(dated["positive_prob"] - order["positive_prob"]) < 1e-6, "dates order the photos")
        e = dated["explanation"]
        check(len(e["regions"]) == 5 and all(len(r) == 5 for r in e["regions"]) and any(v for r in e["regions"] for v in r), f"regions {e}")
        check([f["index"] for f in e["photos"]] == [1, 2, 0] and e["photos"][1]["effect"] == 0 and e["photos"][0]["effect"] != 0, f"effects {e['photos']}")
        alone = ask(*multipart([("photo", pictures[0])] * 2))[1]["probability_improved"]
        _, effect = ask(*multipart([("photo", pictures[0])] * 2 + [("photo", pictures[1])], [("explain", "1")]))
        check(abs(effect["probability_improved"] - effect["explanation"]["photos"][2]["effect"] - alone) < 2e-6, "the effect of a photo is the difference to the answer without it")
        status, dates = ask(*multipart([("a", p) for p in pictures], [("date", d) for d in ("2024-03-01", "2024-01-01", "2024-02-01")]))
        check(status == 200 and dates["photos"] and [f["index"] for f in dates["photos"]] == [1, 2, 0], f"dates in a form: {dates}")
        # photos that can't be used are reported one by one, in a problem too
        status, got = ask(*multipart([("photo", p) for p in (pictures[0], b"GIF89a......", pictures[0][:1000], b"", pictures[1])]))
        check(status == 200 and [f["reason"] for f in got["photos"]] == [None] + ["UNSUPPORTED_IMAGE"] * 3 + [None], f"bad photos: {got}")
        status, got = ask(*multipart([("photo", pictures[2])] * 2))
        problem((status, got), 422, "NO_FACE", "no face")
        check([f["reason"] for f in got["photos"]] == ["NO_FACE"] * 2, "reports with a problem")
        problem(ask(*multipart([("photo", pictures[0]), ("photo", pictures[2])])), 422, "TOO_FEW_FRAMES", "one face only")
        # what would blow up: refused by the header
        def chunk(kind, data):
            return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        def header(w, h, idat=b""):
            return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", w, h, 8, 2, 0, 0, 0)) + chunk(b"IDAT", idat) + chunk(b"IEND", b"")
        bomb = header(3000, 3000, zlib.compress(b"\0" * (9001 * 3000)))
        status, got = ask(*multipart([("photo", p) for p in (header(60000, 60000), bomb, header(0, 5), header(10, 10, b"junk"), header(400, 400, zlib.compress(b"\0" * (1201 * 400 * 20))))]))
        reasons = [f["reason"] for f in got.get("photos", [])]
        check(status == 422 and reasons[:2] == ["TOO_LARGE_IMAGE"] * 2 and set(reasons[2:4]) == {"UNSUPPORTED_IMAGE"}, f"bombs: {status} {got}")
        # bodies
        good, form = multipart([("photo", pictures[0])] * 2)
        def bad(body, headers, status, code, what):
            problem(ask(body, headers), status, code, what)
        for cut in (0, 1, 10, 60, 200, len(good) // 2, len(good) - 3, len(good) - 10):
            bad(good[:cut], form, 400, "BAD_MULTIPART", f"cut at {cut}")
        bad(good, {"Content-Type": "multipart/form-data"}, 400, "BAD_MULTIPART", "no boundary")
        bad(good, {"Content-Type": "multipart/form-data; boundary=" + "b" * 71}, 400, "BAD_MULTIPART", "a long boundary")
        bad(good, {"Content-Type": "multipart/form-data; boundary=other"}, 400, "BAD_MULTIPART", "another boundary")
        bad(good, {"Content-Type": "text/plain"}, 415, "UNSUPPORTED_MEDIA_TYPE", "text")
        bad(good.replace(b"form-data", b"attachment"), form, 400, "BAD_MULTIPART", "attachment")
        bad(good.replace(b'name="photo"; ', b""), form, 400, "BAD_MULTIPART", "no field name")
        bad(good.replace(b"Content-Type: image/jpeg", b"Content-Type image/jpeg"), form, 400, "BAD_MULTIPART", "a header line without colon")
        bad(good.replace(b"Content-Type: image/jpeg", b"X: " + b"y" * 5000), form, 400, "BAD_MULTIPART", "a long header line")
        bad(good.replace(b"Content-Type: image/jpeg", b"Content-Transfer-Encoding: base64"), form, 400, "BAD_MULTIPART", "a transfer encoding")
        bad(good.replace(b"--bound\r\n", b"--bound junk\r\n"), form, 400, "BAD_MULTIPART", "text behind a boundary")
        bad(*multipart([]), 400, "BAD_REQUEST", "no photo")
        bad(*multipart([("photo", pictures[0])] * 2, [("date", "2024-01-01")]), 400, "BAD_REQUEST", "one date for two photos")
        bad(*multipart([("photo", pictures[0])], [("date", "yesterday")]), 400, "BAD_DATE", "a date")
        bad(*multipart([("photo", pictures[0])], [("explain", "maybe")]), 400, "BAD_REQUEST", "explain")
        bad(*multipart([("photo", b"x")] * 7), 413, "TOO_LARGE", "too many photos")
        bad(*multipart([("photo", b"x" * 300001)]), 413, "TOO_LARGE", "a large photo")
        for body, code in (("{}", "BAD_REQUEST"), ('{"photos": 1}', "BAD_REQUEST"), ('{"photos": []}', "BAD_REQUEST"), ('{"photos": [1]}', "BAD_REQUEST"), ('{"photos": [{}]}', "BAD_REQUEST"), ('{"photos": [{"data": 1}]}', "BAD_REQUEST"),
                           ('{"photos": [{"data": "a"}]}', "BAD_BASE64"), ('{"photos": [{"data": "ab=c"}]}', "BAD_BASE64"), ('{"photos": [{"data": "a b="}]}', "BAD_BASE64"), ('{"photos": [{"data": "ab==ab=="}]}', "BAD_BASE64"),
                           ('{"photos": [{"data": "", "date": "x"}]}', "BAD_DATE"), ('{"photos": [{"data": "", "data": ""}]}', "BAD_REQUEST"), ('{"photos": [], "explain": 1}', "BAD_REQUEST"), ('{"photos": [{"data": ""}', "BAD_JSON"), ("[1]", "BAD_REQUEST")):
            bad(body, {"Content-Type": "application/json"}, 400, code, body)
        check(s.alive(), "alive")
        time.sleep(0.2)
        check("skin_memory_bytes 0\n" in s.ask("GET", "/metrics")[2].decode(), "memory is given back")


def test_infer(rng):
    img = rng.integers(0, 256, (4, 16, 16, 3), np.uint8)
    unit = (img / np.float32(255)).astype(np.float32)
    expected = by_tool(img)
    def body(data, shape, datatype, **more):
        return json.dumps({"inputs": [{"name": "img", "shape": list(shape), "datatype": datatype, "data": data}], **more})
    with Server("--no-detect") as s:
        def ask(text):
            status, _, data = s.ask("POST", "/v2/models/skin/infer", text)
            return status, json.loads(data)
        for data in (img.ravel().tolist(), img.tolist()):
            for shape in (img.shape, (1, *img.shape)):
                status, got = ask(body(data, shape, "UINT8", id="my id"))
                check(status == 200 and got["id"] == "my id" and got["outputs"][0]["data"] == [expected["negative_prob"], expected["positive_prob"]], f"infer: {status} {got}, expected {expected}")
        status, got = ask(body(unit.ravel().tolist(), img.shape, "FP32"))
        check(status == 200 and abs(got["outputs"][0]["data"][1] - by_tool(unit)["positive_prob"]) < 1e-8, f"FP32: {got}")
        reordered = json.dumps({"inputs": [{"data": img.ravel().tolist(), "datatype": "UINT8", "parameters": {"x": [1]}, "shape": img.shape, "name": "img"}], "outputs": [{"name": "probabilities"}]})
        check(ask(reordered)[0] == 200, "keys in another order")
        dim = np.full((2, 16, 16, 3), 1, np.uint8)
        check(ask(body(dim.ravel().tolist(), dim.shape, "UINT8"))[1]["outputs"][0]["data"][1] == by_tool(dim)["positive_prob"], "UINT8 says what 1 means")
        flat = img.ravel().tolist()
        for text, code in ((body(flat, (4, 16, 16, 2), "UINT8"), "BAD_SHAPE"), (body(flat, (4, 16, 48), "UINT8"), "BAD_SHAPE"), (body(flat, img.shape, "FP32"), "BAD_VALUE"), (body(unit.ravel().tolist(), img.shape, "UINT8"), "BAD_VALUE"),
                           (body(flat, img.shape, "INT64"), "BAD_REQUEST"), (body(flat, (4, 16, 16, -3), "UINT8"), "BAD_REQUEST"), (body(flat, (4.5, 16, 16, 3), "UINT8"), "BAD_REQUEST"), (body(flat, (1,) * 6, "UINT8"), "BAD_REQUEST"),
                           (json.dumps({"inputs": []}), "BAD_REQUEST"), (json.dumps({"inputs": [{}]}), "BAD_REQUEST"), (json.dumps({}), "BAD_REQUEST"), ('{"inputs": [{"name": "other"}]}', "BAD_REQUEST"), ('{"inputs": [{"data": "x"}]}', "BAD_REQUEST"),
                           ('{"inputs": [{"data": [1, [2]]}]}', "BAD_SHAPE"), ('{"inputs": [{"shape": [1}]}', "BAD_JSON"), (body(flat, (2 ** 40, 2 ** 40, 16, 3), "UINT8"), "BAD_REQUEST"), ('{"inputs": [1]}', "BAD_REQUEST")):
            problem(ask(text), 400, code, f"infer {text[:70]}")
        check(json.loads(s.ask("GET", "/v2")[2])["name"] == "skin-serve", "/v2")
        check(json.loads(s.ask("GET", "/v2/models/skin")[2])["inputs"][0]["shape"] == [1, -1, 16, 16, 3], "/v2/models/skin")
        check(json.loads(s.ask("GET", "/v2/models/skin/ready")[2])["ready"] is True, "/v2/models/skin/ready")


def test_page():
    with Server("--no-detect") as s:
        status, headers, data = s.ask("GET", "/")
        check(status == 200 and headers["content-type"] == "text/html; charset=utf-8" and "default-src 'none'" in headers["content-security-policy"], f"page: {status} {headers}")
        import re
        text = data.decode()
        for link in re.findall(r'(?:src|href)="([^"#]+)"', text):
            check("//" not in link and s.ask("GET", "/" + link)[0] == 200, f"the page's {link}")
        for script in ("app.js", "draw.js", "exif.js", "result.js"):
            status, headers, data = s.ask("GET", "/" + script)
            check(status == 200 and headers["content-type"].startswith("text/javascript"), f"{script}: {status}")
            check(all(s.ask("GET", "/" + m)[0] == 200 for m in re.findall(r'from "\./([^"]+)"', data.decode())), f"an import of {script}")
        check("<script>" not in text and "style=" not in text and " onclick" not in text, "nothing inline")
        api = json.loads(s.ask("GET", "/openapi.json")[2])
        # every address of the description is there, and every address that is there is described
        for path, methods in api["paths"].items():
            for method in methods:
                check(s.ask(method.upper(), path)[0] not in (404, 405), f"{method} {path} is described and not there")
        table = re.findall(r'\{"(GET|POST)", "(/[^"]*)"', open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../tools/serve/routes.c")).read())
        files = {"/style.css", "/app.js", "/draw.js", "/exif.js", "/result.js", "/icon.svg"}
        for method, path in table:
            check(path in files or method.lower() in api["paths"].get(path, {}), f"{method} {path} is not described")
        known = set(api["components"]["schemas"]["Problem"]["properties"]["code"]["enum"])
        check(codes <= known, f"codes that are not described: {codes - known}")
        try:
            import jsonschema
        except ImportError:
            print("python3-jsonschema is not there: answers are not checked against the schemas")
            return
        def valid(name, value):
            schema = {"$ref": f"#/components/schemas/{name}", "components": api["components"]}
            jsonschema.validate(value, schema)
        valid("Verdict", s.predict(frames())[1])
        valid("Model", json.loads(s.ask("GET", "/v1/model")[2]))
        valid("Problem", s.predict([])[1])


# ---- bad input ----

codes = set() # of all problems met


def frames(n=1, h=2, w=2):
    return [[[[1, 2, 3]] * w] * h] * n


def test_bad_bodies():
    good = json.dumps({"img": frames()})
    deep = "[" * 10
    cases = [
        ("", "BAD_JSON"), ("   ", "BAD_JSON"), ("{", "BAD_JSON"), (good[:-1], "BAD_JSON"), (good + "x", "BAD_JSON"), (good + good, "BAD_JSON"), ("{'img': 1}", "BAD_JSON"), ('{"img": [[[[1,2,3,]]]]}', "BAD_JSON"),
        ('{"img": [01]}', "BAD_JSON"), ('{"img": [NaN]}', "BAD_JSON"), ('{"img": [Infinity]}', "BAD_JSON"), ('{"img": [-]}', "BAD_JSON"), ('{"img": [1.]}', "BAD_JSON"), ('{"img": [.5]}', "BAD_JSON"),
        ('{"img": [+1]}', "BAD_JSON"), ('{"img": [1e999]}', "BAD_JSON"), ('{"img": [' + "1" * 100 + "]}", "BAD_JSON"), ('{"x": "\\ud800"}', "BAD_JSON"), ('{"x": "\\q"}', "BAD_JSON"), (b'{"x": "\xff"}', "BAD_JSON"),
        ('{"x": "\n"}', "BAD_JSON"), ('{"x": ' + "[" * 1000, "BAD_JSON"), ('{"' + "k" * 100 + '": 1}', "BAD_JSON"), ("\ufeff" + good, "BAD_JSON"), ("nul", "BAD_JSON"), ('{"img" [1]}', "BAD_JSON"), ('{1: 2}', "BAD_JSON"),
        ("[]", "BAD_REQUEST"), ("3", "BAD_REQUEST"), ("null", "BAD_REQUEST"), ("{}", "BAD_REQUEST"), ('{"image": []}', "BAD_REQUEST"), ('{"img": 3}', "BAD_REQUEST"), ('{"img": "x"}', "BAD_REQUEST"), ('{"img": {}}', "BAD_REQUEST"),
        ('{"img": null}', "BAD_REQUEST"), ('{"img": [[[["a"]]]]}', "BAD_REQUEST"), ('{"img": [[[[true]]]]}', "BAD_REQUEST"), ('{"img": [{"a": 1}]}', "BAD_REQUEST"), (good[:-1] + ', "img": []}', "BAD_REQUEST"),
        (good[:-1] + ', "detect": 1}', "BAD_REQUEST"), (good[:-1] + ', "detect": "yes"}', "BAD_REQUEST"),
        ('{"img": []}', "BAD_SHAPE"), ('{"img": [[]]}', "BAD_SHAPE"), ('{"img": [[[[]]]]}', "BAD_SHAPE"), ('{"img": [1, 2, 3]}', "BAD_SHAPE"), ('{"img": [[[1,2,3]]]}', "BAD_SHAPE"), ('{"img": [[[[1,2]]]]}', "BAD_SHAPE"),
        ('{"img": [[[[1,2,3,4]]]]}', "BAD_SHAPE"), ('{"img": [[[[1,2,3]],[[1,2,3],[1,2,3]]]]}', "BAD_SHAPE"), ('{"img": [[[[1,2,3]]],[[1,2,3]]]}', "BAD_SHAPE"), ('{"img": [[[[1,2,[3]]]]]}', "BAD_SHAPE"),
        ('{"img": ' + deep, "BAD_SHAPE"), (json.dumps({"img": [frames(), frames()]}), "BAD_SHAPE"), (json.dumps({"img": [[frames()]]}), "BAD_SHAPE"),
        ('{"img": [[[[1,2,256]]]]}', "BAD_VALUE"), ('{"img": [[[[-1,2,3]]]]}', "BAD_VALUE"), ('{"img": [[[[-0.001,0,0]]]]}', "BAD_VALUE"), ('{"img": [[[[1e30,0,0]]]]}', "BAD_VALUE"),
    ]
    with Server("--no-detect", "--max-frames", "20", "--max-side", "64", "--max-body", "100000", "--patience", "5") as s:
        for body, code in cases:
            problem(s.ask("POST", "/predict", body), 400, code, f"body {body[:60]!r}")
        problem(s.ask("POST", "/predict", json.dumps({"img": np.zeros((3, 2, 2, 3), int).tolist()})), 422, "NO_VALID_FRAMES", "all zeros")
        problem(s.ask("POST", "/predict?detect=maybe", good), 400, "BAD_REQUEST", "?detect=maybe")
        problem(s.ask("POST", "/predict?detect=1", good), 503, "NO_DETECTOR", "detect without a detector")
        problem(s.ask("POST", "/predict", good, {"Content-Type": "multipart/form-data; boundary=x"}), 415, "UNSUPPORTED_MEDIA_TYPE", "multipart")
        problem(s.predict(frames(21)), 413, "TOO_LARGE", "too many frames")
        problem(s.predict(frames(1, 65, 1)), 413, "TOO_LARGE", "too high")
        problem(s.ask("POST", "/predict", " " * 100001), 413, "TOO_LARGE", "a body over the limit")
        problem(s.ask("POST", "/predict", (b" " * 1000 for _ in range(150)), {"Transfer-Encoding": "chunked"}), 413, "TOO_LARGE", "chunks over the limit")
        for method, path, status, code in (("GET", "/predict", 405, "METHOD_NOT_ALLOWED"), ("PUT", "/predict", 405, "METHOD_NOT_ALLOWED"), ("POST", "/metrics", 405, "METHOD_NOT_ALLOWED"), ("GET", "/nothing", 404, "NOT_FOUND"),
                                           ("GET", "/../etc/passwd", 404, "NOT_FOUND"), ("GET", "/%2e%2e/%2e%2e/etc/passwd", 404, "NOT_FOUND"), ("GET", "//predict", 404, "NOT_FOUND"), ("GET", "/predict%00x", 404, "NOT_FOUND"),
                                           ("DELETE", "/v1/model", 405, "METHOD_NOT_ALLOWED"), ("BREW", "/predict", 405, "METHOD_NOT_ALLOWED")):
            problem(s.ask(method, path), status, code, f"{method} {path}")
        check(s.ask("GET", "/predict")[1].get("allow") == "POST", "Allow")
        # below HTTP: whatever comes back is an error or a closed connection, and the server lives
        head = "POST /predict HTTP/1.1\r\nHost: x\r\n"
        for raw in ("\r\n\r\n", "GARBAGE\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "GET /health\r\n\r\n", head + "Content-Length: -1\r\n\r\n", head + "Content-Length: 5x\r\n\r\nhello", head + "Content-Length: 99999999999999999999999\r\n\r\n",
                    head + "Transfer-Encoding: chunked\r\n\r\nZZ\r\nxx\r\n0\r\n\r\n", head + "Transfer-Encoding: chunked\r\n\r\n5\r\nab\r\n0\r\n\r\n", head + "Transfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFFF\r\n",
                    "GET /health HTTP/1.1\r\nHost: x\r\n" + "".join(f"X-{i}: {'y' * 200}\r\n" for i in range(2000)) + "\r\n", "GET /" + "a" * 200000 + " HTTP/1.1\r\nHost: x\r\n\r\n", "\x00" * 5000, "\x16\x03\x01\x02\x00\x01",
                    "GET /health HTTP/1.1\r\nHost: x\r\nX: \x00\r\n\r\n"):
            out = s.raw(raw.encode("latin-1"), wait=2)
            status = out.split(" ")[1] if out.startswith("HTTP/") and " " in out else ""
            check(not out or status[:1] in ("4", "5") or "health" in raw, f"raw {raw[:50]!r}: {out[:100]!r}")
            check(not status or status != "500", f"raw {raw[:50]!r} gives 500")
            check(s.alive(), f"dead after {raw[:50]!r}")
        # a client that goes away in the middle
        for cut in (10, 60, 120):
            c = socket.create_connection(("127.0.0.1", s.port))
            c.sendall((head + "Content-Length: 500\r\n\r\n" + good)[:cut].encode())
            c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            c.close()
        check(s.alive(), "dead after clients that went away")
        time.sleep(0.2)
        check("skin_memory_bytes 0\n" in s.ask("GET", "/metrics")[2].decode(), "memory is given back")


def test_slow_clients():
    with Server("--no-detect", "--patience", "1") as s:
        body = json.dumps({"img": frames()}).encode()
        for start in (b"GET /hea", b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % (len(body) + 100)):
            c = socket.create_connection(("127.0.0.1", s.port), timeout=8)
            began = time.time()
            c.sendall(start)
            try:
                for i in range(40): # a byte now and then keeps an inactivity timer quiet
                    time.sleep(0.2)
                    c.sendall(b" ")
                    c.settimeout(0.01)
                    try:
                        if c.recv(1000) == b"":
                            break
                    except (TimeoutError, socket.timeout):
                        pass
            except ConnectionError:
                pass
            check(time.time() - began < 5, f"a slow client was not cut ({start[:10]})")
            c.close()
        check(s.alive(), "alive after slow clients")
        check("skin_connections_cut_total 2" in s.ask("GET", "/metrics")[2].decode(), "the cut ones are counted")


# ---- behaviour ----

def test_load(rng):
    """Many clients at once, each with its own answer; none lost, none mixed up."""
    images = [rng.integers(0, 256, (2 + i % 9, 16, 16, 3), np.uint8) for i in range(24)]
    expected = [by_tool(i) for i in images]
    bodies = [json.dumps({"img": i.tolist()}) for i in images]
    with Server("--no-detect", "--queue", "500", "--workers", "2") as s:
        wrong, slowest, lives, stop = [], [0.0], [], threading.Event()

        def client(n):
            c = http.client.HTTPConnection("127.0.0.1", s.port, timeout=120)
            for k in range(15):
                i = (n * 7 + k * 5) % len(images)
                begin = time.time()
                c.request("POST", "/predict", bodies[i])
                r = c.getresponse()
                got = json.loads(r.read())
                slowest[0] = max(slowest[0], time.time() - begin)
                if r.status != 200 or got != expected[i]:
                    wrong.append((i, r.status, got))
            c.close()

        def health():
            while not stop.is_set():
                begin = time.time()
                s.alive()
                lives.append(time.time() - begin)
                time.sleep(0.02)

        threads = [threading.Thread(target=client, args=(n,)) for n in range(16)]
        watcher = threading.Thread(target=health)
        begin = time.time()
        watcher.start()
        [t.start() for t in threads]
        [t.join() for t in threads]
        stop.set()
        watcher.join()
        print(f"load: 240 requests from 16 connections in {time.time() - begin:.1f} s, slowest {slowest[0]:.2f} s, slowest live answer {max(lives) * 1000:.0f} ms")
        check(not wrong, f"wrong answers under load: {wrong[:3]}")


def test_full_queue(rng):
    """A queue of one: the others are told to come back, and nobody waits for ever."""
    body = json.dumps({"img": rng.integers(0, 256, (400, 16, 16, 3), np.uint8).tolist()})
    with Server("--no-detect", "--queue", "1", "--batch", "1", "--threads", "1") as s:
        results = []
        def client():
            status, headers, data = s.ask("POST", "/predict", body)
            results.append((status, headers.get("retry-after"), data))
        threads = [threading.Thread(target=client) for _ in range(12)]
        [t.start() for t in threads]
        [t.join() for t in threads]
        statuses = sorted({r[0] for r in results})
        check(set(statuses) <= {200, 429} and 200 in statuses, f"statuses {statuses}")
        check(all(r[1] for r in results if r[0] == 429), "Retry-After with 429")
        check(len({r[2] for r in results if r[0] == 200}) == 1, "the same question, the same answer")
        if 429 not in statuses:
            print("the queue never filled")
    with Server("--no-detect", "--memory", str(1 << 20)) as s:
        problem(s.predict(rng.integers(0, 256, (30, 120, 120, 3), np.uint8)), 429, "BUSY", "more than all requests may hold")
        check(s.predict(frames())[0] == 200, "a small one fits")


def test_signals(rng):
    img = rng.integers(0, 256, (300, 16, 16, 3), np.uint8)
    expected, other = by_tool(img), by_tool(img, "other.safetensors")
    body = json.dumps({"img": img.tolist()})
    os.system("cp flat.safetensors live.safetensors")
    with Server("--no-detect", model="live.safetensors") as s:
        # SIGHUP under load: every answer is one model's or the other's, and in the end it is the new one's
        results, stop = [], threading.Event()
        def client():
            while not stop.is_set():
                results.append(s.predict(img))
        threads = [threading.Thread(target=client) for _ in range(4)]
        [t.start() for t in threads]
        time.sleep(0.3)
        os.system("cp other.safetensors live.new && mv live.new live.safetensors")
        s.process.send_signal(signal.SIGHUP)
        for _ in range(100):
            time.sleep(0.1)
            if json.loads(s.ask("GET", "/v1/model")[2])["generation"] == 2:
                break
        time.sleep(0.3)
        stop.set()
        [t.join() for t in threads]
        check(all(status == 200 and got in (expected, other) for status, got in results), f"answers during a reload: {results[:3]}")
        check(s.predict(img)[1] == other, "the new model answers")
        os.system("head -c 1000 flat.safetensors >live.safetensors")
        s.process.send_signal(signal.SIGHUP)
        time.sleep(0.5)
        check(s.predict(img)[1] == other, "a broken file leaves the model in service")
        check("skin_model_reload_failures_total 1" in s.ask("GET", "/metrics")[2].decode(), "the failure is counted")

    # SIGTERM under load: whatever was begun is answered
    s = Server("--no-detect")
    answers, lock = [], threading.Lock()
    def send(started):
        c = http.client.HTTPConnection("127.0.0.1", s.port, timeout=60)
        c.request("POST", "/predict", body)
        started.release()
        try:
            r = c.getresponse()
            data = r.read()
            with lock: answers.append((r.status, json.loads(data)))
        except Exception as e:
            with lock: answers.append(("lost", repr(e)))
    started = threading.Semaphore(0)
    threads = [threading.Thread(target=send, args=(started,)) for _ in range(8)]
    [t.start() for t in threads]
    [started.acquire() for _ in threads]
    s.__exit__()
    [t.join() for t in threads]
    check(len(answers) == 8 and all(a == (200, expected) for a in answers), f"SIGTERM lost answers: {[a[0] for a in answers]}")


def test_token():
    open("token", "w").write("a-secret-of-20-chars\nsecond line\n")
    open("short", "w").write("abc\n")
    with Server("--no-detect", "--token-file", "token") as s:
        body = json.dumps({"img": frames()})
        problem(s.ask("POST", "/predict", body), 401, "UNAUTHORIZED", "no token")
        for wrong in ("Bearer x", "Bearer a-secret-of-20-char", "Bearer a-secret-of-20-charsx", "a-secret-of-20-chars", "Basic a-secret-of-20-chars", "Bearer "):
            problem(s.ask("POST", "/predict", body, {"Authorization": wrong}), 401, "UNAUTHORIZED", wrong)
        check(s.ask("POST", "/predict", body, {"Authorization": "Bearer a-secret-of-20-chars"})[0] == 200, "the right token")
        problem(s.ask("GET", "/metrics"), 401, "UNAUTHORIZED", "metrics without a token")
        check(s.alive(), "health needs no token")


def refuse(text, *options, status=1):
    out = subprocess.run([BIN + "/skin-serve", *options], capture_output=True, text=True, timeout=20)
    check(out.returncode == status and text in out.stderr and not out.stdout, f"skin-serve {options}: {out.returncode} {out.stderr!r}")


def test_command_line():
    refuse("missing.safetensors", "missing.safetensors", "--no-detect")
    refuse("expected HOST:PORT", "flat.safetensors", "--no-detect", "--listen", "nowhere")
    refuse("can be reached from outside", "flat.safetensors", "--no-detect", "--listen", "0.0.0.0:0")
    refuse("16 characters", "flat.safetensors", "--no-detect", "--listen", "127.0.0.1:0", "--token-file", "short")
    refuse("token-file", "flat.safetensors", "--no-detect", "--token-file", status=2)
    refuse("go together", "flat.safetensors", "--no-detect", "--tls-cert", "x", status=2)
    with Server("--no-detect") as s:
        refuse("in use", "flat.safetensors", "--no-detect", "--listen", f"127.0.0.1:{s.port}")


serve_models.make(BIN)
serve_models.make(BIN, seed=4, names=("other", "other_gap"))
rng = np.random.default_rng(1)
only = os.environ.get("ONLY", "")
for test, arguments in ((test_predict, (rng,)), (test_detect, (rng,)), (test_analyze, (rng,)), (test_infer, (rng,)), (test_bad_bodies, ()), (test_slow_clients, ()), (test_token, ()), (test_command_line, ()), (test_full_queue, (rng,)), (test_load, (rng,)), (test_signals, (rng,)), (test_page, ())):
    if only and only not in test.__name__:
        continue
    begin = time.time()
    test(*arguments)
    print(f"{test.__name__} {time.time() - begin:.1f} s")
sys.exit(1 if failures else 0)
