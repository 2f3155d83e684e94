#include "when.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool from_number(double v, int64_t *out)
{
    if (!isfinite(v) || v < -1e13 || v > 1e14) return false;
    *out = (int64_t)llround(fabs(v) >= 1e11 ? v : v * 1000);
    return true;
}

/* Exactly n digits. */
static bool digits(const char **p, int n, int *out)
{
    *out = 0;
    for (int i = 0; i < n; i++, ++*p) {
        if (!isdigit((unsigned char)**p)) return false;
        *out = *out * 10 + (**p - '0');
    }
    return true;
}

/* Days from 1970-01-01 in the proleptic Gregorian calendar (Hinnant, "chrono-compatible low-level
 * date algorithms"). */
static int64_t days_from_civil(int y, int m, int d)
{
    y -= m <= 2;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t yoe = y - era * 400, doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1,
            doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
    return era * 146097 + doe - 719468;
}

static int month_days(int y, int m)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
    return days[m - 1] + (m == 2 && leap);
}

/* "10:30", "10:30:15", "10:30:15.123" */
static bool clock_time(const char **p, int64_t *ms)
{
    int h, m, s = 0;
    double part = 0, place = 100;
    if (!digits(p, 2, &h) || *(*p)++ != ':' || !digits(p, 2, &m)) return false;
    if (**p == ':') {
        ++*p;
        if (!digits(p, 2, &s)) return false;
        if (**p == '.' || **p == ',') {
            if (!isdigit((unsigned char)*++*p)) return false;
            for (; isdigit((unsigned char)**p); ++*p, place /= 10) part += (**p - '0') * place;
        }
    }
    if (h > 24 || m > 59 || s > 60 || (h == 24 && (m || s))) return false;
    *ms = ((int64_t)h * 3600 + m * 60 + s) * 1000 + (int64_t)part;
    return true;
}

static bool zone(const char **p, int64_t *ms)
{
    *ms = 0;
    if (**p == 'Z' || **p == 'z') {
        ++*p;
        return true;
    }
    if (**p != '+' && **p != '-') return true;
    int sign = *(*p)++ == '-' ? -1 : 1, h, m = 0;
    if (!digits(p, 2, &h)) return false;
    if (**p == ':') ++*p;
    if (isdigit((unsigned char)**p) && !digits(p, 2, &m)) return false;
    if (h > 18 || m > 59) return false;
    *ms = sign * (int64_t)(h * 60 + m) * 60000;
    return true;
}

bool when_parse_text(const char *text, int64_t *out)
{
    const char *p = text;
    int y, m, d;
    int64_t time = 0, offset = 0;
    if (digits(&p, 4, &y) && *p == '-') {
        p++;
        if (!digits(&p, 2, &m) || *p++ != '-' || !digits(&p, 2, &d) || m < 1 || m > 12 || d < 1 ||
            d > month_days(y, m))
            return false;
        if (*p == 'T' || *p == 't' || *p == ' ') {
            p++;
            if (!clock_time(&p, &time)) return false;
            if (*p == ' ') p++;
            if (!zone(&p, &offset)) return false;
        }
        if (*p) return false;
        *out = days_from_civil(y, m, d) * 86400000 + time - offset;
        return true;
    }
    char *end;
    errno = 0;
    if (!isdigit((unsigned char)text[0]) && text[0] != '-') return false;
    double v = strtod(text, &end);
    return !errno && end != text && !*end && from_number(v, out);
}

bool when_parse(const json_t *value, int64_t *out)
{
    if (json_is_number(value)) return from_number(json_number_value(value), out);
    return json_is_string(value) && when_parse_text(json_string_value(value), out);
}
