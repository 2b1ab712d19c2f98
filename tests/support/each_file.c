#include "tests/support/each_file.h"

#include <fts.h>
#include <stdio.h>
#include <string.h>

static int by_name(const FTSENT **a, const FTSENT **b)
{
    return strcmp((*a)->fts_name, (*b)->fts_name);
}

static int ends_like(const char *name, const char *suffix)
{
    size_t len = strlen(name), tail = strlen(suffix);

    return len >= tail && strcmp(name + len - tail, suffix) == 0;
}

size_t each_file(const char *folder, const char *suffix,
                 void (*show)(void *argument, const char *file), void *argument)
{
    char copy[256];
    char *const folders[] = { copy, NULL };
    FTSENT *entry;
    size_t n = 0;

    snprintf(copy, sizeof copy, "%s", folder);
    FTS *tree = fts_open(folders, FTS_PHYSICAL | FTS_NOCHDIR, by_name);
    while (tree != NULL && (entry = fts_read(tree)) != NULL) {
        if (entry->fts_info != FTS_F || !ends_like(entry->fts_name, suffix))
            continue;
        n++;
        if (show != NULL)
            show(argument, entry->fts_accpath);
    }
    if (tree != NULL)
        fts_close(tree);
    return n;
}
