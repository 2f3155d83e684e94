"""JAX, compiled by XLA: the recurrence by lax.scan, the input convolution before it or in it."""
import os

THREADS = int(os.environ["PEER_THREADS"])
os.environ["XLA_FLAGS"] = (f"--xla_cpu_multi_thread_eigen={'true' if THREADS > 1 else 'false'} "
                           f"intra_op_parallelism_threads={THREADS}")

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

import data
import frames_jax
from convlstm_jax import conv_lstm


def norm(w, name, x, mask, train):  # x (T,B,H,W,F) or (B,H,W,F); mask (B,T) for the former
    axes = tuple(range(x.ndim - 1))
    if not train:
        mean, variance = w[name + "/moving_mean"], w[name + "/moving_variance"]
    elif mask is None:
        mean, variance = x.mean(axes), x.var(axes)
    else:
        m = mask.T[:, :, None, None, None].astype(x.dtype)
        count = m.sum() * x.shape[2] * x.shape[3]
        mean = (x * m).sum(axes) / count
        variance = ((x - mean) ** 2 * m).sum(axes) / count
    return (x - mean) * (w[name + "/gamma"] * lax.rsqrt(variance + 1e-3)) + w[name + "/beta"]


def logits(w, x, mask, train, hoist, unroll):
    h = norm(w, "batch_normalization", conv_lstm(w, "conv_lstm2d", x, mask, hoist, unroll), mask,
             train)
    h = conv_lstm(w, "conv_lstm2d_1", jnp.moveaxis(h, 0, 1), mask, hoist, unroll)[-1]
    h = norm(w, "batch_normalization_1", h, None, train).reshape(x.shape[0], -1)
    h = jax.nn.relu(h @ w["dense/kernel"] + w["dense/bias"])
    return h @ w["dense_1/kernel"] + w["dense_1/bias"]


def maker(work, hoist, unroll):
    def make():
        weights = {k: jnp.asarray(v) for k, v in data.made_weights().items()}
        img, mask, labels = data.batch(work)
        x, y, m = jnp.asarray(img), jnp.asarray(labels), None if mask is None else jnp.asarray(mask)
        train = work.startswith("train")
        if not train:
            forward = jax.jit(lambda w, x: jax.nn.sigmoid(logits(w, x, m, False, hoist, unroll)))
            run = lambda: forward(weights, x).block_until_ready()
            return run, lambda: np.asarray(run())

        def loss(w, x, m):
            z = logits(w, x, m, True, hoist, unroll)
            return jnp.mean(jnp.maximum(z, 0) - z * y + jnp.log1p(jnp.exp(-jnp.abs(z))))

        @jax.jit
        def step(w, x, m):
            value, grad = jax.value_and_grad(loss)(w, x, m)
            return value, jax.tree.map(lambda p, g: p - data.RATE * g, w, grad)

        state = [weights]

        def run():
            value, state[0] = step(state[0], x, m)
            jax.block_until_ready(state[0])
            return float(value)

        return run, lambda: [run(), run()]

    return make


def variants(peer, work, threads, folder, tune):
    if work.startswith("frames"):
        yield from frames_jax.variants(work, tune)
        return
    every = [(h, u) for u in (1, 5) for h in (True, False)]
    for hoist, unroll in every if tune else [(True, 1), (False, 1)]:
        convolution = "hoisted" if hoist else "joint"
        label = f"jit, {convolution} convolution, scan unrolled by {unroll}"
        yield label, maker(work, hoist, unroll)
