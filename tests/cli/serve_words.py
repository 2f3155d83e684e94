"""skin-serve as browsers, phones and scripts ask it, over real sockets. Run by serve_words.sh:
serve_words.py BIN"""
import base64, gzip, json, os, re, subprocess, sys, zlib
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import serve_models
from serve_help import BIN, Server, check, frames, multipart, problem, run

JSON = {"Content-Type": "application/json"}
GOOD = json.dumps({"img": frames(3, 8, 8)})
APP = "https://app.example"


def test_packed():
    with Server("--no-detect", "--max-body", "100000") as s:
        plain = s.ask("POST", "/predict", GOOD, JSON)
        for coding, body in (("gzip", gzip.compress(GOOD.encode())), ("x-gzip",
                                                                      gzip.compress(GOOD.encode())),
                             ("GZIP", gzip.compress(GOOD.encode(),
                                                    1)), ("deflate", zlib.compress(GOOD.encode())),
                             ("gzip", gzip.compress(GOOD[:20].encode()) +
                              gzip.compress(GOOD[20:].encode())), ("identity", GOOD), ("", GOOD)):
            got = s.ask("POST", "/predict", body, {**JSON, "Content-Encoding": coding})
            check(got[0] == 200 and got[2] == plain[2], f"{coding}: {got}")
        got = s.ask("POST", "/predict", (bytes([b]) for b in gzip.compress(GOOD.encode())), {
            **JSON, "Content-Encoding": "gzip",
            "Transfer-Encoding": "chunked"
        })
        check(got[0] == 200 and got[2] == plain[2], f"byte by byte: {got}")
        packed = gzip.compress(GOOD.encode())
        for body, code, what in ((packed[:-1], "BAD_ENCODING",
                                  "cut"), (packed[:20], "BAD_ENCODING",
                                           "cut early"), (GOOD, "BAD_ENCODING", "not packed"),
                                 (packed[:-6] + b"123456", "BAD_ENCODING", "a wrong checksum"),
                                 (gzip.compress(b"{"), "BAD_JSON", "half a text"), (b"", "BAD_JSON",
                                                                                    "nothing")):
            problem(s.ask("POST", "/predict", body, {
                **JSON, "Content-Encoding": "gzip"
            }), 400, code, what)
        problem(
            s.ask("POST", "/predict", gzip.compress(b" " * 100001), {
                **JSON, "Content-Encoding": "gzip"
            }), 413, "TOO_LARGE", "unpacks to more than the limit")
        problem(
            s.ask("POST", "/predict", gzip.compress(b" " * (1 << 26)), {
                **JSON, "Content-Encoding": "gzip"
            }), 413, "TOO_LARGE", "a bomb")
        for coding in ("br", "zstd", "gzip, gzip"):
            got = s.ask("POST", "/predict", GOOD, {**JSON, "Content-Encoding": coding})
            problem(got, 415, "UNSUPPORTED_MEDIA_TYPE", coding)
            check(got[1].get("accept-encoding") == "gzip, deflate", f"what is accepted: {got[1]}")
        check("skin_memory_bytes 0\n" in s.ask("GET", "/metrics")[2].decode(),
              "memory is given back")


def test_numbers():
    with Server("--no-detect") as s:
        for got in (s.ask("POST", "/predict", GOOD, JSON),
                    s.ask(
                        "POST", "/v2/models/skin/infer",
                        json.dumps({
                            "inputs": [{
                                "name": "img",
                                "shape": [3, 8, 8, 3],
                                "datatype": "UINT8",
                                "data": json.loads(GOOD)["img"]
                            }]
                        }), JSON)):
            numbers = re.findall(r"0\.\d+", got[2].decode())
            check(
                len(numbers) == 2 and all(len(n) <= 12 for n in numbers),
                f"floats have up to 9 digits: {got[2]}")
        model = s.ask("GET", "/v1/model")[2].decode()
        check(not re.search(r"\d\.\d{15}", model), f"long numbers: {model}")


def test_cors():
    ask = {
        "Origin": APP,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type,authorization"
    }
    with Server("--no-detect") as s: # none by default
        status, headers, body = s.ask("OPTIONS", "/predict")
        check(status == 204 and headers.get("allow") == "POST, OPTIONS" and not body,
              f"OPTIONS: {status} {headers}")
        check(
            s.ask("OPTIONS", "/health")[1].get("allow") == "GET, HEAD, OPTIONS", "OPTIONS /health")
        check(s.ask("OPTIONS", "*")[0] == 204, "OPTIONS *")
        problem(s.ask("OPTIONS", "/nothing"), 404, "NOT_FOUND", "OPTIONS of nothing")
        for method, more in (("OPTIONS", ask), ("POST", {**JSON, "Origin": APP})):
            got = s.ask(method, "/predict", None if method == "OPTIONS" else GOOD, more)
            problem(got, 403, "FORBIDDEN", f"{method} from elsewhere")
            check("access-control-allow-origin" not in got[1], f"nothing is shared: {got[1]}")
        here = f"http://127.0.0.1:{s.port}"
        got = s.ask("POST", "/predict", GOOD, {**JSON, "Origin": here})
        check(got[0] == 200 and "access-control-allow-origin" not in got[1], f"its own page: {got}")
    with open("token", "w") as f:
        f.write("a secret of some length\n")
    with Server("--no-detect", "--token-file", "token", "--cors",
                f"{APP},http://localhost:3000") as s:
        status, headers, _ = s.ask("OPTIONS", "/predict", None, {
            **ask, "Access-Control-Request-Private-Network": "true"
        })
        check(
            status == 204 and headers.get("access-control-allow-origin") == APP and
            headers.get("vary") == "Origin" and
            "POST" in headers.get("access-control-allow-methods", "") and
            {"authorization", "content-type"} <= set(
                headers.get("access-control-allow-headers", "").lower().split(", ")) and
            headers.get("access-control-allow-private-network") == "true",
            f"before the request: {status} {headers}")
        token = {**JSON, "Authorization": "Bearer a secret of some length"}
        for origin in (APP, "http://localhost:3000"):
            got = s.ask("POST", "/predict", GOOD, {
                **token, "Origin": origin,
                "Sec-Fetch-Site": "cross-site"
            })
            check(
                got[0] == 200 and got[1].get("access-control-allow-origin") == origin and
                "X-Request-Id" in got[1].get("access-control-expose-headers", ""),
                f"from {origin}: {got}")
        got = s.ask("POST", "/predict", GOOD, {**JSON, "Origin": APP})
        problem(got, 401, "UNAUTHORIZED", "without a token")
        check(got[1].get("access-control-allow-origin") == APP, "a page may read why")
        got = s.ask("POST", "/predict", "{", {**token, "Origin": APP})
        problem(got, 400, "BAD_JSON", "a bad body")
        check(got[1].get("access-control-allow-origin") == APP, "and why here")
        for origin in ("https://evil.example", "null", APP + ".evil.example", "http://app.example"):
            for got in (s.ask("POST", "/predict", GOOD, {
                    **token, "Origin": origin
            }), s.ask("OPTIONS", "/predict", None, {
                    **ask, "Origin": origin
            })):
                problem(got, 403, "FORBIDDEN", f"from {origin}")
                check(
                    "access-control-allow-origin" not in got[1] and got[1].get("vary") == "Origin",
                    f"{origin}: {got[1]}")
        got = s.ask("GET", "/health")
        check(
            got[0] == 200 and got[1].get("vary") == "Origin" and
            "access-control-allow-origin" not in got[1], f"no browser: {got}")
        problem(
            s.ask("OPTIONS", "/predict", None, {
                **ask, "Origin": "https://evil.example",
                "Host": "127.0.0.1"
            }), 403, "FORBIDDEN", "another page")
    with Server("--no-detect", "--token-file", "token", "--cors", "*") as s:
        got = s.ask("POST", "/predict", GOOD, {**token, "Origin": "https://any.example"})
        check(got[0] == 200 and got[1].get("access-control-allow-origin") == "https://any.example",
              f"all: {got}")
    for cors, word in (("*", "token"), ("app.example", "origin"), (APP + "/", "origin"),
                       ("null", "origin")):
        out = subprocess.run([
            BIN + "/skin-serve", "flat.safetensors", "--listen", "127.0.0.1:0", "--no-detect",
            "--cors", cors
        ], capture_output=True, text=True, timeout=60)
        check(out.returncode == 2 and word in out.stderr, f"--cors {cors}: {out}")


def test_addresses():
    with Server("--no-detect") as s:
        here = f"127.0.0.1:{s.port}"
        def get(target, host=here, more=""):
            out = s.raw(f"GET {target} HTTP/1.1\r\nHost: {host}\r\n{more}\r\n".encode())
            return out.split(" ")[1] if out.startswith("HTTP/") else out

        for target in (f"http://{here}/health", f"http://{here}/health?x=1",
                       "HTTP://anything/health", "https://anything:1/v2", f"http://{here}/",
                       f"http://{here}"):
            check(get(target) == "200", f"{target}: {get(target)}")
        for target in (f"http://{here}/nothing", "ftp://x/health", "http:/health",
                       f"//{here}/health"):
            check(get(target) == "404", f"{target}: {get(target)}")
        # the name in the address counts, not the header Host
        browser = "Sec-Fetch-Site: same-origin\r\n"
        check(
            get("http://evil.example/health", more=browser) == "403",
            "a name that is not ours in the address")
        check(get(f"http://{here}/health", "evil.example", browser) == "200", "ours in the address")
        out = s.raw(
            f"POST http://{here}/predict HTTP/1.1\r\nHost: {here}\r\nContent-Length: "
            f"{len(GOOD)}\r\n\r\n{GOOD}"
            .encode())
        check(out.startswith("HTTP/1.1 200"), f"POST: {out[:200]}")


def test_photos():
    try:
        server = Server("--min-photos", "1")
    except RuntimeError as e:
        print("photos are not tested:", str(e).strip()[:200])
        return
    with server as s:
        def ask(photos, **more):
            status, _, data = s.ask("POST", "/v1/analyze", json.dumps({
                "photos": photos,
                **more
            }), JSON)
            return status, json.loads(data)
        junk = base64.b64encode(b"BM" + bytes(100)).decode()
        got = ask([{"data": junk}] * 2)
        problem(got, 422, "UNSUPPORTED_IMAGE", "none can be decoded")
        check(
            "photo 0" in got[1]["detail"] and len(got[1]["photos"]) == 2 and
            all(f["reason"] == "UNSUPPORTED_IMAGE" and f["detail"] in got[1]["detail"]
                for f in got[1]["photos"]), f"each photo: {got}")
        got = ask([{
            "data": "data:image/bmp;base64," + junk
        }, {
            "data": "\r\n".join(junk[i:i + 76] for i in range(0, len(junk), 76)) + "\r\n"
        }])
        problem(got, 422, "UNSUPPORTED_IMAGE", "a data URL, and base64 in lines")
        for data in ("data:image/bmp," + junk, "data:text/html;base64",
                     "blob:https://app.example/1", "https://app.example/1.jpg"):
            problem(ask([{"data": data}]), 400, "BAD_BASE64", data[:40])
        for date in ("01.03.2024", "240301", "20241301", 240301, 20240301, 0,
                     "Fri Mar 01 2024 10:00:00 GMT+0100 (Central European Standard Time)"):
            got = ask([{"data": junk, "date": date}])
            problem(got, 400, "BAD_DATE", f"date {date}")
            check(str(date)[:50] in got[1]["detail"], f"date {date}: {got[1]['detail']}")
        got = ask([{
            "data": junk,
            "date": d
        } for d in ("20240301T1030Z", 1709287200, "2024-02-28", "1709200800000")])
        check([f["index"] for f in got[1].get("photos", [])] == [2, 3, 1, 0], f"dates: {got}")
        # a form of a browser whose second input was left empty
        body, form = multipart([("photo", b"BM1"), ("photo", b"BM2")], [("date", "2024-03-02"),
                                                                        ("date", "2024-03-01")])
        empty = (b'--bound\r\nContent-Disposition: form-data; name="photo"; filename=""\r\n'
                 b"Content-Type: application/octet-stream\r\n\r\n\r\n")
        for where in (0, body.index(b"--bound", 1),
                      body.index(b'--bound\r\nContent-Disposition: form-data; name="date"')):
            status, _, data = s.ask("POST", "/v1/analyze", body[:where] + empty + body[where:],
                                    form)
            problem((status, json.loads(data)), 422, "UNSUPPORTED_IMAGE", "an input left empty")
            check([f["index"] for f in json.loads(data)["photos"]] == [1, 0],
                  f"an input left empty at {where}: {data}")
        status, _, data = s.ask("POST", "/v1/analyze", empty + b"--bound--\r\n", form)
        problem((status, json.loads(data)), 400, "BAD_REQUEST", "nothing but an empty input")


serve_models.make(BIN)
run([(test_packed, ()), (test_numbers, ()), (test_cors, ()), (test_addresses, ()),
     (test_photos, ())])
