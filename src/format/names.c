#include "format/names.h"

#include <stdlib.h>

static int by_name(const void *a, const void *b)
{
    const struct name_entry *x = a, *y = b;
    int order = slice_cmp(x->name, y->name);

    return order != 0 ? order : (x->at > y->at) - (x->at < y->at);
}

void names_sort(struct name_entry *e, size_t n)
{
    if (n > 1)
        qsort(e, n, sizeof *e, by_name);
}

const struct name_entry *names_duplicate(const struct name_entry *e, size_t n)
{
    for (size_t i = 1; i < n; i++)
        if (slice_eq(e[i - 1].name, e[i].name))
            return &e[i];
    return NULL;
}

const struct name_entry *names_find(const struct name_entry *e, size_t n,
                                    struct slice name)
{
    size_t low = 0, high = n;

    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (slice_cmp(e[mid].name, name) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low < n && slice_eq(e[low].name, name) ? &e[low] : NULL;
}
