/* The character properties that expressions can name. */
#ifndef OSMIA_TEXT_REGEX_PROPS_H
#define OSMIA_TEXT_REGEX_PROPS_H

#include "text/code_set.h"

/* Where a name stands.  Oniguruma's word characters have six numbers of Latin-1
 * more outside of classes, and its [:punct:] has the symbols. */
enum prop_place { PROP_ALONE, PROP_IN_CLASS, PROP_BRACKET };

/* Add what \p{name} or [:name:] stands for; case, spaces, - and _ in the name do
 * not count.  false: there is no such property here. */
bool regex_prop_add(struct code_set *out, struct slice name,
                    enum prop_place place);

#endif
