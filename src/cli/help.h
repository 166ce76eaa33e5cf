/* --help, --version and the man page, all from the tables of verbs and flags. */
#ifndef OSMIA_CLI_HELP_H
#define OSMIA_CLI_HELP_H

#include "cli/options.h"

#include <stdio.h>

void help_program(FILE *to);
void help_verb(FILE *to, const struct verb *verb);
void help_version(FILE *to);
/* The man page osmia.1, as roff. */
void help_man(FILE *to);

#endif
