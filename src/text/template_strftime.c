/* strftime_now: the local time by the directives of C and Python, in English
 * whatever the process's locale is. */
#include "text/template_run.h"

#include <time.h>

static const char *const days[] = { "Sunday", "Monday", "Tuesday", "Wednesday",
                                    "Thursday", "Friday", "Saturday" };
static const char *const months[] = {
    "January", "February", "March", "April", "May", "June", "July", "August",
    "September", "October", "November", "December"
};

struct moment {
    struct tm tm;
    long      micros;
    time_t    seconds;
};

/* How a directive is to be padded and written: flags between % and letter. */
struct flags {
    char pad;           /* '-' '_' '0' or 0 */
    bool upper;
};

/* A number with `width` digits, filled as the flags or `fill` say. */
static void put_field(struct strbuf *out, const struct flags *f, long long v,
                      int width, char fill)
{
    char pad = f->pad != 0 ? f->pad : fill;
    if (pad == '-')
        width = 1;
    strbuf_printf(out, pad == '_' ? "%*lld" : "%0*lld", width, v);
}

static void put_word(struct strbuf *out, const struct flags *f,
                     const char *word, size_t most)
{
    for (size_t i = 0; i < most && word[i] != '\0'; i++) {
        bool small = word[i] >= 'a' && word[i] <= 'z';
        strbuf_putc(out, f->upper && small ? (char)(word[i] - 32) : word[i]);
    }
}

static bool is_leap(int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* ISO 8601: the year that the week belongs to, and its number. */
static int iso_week(const struct tm *tm, int *year)
{
    int weekday = (tm->tm_wday + 6) % 7;             /* Monday 0 */
    int week = (tm->tm_yday - weekday + 10) / 7;
    *year = tm->tm_year + 1900;
    if (week < 1) {
        int days_before = is_leap(*year - 1) ? 366 : 365;
        --*year;
        return (tm->tm_yday + days_before - weekday + 10) / 7;
    }
    int left = (is_leap(*year) ? 366 : 365) - tm->tm_yday;
    if (week == 53 && left <= 3 - weekday) {
        ++*year;
        return 1;
    }
    return week;
}

/* Directives that stand for others. */
static const char *expansion(char c)
{
    switch (c) {
    case 'c': return "%a %b %e %H:%M:%S %Y";
    case 'D':
    case 'x': return "%m/%d/%y";
    case 'F': return "%Y-%m-%d";
    case 'R': return "%H:%M";
    case 'r': return "%I:%M:%S %p";
    case 'T':
    case 'X': return "%H:%M:%S";
    default:  return NULL;
    }
}

static bool put_date(struct strbuf *out, const struct flags *f,
                     const struct moment *m, char c)
{
    const struct tm *tm = &m->tm;
    int year = tm->tm_year + 1900, iso_year, week = iso_week(tm, &iso_year);
    switch (c) {
    case 'a': put_word(out, f, days[tm->tm_wday], 3); return true;
    case 'A': put_word(out, f, days[tm->tm_wday], 9); return true;
    case 'b':
    case 'h': put_word(out, f, months[tm->tm_mon], 3); return true;
    case 'B': put_word(out, f, months[tm->tm_mon], 9); return true;
    case 'C': put_field(out, f, year / 100, 2, '0'); return true;
    case 'd': put_field(out, f, tm->tm_mday, 2, '0'); return true;
    case 'e': put_field(out, f, tm->tm_mday, 2, '_'); return true;
    case 'g': put_field(out, f, iso_year % 100, 2, '0'); return true;
    case 'G': put_field(out, f, iso_year, 4, '0'); return true;
    case 'j': put_field(out, f, tm->tm_yday + 1, 3, '0'); return true;
    case 'm': put_field(out, f, tm->tm_mon + 1, 2, '0'); return true;
    case 'u': put_field(out, f, (tm->tm_wday + 6) % 7 + 1, 1, '0'); return true;
    case 'U': put_field(out, f, (tm->tm_yday + 7 - tm->tm_wday) / 7, 2, '0');
              return true;
    case 'V': put_field(out, f, week, 2, '0'); return true;
    case 'w': put_field(out, f, tm->tm_wday, 1, '0'); return true;
    case 'W': put_field(out, f, (tm->tm_yday + 7 - (tm->tm_wday + 6) % 7) / 7,
                        2, '0');
              return true;
    case 'y': put_field(out, f, year % 100, 2, '0'); return true;
    case 'Y': put_field(out, f, year, 4, '0'); return true;
    default:  return false;
    }
}

static bool put_time(struct strbuf *out, const struct flags *f,
                     const struct moment *m, char c)
{
    const struct tm *tm = &m->tm;
    int twelve = tm->tm_hour % 12 == 0 ? 12 : tm->tm_hour % 12;
    switch (c) {
    case 'f': put_field(out, f, m->micros, 6, '0'); return true;
    case 'H': put_field(out, f, tm->tm_hour, 2, '0'); return true;
    case 'I': put_field(out, f, twelve, 2, '0'); return true;
    case 'k': put_field(out, f, tm->tm_hour, 2, '_'); return true;
    case 'l': put_field(out, f, twelve, 2, '_'); return true;
    case 'M': put_field(out, f, tm->tm_min, 2, '0'); return true;
    case 'n': strbuf_putc(out, '\n'); return true;
    case 'p': strbuf_puts(out, tm->tm_hour < 12 ? "AM" : "PM"); return true;
    case 'P': strbuf_puts(out, tm->tm_hour < 12 ? "am" : "pm"); return true;
    case 's': put_field(out, f, (long long)m->seconds, 1, '0'); return true;
    case 'S': put_field(out, f, tm->tm_sec, 2, '0'); return true;
    case 't': strbuf_putc(out, '\t'); return true;
    case 'z':
    case 'Z': return true;            /* the time carries no zone */
    case '%': strbuf_putc(out, '%'); return true;
    default:  return false;
    }
}

/* Append `format`; directives expand to others once. */
static void put_format(struct build *b, const struct moment *m,
                       struct slice format, bool expand)
{
    for (size_t i = 0; i < format.len && run_steps(b->r, 1); i++) {
        struct flags f = { 0 };
        size_t from = i;
        if (format.at[i] != '%' || i + 1 == format.len) {
            strbuf_putc(&b->buf, format.at[i]);
            continue;
        }
        for (i++; i + 1 < format.len && strchr("-_0^#", format.at[i]); i++) {
            if (format.at[i] == '^' || format.at[i] == '#')
                f.upper = true;
            else
                f.pad = format.at[i];
        }
        char c = format.at[i];
        const char *more = expand ? expansion(c) : NULL;
        if (more != NULL)
            put_format(b, m, slice_of(more), false);
        else if (!put_date(&b->buf, &f, m, c) && !put_time(&b->buf, &f, m, c))
            strbuf_put(&b->buf, (struct slice){ format.at + from,
                                                i + 1 - from });
    }
}

struct val strftime_text(struct run *r, struct slice format)
{
    struct timespec now;
    struct moment m;
    struct build b;
    if (clock_gettime(CLOCK_REALTIME, &now) != 0
        || localtime_r(&now.tv_sec, &m.tm) == NULL)
        return run_error(r, "the clock cannot be read");
    m.seconds = now.tv_sec;
    m.micros = now.tv_nsec / 1000;
    build_begin(&b, r);
    put_format(&b, &m, format, true);
    return build_end(&b);
}
