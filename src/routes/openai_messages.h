/* The messages of a chat and the prompts of a completion: looked at closely
 * before anything is done with them. */
#ifndef OSMIA_ROUTES_OPENAI_MESSAGES_H
#define OSMIA_ROUTES_OPENAI_MESSAGES_H

#include "routes/openai_form.h"

/* Put a checked copy into the form: role "developer" has become "system", an
 * array of text parts one text.  A fault names the place; a part that is no
 * text (an image, audio) is not offered. */
field_reader openai_check_messages;

/* Contents that are null become empty texts, in the copy.  False: there were
 * none. */
bool openai_fill_contents(const struct json *messages);

/* A text, an array of ids, or an array of either: becomes an array of prompts,
 * each a text or a non-empty array of ids that exist. */
field_reader openai_check_prompt;

#endif
