#include "when.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* 2024010510 may be 10 o'clock of a day, or seconds of the year 2034. */
static bool is_date_and_hour(double v)
{
    if (!(v >= 2000010100 && v <= 2099123123) || v != floor(v)) return false;
    uint32_t n = (uint32_t)v, hour = n % 100, day = n / 100 % 100, month = n / 10000 % 100;
    return hour <= 24 && day >= 1 && day <= 31 && month >= 1 && month <= 12;
}

/* Seconds since 1970 have 10 digits and milliseconds 13, from September 2001 to the year 2286. A
 * shorter or longer number is more likely a date in digits, such as 240131 or 20240131103000. */
bool when_parse_number(double v, int64_t *out)
{
    if (is_date_and_hour(v)) return false;
    if (v >= 1e9 && v < 1e10)
        *out = (int64_t)llround(v * 1000);
    else if (v >= 1e12 && v < 1e13)
        *out = (int64_t)llround(v);
    else
        return false;
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

/* ".123" or ",123" after the seconds, in milliseconds; what is finer is cut off. */
static bool fraction(const char **p, int *ms)
{
    *ms = 0;
    if (**p != '.' && **p != ',') return true;
    if (!isdigit((unsigned char)*++*p)) return false;
    for (int place = 100; isdigit((unsigned char)**p); ++*p, place /= 10)
        *ms += (**p - '0') * place;
    return true;
}

/* "10:30", "10:30:15.123", or the same without colons. */
static bool clock_time(const char **p, int64_t *ms)
{
    int h, m, s = 0, part = 0;
    if (!digits(p, 2, &h)) return false;
    bool extended = **p == ':';
    *p += extended;
    if (!digits(p, 2, &m)) return false;
    if (extended ? **p == ':' : isdigit((unsigned char)**p)) {
        *p += extended;
        if (!digits(p, 2, &s) || !fraction(p, &part)) return false;
    }
    if (h > 24 || m > 59 || s > 60 || (h == 24 && (m || s || part))) return false;
    *ms = ((int64_t)h * 3600 + m * 60 + s) * 1000 + part;
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
    bool minutes = **p == ':';
    *p += minutes;
    if ((minutes || isdigit((unsigned char)**p)) && !digits(p, 2, &m)) return false;
    if (h > 18 || m > 59) return false;
    *ms = sign * (int64_t)(h * 60 + m) * 60000;
    return true;
}

/* "2024-01-31" or "20240131", in days since 1970. */
static bool calendar_date(const char **p, int64_t *days)
{
    int y, m, d;
    if (!digits(p, 4, &y)) return false;
    bool extended = **p == '-';
    *p += extended;
    if (!digits(p, 2, &m) || (extended && *(*p)++ != '-') || !digits(p, 2, &d)) return false;
    if (m < 1 || m > 12 || d < 1 || d > month_days(y, m)) return false;
    *days = days_from_civil(y, m, d);
    return true;
}

static bool from_iso(const char *p, int64_t *out)
{
    int64_t days, time = 0, offset = 0;
    if (!calendar_date(&p, &days)) return false;
    if (*p == 'T' || *p == 't' || *p == ' ') {
        p++;
        if (!clock_time(&p, &time)) return false;
        if (*p == ' ') p++;
        if (!zone(&p, &offset)) return false;
    }
    if (*p) return false;
    *out = days * 86400000 + time - offset;
    return true;
}

/* A number as text: digits, perhaps with a fraction. No exponent: a spreadsheet that writes
 * 1.70436E+09 has rounded the time. */
static bool from_digits(const char *text, int64_t *out)
{
    size_t whole = strspn(text, "0123456789"), part = 0;
    if (text[whole] == '.') part = 1 + strspn(text + whole + 1, "0123456789");
    return whole && part != 1 && !text[whole + part] && when_parse_number(strtod(text, NULL), out);
}

bool when_plausible(int64_t ms)
{
    return ms >= days_from_civil(1971, 1, 1) * 86400000 &&
           ms < days_from_civil(2100, 1, 1) * 86400000;
}

bool when_parse_text(const char *text, int64_t *out)
{
    return from_iso(text, out) || from_digits(text, out);
}

bool when_parse(const json_t *value, int64_t *out)
{
    if (json_is_number(value)) return when_parse_number(json_number_value(value), out);
    return json_is_string(value) && when_parse_text(json_string_value(value), out);
}
