/* skin-import - weights from elsewhere into safetensors. */
#include <string.h>

#include "cli.h"
#include "import/mtcnn.h"
#include "import/network.h"

static const char *const presets[] = {"skincredible", "skincredible-gap"};
static const char *const activations[] = {"hard_sigmoid_k2", "sigmoid", "hard_sigmoid_k3"};
static const char *output;
static int preset = -1, activation = -1;

static const cli_option options[] = {
    {"output", 'o', CLI_TEXT, &output, "FILE", "the .safetensors to write (needed)", 0, 0},
    {"preset", 0, CLI_CHOICE, &preset, "skincredible|skincredible-gap", "the network (default: told by the rows of dense/kernel)", 0, 0},
    {"recurrent-activation", 0, CLI_CHOICE, &activation, "hard_sigmoid_k2|sigmoid|hard_sigmoid_k3",
     "of the ConvLSTM layers (default: what the file says, else hard_sigmoid_k2, the default of TensorFlow 2's Keras)", 0, 0},
    {0},
};

static const cli_tool tool = {
    .name = "skin-import",
    .usage = "mtcnn|npz|keras SRC -o FILE",
    .about = "Converts weights from elsewhere into the .safetensors that the other tools read.\n"
             "  mtcnn SRC  MTCNN's pretrained coefficients; SRC is a file or a folder, told by content: mtcnn_weights.npy of the Python package mtcnn 0.1.x,\n"
             "             its pnet.lz4, rnet.lz4, onet.lz4 of 1.0, Zhang's det1.caffemodel to det3, facenet's det1.npy to det3, facenet-pytorch's pnet.pt,\n"
             "             rnet.pt, onet.pt. Of three files name one: the others are found beside it. All give the same file\n"
             "  npz SRC    a ConvLSTM network's arrays under Keras's names (conv_lstm2d/kernel, ...; see docs/formats.md)\n"
             "  keras SRC  the same from a Keras HDF5 file: .h5 of Keras 2, .weights.h5 of Keras 3\n",
    .options = options,
    .notes = "The image size follows from dense/kernel (square); BatchNormalization is in mode masked.\n"
             "A pickle is read as data: nothing in it is run, and anything that weights have no need of is refused.\n"
             "Examples: skin-import mtcnn mtcnn_weights.npy -o mtcnn.safetensors\n"
             "          skin-import keras model.h5 -o model.safetensors\n",
    .min_args = 2,
    .max_args = 2,
};

static int import_mtcnn(const char *source)
{
    nbase_archive *archive;
    nbase_error err;
    if (!mtcnn_import(source, &archive)) return CLI_FAILURE;
    nbase_status status = nbase_archive_write_safetensors(archive, output, &err);
    if (status) cli_error("%s", err.text);
    nbase_archive_free(archive);
    return status ? CLI_FAILURE : CLI_OK;
}

static int import_network(const char *source, bool keras)
{
    nbase_archive *tensors = NULL;
    network_facts facts = {0};
    nbase_error err;
    bool ok = keras ? keras_read_h5(source, &tensors, &facts) : nbase_archive_read(NULL, source, &tensors, &err) == NBASE_OK;
    if (!ok && !keras) cli_error("%s", err.text);
    if (preset >= 0) facts.preset = presets[preset];
    if (activation >= 0) facts.recurrent_activation = activations[activation];
    ok = ok && network_write(tensors, source, &facts, output);
    if (ok && !facts.recurrent_activation)
        cli_note("%s: the file does not say the recurrent activation: hard_sigmoid_k2 is taken, TensorFlow 2's default (Keras 3's is sigmoid: --recurrent-activation)", source);
    nbase_archive_free(tensors);
    return ok ? CLI_OK : CLI_FAILURE;
}

int main(int argc, char **argv)
{
    int first;
    int code = cli_parse(&tool, argc, argv, &first);
    if (code >= 0) return code;
    const char *what = argv[first], *source = argv[first + 1];
    if (!output) {
        cli_error("-o FILE is needed: where to write; see --help");
        return CLI_USAGE;
    }
    if (!strcmp(what, "mtcnn")) return import_mtcnn(source);
    if (!strcmp(what, "npz") || !strcmp(what, "keras")) return import_network(source, *what == 'k');
    cli_error("\"%s\" is not something to import; see --help", what);
    return CLI_USAGE;
}
