/* What MODEL may be: files by their content, directories, the cache. */
#include "open_check.h"

#include "support/make_gguf.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static int empty(void **state)
{
    static struct scratch s;

    scratch_open(&s);
    *state = &s;
    return 0;
}

static int close_scratch(void **state)
{
    scratch_close(*state);
    return 0;
}

static void put_gguf(struct scratch *s, const char *name)
{
    struct make m = { 0 };

    make_gguf_head(&m, 0, 1);
    make_key_string(&m, "general.architecture", "llama");
    scratch_put(s, name, strbuf_slice(&m.b));
    make_drop(&m);
}

static void put_safetensors(struct scratch *s, const char *name)
{
    struct make m = { 0 };

    make_safetensors(&m, "{\"a\":{\"dtype\":\"U8\",\"shape\":[1],"
                     "\"data_offsets\":[0,1]}}", 1);
    scratch_put(s, name, strbuf_slice(&m.b));
    make_drop(&m);
}

/* ---- files ---- */

static void content_decides(void **state)
{
    struct scratch *s = *state;
    struct checkpoint *c;

    put_gguf(s, "named.safetensors");
    c = opens(scratch_path(s, "named.safetensors"), NULL);
    assert_string_equal(c->format, "gguf");
    checkpoint_close(c);
    scratch_text(s, "config.json", "{}");
    put_safetensors(s, "named.gguf");
    c = opens(scratch_path(s, "named.gguf"), NULL);
    assert_string_equal(c->format, "safetensors");
    checkpoint_close(c);
    put_gguf(s, "no-name-at-all");
    checkpoint_close(opens(scratch_path(s, "no-name-at-all"), NULL));
}

static void foreign_files_are_named(void **state)
{
    static const struct { enum err code; struct slice bytes; const char *says; }
    all[] = {
        { ERR_FORMAT, { "", 0 }, "the file is empty" },
        { ERR_UNKNOWN, { "version https://git-lfs.github.com/spec/v1", 42 },
          "is a git-lfs pointer" },
        { ERR_UNKNOWN, { "PK\3\4.........", 13 }, "is a zip archive" },
        { ERR_UNKNOWN, { "\x1f\x8b\x08\0\0\0\0\0\0", 9 }, "with gzip" },
        { ERR_UNKNOWN, { "\x28\xb5\x2f\xfd\0\0\0\0\0", 9 }, "with zstd" },
        { ERR_UNKNOWN, { "\xfd" "7zXZ\0\0\0\0", 9 }, "with xz" },
        { ERR_UNKNOWN, { "BZh91AY&SY", 10 }, "with bzip2" },
        { ERR_UNKNOWN, { "lmgg\1\0\0\0\0", 9 }, "old GGML format" },
        { ERR_UNKNOWN, { "fmgg\1\0\0\0\0", 9 }, "old GGMF format" },
        { ERR_UNKNOWN, { "tjgg\1\0\0\0\0", 9 }, "old GGJT format" },
        { ERR_UNKNOWN, { "algg\1\0\0\0\0", 9 }, "an adapter in the old GGLA" },
        { ERR_UNKNOWN, { "FUGG\0\0\0\3\0", 9 }, "in the wrong byte order" },
        { ERR_UNKNOWN, { "\x80\x02}q\0\0\0\0\0", 9 }, "is a Python pickle" },
        { ERR_UNKNOWN, { "\x89HDF\r\n\x1a\n\0", 9 }, "is an HDF5 file" },
        { ERR_UNKNOWN, { "\x93NUMPY\1\0\0", 9 }, "is a NumPy array" },
        { ERR_UNKNOWN, { "{\"model_type\":1}", 16 }, "is a JSON text" },
        { ERR_UNKNOWN, { "\n <!DocType HTML>", 17 }, "is a web page" },
        { ERR_UNKNOWN, { "<html lang=en>", 14 }, "is a web page" },
        { ERR_UNKNOWN, { "hello, world", 12 },
          "byte 0: is neither GGUF nor safetensors (it begins with 68 65 6c" },
        { ERR_UNKNOWN, { "hi", 2 }, "(it begins with 68 69)" },
    };
    struct scratch *s = *state;

    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        refuses(scratch_put(s, "x.dat", all[i].bytes), all[i].code,
                all[i].says);
    /* The name tells which reader should complain. */
    refuses(scratch_put(s, "x.gguf", SLICE("hello, world")), ERR_FORMAT,
            "magic number is 68 65 6c 6c");
    scratch_text(s, "config.json", "{}");
    refuses(scratch_put(s, "x.safetensors", SLICE("hello, world")), ERR_LIMIT,
            "the header is 8583909746840200552 bytes long");
}

static void odd_things_are_named(void **state)
{
    struct scratch *s = *state;

    assert_int_equal(mkfifo(scratch_path(s, "fifo"), 0600), 0);
    refuses(s->path, ERR_IO, "is not a regular file");
    assert_int_equal(symlink("loop", scratch_path(s, "loop")), 0);
    refuses(s->path, ERR_IO, "is a link that leads back to itself");
    refuses("/dev/null", ERR_IO, "is not a regular file");
    refuses(scratch_path(s, "nothing"), ERR_IO, "does not exist");
    refuses("", ERR_IO, "does not exist");
}

/* ---- GGUF keys that have to be there ---- */

static void architecture_is_required(void **state)
{
    struct scratch *s = *state;
    struct make m = { 0 };

    make_gguf_head(&m, 0, 0);
    refuses(scratch_put(s, "m.gguf", strbuf_slice(&m.b)), ERR_FORMAT,
            "m.gguf: general.architecture is missing");
    make_drop(&m);
    make_gguf_head(&m, 0, 1);
    make_key_u32(&m, "general.architecture", 3);
    refuses(scratch_put(s, "m.gguf", strbuf_slice(&m.b)), ERR_FORMAT,
            "general.architecture is 3, expected a string");
    make_drop(&m);
    make_gguf_head(&m, 0, 2);
    make_key_string(&m, "general.architecture", "clip");
    make_key_string(&m, "general.type", "mmproj");
    refuses(scratch_put(s, "m.gguf", strbuf_slice(&m.b)), ERR_UNKNOWN,
            "general.type is \"mmproj\": the file is no model");
    make_drop(&m);
}

/* ---- directories ---- */

static void directories_with_gguf(void **state)
{
    struct scratch *s = *state;

    put_gguf(s, "a.gguf");
    put_gguf(s, "mmproj-a.gguf");
    scratch_text(s, "config.json", "{}");       /* such repositories exist */
    checkpoint_close(opens(s->dir, NULL));
    put_gguf(s, "b.gguf");
    refuses(s->dir, ERR_REQUEST, "holds 2 GGUF models (a.gguf, b.gguf)");
    put_gguf(s, "c.gguf");
    refuses(s->dir, ERR_REQUEST, "holds 3 GGUF models (a.gguf, c.gguf, ...)");
    put_safetensors(s, "model.safetensors");
    checkpoint_close(opens(s->dir, NULL));
}

static void directories_without_a_model(void **state)
{
    struct scratch *s = *state;

    refuses(s->dir, ERR_IO, "holds no model");
    scratch_text(s, "config.json", "{}");
    scratch_text(s, "pytorch_model.bin", "PK\3\4");
    refuses(s->dir, ERR_UNKNOWN, "as Python pickles only (pytorch_model.bin)");
    put_safetensors(s, "adapter_model.safetensors");
    refuses(s->dir, ERR_UNKNOWN, "holds an adapter");
    put_safetensors(s, "b.safetensors");
    checkpoint_close(opens(s->dir, NULL));      /* the only one it can be */
    put_safetensors(s, "c.safetensors");
    refuses(s->dir, ERR_REQUEST, "holds 2 safetensors files");
    put_safetensors(s, "consolidated.safetensors");
    checkpoint_close(opens(s->dir, NULL));
}

/* ---- the cache ---- */

#define REPO "hub/models--some--model-1.0/"

static void finds_snapshots(void **state)
{
    struct scratch *s = *state;
    struct checkpoint_options o = { .hf_home = s->dir };
    struct checkpoint *c;

    refuses_with("some/model-1.0", &o, ERR_IO, "neither a path nor in the Hug");
    refuses_with("some/model-1.0", &o, ERR_IO, "hf download some/model-1.0");
    scratch_text(s, REPO "snapshots/abc/config.json", "{}");
    put_safetensors(s, REPO "snapshots/abc/model.safetensors");
    c = opens("some/model-1.0", &o);            /* the only snapshot */
    assert_non_null(strstr(c->path, "snapshots/abc"));
    checkpoint_close(c);
    put_gguf(s, REPO "snapshots/def/m.gguf");
    refuses_with("some/model-1.0", &o, ERR_IO, "hf download some/model-1.0");
    scratch_text(s, REPO "refs/main", "def\n");
    c = opens("some/model-1.0", &o);
    assert_string_equal(c->format, "gguf");
    checkpoint_close(c);
    scratch_text(s, REPO "refs/main", "../../x");
    refuses_with("some/model-1.0", &o, ERR_FORMAT, "refs/main: names no snap");
    scratch_text(s, REPO "refs/main", "gone");
    refuses_with("some/model-1.0", &o, ERR_IO, "hf download some/model-1.0");
}

/* Only a name of the right form is looked up there. */
static void other_names_are_paths(void **state)
{
    static const char *const paths[] = {
        "some/model.gguf", "a/b/c", "../a", "./a", "a/", "/a", "a//b",
        "some/model.safetensors", "some/mod el" };
    struct scratch *s = *state;
    struct checkpoint_options o = { .hf_home = s->dir };

    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++)
        refuses_with(paths[i], &o, ERR_IO, "does not exist");
}

static void environment_names_the_cache(void **state)
{
    struct scratch *s = *state;

    put_gguf(s, REPO "snapshots/def/m.gguf");
    assert_int_equal(setenv("HF_HOME", s->dir, 1), 0);
    checkpoint_close(opens("some/model-1.0", NULL));
    assert_int_equal(unsetenv("HF_HOME"), 0);
    assert_int_equal(setenv("HOME", "/nowhere", 1), 0);
    refuses("some/model-1.0", ERR_IO,
            "/nowhere/.cache/huggingface/hub/models--some--model-1.0");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, empty, close_scratch)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(content_decides),
        TEST(foreign_files_are_named),
        TEST(odd_things_are_named),
        TEST(architecture_is_required),
        TEST(directories_with_gguf),
        TEST(directories_without_a_model),
        TEST(finds_snapshots),
        TEST(other_names_are_paths),
        TEST(environment_names_the_cache),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
