/* Thoughts and answer in a stream of text: what a reasoning model writes
 * between <think> and </think> at the beginning of its answer is told apart
 * from what comes after.
 *
 *   START --"<think>"--> INSIDE --"</think>"--> OUTSIDE
 *     +---- anything else -----------------------> OUTSIDE
 *
 * White space around the two marks belongs to neither part.  A mark further on
 * in the answer is text like any other. */
#ifndef OSMIA_TEXT_THINK_H
#define OSMIA_TEXT_THINK_H

#include "base/strbuf.h"

enum think_state { THINK_START, THINK_INSIDE, THINK_OUTSIDE };

struct think {
    enum think_state state;
    bool             fresh;      /* nothing but white space yet in this state */
    struct strbuf    held;       /* may still be part of a mark */
};

/* Does this prompt end inside of a thought: with <think> and white space? */
bool think_is_open(struct slice prompt);

void think_init(struct think *t, enum think_state state);
void think_drop(struct think *t);

/* Feed text; what is sure is appended to the part it belongs to.  Out of memory
 * shows in the buffers. */
void think_push(struct think *t, struct slice text, struct strbuf *thought,
                struct strbuf *answer);
/* The stream has ended: what was held goes where it belongs. */
void think_end(struct think *t, struct strbuf *thought, struct strbuf *answer);

#endif
