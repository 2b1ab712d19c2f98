#include "tests/support/api_table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { ROWS_MAX = 300 };

struct doc_row {
    char path[96], type[16];
    bool met;
};

static struct doc_row rows[ROWS_MAX];
static size_t n_rows;

void api_table_read(const char *name, size_t least)
{
    char line[1024], mark[64];
    FILE *page = fopen("docs/api.md", "re");
    bool inside = false;

    assert_non_null(page);
    snprintf(mark, sizeof mark, "<!-- %s -->", name);
    n_rows = 0;
    while (fgets(line, sizeof line, page) != NULL) {
        struct doc_row *row = &rows[n_rows];

        if (strncmp(line, "<!-- ", 5) == 0)
            inside = strncmp(line, mark, strlen(mark)) == 0;
        if (!inside || sscanf(line, "| `%95[^`]` | %15[a-z ] |", row->path, row->type) != 2)
            continue;
        row->type[strcspn(row->type, " ")] = '\0';
        row->met = false;
        assert_true(++n_rows < ROWS_MAX);
    }
    fclose(page);
    assert_true(n_rows >= least);
}

/* A "*" in a row stands for one name. */
static bool is_path(const char *row, const char *path)
{
    const char *star = strchr(row, '*');

    if (star == NULL)
        return strcmp(row, path) == 0;
    size_t head = (size_t)(star - row);
    return strncmp(row, path, head) == 0 &&
           strcmp(path + head + strcspn(path + head, ".["), star + 1) == 0;
}

static void meet(const char *path, const char *type)
{
    for (size_t i = 0; i < n_rows; i++) {
        if (!is_path(rows[i].path, path))
            continue;
        if (strcmp(rows[i].type, type) != 0 && strcmp(type, "null") != 0)
            fail_msg("docs/api.md: %s is a %s, not a %s", path, type, rows[i].type);
        rows[i].met = true;
        return;
    }
    fail_msg("docs/api.md has no row for %s (%s)", path, type);
}

static void walk(json_t *json, const char *path)
{
    char below[160];
    const char *name;
    json_t *member;
    size_t i;

    if (json_is_object(json)) {
        json_object_foreach(json, name, member)
        {
            snprintf(below, sizeof below, "%s%s%s", path, path[0] != '\0' ? "." : "", name);
            walk(member, below);
        }
    } else if (json_is_array(json)) {
        snprintf(below, sizeof below, "%s[]", path);
        json_array_foreach(json, i, member)
        {
            walk(member, below);
        }
    } else {
        meet(path, json_is_string(json)    ? "text"
                   : json_is_number(json)  ? "number"
                   : json_is_boolean(json) ? "bool"
                                           : "null");
    }
}

void api_table_walk(json_t *answer)
{
    walk(answer, "");
}

void api_table_end(void)
{
    for (size_t i = 0; i < n_rows; i++)
        if (!rows[i].met)
            fail_msg("docs/api.md has a row for %s, which is in no answer", rows[i].path);
}
