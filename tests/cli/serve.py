"""What skin-serve answers, over real sockets. Run by serve.sh in an empty folder:  serve.py BIN"""
import base64, http.client, io, json, os, re, subprocess, sys, time
import numpy as np
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import serve_models
from serve_help import BIN, Server, by_tool, check, codes, frames, multipart, problem, run

# ---- the original's API ----

def test_original(rng):
    """The original's five tests and its sample request, by its curl command, with its network and
    sizes; the answers are skin-predict's."""
    serve_models.make(BIN, side=80, names=("original", "original_gap"))
    def sample(name, n, side):
        img = rng.integers(0, 256, (1, n, side, side, 3), np.uint8)
        json.dump({"img": img.tolist()}, open("test_data.json", "w"))
        out = subprocess.run([
            "curl", "-sS", "-X", "POST", f"127.0.0.1:{s.port}/predict", "-H",
            "Content-Type: application/json", "-d", "@test_data.json"
        ], capture_output=True, text=True)
        expected = by_tool(img[0], "original.safetensors")
        check(
            json.loads(out.stdout or "{}") == expected,
            f"{name}: {out.stdout} {out.stderr}, skin-predict {expected}")
    with Server("--no-detect", model="original.safetensors") as s:
        sample("sample request", 30, 80)
        sample("smaller frame count", 10, 80)
        sample("larger frame count", 40, 80)
        sample("larger image size", 30, 100)
        sample("smaller image size", 30, 60)


def test_predict(rng):
    with Server("--no-detect") as s, Server("--no-detect", model="gap.safetensors") as g:
        base = rng.integers(0, 256, (30, 16, 16, 3), np.uint8)
        cases = {
            "equal frame count": base,
            "smaller frame count": base[:5],
            "larger frame count": rng.integers(0, 256, (47, 16, 16, 3), np.uint8),
            "larger image": rng.integers(0, 256, (6, 40, 33, 3), np.uint8),
            "smaller image": rng.integers(0, 256, (6, 7, 9, 3), np.uint8),
            "one frame": base[:1],
            "one pixel": rng.integers(2, 256, (2, 1, 1, 3), np.uint8)
        }
        holes = base[:8].copy()
        holes[2] = holes[5] = 0
        cases["empty frames"] = holes
        for name, img in cases.items():
            for server, model in ((s, "flat.safetensors"), (g, "gap.safetensors")):
                status, got = server.predict(img)
                check(status == 200 and got == by_tool(img, model),
                      f"{name}, {model}: {status} {got}, skin-predict {by_tool(img, model)}")
                check(
                    list(got) == ["prob_class", "negative_prob", "positive_prob"] and
                    type(got.get("prob_class")) is int, f"{name}: keys {got}")
        check(s.predict(base[None])[1] == by_tool(base), "a leading 1")
        unit = (base[:4] / np.float32(255)).astype(np.float32)
        check(s.predict(unit)[1] == by_tool(unit), "floats 0..1")
        loud = base[:4].astype(np.float64) + 0.0
        check(
            abs(s.predict(loud)[1]["positive_prob"] - by_tool(base[:4])["positive_prob"]) < 1e-6,
            "floats 0..255")
        dark = rng.integers(0, 2, (3, 16, 16, 3), np.uint8)
        check(
            s.predict(dark)[1] == by_tool(dark.astype(np.float32)),
            "whole numbers 0 and 1 are fractions, as the rule says")
        check(
            s.predict(base, more={"x": [1, {
                "y": None
            }]}, other="text \u00e9 \U0001f600", last=False)[1] == by_tool(base),
            "unknown keys are passed over")
        spaced = json.dumps({"img": base[:3].tolist()}, indent=3).replace(",", " ,\t\r\n")
        check(
            json.loads(s.ask("POST", "/predict", spaced)[2]) == by_tool(base[:3]),
            "white space, and no content type")
        # chunked, in pieces that cut everywhere
        body = json.dumps({"img": base[:2].tolist()}).encode()
        check(
            json.loads(
                s.ask("POST", "/predict", (body[i:i + 7] for i in range(0, len(body), 7)),
                      {"Transfer-Encoding": "chunked"})[2]) == by_tool(base[:2]), "chunked")
        # several requests on one connection
        c = http.client.HTTPConnection("127.0.0.1", s.port, timeout=60)
        for img in (base[:2], base[:3], base[:2]):
            c.request("POST", "/predict", json.dumps({"img": img.tolist()}))
            check(json.loads(c.getresponse().read()) == by_tool(img), "keep-alive")
        c.close()
        status, headers, data = s.ask("GET", "/v2/health/ready")
        check(status == 200 and json.loads(data) == {"ready": True}, "ready")
        check(s.ask("HEAD", "/health")[0] == 200 and s.ask("HEAD", "/health")[2] == b"", "HEAD")
        check(
            headers.get("x-content-type-options") == "nosniff" and
            len(headers.get("x-request-id", "")) == 16 and
            headers.get("cache-control") == "no-store", f"headers {headers}")
        m = json.loads(s.ask("GET", "/v1/model")[2])
        check((m["height"], m["width"], m["any_size"], m["labels"],
               m["generation"]) == (16, 16, False, ["deteriorated", "improved"], 1),
              f"/v1/model: {m}")
        text = s.ask("GET", "/metrics")[2].decode()
        check(
            'skin_requests_total{route="/predict",status="200"}' in text and
            "skin_queue_length 0" in text and "skin_memory_bytes 0" in text, f"metrics: {text}")


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
        out = subprocess.run([BIN + "/skin-predict", "flat.safetensors", *names, "--json"],
                             capture_output=True, text=True)
        img = np.stack([np.asarray(p) for p in pictures])
        check(s.predict(img, detect=True)[1] == json.loads(out.stdout), "detect: true")
        check(s.predict(img, "/predict?detect=1")[1] == json.loads(out.stdout), "?detect=1")
        check(s.predict(img, detect=False)[1] == by_tool(img), "detect: false")
        problem(s.predict(img[2:], detect=True), 422, "NO_FACE", "no face in any photo")


models = []   # answers of /v1/model, likewise
analyses = [] # answers of /v1/analyze, for the description to be checked against


def test_analyze(rng):
    photo = "/usr/lib/python3/dist-packages/skimage/data/astronaut.png"
    try:
        from PIL import Image, ImageFilter
        face = Image.open(photo).convert("RGB").crop((120, 10, 330, 220))
        server = Server()
    except Exception as e:
        print("photos are not tested:", str(e).strip()[:200])
        return
    def png(p):
        b = io.BytesIO()
        p.save(b, "PNG")
        return b.getvalue()

    pictures = [
        png(face),
        png(face.transpose(Image.FLIP_LEFT_RIGHT)),
        png(Image.new("RGB", (200, 200), (90, 120, 60)))
    ]
    def ask(body, headers):
        status, _, data = server.ask("POST", "/v1/analyze", body, headers)
        analyses.append(json.loads(data))
        return status, analyses[-1]
    with server as s:
        os.makedirs("photos", exist_ok=True)
        for i, p in enumerate(pictures):
            open(f"photos/{i}.png", "wb").write(p)
        tool = json.loads(
            subprocess.run([
                BIN + "/skin-predict", "flat.safetensors", *[f"photos/{i}.png" for i in range(3)],
                "--json"
            ], capture_output=True, text=True).stdout)
        found = json.loads(
            subprocess.run([BIN + "/skin-faces", "--detect", "--json", "photos/0.png"],
                           capture_output=True, text=True).stdout)["faces"][0]
        status, got = ask(*multipart([("photo", p) for p in pictures]))
        after, used = got.get("course") or [], [f["index"]
                                                for f in got["photos"]
                                                if f["used"]] if status == 200 else []
        check([c["index"] for c in after] == used and
              after[-1]["probability_improved"] == got["probability_improved"] and
              len({c["probability_improved"]
                   for c in after}) > 1, f"the course ends with the answer: {after} {got}")
        check(
            status == 200 and abs(got["positive_prob"] - tool["positive_prob"]) < 1e-6 and
            got["prob_class"] == tool["prob_class"], f"analyze {status} {got}, skin-predict {tool}")
        logit = lambda p: np.log(p / (1 - p))
        expected = 1 / (1 +
                        np.exp(-(logit(tool["positive_prob"]) - logit(tool["negative_prob"])) / 2))
        check(
            abs(got["probability_improved"] - expected) < 1e-5,
            f"one probability: {got['probability_improved']}, expected {expected}")
        check([f["used"] for f in got["photos"]] == [True, True, False] and
              got["photos"][2]["reason"] == "NO_FACE" and got["photos_used"] == 2,
              f"photos: {got['photos']}")
        check(
            got["photos"][0]["box"] == found["box"] and
            abs(got["photos"][0]["score"] - found["score"]) < 1e-5,
            f"box {got['photos'][0]['box']}, skin-faces {found['box']}")
        check("selfie" not in json.dumps(got), "a file name came back")
        check(
            0.15 < got["photos"][0]["quality"]["sharpness"] < 2 and
            35 < got["photos"][0]["quality"]["brightness"] < 225 and
            "quality" not in got["photos"][2], f"quality: {got['photos']}")
        # all measures under their own names, as skin-faces stores them
        columns = "sharpness brightness highlights clipped side yaw roll rival".split()
        open("one.txt", "w").write('["1", "1", "", "0.png"]\n')
        subprocess.run([BIN + "/skin-faces", "one.txt", "--images", "photos", "-o", "one"],
                       check=True, capture_output=True)
        stored = dict(zip(columns, np.load("one/1.npz")["quality"][0].tolist()))
        measured = got["photos"][0]["quality"]
        check(
            list(measured) == columns and stored["side"] == min(found["box"][2:]) and
            all(abs(measured[c] - stored[c]) < 1e-4 for c in columns),
            f"quality {measured}, skin-faces {stored}")
        # parts with neither a file name nor a type, in whatever pieces they come
        body, headers = multipart([("photo", p) for p in pictures])
        named = rb'; filename="[^"]*"\r\nContent-Type: image/jpeg'
        for mixed in (re.sub(named, b"", body), re.sub(named, b"", body, count=1)):
            check(mixed.count(b"filename") < 3, "a name is gone")
            status, same = ask(mixed, headers)
            check(
                status == 200 and same["probability_improved"] == got["probability_improved"] and
                [f["index"] for f in same["photos"]] == [0, 1, 2], f"no file names: {same}")
        # a photo that is there twice is told, and judged all the same
        status, twice = ask(*multipart([("photo", p) for p in pictures[:2] + pictures[:1]]))
        check(
            status == 200 and [f.get("same_as") for f in twice["photos"]] == [None, None, 0] and
            all(f["used"] for f in twice["photos"]) and
            not any("same_as" in f for f in got["photos"]), f"the same photo twice: {twice}")
        # a poor photo is passed over with its reasons, as skin-faces masks it
        blurred = png(face.filter(ImageFilter.GaussianBlur(4)))
        status, poor = ask(*multipart([("photo", p) for p in (pictures[0], blurred, pictures[1])]))
        two = ask(*multipart([("photo", p) for p in pictures[:2]]))[1]
        check(
            status == 200 and [f["used"] for f in poor["photos"]] == [True, False, True] and
            poor["photos"][1]["reason"] == "BLURRED" and
            poor["photos"][1]["reasons"] == ["BLURRED"] and "box" in poor["photos"][1],
            f"a blurred photo: {poor}")
        check(poor["positive_prob"] == two["positive_prob"], "it does not count")
        problem(ask(*multipart([("photo", blurred)] * 2)), 422, "NO_VALID_FRAMES",
                "poor photos only")
        # as JSON; in the order of the dates; explained
        body = {
            "photos": [{
                "data": base64.b64encode(p).decode(),
                "date": d
            } for p, d in zip(pictures, ("2024-03-01", "2024-01-01T10:00:00Z", "2024-02-01"))],
            "explain":
            True
        }
        status, dated = ask(json.dumps(body), {"Content-Type": "application/json"})
        check(status == 200 and [f["index"] for f in dated["photos"]] == [1, 2, 0],
              f"order by date: {dated}")
        order = json.loads(
            subprocess.run([
                BIN + "/skin-predict", "flat.safetensors", *[f"photos/{i}.png" for i in (1, 2, 0)],
                "--json"
            ], capture_output=True, text=True).stdout)
        check(abs(dated["positive_prob"] - order["positive_prob"]) < 1e-6, "dates order the photos")
        e = dated["explanation"]
        check(
            len(e["regions"]) == 5 and all(len(r) == 5 for r in e["regions"]) and
            any(v for r in e["regions"] for v in r), f"regions {e}")
        check([f["index"] for f in e["photos"]] == [1, 2, 0] and e["photos"][1]["effect"] == 0 and
              e["photos"][0]["effect"] != 0, f"effects {e['photos']}")
        alone = ask(*multipart([("photo", pictures[0])] * 2))[1]["probability_improved"]
        _, effect = ask(*multipart([("photo", pictures[0])] * 2 +
                                   [("photo", pictures[1])], [("explain", "1")]))
        check(
            abs(effect["probability_improved"] - effect["explanation"]["photos"][2]["effect"] -
                alone) < 2e-6, "the effect of a photo is the difference to the answer without it")
        status, dates = ask(
            *multipart([("a", p)
                        for p in pictures], [("date", d)
                                             for d in ("2024-03-01", "2024-01-01", "2024-02-01")]))
        check(
            status == 200 and dates["photos"] and
            [f["index"] for f in dates["photos"]] == [1, 2, 0], f"dates in a form: {dates}")
        # photos that can't be used are reported one by one, in a problem too
        status, got = ask(*multipart([("photo", p)
                                      for p in (pictures[0], b"GIF89a......", pictures[0][:1000],
                                                b"", pictures[1])]))
        check(
            status == 200 and
            [f["reason"] for f in got["photos"]] == [None] + ["UNSUPPORTED_IMAGE"] * 3 + [None],
            f"bad photos: {got}")
        status, got = ask(*multipart([("photo", pictures[2])] * 2))
        problem((status, got), 422, "NO_FACE", "no face")
        check([f["reason"] for f in got["photos"]] == ["NO_FACE"] * 2, "reports with a problem")
        problem(ask(*multipart([("photo", pictures[0]), ("photo", pictures[2])])), 422,
                "TOO_FEW_FRAMES", "one face only")
        check(s.alive(), "alive")
        time.sleep(0.2)
        check("skin_memory_bytes 0\n" in s.ask("GET", "/metrics")[2].decode(),
              "memory is given back")
    # answers with a promise: from a model file that holds the evidence of measured people
    check(got is not None and two["answer"] is None and two["coverage"] is None,
          f"a promise of a model that makes none: {two}")
    evidence = logit(two["positive_prob"]) - logit(two["negative_prob"])
    people = lambda middle: [middle + step / 100 for step in range(-10, 10)]
    for answer, measured in (("improved", {
            "deteriorated": people(evidence - 9),
            "improved": people(evidence)
    }), ("deteriorated", {
            "deteriorated": people(evidence),
            "improved": people(evidence + 9)
    }), ("unsure", {
            "deteriorated": people(evidence),
            "improved": people(evidence)
    }), ("unsure", {
            "deteriorated": people(evidence - 9),
            "improved": people(evidence + 9)
    })):
        serve_models.set_metadata("flat.safetensors", "promise.safetensors",
                                  conformal=json.dumps(measured))
        with Server("--coverage", "0.8", model="promise.safetensors") as s:
            status, _, data = s.ask("POST", "/v1/analyze",
                                    *multipart([("photo", p) for p in pictures[:2]]))
            analyses.append(json.loads(data))
            check(
                status == 200 and analyses[-1]["answer"] == answer and
                analyses[-1]["coverage"] == 0.8, f"{answer}: {data}")
            check(
                json.loads(s.ask("GET", "/v1/model")[2])["coverage"] == 0.8, "the model's coverage")
    # unfamiliar photos: rarer than everyone measured, or than nobody
    check(
        two["unfamiliar"] is None and two["unfamiliar_reason"] is None and
        two["unfamiliar_detail"] is None, f"told by a model that cannot: {two}")
    for distance, told in ((0, True), (1e9, False)):
        serve_models.set_familiar("flat.safetensors", "familiar.safetensors", distance)
        with Server(model="familiar.safetensors") as s:
            status, _, data = s.ask("POST", "/v1/analyze",
                                    *multipart([("photo", p) for p in pictures[:2]]))
            got = json.loads(data)
            analyses.append(got)
            check(
                status == 200 and got["unfamiliar"] is told and
                (got["unfamiliar_reason"]
                 in ("SHARPNESS", "CONTRAST", "RED_RANGE", "BLUE_RANGE")) is told and
                bool(got["unfamiliar_detail"]) is told, f"unfamiliar at {distance}: {got}")
    # a model card: shown if it is of these weights, and refused if not
    figure = {"value": 0.9, "low": 0.8, "high": None}
    card = {
        "format": 1,
        "model": {
            "weights_sha256": "0" * 64
        },
        "evaluation": {
            "partition": "test",
            "people": 7,
            "data_sha256": "0" * 64
        },
        "figures": {
            "accuracy": figure
        },
        "limits": ["few"]
    }
    serve_models.set_metadata("flat.safetensors", "carded.safetensors", card=json.dumps(card))
    bad = subprocess.run([BIN + "/skin-serve", "carded.safetensors", "--listen", "127.0.0.1:0"],
                         capture_output=True, text=True)
    check(bad.returncode == 1 and "other weights" in bad.stderr,
          f"a card of other weights: {bad.returncode} {bad.stderr}")
    card["model"]["weights_sha256"] = serve_models.weights_digest("flat.safetensors")
    serve_models.set_metadata("flat.safetensors", "carded.safetensors", card=json.dumps(card))
    with Server("--no-detect", model="carded.safetensors") as s:
        got = json.loads(s.ask("GET", "/v1/model")[2])
        models.append(got)
        check(got["card"] == card, f"the card: {got['card']}")
    serve_models.set_metadata("flat.safetensors", "promise.safetensors",
                              conformal='{"deteriorated": [2, 1], "improved": [1]}')
    bad = subprocess.run([BIN + "/skin-serve", "promise.safetensors", "--listen", "127.0.0.1:0"],
                         capture_output=True, text=True)
    check(bad.returncode == 1 and "conformal" in bad.stderr,
          f"falling evidence: {bad.returncode} {bad.stderr}")


def test_infer(rng):
    img = rng.integers(0, 256, (4, 16, 16, 3), np.uint8)
    unit = (img / np.float32(255)).astype(np.float32)
    expected = by_tool(img)
    def body(data, shape, datatype, **more):
        return json.dumps({
            "inputs": [{
                "name": "img",
                "shape": list(shape),
                "datatype": datatype,
                "data": data
            }],
            **more
        })
    with Server("--no-detect") as s:
        def ask(text):
            status, _, data = s.ask("POST", "/v2/models/skin/infer", text)
            return status, json.loads(data)
        for data in (img.ravel().tolist(), img.tolist()):
            for shape in (img.shape, (1, *img.shape)):
                status, got = ask(body(data, shape, "UINT8", id="my id"))
                check(
                    status == 200 and got["id"] == "my id" and got["outputs"][0]["data"]
                    == [expected["negative_prob"], expected["positive_prob"]],
                    f"infer: {status} {got}, expected {expected}")
        status, got = ask(body(unit.ravel().tolist(), img.shape, "FP32"))
        check(
            status == 200 and
            abs(got["outputs"][0]["data"][1] - by_tool(unit)["positive_prob"]) < 1e-8,
            f"FP32: {got}")
        reordered = json.dumps({
            "inputs": [{
                "data": img.ravel().tolist(),
                "datatype": "UINT8",
                "parameters": {
                    "x": [1]
                },
                "shape": img.shape,
                "name": "img"
            }],
            "outputs": [{
                "name": "probabilities"
            }]
        })
        check(ask(reordered)[0] == 200, "keys in another order")
        dim = np.full((2, 16, 16, 3), 1, np.uint8)
        check(
            ask(body(dim.ravel().tolist(), dim.shape,
                     "UINT8"))[1]["outputs"][0]["data"][1] == by_tool(dim)["positive_prob"],
            "UINT8 says what 1 means")
        flat = img.ravel().tolist()
        for text, code in ((body(flat, (4, 16, 16, 2),
                                 "UINT8"), "BAD_SHAPE"), (body(flat, (4, 16, 48),
                                                               "UINT8"), "BAD_SHAPE"),
                           (body(flat, img.shape,
                                 "FP32"), "BAD_VALUE"), (body(unit.ravel().tolist(), img.shape,
                                                              "UINT8"), "BAD_VALUE"),
                           (body(flat, img.shape,
                                 "INT64"), "BAD_REQUEST"), (body(flat, (4, 16, 16, -3),
                                                                 "UINT8"), "BAD_REQUEST"),
                           (body(flat, (4.5, 16, 16, 3),
                                 "UINT8"), "BAD_REQUEST"), (body(flat, (1, ) * 6,
                                                                 "UINT8"), "BAD_REQUEST"),
                           (json.dumps({"inputs": []}),
                            "BAD_REQUEST"), (json.dumps({"inputs": [{}]}),
                                             "BAD_REQUEST"), (json.dumps({}), "BAD_REQUEST"),
                           ('{"inputs": [{"name": "other"}]}',
                            "BAD_REQUEST"), ('{"inputs": [{"data": "x"}]}', "BAD_REQUEST"),
                           ('{"inputs": [{"data": [1, [2]]}]}',
                            "BAD_SHAPE"), ('{"inputs": [{"shape": [1}]}', "BAD_JSON"), (body(
                                flat, (2**40, 2**40, 16, 3),
                                "UINT8"), "BAD_REQUEST"), ('{"inputs": [1]}', "BAD_REQUEST")):
            problem(ask(text), 400, code, f"infer {text[:70]}")
        check(json.loads(s.ask("GET", "/v2")[2])["name"] == "skin-serve", "/v2")
        check(
            json.loads(s.ask("GET",
                             "/v2/models/skin")[2])["inputs"][0]["shape"] == [1, -1, 16, 16, 3],
            "/v2/models/skin")
        check(
            json.loads(s.ask("GET", "/v2/models/skin/ready")[2])["ready"] is True,
            "/v2/models/skin/ready")


# ---- the page and the description of all answers ----


def test_page():
    with Server("--no-detect") as s:
        status, headers, data = s.ask("GET", "/")
        check(
            status == 200 and headers["content-type"] == "text/html; charset=utf-8" and
            "default-src 'none'" in headers["content-security-policy"], f"page: {status} {headers}")
        text = data.decode()
        for link in re.findall(r'(?:src|href)="([^"#]+)"', text):
            check("//" not in link and s.ask("GET", "/" + link)[0] == 200, f"the page's {link}")
        for script in ("app.js", "draw.js", "exif.js", "result.js"):
            status, headers, data = s.ask("GET", "/" + script)
            check(status == 200 and headers["content-type"].startswith("text/javascript"),
                  f"{script}: {status}")
            check(
                all(
                    s.ask("GET", "/" + m)[0] == 200
                    for m in re.findall(r'from "\./([^"]+)"', data.decode())),
                f"an import of {script}")
        check("<script>" not in text and "style=" not in text and " onclick" not in text,
              "nothing inline")
        api = json.loads(s.ask("GET", "/openapi.json")[2])
        # every address of the description is there, and every address that is there is described
        for path, methods in api["paths"].items():
            for method in methods:
                check(
                    s.ask(method.upper(), path)[0] not in (404, 405),
                    f"{method} {path} is described and not there")
        table = re.findall(
            r'^ROUTE\("([A-Z]+)", "(/[^"]*)", (OPEN|TOKEN), (\w+)\)',
            open(
                os.path.join(os.path.dirname(os.path.abspath(__file__)),
                             "../../tools/serve/routes.inc")).read(), re.M)
        check(len(table) >= 19, f"the table of routes was not read: {table}")
        # of the page: not for programs
        files = {
            "/style.css", "/app.js", "/backend.js", "/before.js", "/course.js", "/draw.js",
            "/exif.js", "/result.js", "/icon.svg"
        }
        files |= {p for _, p, _, _ in table if p.startswith("/local/")}
        described = {
            (method.upper(), path): operation
            for path, methods in api["paths"].items()
            for method, operation in methods.items()
        }
        check({
            (m, p)
            for m, p, _, _ in table
            if p not in files
        } == set(
            described
        ), "the table of routes and openapi.json differ: "
           f"{({(m, p) for m, p, _, _ in table if p not in files}) ^ set(described)}"
              )
        for method, path, access, _ in table:
            check(
                path in files or (described.get(
                    (method, path), {}).get("security") == [{}]) == (access == "OPEN"),
                f"{method} {path}: {access} in the table, something else in openapi.json")
        known = set(api["components"]["schemas"]["Problem"]["properties"]["code"]["enum"])
        check(codes <= known, f"codes that are not described: {codes - known}")
        try:
            import jsonschema
        except ImportError:
            print("python3-jsonschema is not there: answers are not checked against the schemas")
            return
        check(api["openapi"].startswith("3.1") and {"title", "version"} <= set(api["info"]),
              "the head of openapi.json")
        for name, schema in api["components"]["schemas"].items():
            jsonschema.Draft202012Validator.check_schema(schema)
        for path, methods in api["paths"].items():
            for operation in methods.values():
                check(
                    operation["operationId"] and
                    all("$ref" in r or r["description"] for r in operation["responses"].values()),
                    f"{path}: an operation without id, or an answer without description")
        def resolve(value):
            if isinstance(value, dict):
                if "$ref" in value:
                    at = api
                    for step in value["$ref"].removeprefix("#/").split("/"):
                        at = at[step]
                [resolve(v) for v in value.values()]
            elif isinstance(value, list):
                [resolve(v) for v in value]
        resolve(api) # a reference to nothing raises
        def valid(name, value):
            schema = {"$ref": f"#/components/schemas/{name}", "components": api["components"]}
            jsonschema.validate(value, schema)
        valid("Verdict", s.predict(frames())[1])
        models.append(json.loads(s.ask("GET", "/v1/model")[2]))
        for model in models:
            valid("Model", model)
        ask = {
            "inputs": [{
                "name": "img",
                "shape": [1, 1, 1, 3],
                "datatype": "UINT8",
                "data": [1, 2, 3]
            }]
        }
        valid("InferRequest", ask)
        valid("InferResponse",
              json.loads(s.ask("POST", "/v2/models/skin/infer", json.dumps(ask))[2]))
        for answer in analyses:
            valid("Analysis" if "verdict" in answer else "Problem", answer)
        valid("Problem", s.predict([])[1])


serve_models.make(BIN)
serve_models.make(BIN, seed=4, names=("other", "other_gap"))
rng = np.random.default_rng(1)
run([(test_original, (rng, )), (test_predict, (rng, )), (test_detect, (rng, )),
     (test_analyze, (rng, )), (test_infer, (rng, )), (test_page, ())])
