#include "clauses.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "levels.h"
#include "marking.h"

#define MAX_PHRASE 4

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
            bool name = i > 0 && word_in(t->items[i - 1].word, WORD_GREETING);
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
    bool counts = i > 0 && i + 1 < list->unit_count && levels_read(u - 1, &value, &scale) &&
                  levels_read(u + 1, &value, &scale);
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
    size_t before = i; /* "not as red", "not nearly as bad" */
    while (before > 0 && (u[before - 1].class == LEX_BOOST || u[before - 1].class == LEX_DAMP))
        before--;
    if (before > 0 && u[before - 1].class == LEX_NEG_NOT) return true;
    for (size_t k = i + 1; k < n && k < i + 4; k++)
        if (unit_is(&u[k], "as")) return true;
    for (size_t k = i; k > 0 && k + 4 > i; k--)
        if (unit_is(&u[k - 1], "as")) return true;
    return false;
}

/* Whether the sentence goes on, from i, to an instruction, in the present: "when it improves reduce
 * to alternate days". */
static bool advises(const clause_list *list, size_t i)
{
    bool advice = false;
    for (size_t k = i + 2; k < list->unit_count; k++) {
        const unit *u = &list->units[k];
        if (u->kind == TOKEN_MARK && strchr(".!?\n", u->word[0])) break;
        if (u->class == LEX_WAS || u->class == LEX_PAST) return false;
        bool verb = u->class == LEX_ADVICE || (u->flags & LEX_BASE);
        advice |= verb && !unit_is(u - 1, "to");
    }
    return advice;
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
    default: break;
    }
    if (!at_start || !unit_is(u, "when") || !advises(list, i)) return false;
    *opener = OPEN_IF;
    return true;
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
        bool named = unit_is(&u[i], "last"); /* "last flare was in June" */
        if (i > c->first) named = u[i - 1].class == LEX_PREP || unit_in(&u[i - 1], WORD_THE_YOUR);
        if (was && named && unit_in(&u[i], WORD_EARLIER)) return true;
    }
    return false;
}

static bool was_before_comparison(const clause_list *list, const clause *c)
{
    for (size_t i = c->first; i < c->end && list->units[i].class != LEX_THAN; i++)
        if (list->units[i].class == LEX_WAS) return true;
    return false;
}

/* Whether a later clause of this sentence or the next speaks of now: "today", "this visit". */
static bool turns_to_now(const clause_list *list, size_t from)
{
    size_t last = list->clauses[from].sentence + 1;
    for (size_t k = from + 1; k < list->count && list->clauses[k].sentence <= last; k++)
        if (has_class(list, &list->clauses[k], LEX_NOW) ||
            unit_in(&list->units[list->clauses[k].first], WORD_THIS))
            return true;
    return false;
}

/* A heading is a clause of one to four words before a colon. "Previous note: ..." makes what stands
 * below it past, "Goal: ..." something that is not there yet. */
static void apply_heading(clause_list *list, size_t heading)
{
    const unit *u = list->units;
    const clause *h = &list->clauses[heading];
    bool colon = h->end < list->unit_count && unit_is(&u[h->end], ":") && h->end - h->first <= 4;
    bool past = false, aim = false;
    for (size_t i = h->first; colon && i < h->end; i++) {
        if (u[i].class == LEX_THAN) return; /* "Since the last visit: ..." */
        past |= unit_in(&u[i], WORD_EARLIER_NOTE);
        aim |= unit_in(&u[i], WORD_AIM);
    }
    past = past && turns_to_now(list, heading);
    for (size_t k = heading + 1; k < list->count && list->clauses[k].sentence == h->sentence; k++) {
        clause *c = &list->clauses[k];
        if (c->end < list->unit_count && unit_is(&u[c->end], ":")) break;
        c->past |= past && !has_class(list, c, LEX_NOW);
        c->unreal |= aim;
    }
}

/* "Improvement usually takes 8 weeks", "most people get better" */
static bool states_a_rule(const clause_list *list, const clause *c)
{
    for (size_t i = c->first; i < c->end && i < c->first + 2; i++)
        if (unit_in(&list->units[i], WORD_PEOPLE)) return true;
    for (size_t i = c->first; i + 1 < c->end; i++)
        if (unit_in(&list->units[i], WORD_TAKES) && list->units[i + 1].kind == TOKEN_NUMBER)
            return true;
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
        if (c->opener == OPEN_IF || instruction(list, c) || states_a_rule(list, c))
            c->unreal = true;
        /* In "stop if you see redness or burning" the clause "burning" depends on an unreal one,
         * and so is unreal too. */
        bool hangs = before && before->sentence == c->sentence && before->unreal &&
                     (c->opener == OPEN_OR || c->opener == OPEN_AND) && !linked;
        if (hangs && !has_class(list, c, LEX_NOW)) c->unreal = true;
        c->past = reports_past(list, c) && !has_class(list, c, LEX_NOW);
    }
    for (size_t k = 0; k < list->count; k++) apply_heading(list, k);
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

static bool judges(const clause_list *list, const clause *c)
{
    for (size_t i = c->first; i < c->end; i++) {
        lex_class class = list->units[i].class;
        if (class == LEX_GOOD || class == LEX_BAD || class == LEX_MORE || class == LEX_LESS)
            return true;
    }
    return false;
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
        /* "flare after missed doses, now settling" */
        if (!starts && !c->unreal && list->units[c->first].class == LEX_NOW && judges(list, c))
            for (size_t j = 0; j < k; j++)
                if (list->clauses[j].sentence == c->sentence && !list->clauses[j].past)
                    list->clauses[j].weight *= 0.4;
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
    levels_mark(out);
    marking_apply(out);
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
