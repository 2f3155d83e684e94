"""A training step of Keras's next-frame example in Keras itself."""
import keras
import tensorflow as tf

import data


def network():
    x = inputs = keras.Input(data.FRAMES_SHAPE[1:])
    for i, k in enumerate(data.FRAMES_KERNELS):
        x = keras.layers.ConvLSTM2D(64, k, padding="same", return_sequences=True, activation="relu",
                                    name=f"layer{i}")(x)
        if i < 2:
            x = keras.layers.BatchNormalization(name=f"norm{i}")(x)
    x = keras.layers.Conv3D(1, 3, padding="same", name="conv3d")(x)
    model = keras.Model(inputs, x)
    for name, value in data.frames_weights().items():
        owner, variable = name.split("/")
        {v.name: v for v in model.get_layer(owner).weights}[variable].assign(value)
    return model


def maker(xla):
    def make():
        x, y = (tf.constant(v) for v in data.frames_batch())
        model = network()
        optimizer = keras.optimizers.Adam(1e-3)
        optimizer.build(model.trainable_variables)

        @tf.function(jit_compile=xla)
        def step(x, y):
            with tf.GradientTape() as tape:
                loss = tf.reduce_mean(
                    tf.nn.sigmoid_cross_entropy_with_logits(y, model(x, training=True)))
            optimizer.apply(tape.gradient(loss, [v.value for v in model.trainable_variables]),
                            model.trainable_variables)
            return loss

        run = lambda: step(x, y).numpy()
        return run, lambda: [run(), run()]

    return make


def variants(work, tune):
    # XLA: slower in inference, minutes to compile a training step
    for xla in (False, True) if tune else (False,):
        yield f"ConvLSTM2D, {'XLA' if xla else 'tf.function'}", maker(xla)
