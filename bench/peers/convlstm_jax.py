"""ConvLSTM2D in JAX."""
import jax.numpy as jnp
from jax import lax


def conv(x, w):
    return lax.conv_general_dilated(x, w, (1, 1), "SAME",
                                    dimension_numbers=("NHWC", "HWIO", "NHWC"))


def hard_sigmoid(x):
    return jnp.clip(0.2 * x + 0.5, 0, 1)


def conv_lstm(w, name, x, mask, hoist, unroll, gate=hard_sigmoid, activation=jnp.tanh):
    """x (B,T,H,W,C), mask (B,T) or None -> (T,B,H,W,F)"""
    kernel, recurrent, bias = w[name + "/kernel"], w[name + "/recurrent_kernel"], w[name + "/bias"]
    b, t, height, width = x.shape[:4]
    f = recurrent.shape[2]
    xs = jnp.moveaxis(x, 1, 0)
    if hoist:
        xs = conv(xs.reshape(t * b, height, width, -1), kernel).reshape(t, b, height, width,
                                                                        4 * f) + bias
    else:
        both = jnp.concatenate([kernel, recurrent], 2)

    def step(carry, inputs):
        h, c = carry
        xt, m = inputs
        z = xt + conv(h, recurrent) if hoist else conv(jnp.concatenate([xt, h], -1), both) + bias
        i, fg, g, o = jnp.split(z, 4, -1)
        new_c = gate(fg) * c + gate(i) * activation(g)
        new_h = gate(o) * activation(new_c)
        if m is not None:
            keep = m[:, None, None, None]
            new_h, new_c = jnp.where(keep, new_h, h), jnp.where(keep, new_c, c)
        return (new_h, new_c), new_h

    zero = jnp.zeros((b, height, width, f))
    return lax.scan(step, (zero, zero), (xs, None if mask is None else mask.T), unroll=unroll)[1]
