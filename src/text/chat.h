/* From a request in the OpenAI form to a prompt: which of the model's chat
 * templates is used, what the template sees, and what is refused. */
#ifndef OSMIA_TEXT_CHAT_H
#define OSMIA_TEXT_CHAT_H

#include "base/err.h"
#include "base/json.h"
#include "base/notice.h"
#include "base/strbuf.h"
#include "text/tok_source.h"
#include "text/tokenizer.h"

struct chat;

/* Compile the templates of a source; the special tokens' texts come from the
 * tokenizer and tokenizer_config.json.  A template that does not compile is
 * kept with its error and a notice (chat_error tells it): the model can still
 * be used without.  No template at all is no error. */
enum err chat_open(struct chat **out, const struct tok_source *src,
                   const struct tokenizer *tok,
                   const struct notices *notices, struct err_info *why);
void     chat_close(struct chat *c);

bool chat_has_template(const struct chat *c);
/* The compile error of the default template, or NULL. */
const char *chat_error(const struct chat *c);
/* Does the default template know <think> and </think>, so that answers may begin
 * with a thought (text/think.h)? */
bool chat_thinks(const struct chat *c);
/* Replace all templates by this one (--chat-template FILE). */
enum err chat_override(struct chat *c, struct slice source,
                       struct err_info *why);

struct chat_request {
    const struct json *messages;              /* required: an array */
    const struct json *tools, *documents;     /* NULL: none */
    const struct json *kwargs;                /* chat_template_kwargs or NULL */
    bool               add_generation_prompt;
    struct slice       own_template;          /* at NULL: the model's */
    bool               continue_final_message;
};

/* Append the prompt.  Tool-call arguments given as a JSON string are parsed
 * first; reasoning_content / thinking / reasoning are copied into each other.
 * ERR_REQUEST: bad messages, or what the template says; ERR_UNKNOWN: the model
 * has no template. */
enum err chat_render(const struct chat *c, const struct chat_request *r,
                     struct strbuf *out, struct err_info *why);

/* A whole request object {"messages": ..., "tools": ..., ...} as `render
 * --jsonl` takes it; unknown members are refused by name. */
enum err chat_request_read(struct chat_request *r, const struct json *object,
                           struct err_info *why);

#endif
