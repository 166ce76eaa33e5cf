/* What a template sees as `messages`: the request's, prepared. */
#ifndef OSMIA_TEXT_CHAT_MESSAGES_H
#define OSMIA_TEXT_CHAT_MESSAGES_H

#include "text/chat.h"

/* Copy an array of messages, with tool-call arguments parsed and reasoning
 * fields filled from each other.  Values that stay as they are are shared with
 * the request.  ERR_REQUEST names the message. */
enum err messages_prepare(struct json **out, struct arena *arena,
                          const struct json *messages, struct err_info *why);

/* For continue_final_message: put a mark behind the final message's text and
 * tell that text; afterwards cut the prompt in front of the mark. */
enum err messages_mark(struct json *messages, struct arena *arena,
                       struct slice *final, struct err_info *why);
enum err prompt_cut(struct strbuf *prompt, size_t from, struct slice final,
                    struct err_info *why);

#endif
