#!/usr/bin/env python3
"""What the fence costs: processor time of requests to skin-serve whose photos are decoded behind
it, beside --decoder inline.

    bench/fence_cost.py [--bin build/bin[,OTHER/bin]] [--rounds 9] [--seconds 0.6] [--kinds
    small,ten,large,turned] [--folder DIR]

A server of each sort runs, with one thread, and they are asked in turn; a round asks each for about
--seconds. The time is that of the server, of the
process that starts decoders, and of all decoders (user and system, from /proc). Printed are
milliseconds for a request, and what the fence adds. With several folders of programs all are
compared with the first one's inline server. The answers of all must be the same.

    small    one photo of 640x480           ten      ten such photos
    large    one of 12 megapixels, baseline JPEG of quality 92, as phones write it
    turned   the same, stored on its side, with a mark that says so

The photos are those of skin-synth, enlarged, with a camera's noise; --folder keeps them for another
run. Needs numpy and Pillow."""
import argparse
import http.client
import json
import os
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
TICK = os.sysconf("SC_CLK_TCK")
# side of the photos, how many in a request, the mark of orientation
KINDS = {
    "small": ((480, 640), 1, 1),
    "ten": ((480, 640), 10, 1),
    "large": ((3000, 4000), 1, 1),
    "turned": ((4000, 3000), 1, 6)
}


def arguments():
    p = argparse.ArgumentParser(description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--bin", default=os.path.join(ROOT, "build", "bin"))
    p.add_argument("--rounds", type=int, default=9)
    p.add_argument("--seconds", type=float, default=0.6)
    p.add_argument("--kinds", default=",".join(KINDS))
    p.add_argument("--folder")
    return p.parse_args()


# ---- photos ----

def draw(programs, folder):
    """Photos of all kinds in `folder`, unless they are there."""
    if os.path.exists(os.path.join(folder, "whole")):
        return
    import numpy as np
    from PIL import Image
    with tempfile.TemporaryDirectory() as scratch:
        clinic = os.path.join(scratch, "clinic")
        subprocess.run([
            os.path.join(programs, "skin-synth"), clinic, "--patients", "4", "--seed", "12",
            "--photos", "6:6", "--size", "1600:1600", "--no-exif", "--no-face", "0", "--quiet"
        ], check=True)
        drawn = sorted(
            os.path.join(place, name)
            for place, _, names in os.walk(os.path.join(clinic, "images"))
            for name in names)
        noise = np.random.default_rng(1).normal(0, 7, (64, 64, 3))
        for kind, ((width, height), count, mark) in KINDS.items():
            for i in range(count):
                photo = Image.open(drawn[i])
                photo = photo.resize((width, height) if mark == 1 else (height, width),
                                     Image.Resampling.BICUBIC)
                if mark == 6:
                    photo = photo.transpose(Image.Transpose.ROTATE_90)
                grain = np.tile(
                    noise,
                    (photo.height // 64 + 1, photo.width // 64 + 1, 1))[:photo.height, :photo.width]
                photo = Image.fromarray(np.clip(np.asarray(photo) + grain, 0, 255).astype(np.uint8))
                exif = Image.Exif()
                exif[0x0112] = mark
                photo.save(os.path.join(folder, f"{kind}{i}.jpg"), quality=92, exif=exif)
    with open(os.path.join(folder, "whole"), "w"):
        pass


def body_of(folder, kind):
    out = b""
    for i in range(KINDS[kind][1]):
        with open(os.path.join(folder, f"{kind}{i}.jpg"), "rb") as f:
            out += (b'--mark\r\nContent-Disposition: form-data; name="photos"; filename="a.jpg"\r\n'
                    b"Content-Type: image/jpeg\r\n\r\n" + f.read() + b"\r\n")
    return out + b"--mark--\r\n"


# ---- servers ----

class Server:
    def __init__(self, programs, decoder):
        weights = os.path.join(ROOT, "weights")
        self.process = subprocess.Popen([
            os.path.join(programs, "skin-serve"),
            os.path.join(weights, "demo.safetensors"), "--weights",
            os.path.join(weights, "mtcnn.safetensors"), "--listen", "127.0.0.1:0", "--threads", "1",
            "--min-photos", "1", "--decoder", decoder
        ], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"{programs}/skin-serve does not start")
        self.port = int(line.rsplit(":", 1)[1])
        self.name = f"{decoder}, {programs}"

    def time(self):
        """Seconds of processor time until now: the server's, its children's, and of those that they
        have waited for."""
        pid, total = self.process.pid, 0
        with open(f"/proc/{pid}/task/{pid}/children") as f:
            pids = [pid, *(int(word) for word in f.read().split())]
        for each in pids:
            with open(f"/proc/{each}/stat") as f:
                total += sum(int(word) for word in f.read().rsplit(")", 1)[1].split()[11:15])
        return total / TICK

    def ask(self, body):
        c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        c.request("POST", "/v1/analyze", body,
                  {"Content-Type": "multipart/form-data; boundary=mark"})
        answer = c.getresponse()
        data = answer.read()
        c.close()
        if answer.status != 200:
            sys.exit(f"{self.name}: {answer.status} {data[:300]}")
        found = json.loads(data)
        del found["request_id"]
        return json.dumps(found, sort_keys=True)

    def end(self):
        self.process.terminate()
        self.process.wait()


def measure(servers, body, rounds, seconds):
    """server -> milliseconds for a request: means, since the system counts in hundredths of a
    second."""
    answers = {s.ask(body) for s in servers}
    if len(answers) != 1:
        sys.exit("the servers do not answer the same")
    begin = time.monotonic()
    servers[0].ask(body)
    count = max(1, round(seconds / (time.monotonic() - begin)))
    before = [s.time() for s in servers]
    for _ in range(rounds):
        for s in servers:
            for _ in range(count):
                s.ask(body)
    return [1e3 * (s.time() - b) / (rounds * count) for s, b in zip(servers, before)]


def main():
    args = arguments()
    folders = args.bin.split(",")
    with tempfile.TemporaryDirectory() as scratch:
        folder = args.folder or scratch
        os.makedirs(folder, exist_ok=True)
        draw(folders[0], folder)
        servers = [Server(f, decoder) for f in folders for decoder in ("inline", "fenced")]
        try:
            for kind in args.kinds.split(","):
                inline, *fenced = measure(servers, body_of(folder, kind), args.rounds, args.seconds)
                print(f"{kind:8}{servers[0].name:50}{inline:9.2f} ms", flush=True)
                for s, t in zip(servers[1:], fenced):
                    print(
                        f"{kind:8}{s.name:50}{t:9.2f} ms{t - inline:+8.2f} "
                        f"ms{100 * (t / inline - 1):+6.1f} %",
                        flush=True)
        finally:
            for s in servers:
                s.end()


if __name__ == "__main__":
    main()
