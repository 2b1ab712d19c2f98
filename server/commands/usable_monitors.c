/* What `heeler check` tells of heeler_monitors_path: what is wrong with its files, which at a
 * start is logged and no more, and what does not last. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flush/memory/json_view.h"
#include "flush/notify/receivers.h"
#include "server/commands/monitor_file.h"
#include "server/commands/usable.h"

enum { FILES_MAX = 2000, SENTENCE_MAX = 512 };

static int is_json(const struct dirent *entry)
{
    size_t len = strlen(entry->d_name);

    return entry->d_name[0] != '.' && len > 5 && strcmp(entry->d_name + len - 5, ".json") == 0;
}

/* The ids that files say, with the names of these, views. */
struct said {
    struct {
        const char *name;
        int64_t id;
        bool is_downtime;
    } at[FILES_MAX];
    size_t n;
};

/* At a start the second of two files gets another one (server/api/definition_files.h). */
static void check_id(struct said *said, const struct monitor_file *file, const char *name,
                     struct problems *problems)
{
    int64_t id;

    if (!json_view_whole(json_view_member(file->value, "id"), &id))
        return;
    for (size_t i = 0; i < said->n; i++)
        if (said->at[i].id == id && said->at[i].is_downtime == file->is_downtime) {
            problems_warn(problems,
                          "heeler_monitors_path: %s: its id %lld is that of %s: it has another "
                          "in its place",
                          file->path, (long long)id, said->at[i].name);
            return;
        }
    said->at[said->n].name = name;
    said->at[said->n].id = id;
    said->at[said->n++].is_downtime = file->is_downtime;
}

/* A file that is wrong leaves the others as they are, so it is a warning. */
static void check_file(const char *folder, const char *name, const struct receivers *receivers,
                       struct said *said, struct problems *problems)
{
    struct problems found = { 0 };
    struct monitor_file file;
    char *path = NULL;

    if (asprintf(&path, "%s/%s", folder, name) < 0)
        return;
    if (monitor_file_read(&file, path, &found)) {
        monitor_file_survey(&file, receivers, &found);
        check_id(said, &file, name, problems);
    }
    for (size_t i = 0; i < found.errors.n; i++)
        problems_warn(problems, "heeler_monitors_path: %s", found.errors.at[i]);
    for (size_t i = 0; i < found.warnings.n; i++)
        problems_warn(problems, "heeler_monitors_path: %s", found.warnings.at[i]);
    monitor_file_free(&file);
    problems_free(&found);
    free(path);
}

static size_t check_files(const struct settings *settings, struct problems *problems)
{
    const char *folder = settings->heeler_monitors_path;
    struct dirent **entries = NULL;
    char problem[SENTENCE_MAX];
    int n = scandir(folder, &entries, is_json, alphasort);
    struct receivers *receivers = receivers_new(settings, problem, sizeof problem);
    struct said *said = calloc(1, sizeof *said);

    for (int i = 0; i < n && i < FILES_MAX && said != NULL; i++)
        check_file(folder, entries[i]->d_name, receivers, said, problems);
    for (int i = 0; i < n; i++)
        free(entries[i]);
    free(entries);
    free(said);
    receivers_release(receivers);
    return n > 0 ? (size_t)n : 0;
}

void usable_check_monitors(const struct settings *settings, struct problems *problems)
{
    if (settings->heeler_monitors_path[0] == '\0')
        return;
    if (check_files(settings, problems) > 0 && settings->heeler_state_path[0] == '\0')
        problems_warn(problems,
                      "%s: heeler_monitors_path has monitors and heeler_state_path is empty: "
                      "their states, and messages that wait, are forgotten at a restart.",
                      settings->origin[SETTING_heeler_monitors_path]);
}
