/* skin-import - weights from elsewhere into safetensors. */
#include <string.h>

#include "cli.h"
#include "import/mtcnn.h"

static const char *output;

static const cli_option options[] = {
    {"output", 'o', CLI_TEXT, &output, "FILE", "the .safetensors to write (needed)", 0, 0},
    {0},
};

static const cli_tool tool = {
    .name = "skin-import",
    .usage = "mtcnn SRC -o FILE",
    .about = "Converts weights from elsewhere into the .safetensors that the other tools read.\n"
             "  mtcnn SRC  MTCNN's pretrained coefficients; SRC is a file or a folder: mtcnn_weights.npy of the Python package mtcnn 0.1.x\n",
    .options = options,
    .notes = "A pickle is read as data: nothing in it is run, and anything that weights have no need of is refused.\n"
             "Example: skin-import mtcnn mtcnn_weights.npy -o weights/mtcnn.safetensors\n",
    .min_args = 2,
    .max_args = 2,
};

static int write_archive(nbase_archive *archive)
{
    nbase_error err;
    nbase_status status = nbase_archive_write_safetensors(archive, output, &err);
    if (status) cli_error("%s", err.text);
    nbase_archive_free(archive);
    return status ? CLI_FAILURE : CLI_OK;
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
    if (strcmp(what, "mtcnn")) {
        cli_error("\"%s\" is not something to import; see --help", what);
        return CLI_USAGE;
    }
    nbase_archive *archive;
    return mtcnn_import(source, &archive) ? write_archive(archive) : CLI_FAILURE;
}
