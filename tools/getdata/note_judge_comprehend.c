#include "note_judge.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fail.h"

#ifdef HAVE_CURL
#include <jansson.h>

#include "cli.h"
#include "fileio.h"
#include "store/aws.h"
#include "store/aws_digest.h"

#define MAX_ANSWER ((size_t)1 << 20)
#define API "Comprehend_20171127."

typedef struct comprehend {
    judge base;
    aws *aws;
    const char *cache;
} comprehend;

/* CACHE/<action>/<two digits>/<the rest of the SHA-256>.json. The caller frees it with free(). */
static char *cache_path(const comprehend *c, const char *action, const char *body, size_t size)
{
    char hash[65], name[128];
    aws_sha256(body, size, hash);
    snprintf(name, sizeof name, "%s/%.2s/%s.json", action, hash, hash + 2);
    return file_join(c->cache, name, NULL);
}

static void keep(const char *path, const json_t *answer)
{
    char *folder = strdup(path), *text = json_dumps(answer, JSON_COMPACT);
    char *slash = folder ? strrchr(folder, '/') : NULL;
    if (slash) *slash = '\0';
    /* a full disk is reported, and costs only a second request */
    nbase_error err;
    if (slash && text &&
        !(file_make_dirs(folder, &err) && file_write(path, text, strlen(text), &err)))
        cli_report(&err);
    free(folder);
    free(text);
}

static json_t *ask_service(const comprehend *c, const char *action, const char *body, size_t size,
                           nbase_error *err)
{
    char target[80];
    snprintf(target, sizeof target, API "%s", action);
    const web_header headers[] = {
        {"Content-Type", "application/x-amz-json-1.1"}, {"X-Amz-Target", target}, {NULL, NULL}};
    aws_request q = {.method = "POST",
                     .path = "/",
                     .headers = headers,
                     .body = body,
                     .body_size = size,
                     .max_response = MAX_ANSWER};
    aws_response r;
    nbase_error inner;
    if (!aws_send(c->aws, &q, &r, &inner)) {
        tool_fail(err, inner.status, "Comprehend: %s; run again: its answers so far are kept in %s",
                  inner.text, c->cache);
        return NULL;
    }
    json_t *answer = r.web.status == 200 ? json_loadb(r.web.body, r.web.size, 0, NULL) : NULL;
    if (!answer)
        tool_fail(err, NBASE_ERR_IO, "Comprehend at %s refused: status %ld%s%s",
                  aws_endpoint(c->aws), r.web.status, r.code[0] ? ", " : "", r.code);
    aws_response_free(&r);
    return answer;
}

/* The answer to {"Text": note, ...}, from the cache if the same was asked before. The caller frees
 * it with json_decref(). */
static json_t *answer_to(const comprehend *c, const char *action, json_t *question,
                         nbase_error *err)
{
    char *body = question ? json_dumps(question, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
    char *path = body ? cache_path(c, action, body, strlen(body)) : NULL;
    json_t *answer = NULL;
    if (!path) {
        tool_no_memory(err);
    } else {
        /* a damaged copy is ignored, and the service asked again */
        answer = file_exists(path) ? json_load_file(path, 0, NULL) : NULL;
        if (!answer && (answer = ask_service(c, action, body, strlen(body), err)))
            keep(path, answer);
    }
    json_decref(question);
    free(body);
    free(path);
    return answer;
}

static bool strange(const char *action, json_t *answer, nbase_error *err)
{
    json_decref(answer);
    return tool_fail(err, NBASE_ERR_FORMAT,
                     "Comprehend's answer to %s does not match its documentation", action);
}

static bool comprehend_language(judge *j, const char *note, size_t size, char tag[16],
                                double *probability, nbase_error *err)
{
    json_t *answer = answer_to((comprehend *)j, "DetectDominantLanguage",
                               json_pack("{s:s%}", "Text", note, size), err);
    if (!answer) return false;
    const json_t *list = json_object_get(answer, "Languages");
    size_t i;
    const json_t *item;
    if (!json_is_array(list)) return strange("DetectDominantLanguage", answer, err);
    snprintf(tag, 16, "und");
    *probability = 0;
    json_array_foreach(list, i, item)
    {
        const char *code = json_string_value(json_object_get(item, "LanguageCode"));
        double score = json_number_value(json_object_get(item, "Score"));
        if (!code) return strange("DetectDominantLanguage", answer, err);
        if (score <= *probability) continue;
        snprintf(tag, 16, "%s", code);
        *probability = score;
    }
    json_decref(answer);
    return true;
}

static bool comprehend_sentiment(judge *j, const char *note, size_t size, sentiment_result *out,
                                 nbase_error *err)
{
    json_t *answer =
        answer_to((comprehend *)j, "DetectSentiment",
                  json_pack("{s:s, s:s%}", "LanguageCode", "en", "Text", note, size), err);
    if (!answer) return false;
    const char *name = json_string_value(json_object_get(answer, "Sentiment"));
    const json_t *scores = json_object_get(answer, "SentimentScore");
    int found = -1;
    for (int s = NOTE_NEUTRAL; name && s <= NOTE_MIXED; s++)
        if (strcmp(name, note_sentiment_name((note_sentiment)s)) == 0) found = s;
    if (found < 0 || !json_is_object(scores)) return strange("DetectSentiment", answer, err);
    double positive = json_number_value(json_object_get(scores, "Positive")),
           negative = json_number_value(json_object_get(scores, "Negative"));
    *out = (sentiment_result){.sentiment = (note_sentiment)found,
                              .score = positive - negative,
                              .positive = positive,
                              .why = "AWS Comprehend"};
    json_decref(answer);
    return true;
}

static void comprehend_close(judge *j)
{
    comprehend *c = (comprehend *)j;
    aws_close(c->aws);
    free(c);
}

judge *judge_comprehend(const char *cache, nbase_error *err)
{
    comprehend *c = calloc(1, sizeof *c);
    if (!c) {
        tool_no_memory(err);
        return NULL;
    }
    c->base = (judge){"comprehend", comprehend_language, comprehend_sentiment, comprehend_close};
    c->cache = cache;
    c->aws = aws_open("comprehend", err);
    if (c->aws) return &c->base;
    free(c);
    return NULL;
}

#else

judge *judge_comprehend(const char *cache, nbase_error *err)
{
    (void)cache;
    tool_fail(err, NBASE_ERR_FORMAT,
              "this build cannot ask Comprehend; install libcurl4-openssl-dev and build again");
    return NULL;
}
#endif
