/* The conversation of `osmia chat`: messages in the OpenAI form.
 *
 *   1. `text` is the inside of a JSON array of messages, without brackets.
 *   2. A message is in it only when it was answered, at least in part. */
#ifndef OSMIA_CLI_TALK_H
#define OSMIA_CLI_TALK_H

#include "base/err.h"
#include "base/strbuf.h"

struct talk {
    struct strbuf system;     /* the system message; empty: none */
    struct strbuf text;
    size_t        n_turns;
};

void talk_drop(struct talk *t);
void talk_reset(struct talk *t);              /* keeps the system message */

/* The messages with one more question, as a JSON array. */
void talk_with(const struct talk *t, struct slice question, struct strbuf *out);
/* Take a question and its answer in. */
void talk_add(struct talk *t, struct slice question, struct slice answer);

/* Write the messages as a JSON array; read such a file back. */
enum err talk_save(const struct talk *t, const char *path,
                   struct err_info *why);
enum err talk_load(struct talk *t, const char *path, struct err_info *why);

#endif
