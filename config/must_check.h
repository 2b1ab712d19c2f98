/* config/must_check.h: for a function whose answer is lost at a price. The compiler then
 * refuses a call that does not look at it. */
#ifndef CONFIG_MUST_CHECK_H
#define CONFIG_MUST_CHECK_H

#define MUST_CHECK __attribute__((warn_unused_result))

#endif
