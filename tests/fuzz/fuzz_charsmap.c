/* A character map of any bytes (after its first, which says how long the text is
 * that stands behind the map). */
#include "fuzz.h"

#include "base/utf8.h"
#include "text/charsmap.h"
#include "text/normalizer.h"
#undef NDEBUG
#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct normalizer *n;
    struct strbuf out = { 0 };
    struct charsmap m;
    struct slice to;

    if (size == 0 || data[0] >= size)
        return 0;
    struct slice blob = { (const char *)data + 1, size - 1 - data[0] };
    struct slice text = slice_from((struct slice){ (const char *)data, size },
                                   size - data[0]);
    text.len = utf8_valid_prefix(text);
    if (normalizer_open_charsmap(&n, blob, NULL) != ERR_OK)
        return 0;
    assert(normalizer_apply(n, text, &out, NULL, NULL) == ERR_OK);
    assert(charsmap_open(&m, blob, NULL) == ERR_OK);
    size_t shortest = charsmap_find(&m, text, CHARSMAP_SHORTEST, &to);
    size_t longest = charsmap_find(&m, text, CHARSMAP_LONGEST, &to);
    assert(shortest <= longest && longest <= text.len);
    strbuf_drop(&out);
    normalizer_close(n);
    return 0;
}
