"""One rank of a training step of preset skincredible by PyTorch's DistributedDataParallel (gloo):
ddp_torch.py RANK SIZE STEPS PORT; rank 0 prints seconds a step.

Its BatchNormalization has the statistics of a rank's own share (SyncBatchNorm wants a GPU), which
is less work than ours, who have those of the whole batch."""
import os, sys, time

import numpy as np
import torch
import torch.distributed as dist
from torch.nn import functional as F
from torch.nn.parallel import DistributedDataParallel

import data
from peer_torch import Network

rank, size, steps = (int(word) for word in sys.argv[1:4])
torch.set_num_threads(1)
dist.init_process_group("gloo", init_method=f"tcp://127.0.0.1:{sys.argv[4]}", rank=rank,
                        world_size=size)
img, _, labels = data.batch("train_b8")
share = slice(rank * len(img) // size, (rank + 1) * len(img) // size)
# the layout and the order of convolutions that peers.py --tune finds fastest
net = Network({
    k: v.copy()
    for k, v in data.made_weights().items()
}, False, torch.channels_last).train()
x = torch.from_numpy(img[share])
b, t = x.shape[:2]
x = x.flatten(0, 1).permute(0, 3, 1,
                            2).contiguous(memory_format=torch.channels_last).unflatten(0, (b, t))
y = torch.from_numpy(labels[share])
model = DistributedDataParallel(net, gradient_as_bucket_view=True, static_graph=True)
optimizer = torch.optim.SGD(model.parameters(), lr=data.RATE)
took = []
for _ in range(steps + 1):
    dist.barrier()
    begin = time.perf_counter()
    optimizer.zero_grad(set_to_none=True)
    F.binary_cross_entropy_with_logits(model(x, None), y).backward()
    optimizer.step()
    dist.barrier()
    took.append(time.perf_counter() - begin)
if rank == 0:
    print(np.median(took[1:]))  # the first one warms up
dist.destroy_process_group()
os._exit(0)
