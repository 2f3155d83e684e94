/* network_json.h - descriptions of networks in tests, as they are read: frames of 8x7 with 2
 * channels. */
#ifndef NETWORK_JSON_H
#define NETWORK_JSON_H

/* clang-format off */
/* A description as it stands. */
#define JSON(...) #__VA_ARGS__
/* The same once its macros have been replaced. */
#define DESCRIPTION(...) JSON(__VA_ARGS__)
/* That of a network of these layers. */
#define NET(...)                                                                                   \
    JSON({"format": 1, "input": {"height": 8, "width": 7, "channels": 2}, "layers": [__VA_ARGS__]})
/* Layers of it: one that gives all frames, and one that gives the last alone. */
#define EACH {"type": "conv_lstm2d", "filters": 2, "kernel_size": 3, "padding": "same", \
              "recurrent_activation": "sigmoid", "return_sequences": true}
#define LAST {"type": "conv_lstm2d", "filters": 2, "kernel_size": 3, "padding": "same", \
              "recurrent_activation": "sigmoid"}
/* clang-format on */

#endif
