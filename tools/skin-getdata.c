/* skin-getdata - labels users from a clinic's follow-up records and doctors' notes. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "fail.h"
#include "fileio.h"
#include "getdata/getdata.h"
#include "output.h"
#include "store/store.h"
#include "system.h"

static const char *const about =
    "Reads SRC/dr_msg_stats.csv (column user_id) and SRC/followup_data/user_<12 digits>.json,\n"
    "and writes one line per user: a JSON array [user id, label, note, image path, ...]. A\n"
    "user is kept who has a note in English and enough photos. Photos are sorted by time. The\n"
    "latest English note decides the label: 1 if the skin got better, else 0. SRC is a folder\n"
    "or s3://bucket/prefix. Nothing leaves this machine unless you ask for it.\n";
static const char *const notes =
    "A user whose file is missing or wrong is skipped with a line that says why, and the\n"
    "others are written all the same; the exit status is then 1. Users dropped by a filter are\n"
    "no error.\n"
    "The same command resumes a run that was killed or interrupted: what is finished is in\n"
    "FILE.part and FILE.journal. The outputs of shards, joined in order, equal the output of\n"
    "one run over all.\n"
    "Under mpirun the users are dealt out to all ranks; the output is the same "
    "(docs/machines.md).\n"
    "--override: a CSV with user_id and label (improved, deteriorated, 1, 0 or drop). It\n"
    "overrides the notes, but not the number of photos.\n"
    "--review: one line per note with language, sentiment, score, the words that decided, and\n"
    "what became of the user. It contains the notes: keep it safe.\n";

/* Whether the output is not a file of the folder of records. */
static bool not_within(const char *output, const char *records, nbase_error *err)
{
    const char *slash = strrchr(output, '/');
    char *folder = slash ? strndup(output, (size_t)(slash - output) + 1) : strdup(".");
    if (!folder) return tool_no_memory(err);
    bool apart = !system_same_path(folder, records);
    free(folder);
    return apart ||
           tool_fail(err, NBASE_ERR_IO,
                     "%s: it is among the records that are read; name another output", output);
}

/* Whether what is written does not replace what is read. */
static bool outputs_apart(const getdata_options *o, nbase_error *err)
{
    const char *outputs[] = {o->out, o->review};
    char *table = file_join(o->source, "dr_msg_stats.csv", err),
         *records = file_join(o->source, "followup_data", err);
    bool ok = table && records;
    for (size_t i = 0; ok && i < 2 && outputs[i]; i++)
        ok = file_apart(outputs[i], table, err) && file_apart(outputs[i], o->overrides, err) &&
             not_within(outputs[i], records, err);
    free(table);
    free(records);
    return ok;
}

int main(int argc, char **argv)
{
    getdata_options o = {.out = "user_data.txt",
                         .end = SIZE_MAX,
                         .only_language = "en",
                         .min_images = 6,
                         .frames = 30,
                         .note_bytes = 5000};
    int language = 0, sentiment = 0;
    const cli_option options[] = {
        {"output", 'o', CLI_TEXT, &o.out, "FILE", "where to write (default user_data.txt)", 0, 0},
        {"min-images", 0, CLI_SIZE, &o.min_images, "N",
         "keep users with at least N photos (default 6)", 1, 1e6},
        {"frames", 0, CLI_SIZE, &o.frames, "N", "keep users with fewer than N photos (default 30)",
         2, 1e6},
        {"note-bytes", 0, CLI_SIZE, &o.note_bytes, "N",
         "use notes of fewer than N bytes (default 5000)", 1, 1e6},
        {"note-language", 0, CLI_TEXT, &o.only_language, "TAG",
         "use notes in this language (default en; the built-in sentiment knows English only)", 0,
         0},
        {"language", 0, CLI_CHOICE, &language, "builtin|comprehend",
         "what determines the language (default builtin)", 0, 0},
        {"sentiment", 0, CLI_CHOICE, &sentiment, "builtin|comprehend",
         "what decides between good news and bad (default builtin); comprehend asks AWS: the "
         "notes leave this machine",
         0, 0},
        {"cache", 0, CLI_TEXT, &o.cache, "DIR",
         "where Comprehend's answers are kept (default FILE.comprehend beside the output)", 0, 0},
        {"override", 0, CLI_TEXT, &o.overrides, "FILE", "labels given by hand", 0, 0},
        {"review", 0, CLI_TEXT, &o.review, "FILE", "write a CSV of every note and why it counted",
         0, 0},
        {"check-images", 0, CLI_CHOICE, &o.check_images, "auto|yes|no",
         "leave out photos that are not in SRC/images (auto: for folders)", 0, 0},
        {"start", 0, CLI_SIZE, &o.start, "N",
         "first user of this shard, counted from 0 (default 0)", 0, 0},
        {"end", 0, CLI_SIZE, &o.end, "N", "first user after this shard (default: all users)", 0, 0},
        {"force", 0, CLI_FLAG, &o.force, NULL,
         "start again, even where a stopped run could be resumed", 0, 0},
        {"json", 0, CLI_FLAG, &o.json, NULL, "print the summary as JSON", 0, 0},
        {"quiet", 'q', CLI_FLAG, &o.quiet, NULL, "print errors only", 0, 0},
        STORE_UNSIGNED_OPTION,
        {0},
    };
    const cli_tool tool = {.name = "skin-getdata",
                           .usage = "SRC -o user_data.txt",
                           .about = about,
                           .options = options,
                           .notes = notes,
                           .min_args = 1,
                           .max_args = 1,
                           .ranks = true};
    int first, status = cli_parse(&tool, argc, argv, &first);
    if (status >= 0) return status;
    if (o.min_images >= o.frames) {
        cli_error("--min-images %zu must be less than --frames %zu", o.min_images, o.frames);
        return CLI_USAGE;
    }
    if (o.start >= o.end) {
        cli_error("--start must be before --end");
        return CLI_USAGE;
    }
    cli_catch_interrupt();
    output_keep_private();
    o.source = argv[first];
    o.language_by_service = language == 1;
    o.sentiment_by_service = sentiment == 1;
    char beside[4200];
    if (!o.cache) {
        snprintf(beside, sizeof beside, "%s.comprehend", o.out);
        o.cache = beside;
    }
    nbase_error err;
    if (!ranks_begin(&o.ranks, &err)) {
        cli_report(&err);
        return ranks_end(o.ranks, CLI_FAILURE);
    }
    bool service = o.language_by_service || o.sentiment_by_service;
    if (service && ranks_size(o.ranks) > 1) {
        cli_error("comprehend is asked by one process, and keeps one cache: start it without a "
                  "launcher");
        return ranks_end(o.ranks, CLI_USAGE);
    }
    if (!outputs_apart(&o, &err)) {
        cli_report(&err);
        return ranks_end(o.ranks, CLI_FAILURE);
    }
    return ranks_end(o.ranks, getdata_run(&o));
}
