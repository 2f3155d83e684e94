#include "multipart.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum state {
    PREAMBLE,   /* before the first boundary */
    AFTER_MARK, /* after a boundary: CRLF or -- follows */
    AFTER_CR,
    AFTER_DASH,
    HEAD,
    DATA,
    EPILOGUE /* after the closing boundary: skipped */
};

static bool fail(multipart *m, const char *error)
{
    if (!m->error) m->error = error;
    return false;
}

/* Copies the value of a parameter in "type; name=value; name=\"value\"" to out. False if it is not
 * there or does not fit. */
static bool parameter(const char *text, const char *name, char *out, size_t room)
{
    size_t n = strlen(name);
    for (const char *p = strchr(text, ';'); p; p = strchr(p, ';')) {
        p++;
        while (*p == ' ' || *p == '\t') p++;
        if (strncasecmp(p, name, n) != 0 || p[n] != '=') {
            /* skip a quoted value, which may contain a semicolon */
            const char *quote = strchr(p, '"'), *next = strchr(p, ';');
            if (quote && next && quote < next) {
                const char *end = quote + 1;
                while (*end && *end != '"') end += *end == '\\' && end[1] ? 2 : 1;
                p = *end ? end : end - 1;
            }
            continue;
        }
        p += n + 1;
        size_t k = 0;
        bool quoted = *p == '"';
        if (quoted) p++;
        for (; *p && (quoted ? *p != '"' : *p != ';' && *p != ' '); p++) {
            if (quoted && *p == '\\' && p[1]) p++;
            if (k + 1 >= room) return false;
            out[k++] = *p;
        }
        out[k] = '\0';
        return !quoted || *p == '"';
    }
    return false;
}

bool multipart_init(multipart *m, const char *content_type, multipart_sink sink)
{
    *m = (multipart){.sink = sink, .state = PREAMBLE};
    char boundary[MULTIPART_BOUNDARY + 1];
    if (!parameter(content_type, "boundary", boundary, sizeof boundary) || !boundary[0])
        return fail(m, "the content type names no boundary of 1 to 70 characters");
    for (const char *p = boundary; *p; p++)
        if (!isalnum((unsigned char)*p) && !strchr("'()+_,-./:=? ", *p))
            return fail(m, "the boundary contains a character that is not allowed there");
    m->mark_size = (size_t)snprintf(m->mark, sizeof m->mark, "\r\n--%s", boundary);
    m->matched = 2; /* the first boundary may be at the very beginning */
    return true;
}

/* ---- the header lines of a part ---- */

/* Whether a header line says that the part is a picture: scripts send one without a file name. */
static bool is_picture(const char *line)
{
    if (strncasecmp(line, "Content-Type:", 13) != 0) return false;
    line += 13 + strspn(line + 13, " \t");
    return strncasecmp(line, "image/", 6) == 0;
}

/* What the value of Content-Disposition says about a file. */
static multipart_kind kind_of(const char *disposition)
{
    char name[8];
    if (parameter(disposition, "filename", name, sizeof name) && !name[0] &&
        !strcasestr(disposition, "filename*="))
        return MULTIPART_NAMELESS;
    bool file = strcasestr(disposition, "filename=") || strcasestr(disposition, "filename*=");
    return file ? MULTIPART_FILE : MULTIPART_VALUE;
}

static bool begin_part(multipart *m)
{
    char name[MULTIPART_NAME] = "";
    bool named = false, picture = false;
    multipart_kind kind = MULTIPART_VALUE;
    m->head[m->head_size] = '\0';
    if (++m->parts > MULTIPART_PARTS) return fail(m, "more than 1000 parts");
    if (strlen(m->head) != m->head_size) return fail(m, "a zero byte in a header line");
    for (char *line = m->head, *next; *line; line = next) {
        next = strstr(line, "\r\n");
        if (!next) return fail(m, "a malformed header line");
        *next = '\0';
        next += 2;
        picture |= is_picture(line);
        if (strncasecmp(line, "Content-Disposition:", 20) == 0) {
            const char *value = line + 20;
            while (*value == ' ') value++;
            if (strncasecmp(value, "form-data", 9) != 0)
                return fail(m, "a part that is not form-data");
            named = parameter(value, "name", name, sizeof name);
            kind = kind_of(value);
        } else if (strncasecmp(line, "Content-Transfer-Encoding:", 26) == 0 &&
                   !strcasestr(line + 26, "binary") && !strcasestr(line + 26, "8bit") &&
                   !strcasestr(line + 26, "7bit")) {
            return fail(m, "a part with a transfer encoding");
        } else if (strncasecmp(line, "Content-Type:", 13) == 0 && strcasestr(line, "multipart/")) {
            return fail(m, "a form within a part; send each file as a part of its own");
        } else if (!strchr(line, ':')) {
            return fail(m, "a malformed header line");
        }
    }
    if (picture && kind == MULTIPART_VALUE) kind = MULTIPART_FILE;
    if (!named) return fail(m, "a part without a field name of at most 63 characters");
    m->in_part = true;
    m->state = DATA;
    if (m->sink.begin(m->sink.ctx, name, kind)) return true;
    m->stopped = true;
    return false;
}

static bool in_head(multipart *m, char c)
{
    if (m->head_size + 1 >= sizeof m->head)
        return fail(m, "the header lines of a part are too long");
    m->head[m->head_size++] = c;
    if (m->head_size == 2 && memcmp(m->head, "\r\n", 2) == 0)
        return fail(m, "a part without header lines");
    if (m->head_size < 4 || memcmp(m->head + m->head_size - 4, "\r\n\r\n", 4) != 0) return true;
    m->head_size -= 2; /* without the empty line */
    return begin_part(m);
}

/* ---- data ---- */

static bool pass_on(multipart *m, const char *bytes, size_t size)
{
    if (!size || m->state != DATA) return true;
    if (m->sink.data(m->sink.ctx, bytes, size)) return true;
    m->stopped = true;
    return false;
}

static bool mark_found(multipart *m)
{
    m->matched = 0;
    m->state = AFTER_MARK;
    if (!m->in_part) return true;
    m->in_part = false;
    if (m->sink.end(m->sink.ctx)) return true;
    m->stopped = true;
    return false;
}

/* Takes bytes of the data or the boundary from the front and returns how many. The mark contains
 * "\r" at its start only, so after a failed match the next one can begin at this byte, but nowhere
 * before it. */
static size_t in_data(multipart *m, const char *p, size_t size)
{
    size_t i = 0;
    while (i < size && m->matched == 0) {
        const char *cr = memchr(p + i, '\r', size - i);
        size_t n = cr ? (size_t)(cr - p) - i : size - i;
        if (!pass_on(m, p + i, n)) return i;
        i += n;
        if (cr) m->matched = 1, i++;
    }
    while (i < size && m->matched) {
        if (p[i] == m->mark[m->matched]) {
            i++;
            if (++m->matched == m->mark_size) {
                mark_found(m);
                return i;
            }
        } else {
            size_t n = m->matched;
            m->matched = 0;
            if (!pass_on(m, m->mark, n)) return i;
            return i; /* this byte is read again */
        }
    }
    return i;
}

static bool step(multipart *m, char c)
{
    switch (m->state) {
    case AFTER_MARK:
        if (c == '\r')
            m->state = AFTER_CR;
        else if (c == '-')
            m->state = AFTER_DASH;
        else if (c != ' ' && c != '\t')
            return fail(m, "text after a boundary");
        return true;
    case AFTER_CR:
        if (c != '\n') return fail(m, "text after a boundary");
        m->state = HEAD;
        m->head_size = 0;
        return true;
    case AFTER_DASH:
        if (c != '-') return fail(m, "text after a boundary");
        m->state = EPILOGUE;
        return true;
    case HEAD: return in_head(m, c);
    default: return true;
    }
}

bool multipart_feed(multipart *m, const char *bytes, size_t size)
{
    for (size_t i = 0; i < size && !m->error && !m->stopped;) {
        if (m->state == EPILOGUE) break;
        if (m->state == PREAMBLE || m->state == DATA)
            i += in_data(m, bytes + i, size - i);
        else if (step(m, bytes[i]))
            i++;
    }
    return !m->error && !m->stopped;
}

bool multipart_end(multipart *m)
{
    if (m->error || m->stopped) return false;
    return m->state == EPILOGUE || fail(m, "it ends before the closing boundary");
}
