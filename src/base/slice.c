#include "base/slice.h"
#include <assert.h>
#include <xxhash.h>

int slice_cmp(struct slice a, struct slice b)
{
    size_t common = a.len < b.len ? a.len : b.len;
    int order = common == 0 ? 0 : memcmp(a.at, b.at, common);

    if (order != 0)
        return order;
    return (a.len > b.len) - (a.len < b.len);
}

size_t slice_find(struct slice hay, struct slice needle, size_t from)
{
    assert(from <= hay.len);
    if (needle.len == 0)
        return from;
    if (needle.len > hay.len - from)
        return hay.len;
    const char *hit = memmem(hay.at + from, hay.len - from,
                             needle.at, needle.len);
    return hit == NULL ? hay.len : (size_t)(hit - hay.at);
}

unsigned long long slice_hash(struct slice a)
{
    return XXH3_64bits(a.at, a.len);
}
