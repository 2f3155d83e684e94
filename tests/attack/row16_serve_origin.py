"""What a browser sends for a page of another web site.   row16_serve_origin.py BIN"""
import json
from serve_attack import Server, check, finish
from serve_help import frames, problem

BODY = json.dumps({"img": frames()})


def post(s, host, origin, **more):
    headers = {
        "Host": host,
        "Content-Type": "text/plain",
        **({
            "Origin": origin
        } if origin else {}),
        **more
    }
    status, _, data = s.ask("POST", "/predict", BODY, headers)
    return status, json.loads(data)


s = Server("--no-detect")
here = f"127.0.0.1:{s.port}"
problem(post(s, here, "https://evil.example"), 403, "FORBIDDEN", "a form on another web site")
problem(post(s, here, "null"), 403, "FORBIDDEN", "a form in a sandbox")
problem(post(s, f"evil.example:{s.port}", f"http://evil.example:{s.port}"), 403, "FORBIDDEN",
        "a name that was given this address")
problem(
    (lambda r:
     (r[0], json.loads(r[2])))(s.ask("GET", "/v1/model", None, {
         "Host": f"evil.example:{s.port}",
         "Sec-Fetch-Site": "same-origin"
     })), 403, "FORBIDDEN", "and its questions")
check(post(s, here, f"http://{here}")[0] == 200, "the server's own page")
check(
    post(s, f"localhost:{s.port}", f"http://localhost:{s.port}")[0] == 200, "by the name localhost")
check(post(s, "anything", None)[0] == 200, "a program that is no browser")
s.end(40)
s = Server("--no-detect", "--host", "skin.example.org")
check(post(s, "skin.example.org", "https://skin.example.org")[0] == 200, "the name that was given")
check(post(s, here, "https://skin.example.org")[0] == 200, "behind a proxy")
problem(post(s, "skin.example.org", "https://evil.example"), 403, "FORBIDDEN", "another web site")
s.end(40)
finish()
