#include "clauses.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_PHRASE 4

static const char *const word_sets[] = {
#define SET(name, words) words,
#define LEVEL(scale, value, words)
#include "word_sets.inc"
#undef SET
#undef LEVEL
};

static bool set_has(const char *words, const char *word)
{
    char key[TOKEN_WORD_SIZE + 2];
    snprintf(key, sizeof key, " %s ", word);
    return strstr(words, key) != NULL;
}

bool unit_is(const unit *u, const char *word) { return strcmp(u->word, word) == 0; }

bool unit_in(const unit *u, word_set set) { return set_has(word_sets[set], u->word); }

/* ---- tagging ---- */

/* Finds the longest phrase of the lexicon that starts at token i. *n gets its length in tokens. */
static const lex_entry *find_phrase(const lexicon *lex, const token_list *t, size_t i, size_t *n)
{
    char text[MAX_PHRASE * TOKEN_WORD_SIZE];
    const lex_entry *found = NULL;
    size_t used = 0;
    for (size_t k = 0; k < MAX_PHRASE && i + k < t->count && t->items[i + k].kind == TOKEN_WORD;
         k++) {
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%s", k ? "_" : "",
                                 t->items[i + k].word);
        const lex_entry *e = lexicon_find(lex, text);
        if (e) found = e, *n = k + 1;
    }
    return found;
}

static void tag(const lexicon *lex, clause_list *list)
{
    const token_list *t = &list->tokens;
    for (size_t i = 0; i < t->count;) {
        const token *tok = &t->items[i];
        unit u = {.word = tok->word,
                  .at = tok->at,
                  .size = tok->size,
                  .kind = tok->kind,
                  .number = tok->number,
                  .percent = tok->percent};
        size_t n = 1;
        if (tok->kind == TOKEN_WORD) {
            const lex_entry *e = find_phrase(lex, t, i, &n);
            bool name = i > 0 && set_has(word_sets[WORD_GREETING], t->items[i - 1].word);
            const char *meant = e || name ? NULL : lexicon_correct(lex, tok->word);
            if (meant) u.word = meant, e = lexicon_find(lex, meant);
            if (e) u.class = e->class, u.flags = e->flags, u.weight = e->weight, u.alone = e->alone;
            u.size = t->items[i + n - 1].at + t->items[i + n - 1].size - u.at;
        } else if (strcmp(tok->word, "++") == 0) {
            u.class = LEX_PERSIST, u.weight = 1.2f; /* "erythema ++": present, and strongly so */
        }
        list->units[list->unit_count++] = u;
        i += n;
    }
}

/* ---- "from 20 to 6", "grade 3 -> 1", "moderate to mild" ---- */

typedef enum level_scale { WORDS, FIGURES } level_scale;

/* A severity or a count as a number; false for anything else. Only levels of one scale can be
 * compared. */
static bool level(const unit *u, double *value, level_scale *scale)
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
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (u->kind == TOKEN_WORD && set_has(known[i].words, u->word)) {
            *value = known[i].value, *scale = known[i].scale;
            return true;
        }
    return false;
}

/* "from 20 to 6": the two levels become one word of change. */
static void mark_transitions(clause_list *list)
{
    unit *u = list->units;
    for (size_t i = 0; i + 2 < list->unit_count; i++) {
        double from, to;
        level_scale from_scale, to_scale;
        if (!level(&u[i], &from, &from_scale)) continue;
        bool arrow = unit_is(&u[i + 1], "->");
        if (!arrow && !unit_is(&u[i + 1], "to")) continue;
        size_t j = i + 2;
        if (unit_in(&u[j], WORD_GRADE) && j + 1 < list->unit_count) j++;
        if (!level(&u[j], &to, &to_scale) || from_scale != to_scale || from == to) continue;
        if (from_scale == FIGURES) {
            /* Figures may be a dose or a duration. They count only with "from" or an arrow, without
             * a unit behind them and with no word about the treatment near them. */
            bool ok = arrow || (i > 0 && unit_is(&u[i - 1], "from"));
            if (j + 1 < list->unit_count && unit_in(&u[j + 1], WORD_UNIT_OF_DOSE)) ok = false;
            for (size_t k = i >= 5 ? i - 5 : 0; k < i; k++)
                if (u[k].class == LEX_OTHER) ok = false;
            if (!ok) continue;
        }
        u[i].class = to < from ? LEX_GOOD : LEX_BAD;
        u[i].flags = LEX_ANY;
        u[i].weight = u[i].alone = 1.2f;
        u[i].size = u[j].at + u[j].size - u[i].at;
        for (size_t k = i + 1; k <= j; k++) u[k].class = LEX_NONE, u[k].kind = TOKEN_WORD;
    }
}

/* "left" names a side in "the left cheek", and a remainder in "some marks left". */
static void mark_sides(clause_list *list)
{
    unit *u = list->units;
    for (size_t i = 0; i + 1 < list->unit_count; i++)
        if (unit_is(&u[i], "left") && (u[i + 1].class == LEX_BODY || unit_in(&u[i + 1], WORD_SIDE)))
            u[i].class = LEX_NONE;
}

/* "clear" is a degree in "a clear worsening", and not good news. */
static void mark_clear(clause_list *list)
{
    unit *u = list->units;
    for (size_t i = 0; i + 1 < list->unit_count; i++) {
        bool change = u[i + 1].class == LEX_BAD || u[i + 1].class == LEX_MORE ||
                      u[i + 1].class == LEX_LESS || u[i + 1].class == LEX_QUALITY;
        if (unit_is(&u[i], "clear") && change) u[i].class = LEX_BOOST;
    }
}

/* "only two spots", "just a few" say that little is left. */
static void mark_only(clause_list *list)
{
    unit *u = list->units;
    for (size_t i = 0; i + 1 < list->unit_count; i++) {
        double value;
        level_scale scale;
        bool small = level(&u[i + 1], &value, &scale) || u[i + 1].class == LEX_DAMP ||
                     unit_in(&u[i + 1], WORD_SMALL);
        if (unit_in(&u[i], WORD_ONLY) && small &&
            !(i + 2 < list->unit_count && unit_in(&u[i + 2], WORD_UNIT_AFTER_ONLY)))
            u[i].class = LEX_LESS, u[i].flags = LEX_PRE, u[i].weight = 0.9f, u[i].alone = 0;
    }
}

/* "0 new pimples" is "no new pimples"; a grade, a day or a dose of 0 is not, nor "0 to 3". */
static void mark_zero(clause_list *list)
{
    unit *u = list->units;
    for (size_t i = 0; i + 1 < list->unit_count; i++) {
        bool counts = u[i + 1].class == LEX_TROUBLE || u[i + 1].class == LEX_QUALITY ||
                      u[i + 1].class == LEX_MORE || unit_in(&u[i + 1], WORD_BEFORE_NOUN);
        bool measured = i > 0 && (unit_in(&u[i - 1], WORD_GRADE) || unit_in(&u[i - 1], WORD_DAY));
        if (u[i].kind == TOKEN_NUMBER && u[i].number == 0 && !u[i].percent && counts && !measured)
            u[i].class = LEX_NEG_NO, u[i].flags = 0, u[i].weight = 1, u[i].kind = TOKEN_WORD;
    }
}

static bool ends_line(const clause_list *list, size_t i)
{
    return i >= list->unit_count ||
           (list->units[i].kind == TOKEN_MARK && strchr(".;,!\n", list->units[i].word[0]));
}

/* "Improvement: none", "Redness - no", "New spots: 0", as in a form: the answer belongs to what
 * stands before the mark, and says "none" of it. */
static void mark_answers(clause_list *list)
{
    unit *u = list->units;
    for (size_t i = 1; i + 1 < list->unit_count; i++) {
        bool mark = u[i].kind == TOKEN_MARK && strchr(":-", u[i].word[0]) &&
                    !unit_is(&u[i], "->") && u[i - 1].kind == TOKEN_WORD;
        bool none = unit_in(&u[i + 1], WORD_ANSWER_NONE) ||
                    (u[i + 1].kind == TOKEN_NUMBER && u[i + 1].number == 0 && !u[i + 1].percent);
        if (!mark || !none || !ends_line(list, i + 2)) continue;
        u[i].kind = TOKEN_WORD;
        u[i].class = u[i + 1].class = LEX_NONE;
        u[i + 1].word = "none", u[i + 1].kind = TOKEN_WORD, u[i + 1].flags = 0;
    }
}

/* ---- clauses ---- */

/* A longer run of words without a mark is cut here: the time to read a clause grows at least with
 * the square of its length. */
enum { MAX_CLAUSE = 60 };

static bool is_boundary(const clause_list *list, size_t i, bool *hard)
{
    const unit *u = &list->units[i];
    double value;
    level_scale scale;
    /* "two or three" */
    bool counts = i > 0 && i + 1 < list->unit_count && level(u - 1, &value, &scale) &&
                  level(u + 1, &value, &scale);
    *hard = false;
    if (u->kind != TOKEN_MARK) return unit_in(u, WORD_AND_OR) && !counts;
    if (unit_is(u, "->") || unit_is(u, "++")) return false;
    *hard = strchr(".!?\n", u->word[0]) != NULL;
    return true;
}

/* "as" opens a reason ("stop it as the skin is dry") unless it compares ("as red as", "as
 * before"). */
static bool compares(const clause_list *list, size_t i)
{
    const unit *u = list->units;
    size_t n = list->unit_count;
    if (i + 1 < n && (u[i + 1].class == LEX_PAST || unit_in(&u[i + 1], WORD_AFTER_AS))) return true;
    if (i > 0 && u[i - 1].class == LEX_NEG_NOT) return true;
    for (size_t k = i + 1; k < n && k < i + 4; k++)
        if (unit_is(&u[k], "as")) return true;
    for (size_t k = i; k > 0 && k + 4 > i; k--)
        if (unit_is(&u[k - 1], "as")) return true;
    return false;
}

static bool opens(const clause_list *list, size_t i, bool at_start, clause_opener *opener)
{
    const unit *u = &list->units[i];
    bool last = i + 1 == list->unit_count || list->units[i + 1].kind == TOKEN_MARK;
    switch (u->class) {
    case LEX_BUT:
        if (unit_in(u, WORD_STARTS_WITH_BUT) && !at_start) return false;
        *opener = OPEN_BUT;
        return true;
    case LEX_ALTHOUGH:
        if (last) return false; /* "..., though." is seen by weigh() */
        *opener = OPEN_ALTHOUGH;
        return true;
    case LEX_REASON:
        if (unit_is(u, "as") && compares(list, i)) return false;
        *opener = OPEN_REASON;
        return true;
    case LEX_IF: *opener = OPEN_IF; return true;
    default: return false;
    }
}

static void add_clause(clause_list *list, size_t first, size_t end, size_t sentence,
                       clause_opener opener)
{
    if (end > first)
        list->clauses[list->count++] = (clause){
            .first = first, .end = end, .sentence = sentence, .opener = opener, .weight = 1};
}

static void split(clause_list *list)
{
    size_t first = 0, sentence = 0;
    clause_opener opener = OPEN_START;
    for (size_t i = 0; i < list->unit_count; i++) {
        const unit *u = &list->units[i];
        bool hard;
        clause_opener next;
        if (is_boundary(list, i, &hard)) {
            add_clause(list, first, i, sentence, opener);
            if (hard && list->count && u->word[0] == '?')
                for (size_t k = list->count; k > 0 && list->clauses[k - 1].sentence == sentence;
                     k--)
                    list->clauses[k - 1].unreal = true;
            bool strong = u->kind == TOKEN_MARK && strchr(";:()-", u->word[0]);
            opener = hard || strong                          ? OPEN_START
                     : unit_is(u, "or") || u->word[0] == '/' ? OPEN_OR
                     : u->word[0] == ','                     ? OPEN_COMMA
                                                             : OPEN_AND;
            sentence += hard;
            first = i + 1;
        } else if (opens(list, i, i == first, &next)) {
            add_clause(list, first, i, sentence, opener);
            opener = next;
            first = i + 1;
        } else if (i - first >= MAX_CLAUSE) {
            add_clause(list, first, i, sentence++, opener);
            opener = OPEN_START;
            first = i;
        }
    }
    add_clause(list, first, list->unit_count, sentence, opener);
}

/* ---- moods, time, weight ---- */

static bool instruction(const clause_list *list, const clause *c)
{
    const unit *u = list->units;
    size_t i = c->first;
    while (i < c->end && (u[i].class == LEX_PLEASE || u[i].class == LEX_BOOST ||
                          unit_in(&u[i], WORD_BEFORE_ADVICE) || u[i].kind == TOKEN_NUMBER))
        i++;
    /* "do not pick at it" */
    if (i + 1 < c->end && unit_is(&u[i], "do") && u[i + 1].class == LEX_NEG_NOT) return true;
    if (i + 1 < c->end && u[i].class == LEX_NEG_NO && unit_is(&u[i], "never")) i++;
    if (i >= c->end || !(u[i].flags & LEX_BASE)) return false;
    if (u[i].class == LEX_ADVICE) return true;
    if (u[i].class == LEX_BAD || i + 1 >= c->end) return false;
    /* "Reduce the cream", "Increase isotretinoin", against "Increase in redness" */
    return u[i + 1].class != LEX_PREP && u[i + 1].class != LEX_PERSIST;
}

static bool has_class(const clause_list *list, const clause *c, lex_class class)
{
    for (size_t i = c->first; i < c->end; i++)
        if (list->units[i].class == class) return true;
    return false;
}

/* Whether the clause reports an earlier time. A word of the past does not count where it is the
 * measure of a comparison ("than before", "since last month"). */
static bool reports_past(const clause_list *list, const clause *c)
{
    const unit *u = list->units;
    bool was = has_class(list, c, LEX_WAS);
    for (size_t i = c->first; i < c->end; i++) /* a report in the present */
        if (unit_in(&u[i], WORD_PRESENT_VERB) && !(i + 1 < c->end && unit_is(&u[i + 1], "had")))
            return false;
    for (size_t i = c->first; i < c->end; i++) {
        /* the rest is the measure of a comparison */
        if (u[i].class == LEX_THAN && !unit_is(&u[i], "from")) return false;
        bool measure = false;
        for (size_t k = i; k > c->first && k + 3 > i; k--)
            if (u[k - 1].class == LEX_THAN || unit_in(&u[k - 1], WORD_COMPARED_WITH))
                measure = true;
        if (measure) continue;
        if (u[i].class == LEX_PAST &&
            !(unit_is(&u[i], "had") && i > c->first && unit_in(&u[i - 1], WORD_HAS)))
            return true;
        if (was && i > c->first && unit_in(&u[i], WORD_EARLIER) &&
            (u[i - 1].class == LEX_PREP || unit_in(&u[i - 1], WORD_THE_YOUR)))
            return true;
    }
    return false;
}

static bool was_before_comparison(const clause_list *list, const clause *c)
{
    for (size_t i = c->first; i < c->end && list->units[i].class != LEX_THAN; i++)
        if (list->units[i].class == LEX_WAS) return true;
    return false;
}

static void set_moods(clause_list *list)
{
    for (size_t k = 0; k < list->count; k++) {
        clause *c = &list->clauses[k], *before = k ? c - 1 : NULL;
        const unit *u = list->units;
        bool linked = false;
        for (size_t i = c->first; i < c->end; i++)
            if (unit_in(&u[i], WORD_LINKING_VERB)) linked = true;
        if (c->opener == OPEN_IF || instruction(list, c)) c->unreal = true;
        /* In "stop if you see redness or burning" the clause "burning" depends on an unreal one,
         * and so is unreal too. */
        bool hangs = before && before->sentence == c->sentence && before->unreal &&
                     (c->opener == OPEN_OR || c->opener == OPEN_AND) && !linked;
        if (hangs && !has_class(list, c, LEX_NOW)) c->unreal = true;
        c->past = reports_past(list, c) && !has_class(list, c, LEX_NOW);
    }
    /* "The acne was mild, it is now severe": a plain "was" is past where the same sentence then
     * speaks of now */
    for (size_t k = 0; k + 1 < list->count; k++) {
        clause *c = &list->clauses[k];
        if (c->past || !was_before_comparison(list, c) || has_class(list, c, LEX_NOW)) continue;
        for (size_t j = k + 1; j < list->count && list->clauses[j].sentence <= c->sentence + 1; j++)
            if (has_class(list, &list->clauses[j], LEX_NOW)) c->past = true;
    }
}

static void scale_sentence(clause_list *list, size_t sentence, size_t before, double factor)
{
    for (size_t k = 0; k < before; k++)
        if (list->clauses[k].sentence == sentence) list->clauses[k].weight *= factor;
}

/* Sets the weights: what follows "but" counts in full, what is conceded counts little, and a
 * verdict on the whole counts most. */
static void weigh(clause_list *list)
{
    for (size_t k = 0; k < list->count; k++) {
        clause *c = &list->clauses[k];
        bool starts = k == 0 || list->clauses[k - 1].sentence != c->sentence;
        const unit *end = &list->units[c->end - 1];
        bool trailing = end->class == LEX_ALTHOUGH &&
                        (c->end == list->unit_count || list->units[c->end].kind == TOKEN_MARK);
        if (c->opener == OPEN_BUT || trailing) {
            if (starts && c->sentence > 0)
                scale_sentence(list, c->sentence - 1, k, 0.5);
            else
                scale_sentence(list, c->sentence, k, 0.4);
            for (size_t j = k; j < list->count && list->clauses[j].sentence == c->sentence; j++)
                list->clauses[j].weight *= 1.3;
        }
        if (c->opener == OPEN_ALTHOUGH) {
            bool though = unit_is(&list->units[c->first - 1], "though");
            /* "Despite treatment the rash is spreading" */
            bool alone = starts && (k + 1 == list->count || c[1].sentence != c->sentence);
            c->weight *= alone ? 1.0 : starts ? 0.35 : though ? 1.0 : 0.4;
            if (though && !starts) scale_sentence(list, c->sentence, k, 0.7);
        }
        if (has_class(list, c, LEX_CONCEDE)) c->weight *= 0.4;
        if (has_class(list, c, LEX_OVERALL)) c->weight *= 1.5;
        if (has_class(list, c, LEX_NOW)) c->weight *= 1.2;
    }
}

bool clauses_parse(const lexicon *lex, const char *note, size_t size, clause_list *out)
{
    *out = (clause_list){0};
    if (!text_tokens(note, size, &out->tokens)) return false;
    size_t room = out->tokens.count + 1;
    out->units = malloc(room * sizeof *out->units);
    out->clauses = malloc(room * sizeof *out->clauses);
    if (!out->units || !out->clauses) {
        clauses_free(out);
        return false;
    }
    tag(lex, out);
    mark_transitions(out);
    mark_sides(out);
    mark_clear(out);
    mark_only(out);
    mark_zero(out);
    mark_answers(out);
    split(out);
    set_moods(out);
    weigh(out);
    return true;
}

void clauses_free(clause_list *list)
{
    token_list_free(&list->tokens);
    free(list->units);
    free(list->clauses);
    *list = (clause_list){0};
}
