"""A photo that takes very long to decode, and what everybody else notices of it.   row01_serve_deadline.py BIN"""
import json, struct, threading, time
from serve_attack import WEIGHTS, Server, check, finish
from serve_help import frames, multipart

DEADLINE, SLACK = 2, 2  # seconds; the slack is for a busy machine


def segment(marker, data):
    return bytes((0xFF, marker)) + struct.pack(">H", len(data) + 2) + data


def many_scans(width, height, scans):
    """A progressive JPEG whose scans hold nothing: each is a few bytes, and costs a walk over all its blocks."""
    blocks = ((width + 7) // 8) * ((height + 7) // 8)
    tables = segment(0xDB, b"\0" + b"\1" * 64) + segment(0xC2, struct.pack(">BHHB", 8, height, width, 1) + b"\1\x11\0")
    # DC: one code of one bit; AC: 0 ends 16384 or more blocks, 10 ends one
    tables += segment(0xC4, b"\0" + bytes([1] + [0] * 15) + b"\0") + segment(0xC4, b"\x10" + bytes([1, 1] + [0] * 14) + b"\xe0\x00")
    first = segment(0xDA, b"\1\1\0\0\0\0") + b"\0" * ((blocks + 7) // 8)
    bits, extension, left = "", 0b11111011111101, blocks
    while left > 0:
        bits += "0" + format(extension, "014b")
        left -= (1 << 14) + extension
    bits += "1" * (-len(bits) % 8)
    data = int(bits, 2).to_bytes(len(bits) // 8, "big").replace(b"\xff", b"\xff\0")
    return b"\xff\xd8" + tables + first + (segment(0xDA, b"\1\1\0\1\x3f\0") + data) * scans + b"\xff\xd9"


body, headers = multipart([("photo", many_scans(8000, 6200, 900))])
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
check(waited < DEADLINE + SLACK, f"another's request waited {waited:.1f} s; a request may take {DEADLINE} s")
print(f"another's request was answered {status} after {waited:.1f} s")
time.sleep(max(0, DEADLINE + SLACK - (time.time() - begin)))
if stuck.is_alive():
    status, _, data = s.ask("GET", "/v2/health/ready")
    check(not stuck.is_alive() or status == 503, f"ready says {status} while the only worker is stuck")
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
