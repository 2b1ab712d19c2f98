/* tests/support/letters.h: the letters of a metric type, as a line has them. */
#ifndef TESTS_SUPPORT_LETTERS_H
#define TESTS_SUPPORT_LETTERS_H

#include "protocol/parse.h"

const char *metric_type_letters(enum metric_type type); /* static */

#endif
