#include "levels.h"

#include <stdio.h>
#include <string.h>

bool levels_read(const unit *u, double *value, level_scale *scale)
{
    static const struct {
        level_scale scale;
        double value;
        const char *words;
    } known[] = {
#define SET(name, words)
#define LEVEL(scale, value, words) {scale, value, words},
#include "word_sets.inc"
#undef SET
#undef LEVEL
    };
    if (u->kind == TOKEN_NUMBER) {
        *value = u->number, *scale = FIGURES;
        return true;
    }
    char key[TOKEN_WORD_SIZE + 2];
    snprintf(key, sizeof key, " %s ", u->word);
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (u->kind == TOKEN_WORD && strstr(known[i].words, key)) {
            *value = known[i].value, *scale = known[i].scale;
            return true;
        }
    return false;
}

/* ---- measures: "4", "grade 3", "2/10", "15 %", "3 cm", "20 papules" ---- */

typedef struct measure {
    double value, of; /* `of`: the 10 of "2/10", else 0 */
    level_scale scale;
    size_t end; /* the unit behind it */
} measure;

static bool is_mark(const clause_list *list, size_t i, const char *marks)
{
    return i < list->unit_count && list->units[i].kind == TOKEN_MARK &&
           strchr(marks, list->units[i].word[0]) && !unit_is(&list->units[i], "->");
}

static bool is_in(const clause_list *list, size_t i, word_set set)
{
    return i < list->unit_count && unit_in(&list->units[i], set);
}

static bool has_class(const clause_list *list, size_t i, lex_class class)
{
    return i < list->unit_count && list->units[i].class == class;
}

static bool read_measure(const clause_list *list, size_t i, measure *out)
{
    const unit *u = list->units;
    if (is_in(list, i, WORD_GRADE) && i + 1 < list->unit_count) i++;
    *out = (measure){.of = 0};
    if (i >= list->unit_count || !levels_read(&u[i], &out->value, &out->scale)) return false;
    out->end = i + 1;
    if (out->scale == WORDS) return true;
    if (is_mark(list, i + 1, "/") && i + 2 < list->unit_count && u[i + 2].kind == TOKEN_NUMBER &&
        u[i + 2].number >= u[i].number) {
        out->of = u[i + 2].number;
        out->end = i + 3;
    }
    if (is_in(list, out->end, WORD_UNIT_OF_SIZE)) out->end++;
    if (has_class(list, out->end, LEX_TROUBLE)) out->end++;
    return true;
}

/* ---- two measures, and how they stand to each other ---- */

typedef struct transition {
    measure from, to;
    size_t last;   /* the last unit of the second */
    bool explicit; /* an arrow, or a word says that one of them was earlier */
} transition;

static bool comparable(const measure *a, const measure *b)
{
    return a->scale == b->scale && a->of == b->of && a->value != b->value;
}

/* "3 -> 1", "grade 3 to grade 1" */
static bool read_forward(const clause_list *list, size_t i, const measure *first, transition *out)
{
    const unit *u = list->units;
    size_t k = first->end;
    if (k >= list->unit_count) return false;
    bool arrow = unit_is(&u[k], "->");
    if ((!arrow && !unit_is(&u[k], "to")) || !read_measure(list, k + 1, &out->to)) return false;
    out->from = *first;
    out->last = out->to.end - 1;
    out->explicit = arrow || (i > 0 && unit_is(&u[i - 1], "from"));
    return true;
}

/* "1 (was 3)", "1, previously 3", "2 % from 20 %", "2/10 (8/10 last visit)" */
static bool read_backward(const clause_list *list, const measure *first, transition *out)
{
    size_t k = first->end;
    bool bracket = is_mark(list, k, "("), earlier = false;
    if (has_class(list, k, LEX_NOW)) k++;
    if (is_mark(list, k, "(,;")) k++;
    for (; is_in(list, k, WORD_FORMERLY) || (earlier && is_mark(list, k, ".:")); k++)
        earlier = true;
    if (!read_measure(list, k, &out->from)) return false;
    if (!earlier && !(bracket && (has_class(list, out->from.end, LEX_PAST) ||
                                  is_in(list, out->from.end, WORD_FORMERLY))))
        return false;
    out->to = *first;
    out->last = out->from.end - 1;
    out->explicit = true;
    return true;
}

/* "40 last month, 12 today" */
static bool read_dated(const clause_list *list, const measure *first, transition *out)
{
    size_t k = first->end;
    if (!has_class(list, k, LEX_PAST)) return false;
    k++;
    if (is_mark(list, k, ",;") || is_in(list, k, WORD_AND_OR)) k++;
    if (has_class(list, k, LEX_NOW)) k++;
    if (!read_measure(list, k, &out->to)) return false;
    out->from = *first;
    out->last = out->to.end - 1;
    out->explicit = true;
    return true;
}

/* Figures may be a dose or a duration. They count only where they are said to be an earlier one and
 * a later one, or fall behind the name of a trouble ("redness 3 to 1"; "pimples 3 to 5" is a
 * range), without a unit behind them and with no word about the treatment near them. */
static bool is_change(const clause_list *list, size_t i, const transition *t)
{
    if (!comparable(&t->from, &t->to)) return false;
    if (t->from.scale == WORDS) return true;
    bool falls = i > 0 && list->units[i - 1].class == LEX_TROUBLE && t->to.value < t->from.value;
    if (!t->explicit && !falls) return false;
    if (is_in(list, t->last + 1, WORD_UNIT_OF_DOSE)) return false;
    for (size_t k = i >= 5 ? i - 5 : 0; k < i; k++)
        if (list->units[k].class == LEX_OTHER) return false;
    return true;
}

/* "improvement from 20 % to 50 %" is good, "redness from 20 % to 50 %" is not. */
static bool more_is_better(const clause_list *list, size_t i)
{
    for (size_t k = i; k > 0 && k + 4 > i && list->units[k - 1].kind != TOKEN_MARK; k--)
        if (list->units[k - 1].class == LEX_QUALITY || list->units[k - 1].class == LEX_GOOD)
            return true;
    return false;
}

static void become(unit *u, bool good)
{
    u->class = good ? LEX_GOOD : LEX_BAD;
    u->flags = LEX_ANY;
    u->weight = u->alone = 1.2f;
}

static void mark_transitions(clause_list *list)
{
    unit *u = list->units;
    for (size_t i = 0; i + 2 < list->unit_count; i++) {
        double value;
        measure first;
        transition t;
        if (!levels_read(&u[i], &value, &first.scale) || !read_measure(list, i, &first)) continue;
        if (!read_forward(list, i, &first, &t) && !read_backward(list, &first, &t) &&
            !read_dated(list, &first, &t))
            continue;
        if (!is_change(list, i, &t)) continue;
        if (has_class(list, t.last + 1, LEX_PAST)) t.last++;
        become(&u[i],
               (t.to.value < t.from.value) != (t.from.scale == FIGURES && more_is_better(list, i)));
        u[i].size = u[t.last].at + u[t.last].size - u[i].at;
        for (size_t k = i; k <= t.last; k++) {
            u[k].kind = TOKEN_WORD;
            u[k].percent = false;
            if (k > i) u[k].class = LEX_NONE;
        }
    }
}

/* "PASI 75 achieved", "EASI 90 response": so many per cent of the score are gone. */
static void mark_responses(clause_list *list)
{
    unit *u = list->units;
    for (size_t i = 0; i + 1 < list->unit_count; i++) {
        if (!unit_in(&u[i], WORD_SCORE) || u[i + 1].kind != TOKEN_NUMBER) continue;
        double n = u[i + 1].number;
        bool reached = (i > 0 && unit_in(&u[i - 1], WORD_REACHED)) ||
                       is_in(list, i + 2, WORD_REACHED) || is_in(list, i + 2, WORD_RESPONSE);
        if (!reached || (n != 50 && n != 75 && n != 90 && n != 100)) continue;
        become(&u[i], true);
        u[i + 1].kind = TOKEN_WORD;
        if (is_in(list, i + 2, WORD_RESPONSE)) u[i + 2].class = LEX_NONE;
    }
}

void levels_mark(clause_list *list)
{
    mark_responses(list);
    mark_transitions(list);
}
