"""The networks of `bench --set networks` in Keras itself."""
import keras
import tensorflow as tf

import networks_data

layers = keras.layers


def cell(name, filters, padding="same", sequences=True, **more):
    return layers.ConvLSTM2D(filters, 3, padding=padding, return_sequences=sequences, name=name,
                             **more)


def each(layer):
    return layers.TimeDistributed(layer, name=layer.name)


def ucf50(x):
    for name, filters in (("a", 4), ("b", 8), ("c", 14), ("d", 16)):
        x = cell(name, filters, "valid")(x)
        x = layers.MaxPooling3D((1, 2, 2), padding="same")(x)
    return layers.Dense(4, name="e")(layers.Flatten()(x))


def anomaly(x):
    x = each(layers.Conv2D(128, 11, strides=4, activation="tanh", name="a"))(x)
    x = each(layers.Conv2D(64, 5, strides=2, activation="tanh", name="b"))(x)
    for name, filters in (("c", 64), ("d", 32), ("e", 64)):
        x = cell(name, filters)(x)
    x = each(layers.Conv2DTranspose(128, 5, strides=2, activation="tanh", name="f"))(x)
    return each(layers.Conv2DTranspose(1, 11, strides=4, activation="tanh", name="g"))(x)


def forecaster(x):
    states = {}
    for name in "abc":
        x, *states[name] = cell(name, 32, return_state=True)(x)
    given = []
    for name, of in zip("def", "cba"):
        x = cell(name, 32)(x, initial_state=states[of])
        given.append(x)
    return each(layers.Conv2D(1, 1, name="g"))(layers.Concatenate()(given))


def two_ways(x):
    # the same layers as in Bidirectional, which names its weights its own way
    turned = cell("b", 16, go_backwards=True)(x)
    turned = layers.Lambda(lambda t: tf.reverse(t, [1]), output_shape=turned.shape[1:])(turned)
    x = layers.Concatenate()([cell("a", 16)(x), turned])
    x = each(layers.MaxPooling2D(2))(x)
    x = layers.Concatenate()([cell("c", 16, sequences=False)(x),
                              cell("d", 16, sequences=False, go_backwards=True)(x)])
    return layers.Dense(4, name="e")(layers.GlobalAveragePooling2D()(x))


BUILD = {"ucf50": ucf50, "anomaly": anomaly, "forecaster": forecaster, "two_ways": two_ways}
LOSSES = {
    "softmax": lambda y, z: tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(y, z)),
    "bce": lambda y, z: tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(y, z)),
    "mse": lambda y, z: tf.reduce_mean(tf.square(y - z)),
}
ENDS = {"softmax": tf.nn.softmax, "bce": tf.sigmoid, "mse": tf.identity}


def network(work, folder):
    """Without the last activation of the networks whose loss has it."""
    name = networks_data.network_of(work)
    inputs = keras.Input(networks_data.NETWORKS[name][0])
    model = keras.Model(inputs, BUILD[name](inputs))
    for path, value in networks_data.weights(work, folder).items():
        owner, variable = path.split("/")
        layer = model.get_layer(owner)
        layer = getattr(layer, "layer", layer)  # what TimeDistributed holds
        {v.name: v for v in layer.weights}[variable].assign(value)
    return model


def maker(work, folder, xla):
    def make():
        x, y = (tf.constant(v) for v in networks_data.batch(work))
        model = network(work, folder)
        kind = networks_data.NETWORKS[networks_data.network_of(work)][2]
        if not networks_data.trains(work):
            forward = tf.function(lambda x: ENDS[kind](model(x, training=False)), jit_compile=xla)
            return (lambda: forward(x).numpy()), lambda: forward(x).numpy()
        variables = [v.value for v in model.trainable_variables]

        @tf.function(jit_compile=xla)
        def step(x, y):
            with tf.GradientTape() as tape:
                loss = LOSSES[kind](y, model(x, training=True))
            for v, g in zip(variables, tape.gradient(loss, variables)):
                v.assign_sub(networks_data.RATE * g)
            return loss

        run = lambda: step(x, y).numpy()
        return run, lambda: [run(), run()]

    return make


def variants(work, folder, tune):
    for xla in (False, True) if tune else (False,):  # XLA: minutes to compile a training step
        yield f"Keras's layers, {'XLA' if xla else 'tf.function'}", maker(work, folder, xla)
