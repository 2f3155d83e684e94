"""A training step of Keras's next-frame example in PyTorch."""
import torch
from torch import nn
from torch.nn import functional as F

import data
from convlstm_torch import ConvLSTM


class NextFrame(nn.Module):
    def __init__(self, w, hoist):
        super().__init__()
        self.layers = nn.ModuleList(
            ConvLSTM(w, f"layer{i}", hoist, torch.sigmoid, F.relu) for i in range(3))
        self.norms = nn.ModuleList(nn.BatchNorm2d(64, eps=1e-3, momentum=0.01) for _ in range(2))
        self.kernel = nn.Parameter(
            torch.from_numpy(w["conv3d/kernel"]).permute(4, 3, 0, 1, 2).contiguous())
        self.bias = nn.Parameter(torch.from_numpy(w["conv3d/bias"]))

    def forward(self, x):  # (B,T,C,H,W)
        b, t = x.shape[:2]
        for i, layer in enumerate(self.layers):
            x = torch.stack(layer(x, None), 1)
            if i < 2:
                x = self.norms[i](x.flatten(0, 1)).unflatten(0, (b, t))
        return F.conv3d(x.transpose(1, 2), self.kernel, self.bias, padding=1).transpose(1, 2)


def maker(hoist, channels_last):
    def make():
        x, y = (torch.from_numpy(v).permute(0, 1, 4, 2, 3).contiguous()
                for v in data.frames_batch())
        net = NextFrame({k: v.copy() for k, v in data.frames_weights().items()}, hoist).train()
        if channels_last:
            for p in net.parameters():
                if p.dim() == 4:
                    p.data = p.data.contiguous(memory_format=torch.channels_last)
        optimizer = torch.optim.Adam(net.parameters(), lr=1e-3, eps=1e-7)

        def step():
            optimizer.zero_grad(set_to_none=True)
            loss = F.binary_cross_entropy_with_logits(net(x), y)
            loss.backward()
            optimizer.step()
            return loss.item()

        return step, lambda: [step(), step()]

    return make


def variants(work, tune):
    every = [(h, c) for h in (False, True) for c in (True, False)]
    for hoist, channels_last in every if tune else [(False, True)]:
        convolution = "hoisted" if hoist else "joint"
        layout = "channels_last" if channels_last else "contiguous"
        yield f"eager, {convolution} convolution, {layout}", maker(hoist, channels_last)
