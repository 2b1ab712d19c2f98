#include "server/receive/cgroup.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Version 1 says a number of pages near 2^63 for "none". */
static const int64_t NO_LIMIT_BYTES = INT64_C(1) << 60;

enum version { CGROUP_V1, CGROUP_V2 };

/* ---- the two files ----------------------------------------------------- */

static bool has_word(const char *list, const char *word)
{
    size_t len = strlen(word);

    for (const char *at = list; (at = strstr(at, word)) != NULL; at += len)
        if ((at == list || at[-1] == ',') && (at[len] == '\0' || at[len] == ','))
            return true;
    return false;
}

/* Lines are "4:cpu,memory:/a/b" in version 1 and "0::/a/b" in version 2. Finds our path in the
 * hierarchy of that version that limits memory; false: there is none. */
static bool find_path(const char *groups, enum version version, char out[CGROUP_PATH_MAX])
{
    FILE *file = fopen(groups, "re");
    char *line = NULL;
    size_t room = 0;
    bool found = false;

    while (file != NULL && !found && getline(&line, &room, file) > 0) {
        char *controllers = strchr(line, ':');
        char *path = controllers != NULL ? strchr(controllers + 1, ':') : NULL;

        if (path == NULL)
            continue;
        *path++ = '\0';
        path[strcspn(path, "\n")] = '\0';
        found = version == CGROUP_V1 ? has_word(controllers + 1, "memory")
                                     : controllers[1] == '\0' && strncmp(line, "0:", 2) == 0;
        if (found)
            snprintf(out, CGROUP_PATH_MAX, "%s", path);
    }
    free(line);
    if (file != NULL)
        fclose(file);
    return found;
}

/* The file writes a blank as "\040"; the text is changed in place. */
static void unescape(char *text)
{
    char *out = text;

    for (; *text != '\0'; text++) {
        if (text[0] == '\\' && strspn(text + 1, "01234567") >= 3) {
            *out++ = (char)((text[1] - '0') * 64 + (text[2] - '0') * 8 + (text[3] - '0'));
            text += 3;
        } else {
            *out++ = *text;
        }
    }
    *out = '\0';
}

struct mount {
    char *root, *point; /* views into a line */
};

/* 30 23 0:26 ROOT POINT rw,nosuid shared:7 - cgroup cgroup rw,memory */
static bool read_mount(char *line, enum version version, struct mount *out)
{
    char *fields[5] = { NULL }, *rest = line, *type, *options = NULL;

    line[strcspn(line, "\n")] = '\0';
    char *tail = strstr(line, " - ");

    if (tail == NULL)
        return false;
    *tail = '\0';
    tail += 3;
    for (int i = 0; i < 5; i++)
        fields[i] = strsep(&rest, " ");
    type = strsep(&tail, " ");
    (void)strsep(&tail, " "); /* the source */
    options = tail;
    if (fields[4] == NULL || strcmp(type, version == CGROUP_V1 ? "cgroup" : "cgroup2") != 0 ||
        (version == CGROUP_V1 && (options == NULL || !has_word(options, "memory"))))
        return false;
    *out = (struct mount){ fields[3], fields[4] };
    unescape(out->root);
    unescape(out->point);
    return true;
}

/* ---- limits ------------------------------------------------------------ */

static void take(struct cgroup_limit *least, long long bytes, const char *from)
{
    if (bytes < 0 || bytes >= NO_LIMIT_BYTES || (least->bytes > 0 && bytes >= least->bytes))
        return;
    least->bytes = bytes > 0 ? bytes : 1; /* a limit of nothing is one */
    memcpy(least->from, from, strlen(from) + 1);
}

/* NULL also if the path is too long: no file has it then. */
static FILE *open_in(const char *folder, const char *name, char path[CGROUP_PATH_MAX])
{
    int len = snprintf(path, CGROUP_PATH_MAX, "%s/%s", folder, name);

    return len > 0 && len < CGROUP_PATH_MAX ? fopen(path, "re") : NULL;
}

/* The file holds a number, or "max". */
static void take_file(struct cgroup_limit *least, const char *folder, const char *name)
{
    char path[CGROUP_PATH_MAX];
    long long bytes;
    FILE *file = open_in(folder, name, path);

    if (file == NULL)
        return;
    if (fscanf(file, "%lld", &bytes) == 1)
        take(least, bytes, path);
    fclose(file);
}

/* For version 1: this line of memory.stat also counts the limits of groups above the mount. */
static void take_sum(struct cgroup_limit *least, const char *folder)
{
    char path[CGROUP_PATH_MAX], line[256];
    long long bytes;
    FILE *file = open_in(folder, "memory.stat", path);

    while (file != NULL && fgets(line, sizeof line, file) != NULL)
        if (sscanf(line, "hierarchical_memory_limit %lld", &bytes) == 1)
            take(least, bytes, path);
    if (file != NULL)
        fclose(file);
}

static void take_folder(struct cgroup_limit *least, const char *folder, enum version version)
{
    if (version == CGROUP_V1) {
        take_file(least, folder, "memory.limit_in_bytes");
        take_sum(least, folder);
    } else {
        take_file(least, folder, "memory.max");
        take_file(least, folder,
                  "memory.high"); /* above it the kernel slows the group down to a crawl */
    }
}

/* Reads the limits of all groups from ours up to the mount. A path that does not lie below the
 * root of the mount comes from another name space: then the mount is all that we can see. */
static void take_mount(struct cgroup_limit *least, const struct mount *mount, const char *path,
                       enum version version)
{
    size_t root = strcmp(mount->root, "/") == 0 ? 0 : strlen(mount->root);
    bool below = strncmp(path, mount->root, root) == 0 &&
                 (path[root] == '/' || path[root] == '\0') && strstr(path, "/..") == NULL;
    size_t point = strlen(mount->point);
    char folder[2 * CGROUP_PATH_MAX];

    const char *rest = below && strcmp(path + root, "/") != 0 ? path + root : "";

    snprintf(folder, sizeof folder, "%s%s", mount->point, rest);
    for (;;) {
        take_folder(least, folder, version);
        char *slash = strrchr(folder, '/');

        if (slash == NULL || (size_t)(slash - folder) < point)
            return;
        *slash = '\0';
    }
}

static void take_version(struct cgroup_limit *least, const char *groups, const char *mounts,
                         enum version version)
{
    char path[CGROUP_PATH_MAX];
    struct mount mount;
    char *line = NULL;
    size_t room = 0;

    if (!find_path(groups, version, path))
        return;
    FILE *file = fopen(mounts, "re");

    while (file != NULL && getline(&line, &room, file) > 0)
        if (read_mount(line, version, &mount))
            take_mount(least, &mount, path, version);
    free(line);
    if (file != NULL)
        fclose(file);
}

void cgroup_limit_find(struct cgroup_limit *out, const char *groups, const char *mounts)
{
    *out = (struct cgroup_limit){ 0 };
    take_version(out, groups, mounts, CGROUP_V1);
    take_version(out, groups, mounts, CGROUP_V2);
}
