/* server/api/definition_files.h: a folder of what is defined by files.
 *
 *   each FILE.json of the folder, in the order of names ──► a definition, or a sentence
 *
 * What is wrong with a file leaves the others as they are. What a file may hold, and which ids
 * it has, is said by who reads it: dashboards (server/api/dashboard_files.h), monitors and
 * downtimes (server/api/monitor_files.h). Once read it never changes. */
#ifndef SERVER_API_DEFINITION_FILES_H
#define SERVER_API_DEFINITION_FILES_H

#include "config/string_list.h"
#include "server/api/definitions.h"

struct definition_files {
    struct definitions definitions; /* nobody else keeps them; each names its file */
    struct string_list problems;    /* "web.json, line 3, byte 12: expected ..." */
};

/* A file under way. */
struct definition_file {
    struct definition_files *files;
    const char *name;
    int64_t changed_ms; /* since when it is as it is */
    uint64_t hash;      /* of its name, for ids that last */
};

/* Reads the disk, 2,000 files at most; take gets the JSON object of each, a view. An empty
 * folder: there is nothing. NULL without memory. */
struct definition_files *definition_files_read(const char *folder,
                                               void (*take)(const struct definition_file *file,
                                                            struct slice object));
void definition_files_free(struct definition_files *given); /* NULL is fine */

/* ---- for who takes one ------------------------------------------------- */

/* "FILE" and the sentence behind it. */
__attribute__((format(printf, 2, 3))) void definition_file_complain(
    const struct definition_file *file, const char *format, ...);

/* The number that the object says as "id", or one of the file's name; none that is taken.
 * Complains of one that another file says, too. */
int64_t definition_file_number(const struct definition_file *file, enum definition_kind kind,
                               struct slice object);

/* The text without its quotes, if that can be an id. */
bool definition_file_id(struct slice object, const char *member, struct slice *out);

/* Puts it, with the file's name and time; or complains. */
void definition_file_put(const struct definition_file *file, struct definition *definition);

#endif
