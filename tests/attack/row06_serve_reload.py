"""SIGHUP while the model file is exchanged without a pause.   row06_serve_reload.py BIN"""
import json, os, shutil, signal, threading, time
from serve_attack import BIN, LONG, Server, check, finish
import serve_models

RELOADS = 1000 if LONG else 150
ASK = json.dumps({
    "inputs": [{
        "name": "img",
        "shape": [1, 16, 16, 3],
        "datatype": "UINT8",
        "data": [i % 251 for i in range(768)]
    }]
})


def ask(s):
    """The id of the model, and its answer."""
    answer = json.loads(s.ask("POST", "/v2/models/skin/infer", ASK)[2])
    return answer["model_version"], tuple(answer["outputs"][0]["data"])


serve_models.make(BIN, names=("flat", "gap"))
serve_models.make(BIN, seed=4, names=("other", "other_gap"))
models = ("flat.safetensors", "other.safetensors")
right = {}
for name in models:
    s = Server("--no-detect", model=name)
    right.update([ask(s)])
    s.end(40)
check(len(right) == 2, "two models that differ")
shutil.copy(models[0], "live.safetensors")
s = Server("--no-detect", model="live.safetensors")
stop = threading.Event()


def exchange():
    i = 0
    while not stop.is_set():
        i += 1
        shutil.copy(models[i % 2], "next.safetensors")
        os.rename("next.safetensors", "live.safetensors")


t = threading.Thread(target=exchange)
t.start()
mixed, generation = 0, 1
for _ in range(RELOADS):
    s.process.send_signal(signal.SIGHUP)
    begin = time.time()
    while (now := s.metric("skin_model_generation")) == generation and time.time() - begin < 20:
        time.sleep(0.002)
    check(now > generation, "the model was not loaded again")
    generation = now
    id, answer = ask(s)
    mixed += right.get(id) != answer
stop.set()
t.join()
check(mixed == 0, f"{mixed} of {RELOADS} reloads serve one model's weights under the other's id")
check(s.metric("skin_model_reload_failures_total") == 0, "every file was whole")
print(f"{RELOADS} reloads, {mixed} mixed")
s.end(40)
finish()
