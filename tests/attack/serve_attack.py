"""What the attacks on skin-serve share, besides the tests of the command line
(../cli/serve_help.py)."""
import os, re, signal, subprocess, sys, time
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "cli"))
import serve_help
from serve_help import BIN, check, failures  # noqa: F401  for the attacks

LONG = os.environ.get("LONG", "") not in ("", "0")
ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
DEMO = os.path.join(ROOT, "weights", "demo.safetensors")
WEIGHTS = os.path.join(ROOT, "weights", "mtcnn.safetensors")


class Server(serve_help.Server):
    """With the demo's model, unless another is named."""
    def __init__(self, *options, model=DEMO):
        super().__init__("--threads", "1", *options, model=model)

    def metric(self, name):
        text = self.ask("GET", "/metrics")[2].decode()
        return int(re.search(rf"^{name} (\d+)$", text, re.M).group(1))

    def end(self, seconds):
        """SIGTERM; checks that the exit status is 0 within the time. How long it took."""
        begin = time.time()
        self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            status = f"still running after {seconds} s"
            self.process.wait()
        check(status == 0, f"SIGTERM: exit status {status}: {self.process.stderr.read()[-300:]}")
        return time.time() - begin


def finish():
    sys.exit(1 if failures else 0)
