"""OpenCV's DNN module, ONNX Runtime, ncnn and PyTorch on MTCNN: each network alone, and the whole
cascade (cascade.py)."""
import numpy as np

import cascade
import mtcnn_nets as nets


def backends(peer, tune):
    if peer == "opencv":
        yield "batched crops, one network per level", nets.OpenCV
    elif peer == "ort":
        yield "batched crops", nets.OnnxRuntime
    elif peer == "ncnn":
        yield "levels and crops on a pool of threads", lambda threads, folder: nets.Ncnn(
            threads, folder, True)
        yield "one after another, threads inside", lambda threads, folder: nets.Ncnn(
            threads, folder, False)
    else:
        for channels_last in (False, True):
            yield "eager, " + ("channels_last" if channels_last else
                               "contiguous"), lambda threads, folder, c=channels_last: nets.Torch(
                                   threads, folder, c)
        if tune:
            yield "compiled, channels_last", lambda threads, folder: nets.Torch(
                threads, folder, True, True)


def blob_of(work):
    shape = {"pnet": (1, 3, 379, 721), "rnet100": (100, 3, 24, 24), "onet30": (30, 3, 48, 48)}[work]
    return (np.random.default_rng(5).random(shape, np.float32) * 2 - 1).astype(np.float32)


def maker(make_backend, work, threads, folder):
    def make():
        backend = make_backend(threads, folder)
        if work.startswith("detect"):
            photo = cascade.photo(folder)
            run = lambda: cascade.detect(backend, photo, 20)
            return run, run
        net, blob = work.rstrip("0123456789"), blob_of(work)
        run = lambda: backend.run(net, blob)
        return run, lambda: np.concatenate([np.ravel(v) for v in run()])

    return make


def variants(peer, work, threads, folder, tune):
    for label, backend in backends(peer, tune):
        yield label, maker(backend, work, threads, folder)
