/* server/commands/lint_rewrite.h: what the intake makes of names and tags that are not as it
 * wants them.
 *
 *   name  bytes before the first letter are dropped; letters, digits and dots stay; any other
 *         byte is an underscore, unless one or a dot stands before it; none before a dot or at
 *         the end; 200 at most
 *   tag   lower case; begins with a letter; letters, digits and _ - : . / stay; any other
 *         character is an underscore, of which there are never two, nor one at the end; 200
 *         characters at most. Letters of other scripts than ASCII stay as they are
 *
 * As Datadog documents it for names and tags of metrics. Pure. */
#ifndef SERVER_COMMANDS_LINT_REWRITE_H
#define SERVER_COMMANDS_LINT_REWRITE_H

#include "protocol/slice.h"

enum { LINT_REWRITTEN_CHARS = 200, LINT_REWRITTEN_MAX = 4 * LINT_REWRITTEN_CHARS };

/* Each returns what it wrote, a view of out. */
struct slice lint_rewrite_name(struct slice name, char out[LINT_REWRITTEN_MAX]);
struct slice lint_rewrite_tag(struct slice tag, char out[LINT_REWRITTEN_MAX]);

#endif
