/* Where the messages of `osmia chat` come from: a person at a terminal, with
 * line editing, history and pasting, or a pipe, where one line is one turn. */
#ifndef OSMIA_CLI_CHAT_INPUT_H
#define OSMIA_CLI_CHAT_INPUT_H

#include "base/err.h"
#include "base/strbuf.h"

struct chat_input;

/* at_terminal: stdin is one.  Prompts go to stderr. */
enum err chat_input_open(struct chat_input **out, bool at_terminal,
                         struct err_info *why);
void     chat_input_close(struct chat_input *in);

enum chat_input_kind {
    CHAT_INPUT_MESSAGE,      /* *message holds it, without a final newline */
    CHAT_INPUT_INTERRUPTED,  /* Ctrl-C at the prompt: what was typed is gone */
    CHAT_INPUT_END           /* Ctrl-D, or the pipe ended */
};

/* The next message.  At a terminal a line that ends with a backslash goes on in
 * the next one, `"""` opens a block that the next `"""` ends, and a pasted
 * text is part of one line, whatever it holds. */
enum chat_input_kind chat_input_next(struct chat_input *in,
                                     struct strbuf *message);

#endif
