"""A peer's process: worker.py PEER WORK THREADS DIR [--tune] [--cpu]. It tries the variants of its
framework, writes what they compute to DIR, keeps the fastest, says
"ready LABEL", and then does the work once for each line on stdin and prints the milliseconds, with
--cpu those of the processor. What is said on stderr goes to the user."""
import importlib, os, sys, time

import numpy as np

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
PEERS = {  # peer: its module; a name that ends in -bf16 is the same in bfloat16
    "pytorch": "peer_torch",
    "pytorch-bf16": "peer_torch",
    "openvino": "peer_openvino",
    "openvino-bf16": "peer_openvino",
    "litert": "peer_litert",
    "jax": "peer_jax",
    "keras": "peer_keras",
    "onnxruntime": "peer_onnx",
    "opencv": "peer_nets",
    "ncnn": "peer_nets",
    "ort": "peer_nets",
    "torch": "peer_nets",
    "facenet-pytorch": "peer_facenet",
    "mtcnn": "peer_mtcnn",
}


def milliseconds(run):
    clock = time.process_time if "--cpu" in sys.argv else time.perf_counter
    begin = clock()
    run()
    return 1e3 * (clock() - begin)


def fastest(peer, work, variants):
    """A variant is (label, make); make() gives (run, answer): the work, and a function that says
    what it computes."""
    best = None
    for label, make in variants:
        try:
            run, answer = make()
            result = answer()
            took = milliseconds(run)
            took = min(took, milliseconds(run)) if took < 2000 else took
        except Exception as e:  # that variant is not to be had here
            print(
                f"# {work}: {peer}, {label}: not possible ({type(e).__name__}: "
                f"{str(e).splitlines()[0][:100] if str(e) else ''})",
                file=sys.stderr, flush=True)
            continue
        print(f"# {work}: {peer}, {label}: {took:.1f} ms", file=sys.stderr, flush=True)
        if best is None or took < best[0]:
            best = (took, label, run, result)
        del run, answer
    return best


def main():
    peer, work, threads, folder = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # frameworks print
    module = importlib.import_module(PEERS[peer])
    best = fastest(peer, work, module.variants(peer, work, threads, folder, "--tune" in sys.argv))
    if best is None:
        sys.exit(f"{peer} can't do {work} here")
    _, label, run, result = best
    np.save(os.path.join(folder, f"{peer}_{work}.npy"), np.asarray(result, np.float64))
    print("ready", label, file=out, flush=True)
    for _ in sys.stdin:
        print(f"{milliseconds(run):.4f}", file=out, flush=True)


main()
