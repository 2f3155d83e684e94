"""PyTorch on the ConvLSTM presets: the input convolution of all frames at once or in the loop,
memory format, eager or compiled; in bfloat16 by autocast."""
import contextlib

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

import data
import frames_torch
import networks_data
import networks_torch
from convlstm_torch import ConvLSTM


class Network(nn.Module):
    def __init__(self, w, hoist, memory_format):
        super().__init__()
        self.first, self.second = ConvLSTM(w, "conv_lstm2d",
                                           hoist), ConvLSTM(w, "conv_lstm2d_1", hoist)
        self.norm1, self.norm2 = self.norm(w, "batch_normalization"), self.norm(
            w, "batch_normalization_1")
        self.dense1, self.dense2 = self.dense(w, "dense"), self.dense(w, "dense_1")
        if memory_format == torch.channels_last:
            for p in self.parameters():
                if p.dim() == 4:
                    p.data = p.data.contiguous(memory_format=memory_format)

    @staticmethod
    def norm(w, name):
        layer = nn.BatchNorm2d(w[name + "/gamma"].size, eps=1e-3, momentum=0.01)
        layer.weight.data, layer.bias.data = torch.from_numpy(w[name + "/gamma"]), torch.from_numpy(
            w[name + "/beta"])
        layer.running_mean.data, layer.running_var.data = torch.from_numpy(
            w[name + "/moving_mean"]), torch.from_numpy(w[name + "/moving_variance"])
        return layer

    @staticmethod
    def dense(w, name):
        layer = nn.Linear(*w[name + "/kernel"].shape)
        layer.weight.data, layer.bias.data = torch.from_numpy(
            w[name + "/kernel"]).t().contiguous(), torch.from_numpy(w[name + "/bias"])
        return layer

    def forward(self, x, mask):
        b, t = x.shape[:2]
        h = torch.stack(self.first(x, mask), 1)
        if mask is None:
            h = self.norm1(h.reshape(b * t, *h.shape[2:])).view_as(h)
        else:  # statistics of the valid frames only, and no work on the others
            h = torch.zeros_like(h).index_put((mask,), self.norm1(h[mask]))
        h = self.norm2(self.second(h, mask)[-1])
        # Flatten runs over H, W, channel
        return self.dense2(F.relu(self.dense1(h.permute(0, 2, 3, 1).reshape(b, -1))))


def maker(work, hoist, channels_last, compiled, bf16):
    def make():
        torch.manual_seed(0)
        torch._dynamo.reset()
        weights = {k: v.copy() for k, v in data.made_weights().items()}
        fmt = torch.channels_last if channels_last else torch.contiguous_format
        img, mask, labels = data.batch(work)
        b, t = img.shape[:2]
        x = torch.from_numpy(img).flatten(0, 1).permute(0, 3, 1,
                                                        2).contiguous(memory_format=fmt).unflatten(
                                                            0, (b, t))
        m = None if mask is None else torch.from_numpy(mask)
        y = torch.from_numpy(labels)
        train = work.startswith("train")
        net = Network(weights, hoist, fmt).train(train)
        forward = torch.compile(net) if compiled else net
        optimizer = torch.optim.SGD(net.parameters(), lr=data.RATE)
        cast = (lambda: torch.autocast("cpu", torch.bfloat16)) if bf16 else contextlib.nullcontext

        def step():
            optimizer.zero_grad(set_to_none=True)
            with cast():
                logits = forward(x, m)
            loss = F.binary_cross_entropy_with_logits(logits.float(), y)
            loss.backward()
            optimizer.step()
            return loss

        def infer():
            with torch.inference_mode(), cast():
                return forward(x, m).float()

        if train:
            return step, lambda: [step().item(), step().item()]
        return infer, lambda: torch.sigmoid(infer()).numpy()

    return make


def variants(peer, work, threads, folder, tune):
    torch.set_num_threads(threads)
    if work in networks_data.WORKS:
        yield from networks_torch.variants(work, folder, tune)
        return
    if work.startswith("frames"):
        yield from frames_torch.variants(work, tune)
        return
    # The fastest found with --tune on two cores; the others are there with it. Compiling thirty
    # unrolled steps forward and back takes minutes.
    short = [(False, True, False)] if work.startswith("train") else [(False, True, False),
                                                                     (True, False, False),
                                                                     (False, True, True)]
    every = [(h, c, k) for k in (False, True) for h in (True, False) for c in (False, True)]
    for hoist, channels_last, compiled in every if tune else short:
        label = (f"{'compiled' if compiled else 'eager'}, {'hoisted' if hoist else 'joint'} "
                 f"convolution, {'channels_last' if channels_last else 'contiguous'}")
        yield label, maker(work, hoist, channels_last, compiled, peer.endswith("bf16"))
