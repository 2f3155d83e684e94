"""PyTorch on the work of `bench --set presets`, measured in turn with ours in one run; prints medians and ratios.

PyTorch gets what it does best here: every variant (input convolution hoisted out of the loop or not, memory format, eager or compiled) is tried first, and the
fastest of each kind of work goes into the comparison. It must give our probabilities from the same weights, else nothing is printed.
"""
import argparse, json, os, statistics, subprocess, sys, tempfile, time

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

SIZE, FRAMES = 80, 30
SHAPES = {  # Keras's names and shapes of preset skincredible
    "conv_lstm2d/kernel": (3, 3, 3, 80), "conv_lstm2d/recurrent_kernel": (3, 3, 20, 80), "conv_lstm2d/bias": (80,),
    "batch_normalization/gamma": (20,), "batch_normalization/beta": (20,), "batch_normalization/moving_mean": (20,), "batch_normalization/moving_variance": (20,),
    "conv_lstm2d_1/kernel": (3, 3, 20, 40), "conv_lstm2d_1/recurrent_kernel": (3, 3, 10, 40), "conv_lstm2d_1/bias": (40,),
    "batch_normalization_1/gamma": (10,), "batch_normalization_1/beta": (10,), "batch_normalization_1/moving_mean": (10,), "batch_normalization_1/moving_variance": (10,),
    "dense/kernel": (SIZE * SIZE * 10, 32), "dense/bias": (32,), "dense_1/kernel": (32, 2), "dense_1/bias": (2,),
}


def made_weights():
    rng = np.random.default_rng(0)
    w = {}
    for name, shape in SHAPES.items():
        if name.endswith("kernel"):
            w[name] = rng.normal(0, 1 / np.sqrt(np.prod(shape[:-1])), shape)
        else:
            w[name] = rng.normal(1 if name.endswith(("gamma", "variance")) else 0, 0.1, shape)
    return {k: v.astype(np.float32) for k, v in w.items()}


def hard_sigmoid(x):
    return torch.clamp(0.2 * x + 0.5, 0, 1)


class ConvLSTM(nn.Module):
    """One layer; gates in Keras's order i, f, c, o. `hoist`: the input convolution of all frames at once, before the loop."""

    def __init__(self, w, name, hoist):
        super().__init__()
        self.hoist = hoist
        self.kernel = nn.Parameter(torch.from_numpy(w[name + "/kernel"]).permute(3, 2, 0, 1).contiguous())
        self.recurrent = nn.Parameter(torch.from_numpy(w[name + "/recurrent_kernel"]).permute(3, 2, 0, 1).contiguous())
        self.bias = nn.Parameter(torch.from_numpy(w[name + "/bias"]))

    def forward(self, x, mask):  # x (B,T,C,H,W), mask (B,T) or None -> list of T outputs (B,F,H,W)
        b, t, c, height, width = x.shape
        f = self.recurrent.shape[1]
        h = x.new_zeros(b, f, height, width)
        cell = h
        if self.hoist:
            xs = F.conv2d(x.reshape(b * t, c, height, width), self.kernel, self.bias, padding=1).view(b, t, 4 * f, height, width)
        else:
            both = torch.cat([self.kernel, self.recurrent], 1)
        out = []
        for i in range(t):
            z = xs[:, i] + F.conv2d(h, self.recurrent, padding=1) if self.hoist else F.conv2d(torch.cat([x[:, i], h], 1), both, self.bias, padding=1)
            zi, zf, zc, zo = z.chunk(4, 1)
            new_cell = hard_sigmoid(zf) * cell + hard_sigmoid(zi) * torch.tanh(zc)
            new_h = hard_sigmoid(zo) * torch.tanh(new_cell)
            if mask is not None:
                m = mask[:, i].view(b, 1, 1, 1)
                new_h, new_cell = torch.where(m, new_h, h), torch.where(m, new_cell, cell)
            h, cell = new_h, new_cell
            out.append(h)
        return out


class Network(nn.Module):
    def __init__(self, w, hoist, memory_format):
        super().__init__()
        self.format = memory_format
        self.first, self.second = ConvLSTM(w, "conv_lstm2d", hoist), ConvLSTM(w, "conv_lstm2d_1", hoist)
        self.norm1, self.norm2 = self.norm(w, "batch_normalization"), self.norm(w, "batch_normalization_1")
        self.dense1, self.dense2 = self.dense(w, "dense"), self.dense(w, "dense_1")
        if memory_format == torch.channels_last:
            for p in self.parameters():
                if p.dim() == 4:
                    p.data = p.data.contiguous(memory_format=memory_format)

    @staticmethod
    def norm(w, name):
        layer = nn.BatchNorm2d(w[name + "/gamma"].size, eps=1e-3, momentum=0.01)
        layer.weight.data, layer.bias.data = torch.from_numpy(w[name + "/gamma"]), torch.from_numpy(w[name + "/beta"])
        layer.running_mean.data, layer.running_var.data = torch.from_numpy(w[name + "/moving_mean"]), torch.from_numpy(w[name + "/moving_variance"])
        return layer

    @staticmethod
    def dense(w, name):
        layer = nn.Linear(*w[name + "/kernel"].shape)
        layer.weight.data, layer.bias.data = torch.from_numpy(w[name + "/kernel"]).t().contiguous(), torch.from_numpy(w[name + "/bias"])
        return layer

    def forward(self, x, mask):
        b, t = x.shape[:2]
        h = torch.stack(self.first(x, mask), 1)
        h = self.norm1(h.reshape(b * t, *h.shape[2:])).view_as(h)
        h = self.norm2(self.second(h, mask)[-1])
        return self.dense2(F.relu(self.dense1(h.permute(0, 2, 3, 1).reshape(b, -1))))  # Flatten runs over H, W, channel


class Work:
    def __init__(self, name, weights, hoist, channels_last, compiled):
        self.batch = 1 if name == "infer_b1" else 8
        self.train = name.startswith("train")
        rng = np.random.default_rng(1)
        fmt = torch.channels_last if channels_last else torch.contiguous_format
        img = torch.from_numpy(rng.random((self.batch * FRAMES, 3, SIZE, SIZE), np.float32)).contiguous(memory_format=fmt)
        self.img = img.view(self.batch, FRAMES, 3, SIZE, SIZE)
        self.mask = None
        if name.endswith("half"):
            t = np.arange(FRAMES)
            self.mask = torch.from_numpy(np.stack([t < 15 if b % 2 else t % 2 == 0 for b in range(self.batch)]))
        self.labels = torch.from_numpy(np.stack([[b % 3 == 0, b % 3 != 0] for b in range(self.batch)]).astype(np.float32))
        self.net = Network(weights, hoist, fmt).train(self.train)
        self.optimizer = torch.optim.SGD(self.net.parameters(), lr=0.01)
        self.forward = torch.compile(self.net) if compiled else self.net

    def run(self):
        if not self.train:
            with torch.inference_mode():
                return self.forward(self.img, self.mask)
        self.optimizer.zero_grad(set_to_none=True)
        loss = F.binary_cross_entropy_with_logits(self.forward(self.img, self.mask), self.labels)
        loss.backward()
        self.optimizer.step()


def seconds(work, runs=1):
    begin = time.perf_counter()
    for _ in range(runs):
        work.run()
    return (time.perf_counter() - begin) / runs


def best_variant(name, weights, quick):
    """The fastest way found to do this work, warmed up."""
    best = None
    for compiled in (False,) if quick else (False, True):
        for hoist in (True, False):
            for channels_last in (False, True):
                label = f"{'compiled' if compiled else 'eager'}, {'hoisted' if hoist else 'joint'} convolution, {'channels_last' if channels_last else 'contiguous'}"
                try:
                    work = Work(name, weights, hoist, channels_last, compiled)
                    work.run()
                    took = min(seconds(work) for _ in range(2))
                except Exception as e:  # no compiler, out of memory: that variant is not to be had
                    print(f"# {name}: {label}: not possible ({type(e).__name__})", file=sys.stderr)
                    continue
                print(f"# {name}: {label}: {1e3 * took:.0f} ms", file=sys.stderr)
                if best is None or took < best[0]:
                    best = (took, label, work)
                del work
    return best[1:]


def ours(args, name):
    out = subprocess.run([os.path.join(args.bin, "bench"), "--set", name, "--threads", str(args.threads), "--rounds", "3", "--json", "--quiet"], check=True,
                         stdout=subprocess.PIPE, text=True).stdout
    return json.loads(out.splitlines()[0])


def check(args, weights):
    """Both give the same probabilities, with and without masked frames."""
    net = Network(weights, True, torch.contiguous_format).eval()
    img = np.random.default_rng(2).random((2, FRAMES, SIZE, SIZE, 3), np.float32)
    mask = np.ones((2, FRAMES), bool)
    mask[1, ::3] = False
    with torch.inference_mode():
        theirs = torch.sigmoid(net(torch.from_numpy(img).permute(0, 1, 4, 2, 3), torch.from_numpy(mask))).numpy()
    with tempfile.TemporaryDirectory() as d:
        np.savez(d + "/weights.npz", **weights)
        np.savez(d + "/input.npz", img=img, mask=mask)
        tool = lambda *words: subprocess.run([os.path.join(args.bin, words[0]), *words[1:]], check=True, stdout=subprocess.PIPE, text=True).stdout
        tool("skin-import", "npz", d + "/weights.npz", "--preset", "skincredible", "-o", d + "/model.safetensors")
        lines = tool("skin-predict", d + "/model.safetensors", "--npz", d + "/input.npz", "--json").splitlines()
    mine = np.array([[json.loads(l)["negative_prob"], json.loads(l)["positive_prob"]] for l in lines])
    worst = np.abs(mine - theirs).max()
    print(f"# same weights, same input: probabilities differ by {worst:.1e} at most", file=sys.stderr)
    if not worst < 1e-5:
        sys.exit("peers: the two networks do not compute the same: no figure would mean anything")


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--bin", default="build/bin")
    p.add_argument("--rounds", type=int, default=5)
    p.add_argument("--threads", type=int, default=os.cpu_count())
    p.add_argument("--work", default="infer_b1,infer_b8,train_b8,train_b8_half")
    p.add_argument("--quick", action="store_true", help="eager variants only")
    args = p.parse_args()
    torch.set_num_threads(args.threads)
    weights = made_weights()
    check(args, weights)
    print(f"# PyTorch {torch.__version__}, {args.threads} threads, {args.rounds} rounds", file=sys.stderr)
    print(f"{'work':16}{'ours ms':>10}{'PyTorch ms':>12}{'PyTorch / ours':>16}   its best variant")
    medians = {}
    for name in args.work.split(","):
        label, work = best_variant(name, weights, args.quick)
        rounds = [(ours(args, name)["ms"], 1e3 * seconds(work)) for _ in range(args.rounds)]
        mine, theirs = (statistics.median(r[i] for r in rounds) for i in (0, 1))
        ratio = statistics.median(r[1] / r[0] for r in rounds)
        medians[name] = mine
        print(f"{name:16}{mine:10.1f}{theirs:12.1f}{ratio:16.2f}   {label}", flush=True)
        del work
    if "train_b8" in medians and "train_b8_half" in medians:
        print(f"half of the frames masked, ours: {medians['train_b8_half'] / medians['train_b8']:.2f} of the time of all valid")


main()
