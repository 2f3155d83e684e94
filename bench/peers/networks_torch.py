"""The networks of `bench --set networks` in PyTorch: the input convolution of all frames at once or
in the loop, memory format, eager or compiled."""
import torch
from torch import nn
from torch.nn import functional as F

import networks_data


def parameter(array, *axes):
    return nn.Parameter(torch.from_numpy(array).permute(*axes).contiguous())


class Cell(nn.Module):
    """ConvLSTM2D of 3x3; gates in Keras's order i, f, c, o."""

    def __init__(self, w, name, hoist, valid=False):
        super().__init__()
        self.hoist, self.padding = hoist or valid, 0 if valid else 1
        self.kernel = parameter(w[name + "/kernel"], 3, 2, 0, 1)
        self.recurrent = parameter(w[name + "/recurrent_kernel"], 3, 2, 0, 1)
        self.bias = nn.Parameter(torch.from_numpy(w[name + "/bias"]))

    def forward(self, x, state=None, backwards=False):
        """x (B,T,C,H,W) -> (B,T,F,H,W), in the order of the frames, and the last h and c."""
        b, t = x.shape[:2]
        filters = self.recurrent.shape[1]
        if self.hoist:
            xs = F.conv2d(x.flatten(0, 1), self.kernel, self.bias, padding=self.padding)
            xs = xs.unflatten(0, (b, t))
            size = xs.shape[-2:]
        else:
            both = torch.cat([self.kernel, self.recurrent], 1)
            size = x.shape[-2:]
        h, c = state if state else [x.new_zeros(b, filters, *size)] * 2
        out = []
        for i in reversed(range(t)) if backwards else range(t):
            if self.hoist:
                z = xs[:, i] + F.conv2d(h, self.recurrent, padding=1)
            else:
                z = F.conv2d(torch.cat([x[:, i], h], 1), both, self.bias, padding=1)
            zi, zf, zc, zo = z.chunk(4, 1)
            c = torch.sigmoid(zf) * c + torch.sigmoid(zi) * torch.tanh(zc)
            h = torch.sigmoid(zo) * torch.tanh(c)
            out.append(h)
        if backwards:
            out.reverse()
        return torch.stack(out, 1), (h, c)


def frames(function, x, *rest, **more):
    """A layer on each frame of (B,T,C,H,W)."""
    return function(x.flatten(0, 1), *rest, **more).unflatten(0, x.shape[:2])


class Network(nn.Module):
    def __init__(self, w, hoist):
        super().__init__()
        valid = isinstance(self, Ucf50)
        names = sorted({path.split("/")[0] for path in w if path.endswith("recurrent_kernel")})
        self.cells = nn.ModuleDict({n: Cell(w, n, hoist, valid) for n in names})
        self.kernels, self.biases = nn.ParameterDict(), nn.ParameterDict()
        for n in {path.split("/")[0] for path in w} - set(names):
            # conv2d (kh,kw,in,out), conv2d_transpose (kh,kw,out,in): both to (last,first,kh,kw)
            kernel = w[n + "/kernel"]
            self.kernels[n] = parameter(kernel, *((3, 2, 0, 1) if kernel.ndim == 4 else (1, 0)))
            self.biases[n] = nn.Parameter(torch.from_numpy(w[n + "/bias"]))

    def conv(self, x, name, stride=1):
        return frames(F.conv2d, x, self.kernels[name], self.biases[name], stride)

    def transposed(self, x, name, stride):
        return frames(F.conv_transpose2d, x, self.kernels[name], self.biases[name], stride)

    def dense(self, x, name):
        return F.linear(x, self.kernels[name], self.biases[name])


class Ucf50(Network):
    def forward(self, x):
        for name in "abcd":
            x = frames(F.max_pool2d, self.cells[name](x)[0], 2, ceil_mode=True)
        return self.dense(x.permute(0, 1, 3, 4, 2).flatten(1), "e")  # H, W, channel


class Anomaly(Network):
    def forward(self, x):
        x = torch.tanh(self.conv(torch.tanh(self.conv(x, "a", 4)), "b", 2))
        for name in "cde":
            x = self.cells[name](x)[0]
        return torch.tanh(self.transposed(torch.tanh(self.transposed(x, "f", 2)), "g", 4))


class Forecaster(Network):
    def forward(self, x):
        states, given = {}, []
        for name in "abc":
            x, states[name] = self.cells[name](x)
        for name, of in zip("def", "cba"):
            x = self.cells[name](x, states[of])[0]
            given.append(x)
        return self.conv(torch.cat(given, 2), "g")


class TwoWays(Network):
    def forward(self, x):
        x = torch.cat([self.cells["a"](x)[0], self.cells["b"](x, backwards=True)[0]], 2)
        x = frames(F.max_pool2d, x, 2)
        h = torch.cat([self.cells["c"](x)[1][0], self.cells["d"](x, backwards=True)[1][0]], 1)
        return self.dense(h.mean((2, 3)), "e")


BUILD = {"ucf50": Ucf50, "anomaly": Anomaly, "forecaster": Forecaster, "two_ways": TwoWays}
LOSSES = {"softmax": F.cross_entropy, "bce": F.binary_cross_entropy_with_logits,
          "mse": F.mse_loss}
ENDS = {"softmax": lambda z: torch.softmax(z, -1), "bce": torch.sigmoid, "mse": lambda z: z}


def planes(array):
    """Frames with the channels in front of rows and columns; vectors as they are."""
    t = torch.from_numpy(array)
    return t.permute(0, 1, 4, 2, 3).contiguous() if t.dim() == 5 else t


def maker(work, folder, hoist, channels_last, compiled):
    def make():
        torch._dynamo.reset()
        name = networks_data.network_of(work)
        kind = networks_data.NETWORKS[name][2]
        x, y = (planes(v) for v in networks_data.batch(work))
        w = {k: v.copy() for k, v in networks_data.weights(work, folder).items()}
        net = BUILD[name](w, hoist).train(networks_data.trains(work))
        if channels_last:
            x = x.flatten(0, 1).contiguous(memory_format=torch.channels_last).view_as(x)
            for p in net.parameters():
                if p.dim() == 4:
                    p.data = p.data.contiguous(memory_format=torch.channels_last)
        forward = torch.compile(net) if compiled else net
        optimizer = torch.optim.SGD(net.parameters(), lr=networks_data.RATE)

        def step():
            optimizer.zero_grad(set_to_none=True)
            loss = LOSSES[kind](forward(x), y)
            loss.backward()
            optimizer.step()
            return loss.item()

        def infer():
            with torch.inference_mode():
                return forward(x)

        def outputs():
            z = ENDS[kind](infer())
            return (z.permute(0, 1, 3, 4, 2) if z.dim() == 5 else z).numpy()

        if networks_data.trains(work):
            return step, lambda: [step(), step()]
        return infer, outputs

    return make


def variants(work, folder, tune):
    for compiled in (False, True) if tune else (False,):  # compiling the unrolled steps: minutes
        for hoist in (False, True):
            for channels_last in (True, False):
                label = (f"{'compiled' if compiled else 'eager'}, "
                         f"{'hoisted' if hoist else 'joint'} convolution, "
                         f"{'channels_last' if channels_last else 'contiguous'}")
                yield label, maker(work, folder, hoist, channels_last, compiled)
