/* config/unknown.h: a key that is no setting: said with what may have been meant.
 *
 * Our own prefix makes it an error. A setting of the Agent or of its clients is a note
 * (config/agent_keys.h), a slip of the pen a warning, and anything else is ignored, as
 * an Agent's file holds much that is not for us. */
#ifndef CONFIG_UNKNOWN_H
#define CONFIG_UNKNOWN_H

#include "config/problems.h"

void unknown_refuse(const char *key, const char *where, struct problems *problems);

/* A key of the file; where: "datadog.yaml:12". */
void unknown_key(const char *key, const char *where, struct problems *problems);

/* A variable that begins with DD_. */
void unknown_variable(const char *name, struct problems *problems);

#endif
