#!/usr/bin/env python3
"""State dicts of PyTorch, with what the networks give: tests/goldens/torch_files. Runs in an
environment of its own, build/venv-torch (or VENV).

PyTorch has no ConvLSTM: the cells here do what the most copied ones do, in code of our own.

    stacked    one convolution of cat([x, h]), gates i, f, o, g; two cells, flatten, linear
    gates      a convolution per gate for x and for h, peepholes of every pixel; a convolution after
               it
    checkpoint a training's checkpoint in the old format: epoch, optimizer, state_dict behind
               DataParallel ("module."), float64; cat([h, x]), gates i, f, g, o, batch norm
    wrapped    the same network as gates, compiled and behind DataParallel, a bias of one value for
               all channels; beside it what people save with their weights
    whole      a pickled object, which is refused
    negated    the weights of stacked as views of the other sign ("neg" bit)
    pair       two networks' state dicts in one file, which is refused
    normed     the weights of stacked behind weight_norm's names, which is refused
"""
import argparse
import collections
import json
import os

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import environment  # noqa: E402

environment.enter("torch", environment.TORCH)
import numpy as np  # noqa: E402
import torch  # noqa: E402
from torch import nn  # noqa: E402

OUT = os.path.join(ROOT, "tests", "goldens", "torch_files")
SIZE, FRAMES = (5, 6), 3


class Stacked(nn.Module):
    """order: of the gates; hidden_first: cat([h, x])."""

    def __init__(self, channels, filters, kernel, order, hidden_first=False):
        super().__init__()
        self.filters, self.order, self.hidden_first = filters, order, hidden_first
        self.conv = nn.Conv2d(channels + filters, 4 * filters, kernel, padding=kernel // 2)

    def forward(self, x, h, c):
        both = torch.cat([h, x] if self.hidden_first else [x, h], 1)
        gates = dict(zip(self.order, torch.split(self.conv(both), self.filters, 1)))
        c = torch.sigmoid(gates["f"]) * c + torch.sigmoid(gates["i"]) * torch.tanh(gates["g"])
        return torch.sigmoid(gates["o"]) * torch.tanh(c), c


class PerGate(nn.Module):
    """Shi et al. 2015, with a weight for each pixel of the cell state."""

    def __init__(self, channels, filters, kernel):
        super().__init__()
        for gate in "ifco":
            setattr(self, "Wx" + gate, nn.Conv2d(channels, filters, kernel, padding=kernel // 2))
            hidden = nn.Conv2d(filters, filters, kernel, padding=kernel // 2, bias=False)
            setattr(self, "Wh" + gate, hidden)
        for gate in "ifo":
            setattr(self, "Wc" + gate, nn.Parameter(0.3 * torch.randn(1, filters, *SIZE)))

    def forward(self, x, h, c):
        i = torch.sigmoid(self.Wxi(x) + self.Whi(h) + self.Wci * c)
        f = torch.sigmoid(self.Wxf(x) + self.Whf(h) + self.Wcf * c)
        c = f * c + i * torch.tanh(self.Wxc(x) + self.Whc(h))
        return torch.sigmoid(self.Wxo(x) + self.Who(h) + self.Wco * c) * torch.tanh(c), c


def run(cell, filters, x):
    """(B,T,C,H,W) -> (B,T,F,H,W)"""
    h = c = torch.zeros(x.shape[0], filters, *SIZE, dtype=x.dtype)
    frames = []
    for t in range(x.shape[1]):
        h, c = cell(x[:, t], h, c)
        frames.append(h)
    return torch.stack(frames, 1)


class StackedNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.cell_list = nn.ModuleList([Stacked(2, 3, 3, "ifog"), Stacked(3, 4, 5, "ifog")])
        self.fc = nn.Linear(4 * SIZE[0] * SIZE[1], 3)

    def forward(self, x):
        for cell in self.cell_list:
            x = run(cell, cell.filters, x)
        return torch.softmax(self.fc(x[:, -1].flatten(1)), 1)


class GatesNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.cell0 = PerGate(1, 3, 3)
        self.out = nn.Conv2d(3, 1, 3, padding=1)

    def forward(self, x):
        x = run(self.cell0, 3, x)
        return torch.stack([torch.sigmoid(self.out(x[:, t])) for t in range(x.shape[1])], 1)


class CheckpointNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn = Stacked(2, 3, 3, "ifgo", hidden_first=True)
        self.norm = nn.BatchNorm2d(3)
        self.head = nn.Linear(3, 2)

    def forward(self, x):
        return self.head(self.norm(run(self.rnn, 3, x)[:, -1]).mean((2, 3)))


def cell(filters, kernel, **more):
    return dict(type="conv_lstm2d", filters=filters, kernel_size=kernel, padding="same",
                recurrent_activation="sigmoid", **more)


def network(channels, *layers):
    return {"format": 1, "input": {"height": SIZE[0], "width": SIZE[1], "channels": channels},
            "layers": list(layers)}


def write(name, net, channels, description, save, map_=None, dtype=torch.float32):
    net.eval().to(dtype)
    x = torch.rand(2, FRAMES, channels, *SIZE, dtype=dtype)
    with torch.no_grad():
        y = net(x)
    channels_last = (lambda a: a.numpy() if a.ndim < 4 else a.movedim(2, -1).numpy())
    np.savez_compressed(os.path.join(OUT, name + ".npz"), x=channels_last(x).astype("f4"),
                        y=channels_last(y).astype("f4"))
    save(net, os.path.join(OUT, name + ".pt"))
    for end, value in ((".json", description), (".map.json", map_)):
        if value:
            with open(os.path.join(OUT, name + end), "w") as f:
                json.dump(value, f, indent=1)
                f.write("\n")


def save_checkpoint(net, path):
    """A real step of Adam, so that the optimizer has tensors of its own."""
    optimizer = torch.optim.Adam(net.parameters(), 1e-12)
    net(torch.rand(1, FRAMES, 2, *SIZE, dtype=torch.float64)).sum().backward()
    optimizer.step()
    state = {"module." + k: v for k, v in net.state_dict().items()}
    torch.save({"epoch": 7, "best": 0.25, "state_dict": state, "optimizer": optimizer.state_dict()},
               path, _use_new_zipfile_serialization=False)


def save_wrapped(net, path):
    state = {"module._orig_mod." + k: v for k, v in net.state_dict().items()}
    torch.save({"epoch": 7, "model_state_dict": state, "rng": torch.zeros(4, dtype=torch.uint8),
                "args": argparse.Namespace(rate=0.001, kernel=(3, 3)), "shape": torch.Size(SIZE),
                "losses": collections.defaultdict(list, {"train": [0.5, 0.25]}),
                "best": np.float64(0.25), "device": torch.device("cpu"), "type": torch.float32,
                "seen": {1, 2}}, path)


def write_variants():
    """Other files of the weights of stacked."""
    state = torch.load(os.path.join(OUT, "stacked.pt"), weights_only=True)
    save = (lambda what, name: torch.save(what, os.path.join(OUT, name + ".pt")))
    save({k: torch._neg_view(-v) for k, v in state.items()}, "negated")
    small = {"fc.bias": state["fc.bias"]}
    save({"generator": small, "discriminator": small}, "pair")
    save({k.replace("conv.weight", "conv.weight_v"): v for k, v in state.items()}, "normed")


def main():
    os.makedirs(OUT, exist_ok=True)
    torch.manual_seed(1)
    state = (lambda net, path: torch.save(net.state_dict(), path))
    write("stacked", StackedNet(), 2,
          network(2, cell(3, 3, return_sequences=True), cell(4, 5), dict(type="flatten"),
                  dict(type="dense", units=3, activation="softmax")), state)
    gates = network(1, cell(3, 3, return_sequences=True, peepholes="pixel"),
                    dict(type="conv2d", filters=1, kernel_size=3, padding="same",
                         activation="sigmoid"))
    gates_map = {"layers": {"conv_lstm2d": {
        "input": {g: "cell0.Wx" + g for g in "ifco"},
        "hidden": {g: "cell0.Wh" + g for g in "ifco"},
        "peephole": {g: "cell0.Wc" + g for g in "ifo"}}}}
    write("gates", GatesNet(), 1, gates, state, gates_map)
    net = CheckpointNet()
    with torch.no_grad():
        net.norm.running_mean.uniform_(-.5, .5)
        net.norm.running_var.uniform_(.5, 2)
        net.norm.weight.uniform_(.5, 2)
        net.norm.bias.uniform_(-.5, .5)
    write("checkpoint", net, 2,
          network(2, cell(3, 3), dict(type="batch_normalization", epsilon=1e-5),
                  dict(type="global_average_pool"), dict(type="dense", units=2)), save_checkpoint,
          {"gates": "ifgo", "hidden_first": True, "layers": {"conv_lstm2d": {"conv": "rnn.conv"}}},
          torch.float64)
    write_variants()
    torch.save(nn.Linear(2, 1), os.path.join(OUT, "whole.pt"))
    net = GatesNet()
    net.cell0.Wxi.bias = nn.Parameter(torch.full((1,), 0.3).expand(3))
    write("wrapped", net, 1, gates, save_wrapped, gates_map)


main()
