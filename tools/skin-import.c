/* skin-import - weights and models from elsewhere into safetensors. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "fileio.h"
#include "import/mtcnn_import.h"
#include "keras/keras.h"
#include "keras/keras_network.h"
#include "ranout.h"
#include "score/ensemble.h"
#include "torch/torch_map.h"
#include "torch/torch_network.h"

static const char *const presets[] = {"skincredible", "skincredible-gap"};
static const char *const activations[] = {"hard_sigmoid_k2", "sigmoid", "hard_sigmoid_k3"};
static const char *output, *network_path, *map_path, *gates;
static int preset = -1, activation = -1;
static size_t side;
static bool in_order;
static uint64_t seed;

static const cli_option options[] = {
    {"output", 'o', CLI_TEXT, &output, "FILE", "the .safetensors to write (required)", 0, 0},
    {"network", 0, CLI_TEXT, &network_path, "FILE",
     "the network: its JSON (docs/formats.md), or a .safetensors of the same network (default: "
     "what the file says)",
     0, 0},
    {"preset", 0, CLI_CHOICE, &preset, "skincredible|skincredible-gap",
     "the network (default, where the file does not say it: by the rows of dense/kernel)", 0, 0},
    {"recurrent-activation", 0, CLI_CHOICE, &activation, "hard_sigmoid_k2|sigmoid|hard_sigmoid_k3",
     "for the ConvLSTM layers (default: what the file says, else hard_sigmoid_k2, the default of "
     "TensorFlow 2's Keras)",
     0, 0},
    {"in-order", 0, CLI_FLAG, &in_order, NULL,
     "keras: where the file does not say it, its layers are in the network's order (true unless "
     "the model is subclassed)",
     0, 0},
    {"map", 0, CLI_TEXT, &map_path, "FILE",
     "pytorch: which tensors each layer has (docs/pytorch.md), or the name of well-known code: "
     "ConvLSTM_pytorch, Convolutional_LSTM_PyTorch",
     0, 0},
    {"gates", 0, CLI_TEXT, &gates, "ORDER",
     "pytorch: of the gates that a cell's convolution gives, such as ifog; the map's", 0, 0},
    {"seed", 0, CLI_U64, &seed, "N", "network: of the fresh weights (default 0)", 0, 0},
    {"image-size", 0, CLI_SIZE, &side, "N",
     "rows and columns of an image, where the network takes any size (default: 80)", 1, 65536},
    {0},
};

static const cli_tool tool = {
    .name = "skin-import",
    .usage = "mtcnn|npz|keras|tensorflow|pytorch|network SRC -o FILE\n       skin-import average "
             "MODEL MODEL... -o FILE",
    .about =
        "Converts weights from elsewhere into the .safetensors file that the other tools read.\n"
        "  mtcnn SRC       MTCNN's pretrained coefficients. SRC is a file or a folder; its\n"
        "                  content decides what it is: mtcnn_weights.npy of the Python package\n"
        "                  mtcnn 0.1.x, its pnet.lz4, rnet.lz4, onet.lz4 of 1.0, Zhang's\n"
        "                  det1.caffemodel to det3, facenet's det1.npy to det3,\n"
        "                  facenet-pytorch's pnet.pt, rnet.pt, onet.pt. Of three files name\n"
        "                  one: the others are found beside it. All give the same output\n"
        "  npz SRC         a ConvLSTM network's arrays under Keras's names\n"
        "                  (conv_lstm2d/kernel, ...; see docs/formats.md)\n"
        "  keras SRC       a model or weights of Keras 2 or 3: .h5, .weights.h5, .keras\n"
        "  tensorflow SRC  a TensorFlow checkpoint: its prefix, its .index, or the folder of a\n"
        "                  SavedModel (keras accepts it too)\n"
        "  pytorch SRC     a state dict of PyTorch, .pt or .pth; needs --network\n"
        "  network SRC     fresh weights for a description (its JSON), or for a preset by its\n"
        "                  name; --seed\n"
        "  average MODEL...  one model whose answer is the mean of 2 to 32 others, which judge\n"
        "                  people from frames of the same size (docs/training.md)\n",
    .options = options,
    .notes =
        "A whole model contains its layers; weights alone need --network, or belong to a\n"
        "preset. BatchNormalization gets mode masked.\n"
        "A pickle is read as data: nothing in it is executed, and anything that weights do not\n"
        "need is refused.\n"
        "Examples: skin-import mtcnn mtcnn_weights.npy -o mtcnn.safetensors\n"
        "          skin-import keras model.keras -o model.safetensors\n"
        "          skin-import keras w.weights.h5 --network n.json -o w.safetensors\n"
        "          skin-import pytorch w.pt --network n.json --map ConvLSTM_pytorch -o "
        "w.safetensors\n"
        "Moving models between Keras or PyTorch and this project: docs/keras.md, docs/pytorch.md\n",
    .min_args = 2,
    .max_args = -1,
};

static int import_mtcnn(const char *source)
{
    nbase_archive *archive;
    nbase_error err;
    bool ok = mtcnn_import(source, &archive, &err) &&
              nbase_archive_write_safetensors(archive, output, &err) == NBASE_OK;
    nbase_archive_free(archive);
    if (!ok) cli_report(&err);
    return ok ? CLI_OK : CLI_FAILURE;
}

/* ---- networks ---- */

static keras_options open_points(void)
{
    return (keras_options){
        .side = side, .recurrent_activation = activation >= 0 ? activations[activation] : NULL};
}

/* Unless the network's description may lack something. */
static bool put_down(const convlstm_model *m, nbase_error *err)
{
    if (ranout_ever()) return tool_no_memory(err);
    return convlstm_model_save(m, output, err) == NBASE_OK;
}

/* Weights that are not finite come from a training that diverged, or from numbers beyond float32;
 * they would make every answer nan. */
static bool save(const convlstm_model *m, nbase_error *err)
{
    for (size_t i = 0; i < convlstm_model_tensor_count(m); i++) {
        const nbase_array *t = convlstm_model_tensor(m, i);
        const float *values = t->data;
        for (size_t k = 0; k < t->count; k++)
            if (!isfinite(values[k]))
                return tool_fail(err, NBASE_ERR_NUMERIC,
                                 "weights \"%s\": element %zu is %s in float32; take an earlier "
                                 "checkpoint, or train again",
                                 t->name, k, isnan(values[k]) ? "nan" : "infinite");
    }
    return put_down(m, err);
}

/* The description from --network, else of a preset. */
static bool given_description(const nbase_archive *arrays, json_t **description, nbase_error *err)
{
    keras_options o = open_points();
    if (network_path) {
        bool ok = keras_description_read(network_path, description, err);
        keras_set_recurrent(*description, o.recurrent_activation);
        return ok;
    }
    return keras_preset(preset >= 0 ? presets[preset] : NULL, arrays, &o, description, err);
}

static bool write_model(const json_t *description, const nbase_archive *tensors, const char *source,
                        nbase_error *err)
{
    convlstm_model *m;
    if (!keras_model(description, tensors, &m, err)) return false;
    for (size_t i = 0; i < nbase_archive_count(tensors); i++) {
        const char *name = nbase_archive_at(tensors, i)->name;
        if (!convlstm_model_find(m, name))
            cli_note("%s: array \"%s\" is not part of the network: left out", source, name);
    }
    bool ok = save(m, err);
    convlstm_model_free(m);
    return ok;
}

static void note_activation(const char *source)
{
    if (activation < 0 && !network_path)
        cli_note("%s: the file does not say the recurrent activation: using hard_sigmoid_k2, "
                 "TensorFlow 2's default (Keras 3's is sigmoid: --recurrent-activation)",
                 source);
}

/* Prints an error, which begins with the name of the file that it is about. */
static int failed(const char *source, const nbase_error *err)
{
    bool named =
        !strncmp(err->text, source, strlen(source)) || !strncmp(err->text, output, strlen(output));
    cli_error("%s%s%s", named ? "" : source, named ? "" : ": ", err->text);
    return CLI_FAILURE;
}

static int import_npz(const char *source)
{
    nbase_archive *arrays = NULL;
    json_t *description = NULL;
    nbase_error err = {NBASE_OK, ""};
    bool ok = nbase_archive_read(NULL, source, &arrays, &err) == NBASE_OK &&
              given_description(arrays, &description, &err) &&
              write_model(description, arrays, source, &err);
    if (ok) note_activation(source);
    json_decref(description);
    nbase_archive_free(arrays);
    return ok ? CLI_OK : failed(source, &err);
}

/* The network of a Keras file. *described: whether the file itself describes it. */
static bool keras_description(const keras_file *file, keras_network *network, bool *described,
                              nbase_error *err)
{
    keras_options o = open_points();
    *described = file->config && !network_path && preset < 0;
    if (*described)
        return keras_describe(file->config, file->generation, &o, network, err) &&
               keras_adopt_preset(network->description, err);
    json_t *description = NULL;
    bool ok = given_description(file->weights, &description, err) &&
              keras_network_of(description, network, err);
    json_decref(description);
    return ok;
}

static int import_keras(const char *source)
{
    keras_file file;
    keras_network network = {0};
    nbase_archive *tensors = NULL;
    nbase_error err = {NBASE_OK, ""};
    bool described = false;
    bool ok = keras_read(source, &file, &err);
    if (in_order && file.order == KERAS_ORDER_LIKELY) file.order = KERAS_ORDER_KNOWN;
    ok = ok && keras_description(&file, &network, &described, &err) &&
         keras_match(&network, &file, &tensors, &err) &&
         write_model(network.description, tensors, source, &err);
    if (ok && !described) note_activation(source);
    nbase_archive_free(tensors);
    keras_network_free(&network);
    keras_file_free(&file);
    return ok ? CLI_OK : failed(source, &err);
}

/* A model with fresh weights. */
static int import_network(const char *source)
{
    json_t *description = NULL;
    char *text = NULL, *preset_text = NULL;
    convlstm_model *m = NULL;
    nbase_error err = {NBASE_OK, ""};
    bool known = !strcmp(source, presets[0]) || !strcmp(source, presets[1]);
    bool ok = known ? convlstm_preset_json(source, side, side, &preset_text, &err) == NBASE_OK
                    : keras_description_read(source, &description, &err) &&
                          ((text = json_dumps(description, JSON_COMPACT)) || tool_no_memory(&err));
    ok = ok &&
         convlstm_model_create(NULL, known ? preset_text : text, seed, &m, &err) == NBASE_OK &&
         put_down(m, &err);
    convlstm_model_free(m);
    convlstm_text_free(preset_text);
    free(text);
    json_decref(description);
    return ok ? CLI_OK : failed(source, &err);
}

static int average(char **models, size_t count)
{
    nbase_error err = {NBASE_OK, ""};
    if (ensemble_write((const char *const *)models, count, output, &err)) return CLI_OK;
    cli_report(&err);
    return CLI_FAILURE;
}

/* ---- PyTorch ---- */

/* Defaults that differ: a description leaves them out easily. */
static void note_defaults(const char *source, const json_t *description)
{
    json_t *layer;
    size_t i;
    bool sigmoid = true, epsilon = true;
    json_array_foreach(json_object_get(description, "layers"), i, layer)
    {
        const char *recurrent = json_string_value(json_object_get(layer, "recurrent_activation"));
        const json_t *e = json_object_get(layer, "epsilon");
        sigmoid = sigmoid && (!recurrent || !strcmp(recurrent, "sigmoid"));
        epsilon = epsilon && (!e || json_number_value(e) < 1e-4);
    }
    if (!sigmoid)
        cli_note("%s: a recurrent_activation of the network is not sigmoid, which is what code for "
                 "PyTorch has almost always",
                 source);
    if (!epsilon)
        cli_note("%s: an epsilon of the network is 1e-4 or more; PyTorch's default is 1e-5",
                 source);
}

static bool convert_torch(const char *source, const json_t *description, nbase_error *err)
{
    enum { MOST = 1 << 30 };
    size_t size;
    import_pool pool = {0};
    torch_state state;
    convlstm_model *m = NULL;
    char *bytes = file_read(source, MOST, &size, err),
         *text = bytes ? json_dumps(description, JSON_COMPACT) : NULL;
    json_t *map = text && map_path ? torch_map_read(map_path, err) : NULL;
    bool ok = text && (map || !map_path) &&
              torch_state_read((const uint8_t *)bytes, size, &pool, &state, err) &&
              torch_network(&state, text, map, gates, &m, err) && save(m, err);
    convlstm_model_free(m);
    json_decref(map);
    free(text);
    free(bytes);
    import_pool_free(&pool);
    return ok;
}

static int import_torch(const char *source)
{
    json_t *description = NULL;
    nbase_error err = {NBASE_OK, ""};
    if (!network_path) {
        cli_error("pytorch: a state dict does not say what network it is of: describe it with "
                  "--network (docs/pytorch.md)");
        return CLI_USAGE;
    }
    bool ok = keras_description_read(network_path, &description, &err) &&
              convert_torch(source, description, &err);
    if (ok) note_defaults(source, description);
    json_decref(description);
    return ok ? CLI_OK : failed(source, &err);
}

int main(int argc, char **argv)
{
    int first;
    int code = cli_parse(&tool, argc, argv, &first);
    if (code >= 0) return code;
    const char *what = argv[first], *source = argv[first + 1];
    if (!output) {
        cli_error("-o FILE is required: the file to write; see --help");
        return CLI_USAGE;
    }
    if (network_path && preset >= 0) {
        cli_error("--network and --preset both say what the network is: give one");
        return CLI_USAGE;
    }
    bool averaging = !strcmp(what, "average"), apart = true;
    nbase_error err;
    for (int i = first + 1; i < argc && apart; i++) apart = file_apart(output, argv[i], &err);
    if (!apart || !file_apart(output, network_path, &err) || !file_apart(output, map_path, &err))
        return failed(source, &err);
    if (!averaging && argc - first > 2) {
        cli_error("%s: one SRC is expected, and \"%s\" is one too many; see --help", what,
                  argv[first + 2]);
        return CLI_USAGE;
    }
    if (averaging) return average(argv + first + 1, (size_t)(argc - first - 1));
    bool torch = !strcmp(what, "pytorch");
    if ((map_path || gates) && !torch) {
        cli_error("--map and --gates go with pytorch");
        return CLI_USAGE;
    }
    if (torch) return import_torch(source);
    if (!strcmp(what, "network")) return import_network(source);
    if (!strcmp(what, "mtcnn")) return import_mtcnn(source);
    if (!strcmp(what, "npz")) return import_npz(source);
    if (!strcmp(what, "keras") || !strcmp(what, "tensorflow")) return import_keras(source);
    cli_error(
        "\"%s\": expected mtcnn, npz, keras, tensorflow, pytorch, network or average; see --help",
        what);
    return CLI_USAGE;
}
