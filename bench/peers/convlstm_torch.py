"""ConvLSTM2D in PyTorch, as fast as it goes with its operations."""
import torch
from torch import nn
from torch.nn import functional as F


def hard_sigmoid(x):
    return torch.clamp(0.2 * x + 0.5, 0, 1)


class ConvLSTM(nn.Module):
    """One layer; gates in Keras's order i, f, c, o. `hoist`: the input convolution of all frames at
    once, before the loop."""

    def __init__(self, w, name, hoist, gate=hard_sigmoid, activation=torch.tanh):
        super().__init__()
        self.hoist, self.gate, self.activation, self.padding = hoist, gate, activation, w[
            name + "/kernel"].shape[0] // 2
        self.kernel = nn.Parameter(
            torch.from_numpy(w[name + "/kernel"]).permute(3, 2, 0, 1).contiguous())
        self.recurrent = nn.Parameter(
            torch.from_numpy(w[name + "/recurrent_kernel"]).permute(3, 2, 0, 1).contiguous())
        self.bias = nn.Parameter(torch.from_numpy(w[name + "/bias"]))

    def forward(self, x, mask):  # x (B,T,C,H,W), mask (B,T) or None -> list of T outputs (B,F,H,W)
        b, t, c, height, width = x.shape
        f = self.recurrent.shape[1]
        h = x.new_zeros(b, f, height, width)
        cell = h
        if self.hoist:
            xs = F.conv2d(x.reshape(b * t, c, height, width), self.kernel, self.bias,
                          padding=self.padding).view(b, t, 4 * f, height, width)
        else:
            both = torch.cat([self.kernel, self.recurrent], 1)
        out = []
        for i in range(t):
            z = xs[:, i] + F.conv2d(
                h, self.recurrent, padding=self.padding) if self.hoist else F.conv2d(
                    torch.cat([x[:, i], h], 1), both, self.bias, padding=self.padding)
            zi, zf, zc, zo = z.chunk(4, 1)
            new_cell = self.gate(zf) * cell + self.gate(zi) * self.activation(zc)
            new_h = self.gate(zo) * self.activation(new_cell)
            if mask is not None:
                m = mask[:, i].view(b, 1, 1, 1)
                new_h, new_cell = torch.where(m, new_h, h), torch.where(m, new_cell, cell)
            h, cell = new_h, new_cell
            out.append(h)
        return out
