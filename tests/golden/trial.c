#include "support/check.h"

#include "golden/trial.h"

#include "golden/rig.h"

enum { WORDS_MAX = 512, N_TOKENS = 4 };

enum err trial_run(const struct tiny_path *p, const struct notices *notices,
                   struct err_info *why)
{
    static float       logits[N_TOKENS * WORDS_MAX];
    const int32_t      token[N_TOKENS] = { 1, 2, 3, 4 };
    struct rig_options o = { .kv = KV_F16, .threads = 2, .notices = notices };
    struct rig         r;
    enum err           e;

    why->text[0] = '\0';
    if ((e = rig_open(&r, p->open, &o, why)) != ERR_OK)
        return e;
    assert_true(r.vocab <= WORDS_MAX);
    rig_logits(&r, token, N_TOKENS, N_TOKENS, 0, logits);
    rig_close(&r);
    return ERR_OK;
}

enum err trial_form(const char *name, const struct tiny_form *form,
                    struct err_info *why)
{
    struct tiny      t;
    struct tiny_path p;
    enum err         e;

    tiny_read(&t, name);
    p = tiny_write(&t, form);
    e = trial_run(&p, NULL, why);
    tiny_remove(&p);
    return e;
}
