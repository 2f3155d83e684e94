"""A training step of Keras's next-frame example in JAX."""
import jax
import jax.numpy as jnp
from jax import lax

import data
from convlstm_jax import conv_lstm


def logits(w, x, hoist):  # (B,T,H,W,1)
    for i in range(3):
        x = jnp.moveaxis(conv_lstm(w, f"layer{i}", x, None, hoist, 1, jax.nn.sigmoid, jax.nn.relu),
                         0, 1)
        if i < 2:
            mean, variance = x.mean((0, 1, 2, 3)), x.var((0, 1, 2, 3))
            x = (x - mean) * (w[f"norm{i}/gamma"] * lax.rsqrt(variance + 1e-3)) + w[f"norm{i}/beta"]
    return lax.conv_general_dilated(
        x, w["conv3d/kernel"],
        (1, 1, 1), "SAME", dimension_numbers=("NDHWC", "DHWIO", "NDHWC")) + w["conv3d/bias"]


def maker(hoist):
    def make():
        x, y = (jnp.asarray(v) for v in data.frames_batch())
        w = {k: jnp.asarray(v) for k, v in data.frames_weights().items()}
        zeros = jax.tree.map(jnp.zeros_like, w)

        def loss(w):
            z = logits(w, x, hoist)
            return jnp.mean(jnp.maximum(z, 0) - z * y + jnp.log1p(jnp.exp(-jnp.abs(z))))

        @jax.jit
        def step(w, m, v, t):  # Adam
            value, g = jax.value_and_grad(loss)(w)
            m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, m, g)
            v = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, v, g)
            rate = 1e-3 * jnp.sqrt(1 - 0.999**t) / (1 - 0.9**t)
            return value, jax.tree.map(lambda p, m, v: p - rate * m / (jnp.sqrt(v) + 1e-7), w, m,
                                       v), m, v

        state = [w, zeros, zeros, 1.0]

        def run():
            value, *new = step(*state)
            state[:] = [*jax.block_until_ready(new), state[3] + 1]
            return float(value)

        return run, lambda: [run(), run()]

    return make


def variants(work, tune):
    for hoist in (False, True):
        yield f"jit, {'hoisted' if hoist else 'joint'} convolution", maker(hoist)
