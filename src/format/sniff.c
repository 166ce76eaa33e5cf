/* Files that are not what their name says, by their first bytes.
 *
 * Two bytes are little evidence: a safetensors file begins with the length of
 * its header, which may be any number.  So what has a plausible header is never
 * taken for something else. */
#include "format/sniff.h"

#include "base/cursor.h"
#include "base/limits.h"

#define CONVERT "convert the model to safetensors or GGUF"

/* Compressed texts and pointers may stand where a text is expected; the rest
 * could begin an honest template or list of merges. */
struct magic {
    struct slice bytes;
    const char  *what;          /* and what to do */
    bool         text_too;      /* may stand where a text is expected */
};

static const struct magic magics[] = {
    { { "version https://git-lfs", 23 }, "is a git-lfs pointer, not the file "
      "it stands for; run 'git lfs pull' or download the file", true },
    { { "PK\3\4", 4 }, "is a zip archive (PyTorch's .bin and .pth files are "
      "such, and hold pickles); " CONVERT, true },
    { { "\x1f\x8b", 2 }, "is compressed with gzip; unpack it first", true },
    { { "\x28\xb5\x2f\xfd", 4 }, "is compressed with zstd; unpack it first",
      true },
    { { "\xfd" "7zXZ", 5 }, "is compressed with xz; unpack it first", true },
    { { "BZh", 3 }, "is compressed with bzip2; unpack it first", true },
    { { "lmgg", 4 }, "is a model in the old GGML format, from before GGUF; "
      "convert it to GGUF", false },
    { { "fmgg", 4 }, "is a model in the old GGMF format, from before GGUF; "
      "convert it to GGUF", false },
    { { "tjgg", 4 }, "is a model in the old GGJT format, from before GGUF; "
      "convert it to GGUF", false },
    { { "algg", 4 }, "is an adapter in the old GGLA format, not a model",
      false },
    { { "FUGG", 4 }, "is a GGUF file in the wrong byte order; convert it to "
      "little-endian", false },
    { { "\x80\x02", 2 }, "is a Python pickle, which may run code; " CONVERT,
      false },
    { { "\x80\x04", 2 }, "is a Python pickle, which may run code; " CONVERT,
      false },
    { { "\x80\x05", 2 }, "is a Python pickle, which may run code; " CONVERT,
      false },
    { { "\x89HDF", 4 }, "is an HDF5 file; " CONVERT, false },
    { { "\x93NUMPY", 6 }, "is a NumPy array; " CONVERT, false },
    { { "{", 1 }, "is a JSON text; give the directory that it is in", false },
};

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Pages come with or without a doctype, in any case, after blank lines. */
static bool is_web_page(struct slice s)
{
    static const char *const starts[] = { "<!doctype html", "<html", "<head",
                                          "<?xml", "<!--" };

    while (s.len > 0 && is_space(s.at[0]))
        s = slice_from(s, 1);
    for (size_t i = 0; i < sizeof starts / sizeof starts[0]; i++) {
        size_t n = strlen(starts[i]), k = 0;

        while (k < n && k < s.len
               && (s.at[k] | (s.at[k] >= 'A' && s.at[k] <= 'Z' ? 0x20 : 0))
                  == starts[i][k])
            k++;
        if (k == n)
            return true;
    }
    return false;
}

enum err sniff_refuse(const struct file *f, enum sniff_as as,
                      struct err_info *why)
{
    struct slice head = file_slice(f);

    if (head.len == 0)
        return fail(why, ERR_FORMAT, "%s: the file is empty", f->path);
    if (head.len > 1024)
        head.len = 1024;
    for (size_t i = 0; i < sizeof magics / sizeof magics[0]; i++)
        if (slice_starts(head, magics[i].bytes)
            && (as == SNIFF_MODEL ? !sniff_is_safetensors(f)
                                  : magics[i].text_too))
            return fail(why, ERR_UNKNOWN, "%s: %s", f->path, magics[i].what);
    /* A chat template may well begin with an HTML comment or tag. */
    if ((as == SNIFF_MODEL || slice_ends(slice_of(f->path), SLICE(".json")))
        && is_web_page(head))
        return fail(why, ERR_UNKNOWN, "%s: is a web page, not the file it is "
                    "named after; the download went wrong, fetch it again",
                    f->path);
    return ERR_OK;
}

bool sniff_is_gguf(const struct file *f)
{
    return slice_starts(file_slice(f), SLICE("GGUF"));
}

bool sniff_is_safetensors(const struct file *f)
{
    struct cursor c = { f->at, (size_t)f->size };
    struct slice header;
    uint64_t len;

    if (!cursor_u64(&c, &len) || len > LIMIT_ST_HEADER
        || !cursor_slice(&c, &header, len))
        return false;
    while (header.len > 0 && is_space(header.at[0]))
        header = slice_from(header, 1);
    return header.len > 0 && header.at[0] == '{';
}
