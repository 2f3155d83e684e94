#include "marking.h"

#include <string.h>

#include "levels.h"

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

/* "only two spots", "just a few" say that little is left; so does "only redness remains". */
static bool is_remainder(const clause_list *list, size_t i)
{
    const unit *u = list->units;
    for (size_t k = i + 1, trouble = 0; k < list->unit_count && k < i + 7; k++) {
        if (u[k].kind == TOKEN_MARK) return false;
        if (trouble && u[k].class == LEX_PERSIST) return u[k].alone > 0;
        trouble |= u[k].class == LEX_TROUBLE;
    }
    return false;
}

static void mark_only(clause_list *list)
{
    unit *u = list->units;
    for (size_t i = 0; i + 1 < list->unit_count; i++) {
        double value;
        level_scale scale;
        bool small = levels_read(&u[i + 1], &value, &scale) || u[i + 1].class == LEX_DAMP ||
                     unit_in(&u[i + 1], WORD_SMALL);
        small &= !(i + 2 < list->unit_count && unit_in(&u[i + 2], WORD_UNIT_AFTER_ONLY));
        if (unit_in(&u[i], WORD_ONLY) && (small || is_remainder(list, i)))
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

/* Makes "none" of the word at i, which says so of what stands before it. */
static void make_none(unit *u)
{
    u->word = "none";
    u->kind = TOKEN_WORD;
    u->class = LEX_NONE;
    u->flags = 0;
}

static void make_silent(unit *u)
{
    u->kind = TOKEN_WORD;
    u->class = LEX_NONE;
    u->flags = 0;
}

/* "Improvement: none", "Redness - no", "New spots: 0", as in a form: the answer belongs to what
 * stands before the mark, and says "none" of it. The same goes for "Any new spots? No.", while a
 * "yes" makes a statement of its question. */
static void mark_answers(clause_list *list)
{
    unit *u = list->units;
    for (size_t i = 1; i + 1 < list->unit_count; i++) {
        bool question = unit_is(&u[i], "?");
        bool mark = u[i].kind == TOKEN_MARK && strchr(":-?", u[i].word[0]) &&
                    !unit_is(&u[i], "->") && u[i - 1].kind == TOKEN_WORD;
        bool none = unit_in(&u[i + 1], WORD_ANSWER_NONE) ||
                    (u[i + 1].kind == TOKEN_NUMBER && u[i + 1].number == 0 && !u[i + 1].percent);
        bool yes = question && unit_in(&u[i + 1], WORD_ANSWER_YES);
        if (!mark || (!none && !yes) || !ends_line(list, i + 2)) continue;
        make_silent(&u[i]);
        if (yes)
            make_silent(&u[i + 1]);
        else
            make_none(&u[i + 1]);
    }
}

/* "erythema -, scale -": a dash behind a trouble that nothing follows says that it is absent. */
static void mark_dashes(clause_list *list)
{
    unit *u = list->units;
    for (size_t i = 1; i < list->unit_count; i++)
        if (u[i].kind == TOKEN_MARK && unit_is(&u[i], "-") && u[i - 1].class == LEX_TROUBLE &&
            ends_line(list, i + 1))
            make_none(&u[i]);
}

/* "poorly controlled", "badly healed" are bad news. */
static void mark_poorly(clause_list *list)
{
    unit *u = list->units;
    for (size_t i = 0; i + 1 < list->unit_count; i++)
        if (unit_in(&u[i], WORD_POORLY) &&
            (u[i + 1].class == LEX_GOOD || u[i + 1].class == LEX_LESS)) {
            make_silent(&u[i]);
            u[i + 1].class = LEX_BAD;
            u[i + 1].weight = u[i + 1].alone = 1;
        }
}

/* "It is better to avoid the sun" is advice, "nice to meet you" is courtesy. */
static void mark_advice(clause_list *list)
{
    unit *u = list->units;
    for (size_t i = 0; i + 2 < list->unit_count; i++) {
        const unit *verb = &u[i + 2];
        bool better = unit_is(&u[i], "better") || unit_is(&u[i], "best");
        bool advice = better && (verb->class == LEX_ADVICE || (verb->flags & LEX_BASE));
        if (u[i].class == LEX_GOOD && unit_is(&u[i + 1], "to") &&
            (advice || unit_in(verb, WORD_MEETING)))
            make_silent(&u[i]);
    }
}

/* "too early to see improvement", "too dark to judge": what stands behind "to" is not there. */
static void mark_too(clause_list *list)
{
    unit *u = list->units;
    for (size_t i = 0; i + 2 < list->unit_count; i++) {
        if (!unit_is(&u[i], "too") || u[i + 1].kind != TOKEN_WORD || !unit_is(&u[i + 2], "to"))
            continue;
        for (size_t k = i + 3; k < list->unit_count && u[k].kind != TOKEN_MARK &&
                               u[k].class != LEX_BUT && u[k].class != LEX_ALTHOUGH;
             k++)
            make_silent(&u[k]);
    }
}

/* "recurrence after initial improvement", "flared after a good response": the good is over. */
static void mark_after(clause_list *list)
{
    unit *u = list->units;
    bool bad = false;
    for (size_t i = 0; i < list->unit_count; i++) {
        if (u[i].kind == TOKEN_MARK) bad = false;
        bad |= u[i].class == LEX_BAD || (u[i].class == LEX_TROUBLE && u[i].weight > EVENT_WEIGHT);
        if (!bad || !unit_in(&u[i], WORD_AFTER)) continue;
        size_t k = i + 1;
        while (k < list->unit_count && k < i + 5 && u[k].kind != TOKEN_MARK &&
               u[k].class != LEX_QUALITY)
            k++;
        if (k == list->unit_count || u[k].class != LEX_QUALITY) continue;
        for (; i < k; i++) make_silent(&u[i]);
        make_silent(&u[k]);
    }
}

/* "flared since stopping the gel": it is the treatment that was stopped. "before every period"
 * is no earlier time. */
static void mark_occasions(clause_list *list)
{
    unit *u = list->units;
    for (size_t i = 0; i + 1 < list->unit_count; i++) {
        size_t n = strlen(u[i + 1].word);
        bool ing = n > 4 && strcmp(u[i + 1].word + n - 3, "ing") == 0;
        if (unit_in(&u[i], WORD_SINCE) && u[i + 1].class == LEX_LESS && ing) make_silent(&u[i + 1]);
        bool recurs = unit_in(&u[i + 1], WORD_RECURS) ||
                      (i + 2 < list->unit_count && unit_in(&u[i + 2], WORD_RECURS));
        if (unit_is(&u[i], "before") && recurs) make_silent(&u[i]);
    }
}

void marking_apply(clause_list *list)
{
    mark_sides(list);
    mark_clear(list);
    mark_only(list);
    mark_zero(list);
    mark_answers(list);
    mark_dashes(list);
    mark_poorly(list);
    mark_advice(list);
    mark_too(list);
    mark_after(list);
    mark_occasions(list);
}
