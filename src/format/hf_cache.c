/* owner/repo in the local Hugging Face cache.  Nothing is fetched: that needs a
 * network, a token and a lot of time, and is one command away.
 *
 *   HOME/hub/models--OWNER--REPO/refs/main           the name of a snapshot
 *   HOME/hub/models--OWNER--REPO/snapshots/NAME/     its files (links)
 * HOME is $HF_HOME, else ~/.cache/huggingface. */
#include "format/opening.h"

#include <stdlib.h>

enum { NAME_MAX_LEN = 96, REF_MAX = 256 };

/* The hub's own rule for names; no name that begins with a dot is a path. */
static bool is_name(struct slice s)
{
    if (s.len == 0 || s.len > NAME_MAX_LEN || s.at[0] == '.')
        return false;
    for (size_t i = 0; i < s.len; i++) {
        char c = s.at[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
              || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.'))
            return false;
    }
    return true;
}

static bool split(const char *model, struct slice *owner, struct slice *repo)
{
    struct slice whole = slice_of(model);
    size_t slash = slice_find(whole, SLICE("/"), 0);

    if (slash == whole.len)
        return false;
    *owner = (struct slice){ model, slash };
    *repo = slice_from(whole, slash + 1);
    /* "models/x.gguf" is a path that does not exist. */
    return is_name(*owner) && is_name(*repo)
        && !slice_ends(*repo, SLICE(".gguf"))
        && !slice_ends(*repo, SLICE(".safetensors"));
}

/* The directory "HOME/hub/models--OWNER--REPO". */
static const char *repo_dir(struct opening *o, struct slice owner,
                            struct slice repo)
{
    struct strbuf b = { 0 };
    const char *text, *home = o->hf_home;

    if (home == NULL)
        home = getenv("HF_HOME");
    if (home != NULL && home[0] != '\0') {
        strbuf_puts(&b, home);
    } else {
        home = getenv("HOME");
        strbuf_puts(&b, home == NULL ? "" : home);
        strbuf_puts(&b, "/.cache/huggingface");
    }
    strbuf_puts(&b, "/hub/models--");
    strbuf_put(&b, owner);
    strbuf_puts(&b, "--");
    strbuf_put(&b, repo);
    text = strbuf_cstr(&b);
    text = text == NULL ? NULL : opening_copy(o, slice_of(text));
    strbuf_drop(&b);
    return text;
}

/* refs/main holds a commit's name; it must not lead out of snapshots/. */
static enum err read_ref(struct opening *o, const char *repo, const char **out)
{
    struct side_file side = { repo, "refs/main", REF_MAX };
    struct slice name;
    const char *path;
    enum err e = opening_text(o, &side, &name, &path);

    *out = NULL;
    if (e != ERR_OK || name.at == NULL)
        return e;
    while (name.len > 0 && (unsigned char)name.at[name.len - 1] <= ' ')
        name.len--;
    if (!is_name(name))
        return fail(o->why, ERR_FORMAT, "%s: names no snapshot", path);
    *out = opening_copy(o, name);
    return *out == NULL ? fail_nomem(o->why) : ERR_OK;
}

/* Without a ref: the one snapshot there is. */
/* *out stays NULL when there is none, or a choice. */
static enum err only_snapshot(struct opening *o, const char *snapshots,
                              const char **out)
{
    struct dir_list list;
    enum err e;

    if (file_kind(snapshots) != FILE_DIRECTORY)
        return ERR_OK;
    e = dir_list(&list, snapshots, o->why);
    if (e != ERR_OK)
        return e;
    if (list.n == 1) {
        *out = opening_copy(o, slice_of(list.names[0]));
        e = *out == NULL ? fail_nomem(o->why) : ERR_OK;
    }
    dir_list_drop(&list);
    return e;
}

enum err opening_hf_cache(struct opening *o, const char *model,
                          const char **dir)
{
    struct slice owner, repo;
    const char *at, *snapshots, *name;
    enum err e;

    *dir = NULL;
    if (!split(model, &owner, &repo))
        return ERR_OK;
    if ((at = repo_dir(o, owner, repo)) == NULL
        || (snapshots = opening_path(o, at, "snapshots")) == NULL)
        return fail_nomem(o->why);
    if ((e = read_ref(o, at, &name)) != ERR_OK
        || (name == NULL
            && (e = only_snapshot(o, snapshots, &name)) != ERR_OK))
        return e;
    if (name != NULL && (*dir = opening_path(o, snapshots, name)) == NULL)
        return fail_nomem(o->why);
    if (name == NULL || file_kind(*dir) != FILE_DIRECTORY)
        return fail(o->why, ERR_IO, "%s: is neither a path nor in the Hugging "
                    "Face cache (%s); fetch it with: hf download %s", model,
                    at, model);
    return ERR_OK;
}
