/* protocol/fault.h: where in a refused line the fault is.
 *
 *   hits:1|x|#env:dev      PARSE_BAD_TYPE, "the type is none of c g ms h s d"
 *          ^               7
 *
 * The parser stops at the first fault and says only which it is, as the path of a sample has no
 * use for the place. Whoever shows the line to somebody derives it here, from the line and the
 * reason. Pure. */
#ifndef PROTOCOL_FAULT_H
#define PROTOCOL_FAULT_H

#include "protocol/parse.h"

/* Offset of the byte at fault, or of the first byte of what is; the length of the line, where
 * something is missing at its end. The line was refused for that reason by parse_sample(),
 * event_parse() or check_parse(), or is unterminated; for any other line it is some offset from
 * 0 to its length. */
size_t fault_at(struct slice line, enum parse_result why);

#endif
