/* server/receive/code_paths.h: the one place that chooses how this process scans and hashes.
 *
 * The steps and their paths are described in protocol/cpu.h. The best path that the processor
 * has is taken, unless HEELER_CPU names another, as a test or a bench wants it:
 *
 *   HEELER_CPU=SCAN,HASH     avx2,aes; either part may stand alone
 *
 * To be called once, before there is a second thread. */
#ifndef SERVER_RECEIVE_CODE_PATHS_H
#define SERVER_RECEIVE_CODE_PATHS_H

#include "config/must_check.h"
#include "protocol/cpu.h"

/* The scan, then the hash. */
enum { CODE_STEPS = 2 };
extern struct cpu_step *const code_steps[CODE_STEPS];

/* words: as in HEELER_CPU; NULL or empty: the best. False, with a sentence, when this processor
 * has no such path; the best are in use then. */
MUST_CHECK bool code_paths_choose(const char *words, char *problem, size_t problem_size);

/* The same with what HEELER_CPU says. When that is wrong, the sentence goes to standard error
 * and the process ends with EX_CONFIG. */
void code_paths_choose_or_exit(void);

/* The word of the path that a step takes; static. */
static inline const char *code_path_word(const struct cpu_step *step)
{
    return step->paths[step->used].word;
}

#endif
