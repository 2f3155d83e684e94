/* Each network is as its authors have it, but for dropout: with it no two programs train to the
 * same numbers. */
#include "known_networks.h"

#include "cli.h"

#define CELL(name, filters, padding, more)                                                         \
    "{\"type\":\"conv_lstm2d\",\"name\":\"" name "\",\"filters\":" #filters                        \
    ",\"kernel_size\":3,\"padding\":\"" padding "\",\"recurrent_activation\":\"sigmoid\"" more     \
    "},\n"
#define SEQUENCE ",\"return_sequences\":true"
#define FROM(...) ",\"inputs\":[" #__VA_ARGS__ "]"
#define INPUT(side, channels, more)                                                                \
    "{\"format\":1,\"input\":{\"height\":" #side ",\"width\":" #side                               \
    ",\"channels\":" #channels more "},\"layers\":[\n"

/* The network of the tutorials on recognising actions in UCF50 (Soomro and Zamir's videos): 20
 * frames of 64x64, four classes. */
#define POOL "{\"type\":\"max_pool2d\",\"padding\":\"same\"},\n"
static const char ucf50[] = INPUT(64, 3, ",\"frames\":20") CELL("a", 4, "valid", SEQUENCE)
    POOL CELL("b", 8, "valid", SEQUENCE)
POOL CELL("c", 14, "valid", SEQUENCE)
POOL CELL("d", 16, "valid", SEQUENCE) POOL
    "{\"type\":\"flatten\"},\n"
    "{\"type\":\"dense\",\"name\":\"e\",\"units\":4,\"activation\":\"softmax\"}]}\n";

/* Chong and Tay 2017 (arXiv:1701.01546), as the copies in Keras have it: an autoencoder of 10
 * frames of 227x227, for anomalies in the videos of UCSD. */
#define CONV(type, name, filters, kernel, stride)                                                  \
    "{\"type\":\"" type "\",\"name\":\"" name "\",\"filters\":" #filters                           \
    ",\"kernel_size\":" #kernel ",\"strides\":" #stride ",\"activation\":\"tanh\"}"
static const char anomaly[] = INPUT(227, 1, "") CONV("conv2d", "a", 128, 11, 4) ",\n" CONV(
    "conv2d", "b", 64, 5, 2) ",\n" CELL("c", 64, "same", SEQUENCE) CELL("d", 32, "same", SEQUENCE)
    CELL("e", 64, "same", SEQUENCE) CONV("conv2d_transpose", "f", 128, 5,
                                         2) ",\n" CONV("conv2d_transpose", "g", 1, 11, 4) "]}\n";

/* Shi et al. 2015 (arXiv:1506.04214), figure 3: three layers encode 10 frames of 64x64, three more
 * begin with their states, the last with the first's, and a 1x1 convolution over all of these gives
 * 10 frames. */
static const char forecaster[] = INPUT(64, 1, "") CELL("a", 32, "same",
                                                       SEQUENCE) CELL("b", 32, "same", SEQUENCE)
    CELL("c", 32, "same", SEQUENCE) CELL("d", 32, "same", SEQUENCE FROM("c", "c:h", "c:c"))
        CELL("e", 32, "same", SEQUENCE FROM("d", "b:h", "b:c"))
            CELL("f", 32, "same",
                 SEQUENCE FROM(
                     "e", "a:h",
                     "a:c")) "{\"type\":\"concatenate\",\"inputs\":[\"d\",\"e\",\"f\"]},\n"
                             "{\"type\":\"conv2d\",\"name\":\"g\",\"filters\":1,\"kernel_size\":1,"
                             "\"activation\":\"sigmoid\"}]}\n";

/* A classifier of two Bidirectional(ConvLSTM2D) layers, as skin-import reads them from Keras: 20
 * frames of 64x64, four classes. */
static const char two_ways[] = INPUT(64, 3, "") CELL("a", 16, "same", SEQUENCE) CELL(
    "b", 16, "same",
    SEQUENCE ",\"go_backwards\":true" FROM(
        "input")) "{\"type\":\"reverse\",\"name\":\"b_turned\"},\n"
                  "{\"type\":\"concatenate\",\"name\":\"both\",\"inputs\":[\"a\",\"b_turned\"]},\n"
                  "{\"type\":\"max_pool2d\",\"name\":\"pool\"},\n" CELL("c", 16, "same",
                                                                        FROM("pool"))
                      CELL("d", 16, "same",
                           ",\"go_backwards\":true" FROM(
                               "pool")) "{\"type\":\"concatenate\",\"inputs\":[\"c\",\"d\"]},\n"
                                        "{\"type\":\"global_average_pool\"},\n"
                                        "{\"type\":\"dense\",\"name\":\"e\",\"units\":4,"
                                        "\"activation\":\"softmax\"}]}\n";

/* Multiplications of a 3x3 cell. */
#define CELL_PRODUCTS(side, channels, filters)                                                     \
    ((double)(side) * (side)*9 * ((channels) + (filters)) * 4 * (filters))
#define INPUT_PRODUCTS(side, channels, filters)                                                    \
    ((double)(side) * (side)*9 * (channels)*4 * (filters))
#define CONV_PRODUCTS(side, kernel, channels, filters)                                             \
    ((double)(side) * (side) * (kernel) * (kernel) * (channels) * (filters))

static const known_network networks[] = {
    [UCF50 - UCF50] = {ucf50, 20, 64, 64, 3, 0, CONVLSTM_LOSS_SOFTMAX,
                       CELL_PRODUCTS(62, 3, 4) + CELL_PRODUCTS(29, 4, 8) +
                           CELL_PRODUCTS(13, 8, 14) + CELL_PRODUCTS(5, 14, 16),
                       INPUT_PRODUCTS(62, 3, 4)},
    [ANOMALY - UCF50] = {anomaly, 10, 227, 227, 1, 67, CONVLSTM_LOSS_MSE,
                         CONV_PRODUCTS(55, 11, 1, 128) + CONV_PRODUCTS(26, 5, 128, 64) +
                             CELL_PRODUCTS(26, 64, 64) + CELL_PRODUCTS(26, 64, 32) +
                             CELL_PRODUCTS(26, 32, 64) + CONV_PRODUCTS(26, 5, 64, 128) +
                             CONV_PRODUCTS(55, 11, 128, 1),
                         CONV_PRODUCTS(55, 11, 1, 128)},
    [FORECASTER - UCF50] = {forecaster, 10, 64, 64, 1, 12, CONVLSTM_LOSS_BCE,
                            CELL_PRODUCTS(64, 1, 32) + 5 * CELL_PRODUCTS(64, 32, 32) +
                                CONV_PRODUCTS(64, 1, 96, 1),
                            INPUT_PRODUCTS(64, 1, 32)},
    [TWO_WAYS - UCF50] = {two_ways, 20, 64, 64, 3, 12, CONVLSTM_LOSS_SOFTMAX,
                          2 * CELL_PRODUCTS(64, 3, 16) + 2 * CELL_PRODUCTS(32, 32, 16),
                          2 * INPUT_PRODUCTS(64, 3, 16)},
};

const known_network *known_network_of(descriptor_kind kind) { return &networks[kind - UCF50]; }

bool known_network_write(const descriptor *d, const char *path)
{
    if (d->kind < UCF50 || d->kind > TWO_WAYS) {
        cli_error("%s is none of the networks ucf50, anomaly, forecaster, two_ways", d->name);
        return false;
    }
    nbase_error err = {.text = "out of memory"};
    convlstm_model *model = NULL;
    bool ok = !convlstm_model_create(NULL, known_network_of(d->kind)->json, 1, &model, &err) &&
              !convlstm_model_save(model, path, &err);
    if (!ok) cli_report(&err);
    convlstm_model_free(model);
    return ok;
}
