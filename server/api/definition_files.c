#include "server/api/definition_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "flush/memory/json_view.h"
#include "server/api/api_job.h"

enum {
    FILES_MAX = 2000,
    FILE_MAX = 1 << 20, /* as much as a client may send */
    ID_MAX = 64,
    SENTENCE_MAX = 1024,
};

/* Times ten thousand it is still a number that a double holds. */
static const int64_t NUMBER_MAX = INT64_C(1) << 38;

struct reading {
    struct definition_file file;
    int folder;
    void (*take)(const struct definition_file *file, struct slice object);
};

void definition_file_complain(const struct definition_file *file, const char *format, ...)
{
    char sentence[SENTENCE_MAX];
    va_list arguments;
    int len = snprintf(sentence, sizeof sentence, "%s", file->name);

    va_start(arguments, format);
    vsnprintf(sentence + len, sizeof sentence - (size_t)len, format, arguments);
    va_end(arguments);
    (void)string_list_add(&file->files->problems, sentence, strlen(sentence));
}

/* ---- a file ------------------------------------------------------------ */

/* A pipe or a device would keep us waiting. */
static bool is_readable(const struct reading *reading, int fd, struct stat *out)
{
    if (fd < 0 || fstat(fd, out) != 0) {
        definition_file_complain(&reading->file, ": %s", strerror(errno));
        return false;
    }
    if (S_ISREG(out->st_mode) && out->st_size <= FILE_MAX)
        return true;
    definition_file_complain(
        &reading->file,
        S_ISREG(out->st_mode) ? ": it has more than %d bytes" : ": it is no file", FILE_MAX);
    return false;
}

/* What the file has; *changed_ms: since when. False: it was complained of. */
static bool read_text(const struct reading *reading, struct bytes *out, int64_t *changed_ms)
{
    int fd = openat(reading->folder, reading->file.name,
                    O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    struct stat stat = { 0 };
    bool good = is_readable(reading, fd, &stat);
    unsigned char *room = good ? bytes_room(out, FILE_MAX) : NULL;
    ssize_t got = 1;

    while (room != NULL && got > 0 && out->len < FILE_MAX) {
        got = read(fd, room + out->len, FILE_MAX - out->len);
        out->len += got > 0 ? (size_t)got : 0;
    }
    if (good && (room == NULL || got < 0)) {
        definition_file_complain(&reading->file, ": %s",
                                 room == NULL ? "not enough memory" : strerror(errno));
        good = false;
    }
    if (fd >= 0)
        close(fd);
    *changed_ms = (int64_t)stat.st_mtim.tv_sec * 1000 + stat.st_mtim.tv_nsec / 1000000;
    return good;
}

static void complain_of_json(const struct reading *reading, struct slice text,
                             const struct json_fault *fault)
{
    size_t line = 1, begin = 0;

    for (size_t i = 0; i < fault->at && i < text.len; i++)
        if (text.at[i] == '\n') {
            line++;
            begin = i + 1;
        }
    definition_file_complain(&reading->file, ", line %zu, byte %zu: %s", line,
                             fault->at - begin + 1, fault->sentence);
}

/* *object: a view of the text. False: it was complained of. */
static bool read_object(const struct reading *reading, struct slice text, struct slice *object)
{
    struct json_fault fault;

    if (!json_view_check(text, API_KEYS_MAX, object, &fault)) {
        complain_of_json(reading, text, &fault);
        return false;
    }
    if (json_view_kind(*object) == JSON_KIND_OBJECT)
        return true;
    definition_file_complain(&reading->file, ": expected a JSON object");
    return false;
}

static void take_file(struct reading *reading)
{
    struct bytes text = { 0 };
    struct slice object;

    reading->file.hash = XXH3_64bits(reading->file.name, strlen(reading->file.name));
    if (read_text(reading, &text, &reading->file.changed_ms) &&
        read_object(reading, bytes_view(&text), &object))
        reading->take(&reading->file, object);
    bytes_free(&text);
}

/* ---- for who takes one ------------------------------------------------- */

static bool is_id(struct slice text)
{
    for (size_t i = 0; i < text.len; i++)
        if (!slice_is_one_of(text.at[i], "abcdefghijklmnopqrstuvwxyz"
                                         "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"))
            return false;
    return text.len > 0 && text.len <= ID_MAX;
}

bool definition_file_id(struct slice object, const char *member, struct slice *out)
{
    struct slice value = json_view_member(object, member);

    if (json_view_kind(value) != JSON_KIND_STRING)
        return false;
    *out = (struct slice){ value.at + 1, value.len - 2 };
    return is_id(*out);
}

int64_t definition_file_number(const struct definition_file *file, enum definition_kind kind,
                               struct slice object)
{
    const struct definitions *taken = &file->files->definitions;
    const struct definition *other = NULL;
    int64_t said = 0, number = (int64_t)(file->hash >> 40) + 1;

    if (json_view_whole(json_view_member(object, "id"), &said) && said >= 1 &&
        said <= NUMBER_MAX && (other = definitions_find_number(taken, kind, said)) == NULL)
        return said;
    while (definitions_find_number(taken, kind, number) != NULL)
        number++;
    if (other != NULL) /* and not the next, which a third may say */
        definition_file_complain(
            file, ": its id %" PRId64 " is that of %.*s: it has %" PRId64 " in its place", said,
            (int)other->file.len, other->file.at, number);
    return number;
}

void definition_file_put(const struct definition_file *file, struct definition *definition)
{
    struct definitions *definitions = &file->files->definitions;
    const struct definition *other =
        definitions_find(definitions, definition->kind, definition->name);
    struct definition *made;

    definition->file = slice_of(file->name);
    definition->created_ms = definition->changed_ms = file->changed_ms;
    if (other != NULL)
        definition_file_complain(file, ": its id %.*s is that of %.*s",
                                 (int)definition->name.len, definition->name.at,
                                 (int)other->file.len, other->file.at);
    else if (definitions_put(definitions, definition, &made) != DEFINITION_DONE)
        definition_file_complain(file, ": there is no room for it");
}

/* ---- all of them ------------------------------------------------------- */

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Hidden ones are those of editors, and of who writes a file before its name is right. */
static bool is_name(const char *name)
{
    size_t len = strlen(name);

    return name[0] != '.' && len > 5 && strcmp(name + len - 5, ".json") == 0;
}

/* As many as there is room for. False: there are more. */
static bool find_names(DIR *folder, struct string_list *out)
{
    const struct dirent *entry;
    bool all = true;

    while (all && (entry = readdir(folder)) != NULL)
        if (is_name(entry->d_name))
            all = out->n < FILES_MAX &&
                  string_list_add(out, entry->d_name, strlen(entry->d_name));
    if (out->n > 1)
        qsort(out->at, out->n, sizeof *out->at, by_name);
    return all;
}

static void read_folder(struct reading *reading, const char *path)
{
    struct string_list names = { 0 };
    DIR *folder = opendir(path);

    reading->file.name = path;
    if (folder == NULL) {
        definition_file_complain(&reading->file, ": %s", strerror(errno));
        return;
    }
    if (!find_names(folder, &names))
        definition_file_complain(&reading->file, ": more than %d files", FILES_MAX);
    reading->folder = dirfd(folder);
    for (size_t i = 0; i < names.n; i++) {
        reading->file.name = names.at[i];
        take_file(reading);
    }
    string_list_free(&names);
    closedir(folder);
}

struct definition_files *definition_files_read(const char *folder,
                                               void (*take)(const struct definition_file *file,
                                                            struct slice object))
{
    struct reading reading = { .take = take };

    reading.file.files = calloc(1, sizeof *reading.file.files);
    if (reading.file.files != NULL && folder[0] != '\0')
        read_folder(&reading, folder);
    return reading.file.files;
}

void definition_files_free(struct definition_files *given)
{
    if (given == NULL)
        return;
    definitions_free(&given->definitions);
    string_list_free(&given->problems);
    free(given);
}
