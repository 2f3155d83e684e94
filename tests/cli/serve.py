"""skin-serve over real sockets. Run by serve.sh in an empty folder:  serve.py BIN"""
import base64, http.client, io, json, os, re, signal, socket, ssl, subprocess, sys, threading, time
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
        print(
            f"load: 240 requests from 16 connections in {time.time() - begin:.1f} s, slowest "
            f"{slowest[0]:.2f} s, slowest live answer {max(lives) * 1000:.0f} ms"
        )
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
        check(
            len({r[2]
                 for r in results
                 if r[0] == 200}) == 1, "the same question, the same answer")
        if 429 not in statuses:
            print("the queue never filled")
    with Server("--no-detect", "--memory", str(1 << 20)) as s:
        problem(s.predict(rng.integers(0, 256, (30, 120, 120, 3), np.uint8)), 429, "BUSY",
                "more than all requests may hold")
        check(s.predict(frames())[0] == 200, "a small one fits")


def test_threads(rng):
    """The threads of the arithmetic are as many as --threads says, however many workers share
    them."""
    body = json.dumps({"img": rng.integers(0, 256, (40, 16, 16, 3), np.uint8).tolist()})
    def count(threads, workers):
        with Server("--no-detect", "--threads", str(threads), "--workers", str(workers)) as s:
            asking = [
                threading.Thread(target=s.ask, args=("POST", "/predict", body)) for _ in range(4)
            ]
            [t.start() for t in asking]
            [t.join() for t in asking]
            return len(os.listdir(f"/proc/{s.process.pid}/task"))
    others = count(2, 1) - 2
    for threads, workers in ((4, 1), (4, 2), (6, 2)):
        n = count(threads, workers)
        check(
            n <= others + threads,
            f"--threads {threads} --workers {workers}: {n} threads, {others} of them not of the "
            "arithmetic"
        )


def test_deadline(rng):
    with Server("--no-detect", "--deadline", "0.001", "--threads", "1", "--batch", "1") as s:
        body = json.dumps({"img": rng.integers(0, 256, (300, 16, 16, 3), np.uint8).tolist()})
        results = []
        threads = [
            threading.Thread(target=lambda: results.append(s.ask("POST", "/predict", body)))
            for _ in range(6)
        ]
        [t.start() for t in threads]
        [t.join() for t in threads]
        late = [r for r in results if r[0] != 200]
        check(late, "nobody waited too long")
        for r in late:
            problem(r, 503, "DEADLINE", "a request that waited too long")
            check(r[1].get("retry-after"), "Retry-After with 503")


def test_gone(rng):
    """A client that goes away is not worked for: the server is free again long before the work
    would have been done."""
    try:
        server = Server("--threads", "1")
    except RuntimeError as e:
        print("face detection is not tested:", str(e).strip()[:200])
        return
    with server as s:
        body = json.dumps({
            "img": rng.integers(0, 256, (25, 160, 160, 3), np.uint8).tolist(),
            "detect": True
        }).encode()
        def send():
            c = socket.create_connection(("127.0.0.1", s.port))
            c.sendall(b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" %
                      len(body) + body)
            return c
        def busy():
            # the question itself is one
            return "skin_in_flight 1\n" not in s.ask("GET", "/metrics")[2].decode()
        def wait(until):
            begin = time.time()
            while busy() != until and time.time() - begin < 60:
                time.sleep(0.01)
            return time.time() - begin
        c = send()
        c.recv(100)
        c.close()
        for _ in range(3): # a busy machine may notice late when the work began, or that it ended
            begin = time.time()
            c = send()
            c.recv(100)
            whole = time.time() - begin
            c.close()
            c = send()
            wait(True)
            time.sleep(0.05)
            c.close()
            rest = wait(False)
            if rest < max(0.3, whole / 2):
                break
        check(rest < max(0.3, whole / 2),
              f"worked on for {rest:.2f} s of {whole:.2f} s after the client had gone")


def test_signals(rng):
    img = rng.integers(0, 256, (300, 16, 16, 3), np.uint8)
    expected, other = by_tool(img), by_tool(img, "other.safetensors")
    body = json.dumps({"img": img.tolist()})
    os.system("cp flat.safetensors live.safetensors")
    with Server("--no-detect", model="live.safetensors") as s:
        # SIGHUP under load: every answer is one model's or the other's, and in the end it is the
        # new one's
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
        check(all(status == 200 and got in (expected, other) for status, got in results),
              f"answers during a reload: {results[:3]}")
        check(s.predict(img)[1] == other, "the new model answers")
        os.system("head -c 1000 flat.safetensors >live.safetensors")
        s.process.send_signal(signal.SIGHUP)
        time.sleep(0.5)
        check(s.predict(img)[1] == other, "a broken file leaves the model in service")
        check("skin_model_reload_failures_total 1" in s.ask("GET", "/metrics")[2].decode(),
              "the failure is counted")

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
    check(
        len(answers) == 8 and all(a == (200, expected) for a in answers),
        f"SIGTERM lost answers: {[a[0] for a in answers]}")


def test_token():
    open("token", "w").write("a-secret-of-20-chars\nsecond line\n")
    open("short", "w").write("abc\n")
    with Server("--no-detect", "--token-file", "token") as s:
        body = json.dumps({"img": frames()})
        problem(s.ask("POST", "/predict", body), 401, "UNAUTHORIZED", "no token")
        for wrong in ("Bearer x", "Bearer a-secret-of-20-char", "Bearer a-secret-of-20-charsx",
                      "a-secret-of-20-chars", "Basic a-secret-of-20-chars", "Bearer "):
            problem(s.ask("POST", "/predict", body, {"Authorization": wrong}), 401, "UNAUTHORIZED",
                    wrong)
        check(
            s.ask("POST", "/predict", body,
                  {"Authorization": "Bearer a-secret-of-20-chars"})[0] == 200, "the right token")
        problem(s.ask("GET", "/metrics"), 401, "UNAUTHORIZED", "metrics without a token")
        check(s.alive(), "health needs no token")


def test_tls():
    subprocess.run([
        "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
        "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", "key.pem", "-out",
        "cert.pem"
    ], check=True, capture_output=True)
    context = ssl.create_default_context(cafile="cert.pem")
    img = frames(3)
    with Server("--no-detect", "--tls-cert", "cert.pem", "--tls-key", "key.pem") as s:
        c = http.client.HTTPSConnection("127.0.0.1", s.port, context=context, timeout=60)
        c.request("POST", "/predict", json.dumps({"img": img}))
        r = c.getresponse()
        check(r.status == 200 and json.loads(r.read()) == by_tool(np.array(img, np.uint8)),
              "over TLS")
        c.close()
        check("HTTP/1.1 200" not in s.raw(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n", wait=2),
              "plain text on a TLS port")
    open("bad.pem", "w").write("no certificate")
    refuse("certificate", "flat.safetensors", "--no-detect", "--listen", "127.0.0.1:0",
           "--tls-cert", "bad.pem", "--tls-key", "key.pem")


def refuse(text, *options, status=1):
    out = subprocess.run([BIN + "/skin-serve", *options], capture_output=True, text=True,
                         timeout=20)
    check(out.returncode == status and text in out.stderr and not out.stdout,
          f"skin-serve {options}: {out.returncode} {out.stderr!r}")


def test_local():
    """A folder of files at /local/: their bytes and types, and the policy of the page."""
    names = [
        "index.html", "style.css", "icon.svg", "app.js", "backend.js", "before.js", "course.js",
        "draw.js", "exif.js", "result.js", "skin.mjs", "worker.mjs", "skin.wasm",
        "skin-threads.wasm", "mtcnn.safetensors", "model.safetensors"
    ]
    os.mkdir("web")
    for name in names[:-1]:
        open("web/" + name, "w").write("this is " + name)
    refuse("web/model.safetensors", "flat.safetensors", "--no-detect", "--local", "web")
    open("web/model.safetensors", "w").write("this is model.safetensors")
    with Server("--no-detect", "--local", "web") as s:
        for name in names[1:]:
            status, headers, data = s.ask("GET", "/local/" + name)
            check(status == 200 and data.decode() == "this is " + name,
                  f"/local/{name}: {status} {data}")
        check(
            headers["content-type"] == "application/octet-stream" and
            s.ask("GET", "/local/skin.wasm")[1]["content-type"] == "application/wasm",
            "types of /local/")
        status, headers, data = s.ask("GET", "/local/")
        policy = headers["content-security-policy"]
        check(
            status == 200 and data == b"this is index.html" and "worker-src blob:" in policy and
            "'wasm-unsafe-eval'" in policy, f"the page at /local/: {status} {policy}")
        check((headers["cross-origin-opener-policy"],
               headers["cross-origin-embedder-policy"]) == ("same-origin", "require-corp"),
              "the page may use threads")
        headers = s.ask("GET", "/")[1]
        check(
            "wasm" not in headers["content-security-policy"] and
            "cross-origin-opener-policy" not in headers,
            "the server's own page has a policy of its own")
        for path in ("/local/../flat.safetensors", "/local/none", "/local/index.html/"):
            check(s.ask("GET", path)[0] == 404, path)
    with Server("--no-detect") as s:
        check(
            s.ask("GET", "/local/")[0] == 404 and s.ask("GET", "/local/app.js")[0] == 404,
            "without --local there is none")


def test_command_line():
    refuse("missing.safetensors", "missing.safetensors", "--no-detect")
    refuse("expected HOST:PORT", "flat.safetensors", "--no-detect", "--listen", "nowhere")
    refuse("can be reached from outside", "flat.safetensors", "--no-detect", "--listen",
           "0.0.0.0:0")
    refuse("16 characters", "flat.safetensors", "--no-detect", "--listen", "127.0.0.1:0",
           "--token-file", "short")
    refuse("token-file", "flat.safetensors", "--no-detect", "--token-file", status=2)
    refuse("go together", "flat.safetensors", "--no-detect", "--tls-cert", "x", status=2)
    with Server("--no-detect") as s:
        refuse("in use", "flat.safetensors", "--no-detect", "--listen", f"127.0.0.1:{s.port}")


serve_models.make(BIN)
serve_models.make(BIN, seed=4, names=("other", "other_gap"))
rng = np.random.default_rng(1)
run([(test_original, (rng, )), (test_predict, (rng, )), (test_detect, (rng, )),
     (test_analyze, (rng, )), (test_infer, (rng, )), (test_token, ()), (test_tls, ()),
     (test_command_line, ()), (test_local, ()), (test_full_queue, (rng, )), (test_threads, (rng, )),
     (test_deadline, (rng, )), (test_gone, (rng, )), (test_load, (rng, )), (test_signals, (rng, )),
     (test_page, ())])
