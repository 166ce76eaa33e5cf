/* Look-ups in the generated tables (unicode_table.c) that are rare enough for
 * a binary search; what every character is asked for is inline in unicode.h. */
#include "text/unicode.h"

#include "text/unicode_table.h"

bool unicode_in(uint32_t cp, struct unicode_ranges ranges)
{
    size_t low = 0, high = ranges.n;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (cp > ranges.at[mid].last)
            low = mid + 1;
        else
            high = mid;
    }
    return low < ranges.n && cp >= ranges.at[low].first;
}

static struct unicode_ranges group(const struct unicode_range *all,
                                   const uint16_t *start, size_t i)
{
    return (struct unicode_ranges){ all + start[i],
                                    (size_t)(start[i + 1] - start[i]) };
}

struct unicode_ranges unicode_prop_ranges(enum unicode_prop prop)
{
    return group(unicode_prop_range, unicode_prop_start, prop);
}

bool unicode_has(uint32_t cp, enum unicode_prop prop)
{
    return unicode_in(cp, unicode_prop_ranges(prop));
}

bool unicode_is_digit_python(uint32_t cp)
{
    return unicode_has(cp, UNICODE_PROP_DIGIT);
}

bool unicode_is_numeric_python(uint32_t cp)
{
    return unicode_has(cp, UNICODE_PROP_NUMERIC);
}

size_t unicode_n_scripts(void)
{
    return unicode_n_script_row;
}

const char *unicode_script_name(size_t script)
{
    return unicode_script_row[script].name;
}

const char *unicode_script_code(size_t script)
{
    return unicode_script_row[script].code;
}

struct unicode_ranges unicode_script_ranges(size_t script)
{
    return group(unicode_script_range, unicode_script_start, script);
}

size_t unicode_script(uint32_t cp)
{
    for (size_t i = 1; i < unicode_n_script_row; i++)
        if (unicode_in(cp, unicode_script_ranges(i)))
            return i;
    return 0;
}

/* One kind of mapping: its runs and its expansions. */
struct mapping {
    const struct unicode_case_run *run;
    size_t                         n_run;
    const struct unicode_case_row *row;
    size_t                         n_row;
};

/* The first run that ends at cp or behind it. */
static size_t find_run(const struct mapping *m, uint32_t cp)
{
    size_t low = 0, high = m->n_run;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (cp > m->run[mid].last)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

static uint32_t map_simple(const struct mapping *m, uint32_t cp)
{
    size_t low = find_run(m, cp);
    if (low == m->n_run || cp < m->run[low].first
        || (cp - m->run[low].first) % m->run[low].step != 0)
        return cp;
    return (uint32_t)((int32_t)cp + m->run[low].distance);
}

/* The first expansion of cp or of what is behind it. */
static size_t find_row(const struct mapping *m, uint32_t cp)
{
    size_t low = 0, high = m->n_row;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (cp > m->row[mid].from)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

static size_t map_full(const struct mapping *m, uint32_t cp, uint32_t out[3])
{
    size_t low = find_row(m, cp), n = 1;
    if (low == m->n_row || m->row[low].from != cp) {
        out[0] = map_simple(m, cp);
        return 1;
    }
    memcpy(out, m->row[low].to, sizeof m->row[low].to);
    while (n < 3 && out[n] != 0)
        n++;
    return n;
}

size_t unicode_lower(uint32_t cp, uint32_t out[3])
{
    const struct mapping m = { unicode_lower_run, unicode_n_lower_run,
                               unicode_lower_row, unicode_n_lower_row };
    return map_full(&m, cp, out);
}

size_t unicode_upper(uint32_t cp, uint32_t out[3])
{
    const struct mapping m = { unicode_upper_run, unicode_n_upper_run,
                               unicode_upper_row, unicode_n_upper_row };
    return map_full(&m, cp, out);
}

size_t unicode_title(uint32_t cp, uint32_t out[3])
{
    const struct mapping m = { unicode_title_run, unicode_n_title_run,
                               unicode_title_row, unicode_n_title_row };
    return map_full(&m, cp, out);
}

static struct mapping fold_mapping(void)
{
    return (struct mapping){ unicode_fold_run, unicode_n_fold_run,
                             unicode_fold_row, unicode_n_fold_row };
}

size_t unicode_fold(uint32_t cp, uint32_t out[3])
{
    const struct mapping m = fold_mapping();
    return map_full(&m, cp, out);
}

uint32_t unicode_fold_simple(uint32_t cp)
{
    const struct mapping m = fold_mapping();
    return map_simple(&m, cp);
}

uint32_t unicode_next_fold(uint32_t cp)
{
    const struct mapping m = fold_mapping();
    size_t i = find_run(&m, cp);
    if (i == m.n_run)
        return UINT32_MAX;
    if (cp <= m.run[i].first)
        return m.run[i].first;
    uint32_t step = m.run[i].step;
    return cp + (step - (cp - m.run[i].first) % step) % step;
}

uint32_t unicode_next_long_fold(uint32_t cp)
{
    const struct mapping m = fold_mapping();
    size_t i = find_row(&m, cp);
    return i < m.n_row ? m.row[i].from : UINT32_MAX;
}
