"""A server whose limit on tasks is lowered while it runs: right answers on the threads that it has,
documented errors, and an end in order.   row05_serve_threads.py BIN HANG
The limit does not bind root, so the server is another user's if this is root. HANG: a library whose
MHD_stop_daemon never returns."""
import io, json, os, subprocess, sys
from serve_attack import DEMO, WEIGHTS, Server, check, finish
from serve_help import BIN, multipart, problem
import skimage.data, skimage.io

HANG = sys.argv[2]
NOBODY = {"user": 65533, "group": 65533, "extra_groups": []} if os.getuid() == 0 else {}
DRAIN, LAST_RESORT = 1, 5 # seconds


class Limited(Server):
    """As a user whom limits bind."""
    def __init__(self, *options, preload=""):
        self.expect = 0
        command = [
            BIN + "/skin-serve", DEMO, "--weights", WEIGHTS, "--listen", "127.0.0.1:0",
            "--min-photos", "1", "--threads", "8", "--workers", "2", "--drain",
            str(DRAIN)
        ]
        self.process = subprocess.Popen([*command, *options], stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True,
                                        env=dict(os.environ, LD_PRELOAD=preload), **NOBODY)
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(self.process.stderr.read())
        self.port = int(line.rsplit(":", 1)[1])

    def allow(self, tasks):
        """For the server and the process that starts decoders."""
        pid = self.process.pid
        for each in (pid, *open(f"/proc/{pid}/task/{pid}/children").read().split()):
            subprocess.run(["prlimit", "--pid", str(each), f"--nproc={tasks}:"], check=True,
                           **NOBODY)

    def tasks(self):
        return len(os.listdir(f"/proc/{self.process.pid}/task"))

    def analyze(self):
        got = self.ask("POST", "/v1/analyze", *photo)
        answer = json.loads(got[2])
        answer.pop("request_id", None)
        return got, answer


def face():
    out = io.BytesIO()
    skimage.io.imsave(out, skimage.data.astronaut()[:256, 96:352], plugin="pil", format_str="png")
    return multipart([("photo", out.getvalue())])


def analyses(decoder):
    """Limited before it has had helpers, then free, then limited again, with helpers."""
    s = Limited("--decoder", decoder)
    answers, tasks = [], [s.tasks()]
    for allowed in (1, 4000, 1):
        s.allow(allowed)
        for _ in range(4):
            got, answer = s.analyze()
            check(
                s.ask("GET", "/v2/health/ready")[0] == 200,
                f"{decoder}, {allowed} tasks: not ready")
            if decoder == "fenced" and allowed == 1:
                problem(got, 503, "OUT_OF_MEMORY", "no decoder can be started")
                check("cannot start a process" in answer["detail"], f"the reason is {answer}")
            else:
                check(got[0] == 200, f"{decoder}, {allowed} tasks: {got[0]} {answer}")
                answers.append(answer)
        tasks.append(s.tasks())
    check(all(a == answers[0] for a in answers), f"{decoder}: the answers differ: {answers}")
    check(tasks[0] == tasks[1] < tasks[2] == tasks[3],
          f"{decoder}: threads at the start, limited, free, limited: {tasks}")
    took = s.end(10)
    check(took < DRAIN + 2, f"{decoder}: {took:.1f} s to end")


def ends_by_force():
    """A server that hangs when it is told to stop is ended all the same."""
    s = Limited("--decoder", "inline", preload=HANG)
    s.allow(1)
    s.process.terminate()
    try:
        status = s.process.wait(DRAIN + LAST_RESORT + 10)
    except subprocess.TimeoutExpired:
        s.process.kill()
        status = "none"
    said = s.process.stderr.read()
    check(status == 1 and "did not stop in" in said,
          f"a server that hangs: status {status}: {said[-300:]}")


photo = face()
analyses("inline")
analyses("fenced")
ends_by_force()
finish()
