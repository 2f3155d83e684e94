"""OpenVINO on the ConvLSTM presets: inference in fp32 and in bfloat16, of ONNX Runtime's unrolled
graph."""
import numpy as np
import openvino

import data
from peer_onnx import graph


def maker(work, threads, hoist, bf16):
    def make():
        img = np.ascontiguousarray(data.batch(work)[0].transpose(0, 1, 4, 2, 3))
        core = openvino.Core()
        if bf16 and "BF16" not in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
            raise RuntimeError("this processor has no bfloat16 for OpenVINO")
        onnx = graph(len(img), hoist)
        compiled = core.compile_model(
            core.read_model(onnx), "CPU", {
                "INFERENCE_PRECISION_HINT": "bf16" if bf16 else "f32",
                "INFERENCE_NUM_THREADS": threads,
                "PERFORMANCE_HINT": "LATENCY"
            })
        request = compiled.create_infer_request()
        request.set_input_tensor(openvino.Tensor(img))

        def run():
            request.infer()
            return request.get_output_tensor().data.copy()

        run.kept = core, onnx, compiled  # the request does not keep what it needs of them
        return run, run

    return make


def variants(peer, work, threads, folder, tune):
    for hoist in (False, True):
        yield f"unrolled graph, {'two convolutions' if hoist else 'joint convolution'}", maker(
            work, threads, hoist, peer.endswith("bf16"))
