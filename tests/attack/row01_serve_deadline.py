"""A photo that takes very long to decode, and what everybody else notices of it.
row01_serve_deadline.py BIN"""
import json, threading, time
from made_bombs import many_scans
from serve_attack import WEIGHTS, Server, check, finish
from serve_help import frames, multipart

DEADLINE, SLACK = 1, 2  # seconds; the slack is for a busy machine

# as many scans as are accepted, and nearly as many pixels: some 4 seconds
body, headers = multipart([("photo", many_scans(8000, 6200, 100))])
s = Server("--weights", WEIGHTS, "--deadline", str(DEADLINE), "--drain", "2")


def hold_up():
    """Sends the photo; returns the thread that waits for its answer."""
    def wait():
        try:
            s.ask("POST", "/v1/analyze", body, headers)
        except OSError:
            pass # the server was ended meanwhile
    t = threading.Thread(target=wait)
    t.start()
    time.sleep(0.5)
    return t


stuck = hold_up()
begin = time.time()
status, _, data = s.ask("POST", "/predict", json.dumps({"img": frames()}))
waited = time.time() - begin
check(status in (200, 503), f"/predict was answered {status}")
check(status == 200 or json.loads(data)["code"] == "DEADLINE", f"/predict: {data}")
check(waited < DEADLINE + SLACK,
      f"another's request waited {waited:.1f} s; a request may take {DEADLINE} s")
print(f"another's request was answered {status} after {waited:.1f} s")
time.sleep(max(0, DEADLINE + SLACK - (time.time() - begin)))
if stuck.is_alive():
    status, _, data = s.ask("GET", "/v2/health/ready")
    check(not stuck.is_alive() or status == 503,
          f"ready says {status} while the only worker is stuck")
    check(s.metric("skin_ready") == 0 or not stuck.is_alive(), "the metrics say the same")
    check(s.alive(), "live while the worker is stuck")
stuck.join()
begin = time.time()
while s.ask("GET", "/v2/health/ready")[0] != 200 and time.time() - begin < SLACK:
    time.sleep(0.05)
check(s.ask("GET", "/v2/health/ready")[0] == 200, "ready again afterwards")
stuck = hold_up()
took = s.end(2 + 1 + SLACK)
print(f"SIGTERM while the worker is stuck: ended after {took:.1f} s")
stuck.join()
finish()
