#include <stdio.h>
#include <string.h>
#include <time.h>

#include "getdata.h"

/* RFC 4180, always quoted. A cell that a spreadsheet would run as a formula gets an apostrophe in
 * front. */
static void cell(FILE *f, const char *text)
{
    fputc('"', f);
    if (text[0] && strchr("=+-@\t\r", text[0])) fputc('\'', f);
    for (; *text; text++) {
        if (*text == '"') fputc('"', f);
        fputc(*text, f);
    }
    fputc('"', f);
}

static void date(FILE *f, int64_t ms)
{
    time_t seconds = (time_t)(ms / 1000 - (ms % 1000 < 0));
    struct tm t;
    char text[40] = "";
    if (gmtime_r(&seconds, &t)) strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &t);
    fputs(text, f);
}

void review_header(FILE *f)
{
    fputs("user_id,created_at,note,language,language_probability,sentiment,positive_probability,"
          "score,why,deciding,user,label,reason,images\n",
          f);
}

static void tail(FILE *f, const char *user, const char *label, const char *reason, size_t images)
{
    fprintf(f, ",%s,%s,", user, label);
    cell(f, reason);
    fprintf(f, ",%zu\n", images);
}

static void user_tail(FILE *f, const user_records *r, const decision *d)
{
    bool kept = d->fate == FATE_KEPT;
    const char *reason = kept && d->by_hand ? "label by hand" : fate_reasons[d->fate];
    tail(f, kept ? "kept" : "dropped", !kept ? "" : d->label ? "1" : "0", reason, r->image_count);
}

void review_user(FILE *f, uint64_t id, const user_records *r, const decision *d)
{
    for (size_t i = 0; i < r->note_count; i++) {
        const note_opinion *n = &d->opinions[i];
        fprintf(f, "%llu,", (unsigned long long)id);
        date(f, r->notes[i].when);
        fputc(',', f);
        cell(f, r->notes[i].text);
        if (n->long_note)
            fputs(",too long,", f);
        else
            fprintf(f, ",%s,%.3f", n->language, n->language_probability);
        if (n->scored) {
            fprintf(f, ",%s,%.3f,%.2f,", note_sentiment_name(n->sentiment.sentiment),
                    n->sentiment.positive, n->sentiment.score);
            cell(f, n->sentiment.why);
        } else {
            fputs(",,,,", f);
        }
        fputs(i == d->deciding ? ",yes" : ",no", f);
        user_tail(f, r, d);
    }
    if (r->note_count) return;
    fprintf(f, "%llu,,,,,,,,,no", (unsigned long long)id);
    user_tail(f, r, d);
}

void review_error(FILE *f, uint64_t id, const char *error)
{
    fprintf(f, "%llu,,,,,,,,,no", (unsigned long long)id);
    tail(f, "dropped", "", error, 0);
}
