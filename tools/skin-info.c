/* skin-info - what is in a file of arrays or weights: .npy, .npz, .safetensors, and those of Keras
 * and TensorFlow. */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "array_value.h"
#include "cli.h"
#include "convlstm.h"
#include "fail.h"
#include "keras/keras.h"
#include "keras/keras_network.h"
#include "photos/tones.h"
#include "report/card_page.h"
#include "report/model_card.h"

static bool as_json, list_isa, show_card;
static const char *tones;

static const cli_option options[] = {
    {"json", 0, CLI_FLAG, &as_json, NULL, "one JSON object per file, each on a line", 0, 0},
    {"card", 0, CLI_FLAG, &show_card, NULL,
     "the model card in a model's file, as Markdown, and nothing else", 0, 0},
    {"tones", 0, CLI_TEXT, &tones, "FACES",
     "the skin tones of everyone in a folder of face crops (skin-faces), as a table for "
     "skin-evaluate --groups, and exit",
     0, 0},
    {"isa", 0, CLI_FLAG, &list_isa, NULL,
     "list the instruction sets that this machine can use, best first, and exit", 0, 0},
    {0},
};

static const cli_tool tool = {
    .name = "skin-info",
    .usage = "[--json] FILE...",
    .about =
        "Shows what is in a file of arrays or weights: names, types, shapes, the range of values,\n"
        "metadata, and the layers if it holds a network. FILE is .npy, .npz, .safetensors, a file\n"
        "of Keras (.h5, .weights.h5, .keras) or a TensorFlow checkpoint (prefix, .index, folder\n"
        "of a SavedModel).\n",
    .options = options,
    .notes = "Files that can't be read are named, and the others are shown all the same.\n",
    .min_args = 0,
    .max_args = -1,
};

/* ---- values ---- */

/* Of the finite values. */
typedef struct range {
    double min, mean, max;
    size_t finite;
} range;

static range range_of(const nbase_array *a)
{
    range r = {INFINITY, 0, -INFINITY, 0};
    for (size_t i = 0; i < a->count; i++) {
        double x = array_value(a, i);
        if (!isfinite(x)) continue;
        r.finite++;
        r.mean += (x - r.mean) / (double)r.finite;
        if (x < r.min) r.min = x;
        if (x > r.max) r.max = x;
    }
    return r;
}

/* ---- network ---- */

/* A file and what it turned out to be. */
typedef struct subject {
    const char *path;
    const char *kind; /* Keras's or TensorFlow's kind; null: an archive */
    nbase_archive *arrays;
    convlstm_model *network;  /* null: it holds none */
    nbase_error problem;      /* if it describes a network that the library does not have */
    json_t *card;             /* the network's model card; null: none */
    nbase_error card_problem; /* if there is one that does not count */
} subject;

static void subject_free(subject *s)
{
    convlstm_model_free(s->network);
    nbase_archive_free(s->arrays);
    json_decref(s->card);
}

/* The network of a whole Keras model. */
static void read_keras_network(const keras_file *file, subject *s)
{
    keras_network network = {0};
    nbase_archive *tensors = NULL;
    if (file->config &&
        keras_describe(file->config, file->generation, &(keras_options){0}, &network,
                       &s->problem) &&
        keras_match(&network, file, &tensors, &s->problem))
        keras_model(network.description, tensors, &s->network, &s->problem);
    nbase_archive_free(tensors);
    keras_network_free(&network);
}

/* False after a printed error. */
static bool subject_open(const char *path, subject *s)
{
    *s = (subject){.path = path};
    nbase_error err = {NBASE_OK, ""};
    bool ok;
    if (keras_recognises(path)) {
        keras_file file;
        ok = keras_read(path, &file, &err);
        if (ok) {
            read_keras_network(&file, s);
            s->kind = file.kind;
            s->arrays = file.weights;
            file.weights = NULL;
        }
        keras_file_free(&file);
    } else {
        ok = nbase_archive_read(NULL, path, &s->arrays, &err) == NBASE_OK;
        if (ok && nbase_archive_meta(s->arrays, "convlstm"))
            convlstm_model_from_archive(NULL, s->arrays, NULL, &s->network, &s->problem);
        if (s->network) s->card = model_card_of(s->arrays, path, s->network, &s->card_problem);
    }
    /* says nothing about the network */
    if (ok && s->problem.status == NBASE_ERR_NOMEM)
        ok = tool_fail(&err, NBASE_ERR_NOMEM, "%s: %s", path, s->problem.text);
    return ok || cli_report(&err);
}

/* ---- for people ---- */

/* Names in a file may hold anything: control characters must not reach the terminal. */
static void print_safe(const char *text, int width)
{
    int n = 0;
    for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
        putchar(*p < 32 || *p == 127 ? '?' : *p);
        n += (*p & 0xc0) != 0x80; /* characters, not bytes of UTF-8 */
    }
    printf("%*s", n < width ? width - n : 0, "");
}

static void shape_text(const nbase_array *a, char *out, size_t room)
{
    size_t used = (size_t)snprintf(out, room, "(");
    for (int k = 0; k < a->ndim && used < room; k++)
        used += (size_t)snprintf(out + used, room - used, "%s%zu", k ? "," : "", a->shape[k]);
    if (used < room) snprintf(out + used, room - used, ")");
}

static void print_array(const nbase_array *a, int width)
{
    char shape[NBASE_MAX_DIMS * 21 + 3];
    range r = range_of(a);
    shape_text(a, shape, sizeof shape);
    print_safe(a->name, width);
    printf("  %-9s %-18s", nbase_dtype_name(a->dtype), shape);
    if (r.finite) printf(" %13.6g %13.6g %13.6g", r.min, r.mean, r.max);
    if (r.finite < a->count) printf("  %zu of %zu not finite", a->count - r.finite, a->count);
    putchar('\n');
}

static void print_arrays(const nbase_archive *a)
{
    int width = 4;
    for (size_t i = 0; i < nbase_archive_count(a); i++) {
        size_t n = strlen(nbase_archive_at(a, i)->name);
        if ((int)n > width) width = n < 60 ? (int)n : 60;
    }
    if (nbase_archive_count(a))
        printf("%-*s  %-9s %-18s %13s %13s %13s\n", width, "name", "type", "shape", "min", "mean",
               "max");
    for (size_t i = 0; i < nbase_archive_count(a); i++) print_array(nbase_archive_at(a, i), width);
}

static void print_layer(const json_t *layer)
{
    const char *key, *name = json_string_value(json_object_get(layer, "name")),
                     *type = json_string_value(json_object_get(layer, "type"));
    json_t *value;
    printf("  %-24s %s", name ? name : "?", type ? type : "?");
    json_object_foreach((json_t *)layer, key, value)
    {
        if (!strcmp(key, "name") || !strcmp(key, "type")) continue;
        char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(6));
        printf("  %s=%s", key, text ? text : "?");
        free(text);
    }
    putchar('\n');
}

/* "images of 80x80x3", or of several inputs "inputs left 80x80x3, sensor 4". */
static void print_inputs(const convlstm_model *m, bool any_size)
{
    size_t count = convlstm_model_input_count(m);
    for (size_t k = 0; k < count; k++) {
        convlstm_input in;
        if (convlstm_model_input(m, k, &in) != NBASE_OK) return;
        if (count == 1)
            printf("images of ");
        else
            printf("%s%s ", k ? ", " : "inputs ", in.name);
        if (in.dims == 4) printf("%zux%zux", in.height, in.width);
        printf("%zu%s", in.channels, any_size ? " (or any other size)" : "");
    }
}

/* ", outputs class, next". */
static void print_output_names(const json_t *description)
{
    size_t k;
    json_t *name;
    json_array_foreach(json_object_get(description, "outputs"), k, name)
        printf("%s%s", k ? ", " : ", outputs ", json_string_value(name));
}

static void print_network(const convlstm_model *m)
{
    convlstm_model_info info;
    convlstm_model_get_info(m, &info);
    json_t *description = json_loads(convlstm_model_json(m), 0, NULL), *layer;
    const char *name = json_string_value(json_object_get(description, "name"));
    size_t i;
    printf("network%s%s: %zu parameters, ", name && *name ? " " : "", name ? name : "",
           info.parameters);
    print_inputs(m, info.any_size);
    if (info.output_count == 1)
        printf(", %zu outputs", info.outputs);
    else
        print_output_names(description);
    for (size_t k = 0; k < info.outputs && *convlstm_model_label(m, k); k++)
        printf("%s %s", k ? "," : ":", convlstm_model_label(m, k));
    putchar('\n');
    json_array_foreach(json_object_get(description, "layers"), i, layer) print_layer(layer);
    json_decref(description);
}

static void print_subject(const subject *s)
{
    const nbase_archive *a = s->arrays;
    size_t elements = 0, bytes = 0;
    for (size_t i = 0; i < nbase_archive_count(a); i++) {
        const nbase_array *x = nbase_archive_at(a, i);
        elements += x->count;
        bytes += x->count * nbase_dtype_size(x->dtype);
    }
    print_safe(s->path, 0);
    printf(": %s%s%zu arrays, %zu elements, %.1f KiB\n", s->kind ? s->kind : "",
           s->kind ? ", " : "", nbase_archive_count(a), elements, (double)bytes / 1024);

    const char *key, *value;
    for (size_t i = 0; nbase_archive_meta_at(a, i, &key, &value); i++) {
        if (s->network && !strcmp(key, "convlstm")) continue; /* already shown as layers */
        if (s->card && !strcmp(key, CARD_META)) continue;
        printf("metadata ");
        print_safe(key, 0);
        printf(": ");
        print_safe(value, 0);
        putchar('\n');
    }
    if (s->card) {
        printf("model card: ");
        card_line(stdout, s->card);
        printf("; all of it: --card\n");
    }
    if (s->card_problem.text[0]) printf("model card not usable: %s\n", s->card_problem.text);
    if (s->network)
        print_network(s->network);
    else if (s->problem.text[0])
        printf("not usable as a network: %s\n", s->problem.text);
    print_arrays(a);
}

/* --card. False after a printed error. */
static bool print_card(const subject *s)
{
    if (s->card) card_markdown(stdout, s->card);
    if (s->card) return true;
    if (s->card_problem.text[0]) return cli_report(&s->card_problem);
    cli_error("%s: no model card in it; skin-evaluate --card writes one", s->path);
    return false;
}

/* ---- for machines ---- */

static json_t *array_json(const nbase_array *a)
{
    range r = range_of(a);
    json_t *shape = json_array(), *out;
    for (int k = 0; k < a->ndim; k++)
        json_array_append_new(shape, json_integer((json_int_t)a->shape[k]));
    out = json_pack("{s:s, s:s, s:o, s:I}", "name", a->name, "type", nbase_dtype_name(a->dtype),
                    "shape", shape, "not_finite", (json_int_t)(a->count - r.finite));
    json_object_set_new(out, "min", r.finite ? json_real(r.min) : json_null());
    json_object_set_new(out, "mean", r.finite ? json_real(r.mean) : json_null());
    json_object_set_new(out, "max", r.finite ? json_real(r.max) : json_null());
    return out;
}

static json_t *network_json(const convlstm_model *m)
{
    convlstm_model_info info;
    convlstm_model_get_info(m, &info);
    json_t *out = json_loads(convlstm_model_json(m), 0, NULL);
    json_object_set_new(out, "parameters", json_integer((json_int_t)info.parameters));
    json_object_set_new(out, "any_size", json_boolean(info.any_size));
    return out;
}

static bool print_json(const subject *s)
{
    const nbase_archive *a = s->arrays;
    json_t *arrays = json_array(), *metadata = json_object();
    const char *key, *value;
    for (size_t i = 0; i < nbase_archive_count(a); i++)
        json_array_append_new(arrays, array_json(nbase_archive_at(a, i)));
    for (size_t i = 0; nbase_archive_meta_at(a, i, &key, &value); i++)
        json_object_set_new(metadata, key, json_string(value));
    json_t *out =
        json_pack("{s:s, s:o, s:o}", "file", s->path, "metadata", metadata, "arrays", arrays);
    if (s->kind) json_object_set_new(out, "kind", json_string(s->kind));
    if (s->network)
        json_object_set_new(out, "network", network_json(s->network));
    else if (s->problem.text[0])
        json_object_set_new(out, "network_error", json_string(s->problem.text));
    if (s->card) json_object_set(out, "card", s->card);
    if (s->card_problem.text[0])
        json_object_set_new(out, "card_error", json_string(s->card_problem.text));
    char *text = out ? json_dumps(out, JSON_COMPACT | JSON_REAL_PRECISION(9)) : NULL;
    json_decref(out);
    if (!text) {
        cli_error("%s: a name that is not text, or out of memory", s->path);
        return false;
    }
    puts(text);
    free(text);
    return true;
}

/* The families nest: what the best one needs includes what the lesser ones of the same processor
 * need. */
static int print_isa(void)
{
    nbase_isa best = nbase_isa_active();
    if (best == NBASE_ISA_AVX512) printf("avx512 ");
    if (best >= NBASE_ISA_AVX2) printf("avx2 ");
    if (best == NBASE_ISA_NEON) printf("neon ");
    puts("ref");
    return CLI_OK;
}

/* --tones */
static int print_tones(bool files)
{
    nbase_error err = {0};
    if (files) {
        cli_error("--tones takes a folder and no FILE; see --help");
        return CLI_USAGE;
    }
    cli_catch_interrupt();
    if (tones_print(stdout, tones, &err)) return CLI_OK;
    cli_report(&err);
    return CLI_FAILURE;
}

int main(int argc, char **argv)
{
    int first;
    int code = cli_parse(&tool, argc, argv, &first);
    if (code >= 0) return code;
    if (list_isa) return print_isa();
    if (tones) return print_tones(first < argc);
    if (first == argc) {
        cli_error("name a file; see --help");
        return CLI_USAGE;
    }
    int result = CLI_OK;
    for (int i = first; i < argc; i++) {
        subject s;
        if (!subject_open(argv[i], &s)) {
            result = CLI_FAILURE;
            continue;
        }
        if (show_card) {
            if (!print_card(&s)) result = CLI_FAILURE;
        } else if (!as_json) {
            if (i > first) putchar('\n');
            print_subject(&s);
        } else if (!print_json(&s))
            result = CLI_FAILURE;
        subject_free(&s);
    }
    return result;
}
