/* fuzz_mapper: profiles as JSON, then names, a line each. Whatever the profiles, they are
 * refused with a sentence or map every name within the limits. */
#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "flush/series/mapper.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_view(struct slice text)
{
    volatile char seen = 0;

    for (size_t i = 0; i < text.len; i++)
        seen = text.at[i]; /* the sanitizer looks at every byte */
    (void)seen;
}

static void map_names(struct mapper *mapper, struct slice rest)
{
    struct mapping mapping;

    while (rest.len > 0) {
        struct slice name = slice_cut(&rest, '\n');

        for (int again = 0; again < 2; again++) { /* then out of the cache */
            size_t bytes = 0;

            if (!mapper_map(mapper, name, &mapping))
                continue;
            check_view(mapping.name);
            for (size_t i = 0; i < mapping.n_tags; i++) {
                check_view(mapping.tags[i]);
                bytes += mapping.tags[i].len;
            }
            if (mapping.name.len > MAPPER_NAME_MAX || bytes > MAPPER_TAGS_MAX)
                abort();
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice rest = { (const char *)data, size };
    struct slice text = slice_cut(&rest, '\n');
    char problem[256] = "";
    json_t *profiles = json_loadb(text.at, text.len, JSON_DECODE_ANY, NULL);

    if (profiles == NULL)
        return 0;
    struct mapper *mapper = mapper_new(profiles, 8, problem, sizeof problem);

    if (mapper == NULL && problem[0] == '\0')
        abort();
    if (mapper != NULL)
        map_names(mapper, rest);
    mapper_free(mapper);
    json_decref(profiles);
    return 0;
}
