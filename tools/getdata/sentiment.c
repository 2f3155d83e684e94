/* How a clause is read. Each evaluating word (better, worse, more, fewer, persists) is given a
 * target, the thing it is said about: the noun that it stands before, else the subject before it,
 * else what follows, else the subject of the clause before. The words said about one noun form one
 * proposition, whose sign is a product: new (+) acne (-) negated (-) is good. What is said about
 * visits, doses or photos is dropped. The propositions' values, weighted by clause (clauses.c), add
 * up to the score. */
#include "sentiment.h"

#include <ctype.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clauses.h"

/* The least score of a note that is called good news; found on
 * tests/goldens/notes/sentiment_dev.tsv. */
#define POSITIVE_FROM 0.35
#define NEGATIVE_FROM (-0.45)
#define STEEPNESS 1.8

enum { NO_TARGET = -1 };

typedef struct proposition {
    int target; /* unit of the noun, or NO_TARGET */
    /* its class; an inherited target has a class and NO_TARGET; LEX_NONE: no target found */
    lex_class subject;
    double subject_weight, good, bad, more, less, persist, alone, degree;
    bool same, negated, any, predicate;
    bool partly;        /* "not completely clear": neither clear nor not */
    size_t first, last; /* units, negation included */
    double value;
} proposition;

typedef struct reading {
    const clause_list *list;
    const clause *clause;
    proposition *items; /* of the whole note */
    size_t count, clause_first;
    bool *used; /* units that need no proposition of their own */
} reading;

const char *note_sentiment_name(note_sentiment s)
{
    static const char *const names[] = {"NEUTRAL", "POSITIVE", "NEGATIVE", "MIXED"};
    return names[s];
}

static bool is_noun(const unit *u)
{
    return u->class == LEX_TROUBLE || u->class == LEX_BODY || u->class == LEX_QUALITY ||
           u->class == LEX_OTHER;
}

static bool is_evaluation(const unit *u)
{
    return u->class == LEX_GOOD || u->class == LEX_BAD || u->class == LEX_MORE ||
           u->class == LEX_LESS || u->class == LEX_PERSIST || u->class == LEX_SAME;
}

/* ---- the target of an evaluating word ---- */

/* "of the acne", "in your skin": the noun at i stands under a preposition. */
static bool governed(const reading *r, size_t i)
{
    const unit *u = r->list->units;
    for (size_t k = i; k > r->clause->first && k + 4 > i; k--) {
        const unit *p = &u[k - 1];
        if (p->class == LEX_PREP || p->class == LEX_WISH || p->class == LEX_THAN) return true;
        bool inside =
            is_noun(p) || p->class == LEX_MORE || p->class == LEX_LESS || p->class == LEX_NONE;
        if (!inside || unit_in(p, WORD_SUBJECT_OR_VERB)) return false;
    }
    return false;
}

/* The last noun of several in a row is their head: "acne cream" is a cream. */
static size_t head(const reading *r, size_t i)
{
    const unit *u = r->list->units;
    while (i + 1 < r->clause->end && is_noun(&u[i + 1])) i++;
    return i;
}

/* Finds the noun that the word at i stands before, as in "fewer small red bumps". */
static int noun_after(const reading *r, size_t i)
{
    const unit *u = r->list->units;
    for (size_t k = i + 1, skipped = 0; k < r->clause->end && skipped < 3; k++) {
        if (is_noun(&u[k])) return (int)head(r, k);
        bool passes = u[k].class == LEX_BOOST || u[k].class == LEX_DAMP || u[k].class == LEX_MORE ||
                      u[k].class == LEX_LESS || u[k].class == LEX_GOOD ||
                      unit_in(&u[k], WORD_BEFORE_NOUN) || u[k].kind == TOKEN_NUMBER;
        if (u[k].class != LEX_NONE && !passes) return NO_TARGET;
        if (u[k].class == LEX_NONE && !passes &&
            (unit_in(&u[k], WORD_SUBJECT_OR_VERB) || unit_in(&u[k], WORD_DETERMINER)))
            return NO_TARGET;
        skipped += !passes;
    }
    return NO_TARGET;
}

static int noun_before(const reading *r, size_t i)
{
    const unit *u = r->list->units;
    int under = NO_TARGET;
    for (size_t k = i; k > r->clause->first; k--) {
        if (!is_noun(&u[k - 1])) continue;
        if (!governed(r, k - 1)) return (int)(k - 1);
        if (under == NO_TARGET) under = (int)(k - 1);
    }
    return under;
}

static int noun_anywhere_after(const reading *r, size_t i)
{
    for (size_t k = i + 1; k < r->clause->end; k++)
        if (is_noun(&r->list->units[k]) && r->list->units[k].class != LEX_OTHER)
            return (int)head(r, k);
    return NO_TARGET;
}

static int find_target(const reading *r, size_t i)
{
    const unit *u = &r->list->units[i];
    int before = noun_before(r, i), after = noun_after(r, i);
    bool predicate = i > r->clause->first && (unit_in(u - 1, WORD_BEFORE_PREDICATE) ||
                                              u[-1].class == LEX_BOOST || u[-1].class == LEX_WAS);
    if (u->flags & LEX_PRE) {
        /* "few" and "more" stand before their noun or are its predicate; "no pimples for the past
         * few weeks" has neither */
        bool beside = i > r->clause->first && is_noun(u - 1);
        return after != NO_TARGET ? after : predicate || beside ? before : NO_TARGET;
    }
    if (before != NO_TARGET && (predicate || u->class != LEX_GOOD)) {
        /* "redness reduced", "the spots on her cheeks are fading": not what follows */
        if (predicate || after == NO_TARGET || !governed(r, (size_t)before)) return before;
    }
    if (after != NO_TARGET) return after;
    if (before != NO_TARGET) return before;
    return noun_anywhere_after(r, i);
}

/* The subject of the clause before, for "Redness is down and fading". */
static const unit *inherited(const reading *r)
{
    const clause *c = r->clause;
    bool goes_on = c->opener == OPEN_AND || c->opener == OPEN_OR || c->opener == OPEN_COMMA ||
                   c->opener == OPEN_BUT;
    /* a subject of its own */
    if (c->first < c->end && unit_in(&r->list->units[c->first], WORD_OWN_SUBJECT)) return NULL;
    if (!goes_on || c == r->list->clauses || c[-1].sentence != c->sentence) return NULL;
    reading before = *r;
    before.clause = c - 1;
    const unit *any = NULL;
    for (size_t i = c[-1].first; i < c[-1].end; i++) {
        const unit *u = &r->list->units[i];
        if (!is_noun(u)) continue;
        if (!governed(&before, i)) return u;
        /* "settled on treatment, flared again": not the treatment */
        if (!any && u->class != LEX_OTHER) any = u;
    }
    return any;
}

/* ---- propositions ---- */

static proposition *add(reading *r, int target, lex_class subject, double weight, size_t at)
{
    proposition *p = &r->items[r->count++];
    *p = (proposition){.target = target,
                       .subject = subject,
                       .subject_weight = weight,
                       .degree = 1,
                       .first = at,
                       .last = at};
    if (target != NO_TARGET) {
        r->used[target] = true;
        if ((size_t)target < p->first) p->first = (size_t)target;
        if ((size_t)target > p->last) p->last = (size_t)target;
    }
    return p;
}

static proposition *proposition_about(reading *r, int target, size_t at)
{
    const unit *u = r->list->units;
    for (size_t k = r->clause_first; target != NO_TARGET && k < r->count; k++)
        if (r->items[k].target == target) return &r->items[k];
    if (target != NO_TARGET) return add(r, target, u[target].class, u[target].weight, at);
    const unit *from = inherited(r);
    return from ? add(r, NO_TARGET, from->class, from->weight, at)
                : add(r, NO_TARGET, LEX_NONE, 1, at);
}

static void add_evaluation(proposition *p, size_t i, const unit *u)
{
    if (i < p->first) p->first = i;
    if (i > p->last) p->last = i;
    p->any |= (u->flags & LEX_ANY) != 0;
    double *slot = u->class == LEX_GOOD   ? &p->good
                   : u->class == LEX_BAD  ? &p->bad
                   : u->class == LEX_MORE ? &p->more
                   : u->class == LEX_LESS ? &p->less
                                          : &p->persist;
    if (u->class == LEX_SAME)
        p->same = true;
    else if (u->weight > *slot)
        *slot = u->weight;
    double alone = u->class == LEX_GOOD || u->class == LEX_LESS ? u->alone : -u->alone;
    if (fabs(alone) > fabs(p->alone)) p->alone = alone;
}

static bool in_comparison(const reading *r, size_t i)
{
    for (size_t k = r->clause->first; k < i; k++)
        if (unit_is(&r->list->units[k], "than")) return true;
    return false;
}

static const unit *sole_statement(const reading *r)
{
    for (size_t i = r->clause->first; i < r->clause->end; i++)
        if (r->list->units[i].flags & LEX_SOLE) return &r->list->units[i];
    return NULL;
}

static void read_evaluations(reading *r)
{
    const unit *u = r->list->units;
    const unit *sole = sole_statement(r);
    for (size_t i = r->clause->first; i < r->clause->end; i++) {
        if (!is_evaluation(&u[i]) || (sole ? sole != &u[i] : in_comparison(r, i))) continue;
        /* "to improve", "cream to reduce acne": an aim, not a fact */
        if (i > r->clause->first && unit_is(&u[i - 1], "to") && (u[i].flags & LEX_BASE)) {
            int aim = noun_after(r, i);
            if (aim != NO_TARGET) r->used[aim] = true;
            continue;
        }
        int target = (u[i].flags & LEX_ANY) ? NO_TARGET : find_target(r, i);
        /* "some redness is normal": that it is expected, not that it has gone */
        if (unit_is(&u[i], "normal") && target != NO_TARGET && u[target].class == LEX_TROUBLE) {
            r->used[target] = true;
            continue;
        }
        proposition *p;
        if (u[i].flags & LEX_ANY) {
            int near = find_target(r, i);
            /* "happy with the results" */
            if (near != NO_TARGET && u[near].class == LEX_QUALITY)
                p = proposition_about(r, near, i);
            else
                p = add(r, NO_TARGET, LEX_NONE, 1, i);
        } else {
            p = proposition_about(r, target, i);
        }
        add_evaluation(p, i, &u[i]);
    }
}

/* Nouns about which nothing is said: that they are there is the news. */
static void read_presence(reading *r)
{
    const unit *u = r->list->units;
    if (sole_statement(r)) return;
    bool good_news = false;
    for (size_t k = r->clause_first; k < r->count; k++)
        good_news |= r->items[k].good > 0 || r->items[k].subject == LEX_QUALITY;
    for (size_t i = r->clause->first; i < r->clause->end; i++) {
        if (r->used[i] || (u[i].class != LEX_TROUBLE && u[i].class != LEX_QUALITY) ||
            unit_in(&u[i], WORD_SCORE) || in_comparison(r, i))
            continue;
        size_t h = head(r, i);
        /* "acne marks", "oily food", "red cheeks": the head decides, but trouble of the skin itself
         * is trouble */
        if (h != i) {
            if (u[h].class == LEX_BODY && u[i].class == LEX_TROUBLE) {
                if (!r->used[h]) add(r, (int)i, LEX_TROUBLE, u[i].weight, i);
            }
            continue;
        }
        bool after_news = false;
        for (size_t k = r->clause_first; k < r->count; k++) after_news |= r->items[k].first < i;
        bool excepted = false, wished = false;
        for (size_t k = i; k > r->clause->first && k + 6 > i; k--)
            excepted |= u[k - 1].class == LEX_EXCEPT;
        for (size_t k = i; k > r->clause->first && k + 3 > i; k--)
            wished |= u[k - 1].class == LEX_WISH;
        bool event = u[i].weight > EVENT_WEIGHT; /* a flare is news by itself */
        if (excepted ||
            (u[i].class == LEX_TROUBLE && (wished || (governed(r, i) && after_news && !event))))
            continue;
        proposition *p = add(r, (int)i, u[i].class, u[i].weight, i);
        /* "the skin is red" counts more than "mild acne" in a list of findings */
        p->predicate = (u[i].flags & LEX_ADJ) || event;
        if (u[i].class == LEX_QUALITY)
            good_news = true;
        else if (good_news && !event)
            p->subject_weight *= 0.4; /* "your acne shows improvement" */
    }
}

/* ---- negation and degree ---- */

/* The units that carry a proposition's meaning: its target where that has a sign, and its
 * evaluations. */
static size_t first_after(const reading *r, const proposition *p, size_t n)
{
    for (size_t i = n + 1; i <= p->last && i < r->clause->end; i++) {
        const unit *u = &r->list->units[i];
        if (unit_in(u, WORD_CAUSE)) return SIZE_MAX; /* "not sleeping because of itch" */
        if ((int)i == p->target || (is_evaluation(u) && i >= p->first)) return i;
    }
    return SIZE_MAX;
}

static void negate(const reading *r, proposition *p, size_t at)
{
    p->partly |= at + 1 < r->clause->end && unit_in(&r->list->units[at + 1], WORD_TOTALLY);
    p->negated = !p->negated;
    if (at < p->first) p->first = at;
    if (at > p->last) p->last = at;
}

static bool follows_neither(const reading *r, size_t n)
{
    for (size_t k = r->clause->first; k < n; k++)
        if (unit_is(&r->list->units[k], "neither")) return true;
    return false;
}

/* Whether something like "this", "so" or "such a" stands before unit k. */
static bool is_compared(const reading *r, size_t k)
{
    const unit *u = r->list->units;
    size_t first = r->clause->first;
    if (k <= first) return false;
    if (unit_in(&u[k - 1], WORD_SUPERLATIVE)) return true;
    return unit_is(&u[k - 1], "a") && k >= first + 2 && unit_in(&u[k - 2], WORD_SUPERLATIVE);
}

static bool ends_in_a_long_time(const reading *r, size_t k)
{
    while (++k < r->clause->end)
        if (unit_in(&r->list->units[k], WORD_LONG_TIME)) return true;
    return false;
}

/* Whether the negation at n makes a superlative: "never looked better" (but not "never got better")
 * and "never seen your skin this clear" are praise, "rarely have I seen such a bad flare" and "not
 * this red in months" are the contrary. */
static bool is_superlative(const reading *r, size_t n)
{
    const unit *u = r->list->units;
    bool never = unit_in(&u[n], WORD_NEVER);
    if (!never && u[n].class != LEX_NEG_NOT) return false;
    /* "could not be happier", "couldn't be worse" */
    if (n > r->clause->first && unit_is(&u[n - 1], "could") && n + 2 < r->clause->end &&
        unit_is(&u[n + 1], "be") && (u[n + 2].class == LEX_GOOD || u[n + 2].class == LEX_BAD))
        return true;
    for (size_t k = n + 1; k < r->clause->end; k++) {
        if (never && unit_is(&u[k], "better") && !unit_in(&u[k - 1], WORD_BECOMES)) return true;
        bool judged = u[k].class == LEX_GOOD || u[k].class == LEX_BAD || u[k].class == LEX_TROUBLE;
        if (judged && is_compared(r, k) && (never || ends_in_a_long_time(r, k))) return true;
    }
    return false;
}

static void read_negation(reading *r)
{
    const unit *u = r->list->units;
    for (size_t n = r->clause->first; n < r->clause->end && !sole_statement(r); n++) {
        bool little = unit_is(&u[n], "little") && u[n].class == LEX_NONE;
        if (u[n].class == LEX_NEG_AFTER ||
            (unit_in(&u[n], WORD_NIL) && n > r->clause->first && r->count > r->clause_first &&
             n + 1 == r->clause->end)) {
            if (r->count > r->clause_first) negate(r, &r->items[r->count - 1], n);
            continue;
        }
        if (u[n].class != LEX_NEG_NO && u[n].class != LEX_NEG_NOT && !little) continue;
        if (n + 1 < r->clause->end && unit_in(&u[n + 1], WORD_NOT_NEGATED)) continue;
        if (unit_is(&u[n], "nor") && follows_neither(r, n)) continue;
        if (is_superlative(r, n)) continue;
        proposition *nearest = NULL;
        size_t least = SIZE_MAX;
        for (size_t k = r->clause_first; k < r->count; k++) {
            size_t at = first_after(r, &r->items[k], n);
            if (at != SIZE_MAX && (u[n].flags & LEX_ALL)) negate(r, &r->items[k], n);
            if (at < least) least = at, nearest = &r->items[k];
        }
        if (nearest && !(u[n].flags & LEX_ALL) && (!little || nearest->subject == LEX_QUALITY))
            negate(r, nearest, n);
    }
}

/* "no pain, swelling or discharge": the negation holds for the whole list while it only names
 * troubles. */
static void carry_negation(reading *r, size_t previous_first)
{
    const clause *c = r->clause;
    if (c == r->list->clauses || c[-1].sentence != c->sentence ||
        (c->opener != OPEN_AND && c->opener != OPEN_OR && c->opener != OPEN_COMMA))
        return;
    bool before = false;
    for (size_t k = previous_first; k < r->clause_first; k++)
        before |= r->items[k].negated && r->items[k].subject == LEX_TROUBLE;
    for (size_t i = c->first; i < c->end; i++) {
        const unit *u = &r->list->units[i];
        if (is_evaluation(u) || u->class == LEX_NEG_NO || u->class == LEX_NEG_NOT ||
            unit_in(u, WORD_STATES))
            before = false;
    }
    for (size_t k = r->clause_first; before && k < r->count; k++) r->items[k].negated = true;
}

static void read_degree(reading *r)
{
    const unit *u = r->list->units;
    for (size_t i = r->clause->first; i < r->clause->end; i++) {
        bool strong = u[i].class == LEX_BOOST || (u[i].percent && u[i].number >= 50);
        if (!strong && u[i].class != LEX_DAMP) continue;
        proposition *nearest = NULL;
        size_t least = 4;
        for (size_t k = r->clause_first; k < r->count; k++) {
            proposition *p = &r->items[k];
            size_t gap = i < p->first ? p->first - i : i > p->last ? i - p->last : 0;
            if (gap < least) least = gap, nearest = p;
        }
        if (!nearest) continue;
        nearest->degree *= u[i].kind == TOKEN_NUMBER ? 1.3 : u[i].weight;
        if (least == 1) {
            if (i < nearest->first)
                nearest->first = i;
            else
                nearest->last = i;
        }
    }
}

/* ---- values ---- */

static double trouble_value(const proposition *p)
{
    double w = p->subject_weight;
    if (p->less > 0) return (p->negated ? -1.0 : 1.1) * w * p->less;
    if (p->good > 0) return (p->negated ? -1.1 : 1.1) * w;
    if (p->bad > 0) return (p->negated ? 0.6 : -1.3) * w;
    if (p->same) return 0;
    if (p->more > 0) return (p->negated ? 1.0 : -1.2) * w * p->more;
    if (p->persist > 0) return (p->negated ? 1.0 : -0.9) * w;
    return (p->negated ? 0.9 : p->predicate ? -0.7 : -0.35) * w;
}

static double quality_value(const proposition *p)
{
    double v = p->subject_weight;
    if (p->good > 0 || p->more > 0) v = fmax(1.1 * v, 0.9);
    if (p->bad > 0 || p->less > 0) v = -fmax(v, 0.9);
    if (p->negated) v = v > 0 ? -fmax(v, 0.9) : 0.4;
    return p->same ? 0 : v;
}

static double verdict_value(const proposition *p)
{
    /* "not much left" */
    if (p->persist > 0 && !p->good && !p->bad && !p->more && !p->less)
        return p->negated ? -p->alone : 0;
    double v = p->bad > 0 ? -1.1 * p->bad : p->good > 0 ? p->good : p->same ? 0 : p->alone;
    if (p->negated) v = v > 0 ? -0.9 * v : -0.5 * v;
    return v;
}

static double value_of(const proposition *p)
{
    if ((p->subject == LEX_OTHER && !p->any) || (p->partly && p->negated)) return 0;
    double v = p->subject == LEX_TROUBLE   ? trouble_value(p)
               : p->subject == LEX_QUALITY ? quality_value(p)
                                           : verdict_value(p);
    /* "not much better" is no stronger than "not better" */
    return v * (p->negated && p->degree > 1 ? 1 : p->degree);
}

static void mark_unreal(reading *r)
{
    const unit *u = r->list->units;
    size_t modal = SIZE_MAX;
    for (size_t i = r->clause->first; i < r->clause->end && modal == SIZE_MAX; i++)
        if ((u[i].class == LEX_MODAL && !(i + 1 < r->clause->end && unit_is(&u[i], "could") &&
                                          u[i + 1].class == LEX_NEG_NOT)) ||
            (unit_is(&u[i], "can") && i + 1 < r->clause->end && (u[i + 1].flags & LEX_BASE)))
            modal = i;
    for (size_t k = r->clause_first; k < r->count; k++) {
        proposition *p = &r->items[k];
        p->value = value_of(p) * r->clause->weight;
        if (r->clause->unreal || (modal != SIZE_MAX && p->last > modal))
            p->value = 0;
        else if (r->clause->past)
            p->value *= -0.5;
    }
}

static void read_clause(reading *r, const clause *c, size_t previous_first)
{
    r->clause = c;
    r->clause_first = r->count;
    read_evaluations(r);
    read_presence(r);
    read_negation(r);
    carry_negation(r, previous_first);
    read_degree(r);
    mark_unreal(r);
}

/* ---- the whole note ---- */

static int by_strength(const void *a, const void *b)
{
    double x = fabs(((const proposition *)a)->value), y = fabs(((const proposition *)b)->value);
    if (x != y) return x < y ? 1 : -1;
    size_t i = ((const proposition *)a)->first, j = ((const proposition *)b)->first;
    return (i > j) - (i < j);
}

/* Writes the note's own words from the first to the last unit on one line, cut to the room. */
static size_t quote(const char *note, size_t from, size_t size, char *out, size_t room)
{
    size_t n = 0, most = room - 1 < 48 ? room - 1 : 48;
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)note[from + i];
        bool blank = isspace(c) || c < 0x20;
        if (blank && (n == 0 || out[n - 1] == ' ')) continue;
        if (n >= most && (c & 0xC0) != 0x80) break; /* never cut inside a character */
        if (n >= room - 1) break;
        out[n++] = blank ? ' ' : (char)c;
    }
    out[n] = '\0';
    return n;
}

static void explain(reading *r, const char *note, sentiment_result *out)
{
    qsort(r->items, r->count, sizeof *r->items, by_strength);
    size_t n = 0;
    for (size_t k = 0; k < r->count && k < 4; k++) {
        const proposition *p = &r->items[k];
        if (fabs(p->value) < 0.1 || n + 64 > sizeof out->why) break;
        const unit *first = &r->list->units[p->first], *last = &r->list->units[p->last];
        if (n) n += (size_t)snprintf(out->why + n, sizeof out->why - n, "; ");
        n += quote(note, first->at, last->at + last->size - first->at, out->why + n,
                   sizeof out->why - n - 8);
        n += (size_t)snprintf(out->why + n, sizeof out->why - n, " %+.1f", p->value);
    }
}

static void conclude(reading *r, sentiment_result *out)
{
    double good = 0, bad = 0;
    for (size_t k = 0; k < r->count; k++) {
        if (r->items[k].value > 0)
            good += r->items[k].value;
        else
            bad -= r->items[k].value;
    }
    out->score = good - bad;
    out->positive = 1 / (1 + exp(-STEEPNESS * (out->score - POSITIVE_FROM)));
    if (out->score > POSITIVE_FROM)
        out->sentiment = NOTE_POSITIVE;
    else if (good >= 0.7 && bad >= 0.7 && out->score > -0.7)
        out->sentiment = NOTE_MIXED;
    else if (out->score < NEGATIVE_FROM)
        out->sentiment = NOTE_NEGATIVE;
    else
        out->sentiment = NOTE_NEUTRAL;
}

bool sentiment_score(const lexicon *lex, const char *note, size_t size, sentiment_result *out)
{
    *out = (sentiment_result){0};
    clause_list list;
    if (!clauses_parse(lex, note, size, &list)) return false;
    reading r = {.list = &list};
    r.items = malloc((2 * list.unit_count + 1) * sizeof *r.items);
    r.used = calloc(list.unit_count + 1, sizeof *r.used);
    bool ok = r.items && r.used;
    for (size_t k = 0, previous = 0; ok && k < list.count; k++) {
        size_t first = r.count;
        read_clause(&r, &list.clauses[k], previous);
        previous = first;
    }
    if (ok) {
        conclude(&r, out);
        explain(&r, note, out);
    }
    free(r.items);
    free(r.used);
    clauses_free(&list);
    return ok;
}
