/* config/sane.h: what our structures promise each other, looked at while we run.
 *
 * A structure that others trust has a NAME_sane(), which is true as long as it keeps its
 * promises. SANE(...) asks it and ends the process when it does not, so that the fault is
 * found where it is made and not where it is met. Builds with a sanitizer define
 * HEELER_CHECKS (the Makefile does) and look; in others neither the looking nor the
 * functions exist. */
#ifndef CONFIG_SANE_H
#define CONFIG_SANE_H

#ifdef HEELER_CHECKS
#include <stdio.h>
#include <stdlib.h>

#define SANE(promise)                                                               \
    do {                                                                            \
        if (!(promise)) {                                                           \
            fprintf(stderr, "%s:%d: not kept: %s\n", __FILE__, __LINE__, #promise); \
            abort();                                                                \
        }                                                                           \
    } while (0)
#else
#define SANE(promise) ((void)0)
#endif

#endif
