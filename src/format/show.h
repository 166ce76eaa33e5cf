/* Names from files inside sentences: control characters and bytes that are no
 * UTF-8 appear as \xNN, long names are cut.  Use: show(name).text */
#ifndef OSMIA_FORMAT_SHOW_H
#define OSMIA_FORMAT_SHOW_H

#include "base/slice.h"

struct shown {
    char text[112];
};

struct shown show(struct slice s);

#endif
