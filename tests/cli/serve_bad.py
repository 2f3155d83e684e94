"""skin-serve and what it must not take, over real sockets: each kind gets its documented answer,
the server lives, memory is given back. Run by serve_bad.sh:  serve_bad.py BIN"""
import json, os, socket, struct, sys, time, zlib
import numpy as np
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import serve_help, serve_models
from serve_help import BIN, Server, check, frames, multipart, run

kinds = set()


def problem(got, status, code, what):
    kinds.add(what)
    serve_help.problem(got, status, code, what)


HEAD = "POST /predict HTTP/1.1\r\nHost: x\r\n"
GET = "GET /health HTTP/1.1\r\nHost: x\r\n"
PIXEL = '{"img": [[[[9,9,9]]]]}' # a right body
# Below HTTP, libmicrohttpd answers or cuts the connection.
RAW = [
    ("empty lines only", "\r\n\r\n", "cut"),
    ("one word", "GARBAGE\r\n\r\n", "400 cut"),
    ("an unknown version", "GET / HTTP/9.9\r\n\r\n", "400 505 cut"),
    ("no version", "GET /health\r\n\r\n", "400 cut"),
    ("no Host", "GET /health HTTP/1.1\r\n\r\n", "400"),
    ("a negative length", HEAD + "Content-Length: -1\r\n\r\n", "400"),
    ("a length with a letter", HEAD + "Content-Length: 5x\r\n\r\nhello", "400"),
    ("a length of 23 digits", HEAD + "Content-Length: 99999999999999999999999\r\n\r\n", "413"),
    ("a length of 18 exabytes", HEAD + "Content-Length: 18446744073709551615\r\n\r\n", "413"),
    ("a length beyond the limit, and no body",
     HEAD + "Content-Length: 99999999\r\nExpect: 100-continue\r\n\r\n", "413"),
    ("a length and chunks",
     HEAD + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400"),
    ("two lengths", HEAD + "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", "400"),
    ("a blank before a colon", HEAD + "X-Request : 1\r\nContent-Length: 0\r\n\r\n", "400"),
    ("a length with a blank before its colon",
     HEAD + f"Content-Length : {len(PIXEL)}\r\n\r\n" + PIXEL, "400"),
    ("two hosts", HEAD + "Host: other\r\nContent-Length: 0\r\n\r\n", "400"),
    ("a body shorter than its length", HEAD + "Content-Length: 50\r\n\r\n{}", "cut"),
    ("a length twice",
     HEAD + f"Content-Length: {len(PIXEL)}\r\nContent-Length: {len(PIXEL)}\r\n\r\n" + PIXEL, "400"),
    ("another length behind the right one",
     HEAD + f"Content-Length: {len(PIXEL)}\r\nX: y\r\nCONTENT-LENGTH: 0\r\n\r\n" + PIXEL, "400"),
    ("chunks and a length", HEAD +
     "transfer-encoding: Chunked\r\nContent-Length: "
     f"2\r\n\r\n{len(PIXEL):x}\r\n{PIXEL}\r\n0\r\n\r\n",
     "400"),
    ("an unknown transfer encoding", HEAD + "Transfer-Encoding: gzip\r\n\r\n", "400"),
    ("a chunk size that is none", HEAD + "Transfer-Encoding: chunked\r\n\r\nZZ\r\nxx\r\n0\r\n\r\n",
     "400"),
    ("a chunk of another size", HEAD + "Transfer-Encoding: chunked\r\n\r\n5\r\nab\r\n0\r\n\r\n",
     "400 cut"),
    ("a chunk size of 18 digits", HEAD + "Transfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFFF\r\n",
     "413"),
    ("a flood of header lines",
     GET + "".join(f"X-{i}: {'y' * 200}\r\n" for i in range(2000)) + "\r\n", "431 413"),
    ("one long header line", GET + "X: " + "y" * 200000 + "\r\n\r\n", "431"),
    ("a long address", "GET /" + "a" * 200000 + " HTTP/1.1\r\nHost: x\r\n\r\n", "414 431"),
    ("zero bytes", "\x00" * 5000, "400 cut"),
    ("the start of TLS", "\x16\x03\x01\x02\x00\x01", "cut"),
    ("a header line without a colon", GET + "nothing\r\n\r\n", "400"),
    ("a header line with a zero byte", GET + "X: \x00\r\n\r\n", "200 400"),  # it ends there
]


def test_bad_bodies():
    good = json.dumps({"img": frames()})
    deep = "[" * 10
    cases = [("", "BAD_JSON"), ("   ", "BAD_JSON"), ("{", "BAD_JSON"), (good[:-1], "BAD_JSON"),
             (good + "x", "BAD_JSON"), (good + good, "BAD_JSON"), ("{'img': 1}", "BAD_JSON"),
             ('{"img": [[[[1,2,3,]]]]}', "BAD_JSON"), ('{"img": [01]}', "BAD_JSON"),
             ('{"img": [NaN]}', "BAD_JSON"), ('{"img": [Infinity]}', "BAD_JSON"),
             ('{"img": [-]}', "BAD_JSON"), ('{"img": [1.]}', "BAD_JSON"),
             ('{"img": [.5]}', "BAD_JSON"), ('{"img": [+1]}', "BAD_JSON"),
             ('{"img": [1e999]}', "BAD_JSON"), ('{"img": [' + "1" * 100 + "]}", "BAD_JSON"),
             ('{"x": "\\ud800"}', "BAD_JSON"), ('{"x": "\\q"}', "BAD_JSON"),
             (b'{"x": "\xff"}', "BAD_JSON"), ('{"x": "\n"}', "BAD_JSON"),
             ('{"x": ' + "[" * 1000, "BAD_JSON"), ('{"' + "k" * 100 + '": 1}', "BAD_JSON"),
             ("\ufeff" + good, "BAD_JSON"), ("nul", "BAD_JSON"), ('{"img" [1]}', "BAD_JSON"),
             ('{1: 2}', "BAD_JSON"), ("[]", "BAD_REQUEST"), ("3", "BAD_REQUEST"),
             ("null", "BAD_REQUEST"), ("{}", "BAD_REQUEST"), ('{"image": []}', "BAD_REQUEST"),
             ('{"img": 3}', "BAD_REQUEST"), ('{"img": "x"}', "BAD_REQUEST"),
             ('{"img": {}}', "BAD_REQUEST"), ('{"img": null}', "BAD_REQUEST"),
             ('{"img": [[[["a"]]]]}', "BAD_REQUEST"), ('{"img": [[[[true]]]]}', "BAD_REQUEST"),
             ('{"img": [{"a": 1}]}', "BAD_REQUEST"), (good[:-1] + ', "img": []}', "BAD_REQUEST"),
             (good[:-1] + ', "detect": 1}', "BAD_REQUEST"),
             (good[:-1] + ', "mask": [1]}', "BAD_REQUEST"),
             (good[:-1] + ', "detect": "yes"}', "BAD_REQUEST"), ('{"img": []}', "BAD_SHAPE"),
             ('{"img": [[]]}', "BAD_SHAPE"), ('{"img": [[[[]]]]}', "BAD_SHAPE"),
             ('{"img": [1, 2, 3]}', "BAD_SHAPE"), ('{"img": [[[1,2,3]]]}', "BAD_SHAPE"),
             ('{"img": [[[[1,2]]]]}', "BAD_SHAPE"), ('{"img": [[[[1,2,3,4]]]]}', "BAD_SHAPE"),
             ('{"img": [[[[1,2,3]],[[1,2,3],[1,2,3]]]]}', "BAD_SHAPE"),
             ('{"img": [[[[1,2,3]]],[[1,2,3]]]}', "BAD_SHAPE"),
             ('{"img": [[[[1,2,[3]]]]]}', "BAD_SHAPE"), ('{"img": ' + deep, "BAD_SHAPE"),
             (json.dumps({"img": [frames(), frames()]}), "BAD_SHAPE"),
             (json.dumps({"img": [[frames()]]}), "BAD_SHAPE"),
             ('{"img": [[[[1,2,256]]]]}', "BAD_VALUE"), ('{"img": [[[[-1,2,3]]]]}', "BAD_VALUE"),
             ('{"img": [[[[-0.001,0,0]]]]}', "BAD_VALUE"),
             ('{"img": [[[[1e30,0,0]]]]}', "BAD_VALUE"),
             ('{"img": [[[[1.0001,0.5,0]]]]}', "BAD_VALUE"),
             ('{"img": [[[[1.99,1,0]]]]}', "BAD_VALUE"), (b"\xff\xfe{\0}\0", "BAD_JSON"), ]
    with Server("--no-detect", "--max-frames", "20", "--max-side", "64", "--max-body", "100000",
                "--patience", "5") as s:
        for body, code in cases:
            problem(s.ask("POST", "/predict", body), 400, code, f"body {body[:60]!r}")
        problem(
            s.ask("POST", "/predict", json.dumps({"img": np.zeros((3, 2, 2, 3), int).tolist()})),
            422, "NO_VALID_FRAMES", "all zeros")
        problem(s.ask("POST", "/predict?detect=maybe", good), 400, "BAD_REQUEST", "?detect=maybe")
        problem(s.ask("POST", "/predict?detect=0&detect=1", good), 400, "BAD_REQUEST",
                "?detect twice")
        problem(s.ask("POST", "/predict?detect", good), 503, "NO_DETECTOR", "?detect")
        problem(s.ask("POST", "/predict?detect=1", good), 503, "NO_DETECTOR",
                "detect without a detector")
        problem(
            s.ask("POST", "/predict", good, {"Content-Type": "multipart/form-data; boundary=x"}),
            415, "UNSUPPORTED_MEDIA_TYPE", "multipart")
        problem(s.predict(frames(21)), 413, "TOO_LARGE", "too many frames")
        problem(s.predict(frames(1, 65, 1)), 413, "TOO_LARGE", "too high")
        problem(s.ask("POST", "/predict", " " * 100001), 413, "TOO_LARGE", "a body over the limit")
        problem(
            s.ask("POST", "/predict", (b" " * 1000 for _ in range(150)),
                  {"Transfer-Encoding": "chunked"}), 413, "TOO_LARGE", "chunks over the limit")
        for method, path, status, code in (("GET", "/predict", 405, "METHOD_NOT_ALLOWED"),
                                           ("PUT", "/predict", 405, "METHOD_NOT_ALLOWED"),
                                           ("POST", "/metrics", 405, "METHOD_NOT_ALLOWED"),
                                           ("GET", "/nothing", 404,
                                            "NOT_FOUND"), ("GET", "/../etc/passwd", 404,
                                                           "NOT_FOUND"),
                                           ("GET", "/%2e%2e/%2e%2e/etc/passwd", 404,
                                            "NOT_FOUND"), ("GET", "//predict", 404,
                                                           "NOT_FOUND"), ("GET", "/predict%00x",
                                                                          404, "NOT_FOUND"),
                                           ("DELETE", "/v1/model", 405,
                                            "METHOD_NOT_ALLOWED"), ("BREW", "/predict", 405,
                                                                    "METHOD_NOT_ALLOWED")):
            problem(s.ask(method, path), status, code, f"{method} {path}")
        check(s.ask("GET", "/predict")[1].get("allow") == "POST", "Allow")
        for name, raw, expected in RAW:
            kinds.add(name)
            out = s.raw(raw.encode("latin-1"), wait=2)
            status = out.split(" ")[1] if out.startswith(
                "HTTP/") and " " in out else "cut" if not out else out[:60]
            check(status in expected.split(), f"{name}: {status}, not {expected}")
            check(s.alive(), f"dead after {name}")
        # a client that goes away in the middle
        for cut in (10, 60, 120):
            c = socket.create_connection(("127.0.0.1", s.port))
            c.sendall((HEAD + "Content-Length: 500\r\n\r\n" + good)[:cut].encode())
            c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            c.close()
        check(s.alive(), "dead after clients that went away")
        time.sleep(0.2)
        check("skin_memory_bytes 0\n" in s.ask("GET", "/metrics")[2].decode(),
              "memory is given back")


def test_slow_clients():
    with Server("--no-detect", "--patience", "1") as s:
        body = json.dumps({"img": frames()}).encode()
        for start in (b"GET /hea",
                      b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" %
                      (len(body) + 100)):
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
        check("skin_connections_cut_total 2" in s.ask("GET", "/metrics")[2].decode(),
              "the cut ones are counted")


def test_bad_forms():
    try:
        server = Server("--max-photos", "6", "--max-photo", "300000", "--max-pixels", "200000",
                        "--patience", "5")
    except RuntimeError as e:
        print("photos are not tested:", str(e).strip()[:200])
        return
    photo = b"\xff\xd8 the beginning of a photo" + bytes(range(256)) * 40
    def ask(body, headers):
        status, _, data = server.ask("POST", "/v1/analyze", body, headers)
        return status, json.loads(data)
    with server as s:
        # what would blow up: refused by the header
        def chunk(kind, data):
            return struct.pack(">I", len(data)) + kind + data + struct.pack(
                ">I", zlib.crc32(kind + data))
        def header(w, h, idat=b""):
            return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(
                ">IIBBBBB", w, h, 8, 2, 0, 0, 0)) + chunk(b"IDAT", idat) + chunk(b"IEND", b"")
        bomb = header(3000, 3000, zlib.compress(b"\0" * (9001 * 3000)))
        status, got = ask(
            *multipart([("photo", p)
                        for p in (header(60000, 60000), bomb, header(0, 5), header(10, 10, b"junk"),
                                  header(400, 400, zlib.compress(b"\0" * (1201 * 400 * 20))))]))
        reasons = [f["reason"] for f in got.get("photos", [])]
        check(
            status == 422 and reasons[:2] == ["TOO_LARGE_IMAGE"] * 2 and
            set(reasons[2:4]) == {"UNSUPPORTED_IMAGE"}, f"bombs: {status} {got}")
        # bodies
        good, form = multipart([("photo", photo)] * 2)
        def bad(body, headers, status, code, what):
            problem(ask(body, headers), status, code, what)
        for cut in (0, 1, 10, 60, 200, len(good) // 2, len(good) - 3, len(good) - 10):
            bad(good[:cut], form, 400, "BAD_MULTIPART", f"cut at {cut}")
        bad(good, {"Content-Type": "multipart/form-data"}, 400, "BAD_MULTIPART", "no boundary")
        bad(good, {"Content-Type": "multipart/form-data; boundary=" + "b" * 71}, 400,
            "BAD_MULTIPART", "a long boundary")
        bad(good, {"Content-Type": "multipart/form-data; boundary=other"}, 400, "BAD_MULTIPART",
            "another boundary")
        bad(good, {"Content-Type": "text/plain"}, 415, "UNSUPPORTED_MEDIA_TYPE", "text")
        bad(good.replace(b"form-data", b"attachment"), form, 400, "BAD_MULTIPART", "attachment")
        bad(good.replace(b'name="photo"; ', b""), form, 400, "BAD_MULTIPART", "no field name")
        bad(good.replace(b"Content-Type: image/jpeg", b"Content-Type image/jpeg"), form, 400,
            "BAD_MULTIPART", "a header line without colon")
        bad(good.replace(b"Content-Type: image/jpeg", b"X: " + b"y" * 5000), form, 400,
            "BAD_MULTIPART", "a long header line")
        bad(good.replace(b"Content-Type: image/jpeg", b"Content-Transfer-Encoding: base64"), form,
            400, "BAD_MULTIPART", "a transfer encoding")
        bad(good.replace(b"Content-Type: image/jpeg", b"Content-Type: multipart/mixed; boundary=c"),
            form, 400, "BAD_MULTIPART", "a form within a part")
        bad(good.replace(b"--bound\r\n", b"--bound junk\r\n"), form, 400, "BAD_MULTIPART",
            "text behind a boundary")
        bad(*multipart([]), 400, "BAD_REQUEST", "no photo")
        bad(*multipart([("photo", photo)] * 2, [("date", "2024-01-01")]), 400, "BAD_REQUEST",
            "one date for two photos")
        bad(*multipart([("photo", photo)], [("date", "yesterday")]), 400, "BAD_DATE", "a date")
        bad(*multipart([("photo", photo)], [("explain", "maybe")]), 400, "BAD_REQUEST", "explain")
        bad(*multipart([("photo", b"x")] * 7), 413, "TOO_LARGE", "too many photos")
        bad(*multipart([("photo", b"x" * 300001)]), 413, "TOO_LARGE", "a large photo")
        for body, code in (("{}", "BAD_REQUEST"), ('{"photos": 1}', "BAD_REQUEST"),
                           ('{"photos": []}', "BAD_REQUEST"), ('{"photos": [1]}', "BAD_REQUEST"),
                           ('{"photos": [{}]}', "BAD_REQUEST"), ('{"photos": [{"data": 1}]}',
                                                                 "BAD_REQUEST"),
                           ('{"photos": [{"data": "a"}]}',
                            "BAD_BASE64"), ('{"photos": [{"data": "ab=c"}]}',
                                            "BAD_BASE64"), ('{"photos": [{"data": "a b="}]}',
                                                            "BAD_BASE64"),
                           ('{"photos": [{"data": "ab==ab=="}]}',
                            "BAD_BASE64"), ('{"photos": [{"data": "", "date": "x"}]}', "BAD_DATE"),
                           ('{"photos": [{"data": "", "data": ""}]}',
                            "BAD_REQUEST"), ('{"photos": [], "explain": 1}',
                                             "BAD_REQUEST"), ('{"photos": [{"data": ""}',
                                                              "BAD_JSON"), ("[1]", "BAD_REQUEST")):
            bad(body, {"Content-Type": "application/json"}, 400, code, body)
        # the alphabet of base64 for URLs stands for the same bytes: a picture that is none
        for data in ("+/+/+/+/", "-_-_-_-_"):
            bad(json.dumps({"photos": [{"data": data}] * 2}), {"Content-Type": "application/json"},
                422, "UNSUPPORTED_IMAGE", data)
        check(s.alive(), "alive")
        time.sleep(0.2)
        check("skin_memory_bytes 0\n" in s.ask("GET", "/metrics")[2].decode(),
              "memory is given back")


def test_enough():
    print(f"{len(kinds)} kinds of bad input")
    check(len(kinds) >= 40 or os.environ.get("ONLY"), "too few kinds were tried")


serve_models.make(BIN)
run([(test_bad_bodies, ()), (test_bad_forms, ()), (test_slow_clients, ()), (test_enough, ())])
