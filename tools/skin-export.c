/* skin-export - writes our models as files that others can read. */
#include <string.h>

#include "cli.h"
#include "fail.h"
#include "fileio.h"
#include "keras/activations.h"
#include "keras/keras_network.h"
#include "onnx/onnx_network.h"

#define MAX_ONNX (((size_t)1 << 31) - 1) /* of protocol buffers */

static const char *output;
static int format = -1, generation = 1;

static const cli_option options[] = {
    {"output", 'o', CLI_TEXT, &output, "FILE", "the file to write (required)", 0, 0},
    {"format", 0, CLI_CHOICE, &format, "weights|h5|keras",
     "for keras: .weights.h5, the older .h5 with weights, or .keras with the whole model (default: "
     "by FILE's name)",
     0, 0},
    {"keras", 0, CLI_CHOICE, &generation, "2|3",
     "which Keras a .keras file is for (default: 3); the other formats are the same for both", 0,
     0},
    {0},
};

static const cli_tool tool = {
    .name = "skin-export",
    .usage = "keras|onnx|npz|json MODEL -o FILE",
    .about =
        "Writes a model (.safetensors) as a file that others can read.\n"
        "  keras MODEL  for Keras 2 (tf-keras) and Keras 3: load_weights reads .weights.h5 and\n"
        "               .h5, load_model reads .keras\n"
        "  onnx MODEL   a graph of ONNX (opset 17), as ONNX Runtime runs it: x and mask in, y out\n"
        "  npz MODEL    the arrays for NumPy, under Keras's names\n"
        "  json MODEL   the network alone, as skin-import --network reads it\n",
    .options = options,
    .notes = "Examples: skin-export keras model.safetensors -o model.weights.h5\n"
             "          skin-export keras model.safetensors --keras 2 -o model.keras\n"
             "Moving models between Keras and this project: docs/keras.md\n",
    .min_args = 2,
    .max_args = 2,
};

/* Prints an error, which begins with the name of the file that it is about. */
static int failed(const char *source, const nbase_error *err)
{
    bool named =
        !strncmp(err->text, source, strlen(source)) || !strncmp(err->text, output, strlen(output));
    cli_error("%s%s%s", named ? "" : source, named ? "" : ": ", err->text);
    return CLI_FAILURE;
}

static bool ends_in(const char *text, const char *end)
{
    size_t n = strlen(text), m = strlen(end);
    return n > m && !strcmp(text + n - m, end);
}

/* False after a printed error. */
static bool choose_format(void)
{
    if (format >= 0) return true;
    if (ends_in(output, ".weights.h5"))
        format = KERAS_WEIGHTS;
    else if (ends_in(output, ".h5"))
        format = KERAS_OLD_WEIGHTS;
    else if (ends_in(output, ".keras"))
        format = KERAS_MODEL;
    else
        cli_error("%s: the name ends in none of .weights.h5, .h5, .keras: choose one "
                  "with --format",
                  output);
    return format >= 0;
}

static int export_keras(const convlstm_model *m, const char *source)
{
    const char *custom;
    nbase_error err = {NBASE_OK, ""};
    if (!choose_format()) return CLI_USAGE;
    if (!keras_export(m, (keras_format)format, 2 + generation, output, &custom, &err))
        return failed(source, &err);
    if (custom)
        cli_note("%s: Keras %d has no activation %s: load_model(..., custom_objects={\"%s\": %s})",
                 output, 2 + generation, custom, custom,
                 keras_activation_python(custom, 2 + generation));
    return CLI_OK;
}

static int export_npz(const convlstm_model *m, const char *source)
{
    nbase_archive *arrays;
    nbase_error err = {NBASE_OK, ""};
    nbase_status status = nbase_archive_create(NULL, &arrays);
    for (size_t i = 0; !status && i < convlstm_model_tensor_count(m); i++) {
        const nbase_array *a = convlstm_model_tensor(m, i);
        status = nbase_archive_add(arrays, a->name, a->dtype, a->ndim, a->shape, a->data, NULL);
    }
    if (status)
        tool_no_memory(&err);
    else
        status = nbase_archive_write_npz(arrays, output, 6, &err);
    nbase_archive_free(arrays);
    return status ? failed(source, &err) : CLI_OK;
}

static int export_json(const convlstm_model *m)
{
    const char *json = convlstm_model_json(m);
    nbase_error err;
    return file_write(output, json, strlen(json), &err) ? CLI_OK : failed(output, &err);
}

static int export_onnx(const convlstm_model *m, const char *source)
{
    proto file = {0};
    nbase_error err = {NBASE_OK, ""};
    bool ok = onnx_network(m, &file, &err);
    if (ok && file.size > MAX_ONNX)
        ok = tool_fail(&err, NBASE_ERR_LIMIT, "%zu bytes; a file of ONNX may have 2 GB", file.size);
    ok = ok && file_write(output, file.data, file.size, &err);
    proto_free(&file);
    return ok ? CLI_OK : failed(source, &err);
}

int main(int argc, char **argv)
{
    int first;
    int code = cli_parse(&tool, argc, argv, &first);
    if (code >= 0) return code;
    const char *what = argv[first], *source = argv[first + 1];
    bool keras = !strcmp(what, "keras"), npz = !strcmp(what, "npz"), onnx = !strcmp(what, "onnx");
    if (!output) {
        cli_error("-o FILE is required: the file to write; see --help");
        return CLI_USAGE;
    }
    if (!keras && !npz && !onnx && strcmp(what, "json")) {
        cli_error("\"%s\": expected keras, onnx, npz or json; see --help", what);
        return CLI_USAGE;
    }
    if (!keras && format >= 0) {
        cli_error("--format is for keras");
        return CLI_USAGE;
    }
    convlstm_model *m;
    nbase_error err;
    if (!file_apart(output, source, &err)) return failed(source, &err);
    if (convlstm_model_load(NULL, source, &m, &err)) return failed(source, &err);
    code = keras  ? export_keras(m, source)
           : onnx ? export_onnx(m, source)
           : npz  ? export_npz(m, source)
                  : export_json(m);
    convlstm_model_free(m);
    return code;
}
