#!/usr/bin/env python3
"""The model of scale of docs/machines.md: what a training step costs on R machines.

    scale.py --table               the tables of the page
    scale.py --bytes NETWORK B R   bytes that each rank sends in a step: a line for each rank
    scale.py --seconds NETWORK B R MEGABITS MICROSECONDS COMPUTE
                                   seconds of a step, where the batch's share takes COMPUTE seconds

NETWORK is skincredible, skincredible-gap (80 x 80) or SUMS:SAMPLE, the values of each sum with
commas
between, and the bytes gathered for a sample.

A step has, for each node with weights, one sum; the samples' losses and BatchNormalization's sums
are
gathered, and of dense layers the inputs and slopes. The times are an upper bound: as if
nothing were sent while a rank computes."""
import math
import sys

SHORTEST, LONGEST, IN_FLIGHT = 1024, 16384, 1024  # tools/ranks/ranks_group.c
# values of the sums, and bytes gathered for a sample: measured with NBASE_VERBOSE=1
NETWORKS = {
    "skincredible": ([66, 46720, 67520], 257096),
    "skincredible-gap": ([66, 46720, 67520], 1136)
}
MEETING = 1025        # bytes that a rank hands on for each other rank: who is there, and agrees
# bytes from each rank to rank 0, and back along a tree, about signals and errors
AGREEMENTS = 4 * 416
GATHERS, MEETINGS = 9, 4  # rounds of messages in a step
# 30 valid frames of skincredible on 2 cores: train_b8 in docs/performance.md
SECONDS_PER_SAMPLE = 0.4948 / 8


def network(name):
    if name in NETWORKS:
        return NETWORKS[name]
    sums, sample = name.split(":")
    return [int(v) for v in sums.split(",")], int(sample)


def stretch(count, ranks):
    best = math.sqrt(count * IN_FLIGHT / (2 * (ranks - 1)))
    return max(SHORTEST, int(best) // 64 * 64 if best < LONGEST else LONGEST)


def share(batch, ranks, rank):
    return batch * (rank + 1) // ranks - batch * rank // ranks


def children(rank, ranks):
    """To how many others a rank hands a broadcast of rank 0 (tools/ranks/wire.c)."""
    bit, found = 1, 0
    while bit <= rank:
        bit *= 2
    while bit < ranks and rank + bit < ranks:
        found, bit = found + 1, bit * 2
    return found


def bytes_of(name, batch, ranks, rank):
    """What a rank sends in a step."""
    sums, sample = network(name)
    ways = (rank < ranks - 1) + (rank > 0)  # the running sum to the right, the result to the left
    gathered = sample * (batch - share(batch, ranks, (rank + 1) % ranks))
    agreements = AGREEMENTS * ((rank > 0) + children(rank, ranks))
    return 4 * sum(sums) * ways + gathered + MEETING * (ranks - 1) + agreements


def seconds(name, batch, ranks, megabits, microseconds, compute):
    """Of a step, `compute` being those of the largest share."""
    if ranks == 1:
        return compute
    sums, sample = network(name)
    rate, latency = megabits * 1e6 / 8, microseconds * 1e-6
    chain = 0
    for count in sums:
        length = min(stretch(count, ranks), count)
        messages = math.ceil(count / length)
        # inner ranks send two of them at a time, up and down
        each = 4 * length * (2 if ranks > 2 else 1) / rate
        chain += messages * max(each, latency) + 2 * (ranks - 1) * (4 * length / rate + latency)
    ring = max(
        bytes_of(name, batch, ranks, r) - 4 * sum(sums) * ((r < ranks - 1) + (r > 0))
        for r in range(ranks)) / rate
    rounds = (GATHERS * (ranks - 1) + 2 * MEETINGS * math.ceil(math.log2(ranks))) * latency
    return compute + chain + ring + rounds


def table():
    machines = (1, 2, 4, 8, 16, 32, 64)
    for name in ("skincredible", "skincredible-gap"):
        print(f"\n`{name}`\n")
        print("| batch | network | " + " | ".join(map(str, machines)) + " |")
        print("|---|---|" + "---|" * len(machines))
        for batch in (8, 64, 256):
            for gigabits in (1, 10, 25):
                cells = []
                for ranks in machines:
                    alone = batch * SECONDS_PER_SAMPLE
                    compute = math.ceil(batch / ranks) * SECONDS_PER_SAMPLE
                    t = seconds(name, batch, ranks, 1000 * gigabits, 30, compute)
                    cells.append(f"{100 * alone / (ranks * t):.0f} %")
                print(f"| {batch} | {gigabits} Gbit/s | " + " | ".join(cells) + " |")


if sys.argv[1] == "--table":
    table()
elif sys.argv[1] == "--bytes":
    for r in range(int(sys.argv[4])):
        print(bytes_of(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), r))
else:
    print(seconds(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), *map(float, sys.argv[5:8])))
