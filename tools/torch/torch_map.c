/* Maps from files, and those of well-known code. */
#include "torch_map.h"

#include <stdlib.h>
#include <string.h>

#include "fail.h"
#include "fileio.h"

#define MAX_MAP ((size_t)1 << 20)

const char torch_map_names[] = "ConvLSTM_pytorch, Convolutional_LSTM_PyTorch";

static const struct {
    const char *name, *map;
} known[] = {
    /* ndrplz/ConvLSTM_pytorch and its many copies: one convolution of cat([x, h]) */
    {"ConvLSTM_pytorch", "{\"gates\":\"ifog\",\"cells\":{\"conv\":\"cell_list.#.conv\"}}"},
    /* automan000/Convolutional_LSTM_PyTorch: a convolution per gate; its peepholes are no
     * parameters, and stay zero */
    {"Convolutional_LSTM_PyTorch",
     "{\"cells\":{\"input\":{\"i\":\"cell#.Wxi\",\"f\":\"cell#.Wxf\",\"c\":\"cell#.Wxc\","
     "\"o\":\"cell#.Wxo\"},\"hidden\":{\"i\":\"cell#.Whi\",\"f\":\"cell#.Whf\","
     "\"c\":\"cell#.Whc\",\"o\":\"cell#.Who\"}}}"},
};

static json_t *parse(const char *text, const char *path, nbase_error *err)
{
    static const char *const members[] = {"gates", "hidden_first", "layers", "cells", "ignore"};
    json_error_t at;
    json_t *map = json_loads(text, JSON_REJECT_DUPLICATES, &at), *value;
    const char *key;
    if (!map) tool_fail(err, NBASE_ERR_FORMAT, "%s, line %d: %s", path, at.line, at.text);
    json_object_foreach(map, key, value)
    {
        bool member = false;
        for (size_t i = 0; i < sizeof members / sizeof *members; i++)
            member = member || !strcmp(key, members[i]);
        if (member) continue;
        tool_fail(err, NBASE_ERR_FORMAT,
                  "%s: \"%.40s\" is no member of a map: gates, hidden_first, layers, cells, ignore",
                  path, key);
        json_decref(map);
        return NULL;
    }
    return map;
}

json_t *torch_map_read(const char *file_or_name, nbase_error *err)
{
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (!strcmp(file_or_name, known[i].name)) return json_loads(known[i].map, 0, NULL);
    if (!file_exists(file_or_name)) {
        tool_fail(err, NBASE_ERR_IO, "%s: there is no such file, and no map of this name: %s",
                  file_or_name, torch_map_names);
        return NULL;
    }
    char *text = file_read(file_or_name, MAX_MAP, NULL, err);
    json_t *map = text ? parse(text, file_or_name, err) : NULL;
    free(text);
    return map;
}

/* A copy of a value in which every '#' of a text is the number of the cell. */
static json_t *numbered(const json_t *value, size_t number)
{
    if (json_is_object(value)) {
        json_t *out = json_object(), *item;
        const char *key;
        json_object_foreach((json_t *)value, key, item)
        {
            json_object_set_new(out, key, numbered(item, number));
        }
        return out;
    }
    const char *text = json_string_value(value), *mark = text ? strchr(text, '#') : NULL;
    return mark ? json_sprintf("%.*s%zu%s", (int)(mark - text), text, number, mark + 1)
                : json_deep_copy(value);
}

json_t *torch_map_cell(const json_t *map, size_t number)
{
    const json_t *cells = json_object_get(map, "cells");
    return cells ? numbered(cells, number) : NULL;
}
