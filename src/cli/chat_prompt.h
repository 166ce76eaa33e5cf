/* From flags to a prompt: messages, template arguments, the template itself. */
#ifndef OSMIA_CLI_CHAT_PROMPT_H
#define OSMIA_CLI_CHAT_PROMPT_H

#include "base/arena.h"
#include "base/json.h"
#include "cli/options.h"
#include "engine/engine.h"

/* --chat-template FILE, if given, replaces the model's templates. */
enum err prompt_template(struct engine *e, const struct options *o,
                         struct err_info *why);

/* Is the text of a prompt fed as it is: --raw, or a model without a template? */
bool prompt_is_raw(const struct engine *e, const struct options *o);

/* Apply --chat-template, and refuse a template that does not compile unless
 * --raw says that none is wanted. */
enum err prompt_usable(struct engine *e, const struct options *o,
                       struct err_info *why);

/* One NAME=JSON. */
flag_check prompt_check_arg;
/* --template-arg NAME=JSON, ...: one JSON object, or NULL when none is given.
 * A value that is no JSON is refused, naming the argument. */
enum err prompt_kwargs(const struct json **out, struct arena *arena,
                       const struct options *o, struct err_info *why);

/* Append {"role": ROLE, "content": TEXT} to the text of an array, which is begun
 * when it is empty; the caller appends the "]". */
void prompt_put_message(struct strbuf *messages, const char *role,
                        struct slice text);

/* The prompt of messages (a JSON array's text, "[...]") and of o's template
 * arguments, rendered for an answer, appended to `out`. */
enum err prompt_render(struct strbuf *out, const struct engine *e,
                       const struct options *o, struct slice messages,
                       struct err_info *why);

/* Ids of such messages, rendered. */
enum err prompt_messages_ids(struct tok_ids *ids, const struct engine *e,
                             const struct options *o,
                             const struct strbuf *messages,
                             struct err_info *why);

/* Ids of one user's words: as they are (prompt_is_raw), else through the chat
 * template, behind --system TEXT. */
enum err prompt_words_ids(struct tok_ids *ids, const struct engine *e,
                          const struct options *o, struct slice words,
                          struct err_info *why);

#endif
