#ifdef HAVE_CURL
#include "s3_list.h"

#include <expat.h>
#include <stdlib.h>
#include <string.h>

typedef struct reader {
    s3_page *page;
    const char *wanted; /* s3_xml_text: element to find */
    char *found;
    char *text; /* of the element that is open */
    size_t size;
    bool bad, listing, truncated, encoded;
    s3_entry entry;
} reader;

/* "The local name: "Key" of "{namespace}Key" or of "Key". */
static const char *local_name(const char *name)
{
    const char *bar = strrchr(name, '|');
    return bar ? bar + 1 : name;
}

static void on_start(void *ctx, const char *name, const char **attributes)
{
    (void)attributes;
    reader *r = ctx;
    free(r->text);
    r->text = NULL;
    r->size = 0;
    if (!strcmp(local_name(name), "ListBucketResult")) r->listing = true;
}

static void on_text(void *ctx, const char *text, int length)
{
    reader *r = ctx;
    char *grown = realloc(r->text, r->size + (size_t)length + 1);
    if (!grown) {
        r->bad = true;
        return;
    }
    r->text = grown;
    memcpy(r->text + r->size, text, (size_t)length);
    r->size += (size_t)length;
    r->text[r->size] = 0;
}

static bool add_entry(s3_page *p, s3_entry e)
{
    if (p->count == p->capacity) {
        size_t capacity = p->capacity ? 2 * p->capacity : 256;
        s3_entry *grown = realloc(p->entries, capacity * sizeof *grown);
        if (!grown) return false;
        p->entries = grown;
        p->capacity = capacity;
    }
    p->entries[p->count++] = e;
    return true;
}

static char *take_text(reader *r)
{
    char *text = r->text ? r->text : strdup("");
    r->text = NULL;
    r->size = 0;
    return text;
}

static void on_end(void *ctx, const char *full_name)
{
    reader *r = ctx;
    const char *name = local_name(full_name);
    if (r->wanted) {
        if (!r->found && !strcmp(name, r->wanted)) r->found = take_text(r);
    } else if (!strcmp(name, "Key")) {
        free(r->entry.key);
        r->entry.key = take_text(r);
    } else if (!strcmp(name, "Size")) {
        r->entry.size = r->text ? strtoull(r->text, NULL, 10) : 0;
    } else if (!strcmp(name, "EncodingType")) {
        r->encoded = r->text && !strcmp(r->text, "url");
    } else if (!strcmp(name, "IsTruncated")) {
        r->truncated = r->text && !strcmp(r->text, "true");
    } else if (!strcmp(name, "NextContinuationToken")) {
        free(r->page->next);
        r->page->next = take_text(r);
    } else if (!strcmp(name, "Contents")) {
        if (!r->entry.key || !add_entry(r->page, r->entry)) {
            free(r->entry.key);
            r->bad = true;
        }
        r->entry = (s3_entry){0};
    }
    free(r->text);
    r->text = NULL;
    r->size = 0;
}

static bool read_xml(const char *xml, size_t size, reader *r)
{
    XML_Parser parser = XML_ParserCreateNS(NULL, '|');
    if (!parser || size > (64u << 20)) {
        if (parser) XML_ParserFree(parser);
        return false;
    }
    XML_SetUserData(parser, r);
    XML_SetElementHandler(parser, on_start, on_end);
    XML_SetCharacterDataHandler(parser, on_text);
    bool ok = XML_Parse(parser, xml, (int)size, 1) == XML_STATUS_OK && !r->bad;
    XML_ParserFree(parser);
    free(r->text);
    free(r->entry.key);
    return ok;
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9'                 ? c - '0'
           : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10
                                                : -1;
}

/* "a%2Bb+c" to "a+b c", where it stands. */
static void decode(char *text)
{
    char *out = text;
    for (char *in = text; *in; in++) {
        int high = *in == '%' ? hex_digit(in[1]) : -1, low = high < 0 ? -1 : hex_digit(in[2]);
        if (low >= 0) in += 2;
        *out++ = low >= 0 ? (char)(high << 4 | low) : *in == '+' ? ' ' : *in;
    }
    *out = 0;
}

bool s3_page_parse(const char *xml, size_t size, s3_page *out)
{
    *out = (s3_page){0};
    reader r = {.page = out};
    bool ok = read_xml(xml, size, &r) && r.listing && (!r.truncated || out->next);
    /* a control character in a key is no XML: such keys come encoded, since that was asked for */
    for (size_t i = 0; ok && r.encoded && i < out->count; i++) decode(out->entries[i].key);
    if (ok && !r.truncated) {
        free(out->next);
        out->next = NULL;
    }
    if (!ok) s3_page_free(out);
    return ok;
}

void s3_page_free(s3_page *p)
{
    for (size_t i = 0; i < p->count; i++) free(p->entries[i].key);
    free(p->entries);
    free(p->next);
    *p = (s3_page){0};
}

char *s3_xml_text(const char *xml, size_t size, const char *element)
{
    s3_page unused = {0};
    reader r = {.page = &unused, .wanted = element};
    if (!read_xml(xml, size, &r)) {
        free(r.found);
        return NULL;
    }
    return r.found;
}
#endif
