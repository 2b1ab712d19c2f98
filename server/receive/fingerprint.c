#include "server/receive/fingerprint.h"

#include <sys/random.h>

#include "server/receive/fingerprint_internal.h"

struct fingerprint_secret fingerprint_secret;

static const struct code_path paths[] = { HASH_PATHS(CODE_PATH_ROW) };

struct cpu_step hash_step = { "hash", paths, HASH_PATH_COUNT, HASH_xxh3 };

static bool fill(void *out, size_t size)
{
    for (size_t done = 0; done < size;) {
        ssize_t got = getrandom((char *)out + done, size - done, 0);
        if (got <= 0)
            return false;
        done += (size_t)got;
    }
    return true;
}

bool fingerprint_make_secret(void)
{
    uint8_t seed[32];

    if (!fill(&fingerprint_secret, sizeof fingerprint_secret) || !fill(seed, sizeof seed))
        return false;
    XXH3_generateSecret(fingerprint_secret.xxh3, sizeof fingerprint_secret.xxh3, seed,
                        sizeof seed);
    return true;
}

#define ONE(word, needs)                                                                     \
    FOR_##word static struct fingerprint one_by_##word(struct slice name, struct slice tags, \
                                                       unsigned kind)                        \
    {                                                                                        \
        return hash_##word(name, tags, kind);                                                \
    }
HASH_PATHS(ONE)

struct fingerprint fingerprint_hash(struct slice name, struct slice tags, unsigned kind)
{
#define ONE_ROW(word, needs) [HASH_##word] = one_by_##word,
    static struct fingerprint (*const by_path[])(struct slice, struct slice,
                                                 unsigned) = { HASH_PATHS(ONE_ROW) };

    return by_path[hash_step.used](name, tags, kind);
}
