#include "torch_source.h"

#include <stdio.h>

#include "fail.h"

const torch_tensor *torch_take(torch_source *s, const char *prefix, const char *suffix,
                               bool required)
{
    char name[256];
    snprintf(name, sizeof name, "%.150s%s%.80s", prefix, *suffix ? "." : "", suffix);
    const torch_tensor *t = torch_find(s->state, name);
    if (t)
        s->used[t - s->state->items] = true;
    else if (required) {
        const char *longer = torch_longer_name(s->state, name);
        const char *replacement = torch_replacement(s->state, name);
        if (replacement) {
            tool_fail(s->err, NBASE_ERR_FORMAT,
                      "the file has no tensor \"%s\", but \"%.200s\", of which it is computed: "
                      "before saving call torch.nn.utils.remove_weight_norm, prune.remove or "
                      "parametrize.remove_parametrizations",
                      name, replacement);
            return NULL;
        }
        tool_fail(s->err, NBASE_ERR_FORMAT, "the file has no tensor \"%s\"%s%.200s%s", name,
                  longer ? ", but \"" : "", longer ? longer : "",
                  longer ? "\": say so with --map" : "");
    }
    return t;
}
