#include "server/api/dashboard_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "flush/memory/json_view.h"
#include "server/api/api_job.h"
#include "server/api/dashboard.h"

enum {
    FILE_MAX = 1 << 20, /* as much as a client may send */
    ID_MAX = 64,
    WIDGETS_APART = 10000, /* between the ids of two dashboards' widgets */
    SENTENCE_MAX = 1024,
};

/* Times WIDGETS_APART it is still a number that a double holds. */
static const int64_t NUMBER_MAX = INT64_C(1) << 38;

struct reading {
    struct dashboard_files *files;
    int folder;
    const char *name; /* of the file */
};

/* "FILE" and the sentence behind it. */
__attribute__((format(printf, 2, 3))) static void complain(const struct reading *reading,
                                                           const char *format, ...)
{
    char sentence[SENTENCE_MAX];
    va_list arguments;
    int len = snprintf(sentence, sizeof sentence, "%s", reading->name);

    va_start(arguments, format);
    vsnprintf(sentence + len, sizeof sentence - (size_t)len, format, arguments);
    va_end(arguments);
    (void)string_list_add(&reading->files->problems, sentence, strlen(sentence));
}

/* ---- a file ------------------------------------------------------------ */

/* A pipe or a device would keep us waiting. */
static bool is_readable(const struct reading *reading, int fd, struct stat *out)
{
    if (fd < 0 || fstat(fd, out) != 0) {
        complain(reading, ": %s", strerror(errno));
        return false;
    }
    if (S_ISREG(out->st_mode) && out->st_size <= FILE_MAX)
        return true;
    complain(reading, S_ISREG(out->st_mode) ? ": it has more than %d bytes" : ": it is no file",
             FILE_MAX);
    return false;
}

/* What the file has; *changed_ms: since when. False: it was complained of. */
static bool read_text(const struct reading *reading, struct bytes *out, int64_t *changed_ms)
{
    int fd =
        openat(reading->folder, reading->name, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    struct stat stat = { 0 };
    bool good = is_readable(reading, fd, &stat);
    unsigned char *room = good ? bytes_room(out, FILE_MAX) : NULL;
    ssize_t got = 1;

    while (room != NULL && got > 0 && out->len < FILE_MAX) {
        got = read(fd, room + out->len, FILE_MAX - out->len);
        out->len += got > 0 ? (size_t)got : 0;
    }
    if (good && (room == NULL || got < 0)) {
        complain(reading, ": %s", room == NULL ? "not enough memory" : strerror(errno));
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
    complain(reading, ", line %zu, byte %zu: %s", line, fault->at - begin + 1, fault->sentence);
}

/* The API answers a timeboard with more around it. */
static struct slice board_in(struct slice body)
{
    struct slice dash = json_view_member(body, "dash");

    return json_view_kind(dash) == JSON_KIND_OBJECT ? dash : body;
}

static bool is_timeboard(struct slice board)
{
    return json_view_member(board, "layout_type").len == 0 &&
           (json_view_member(board, "widgets").len == 0 ||
            json_view_member(board, "graphs").len > 0);
}

/* *board: a view of the text. False: it was complained of. */
static bool read_board(const struct reading *reading, struct slice text, struct slice *board)
{
    char problem[DASHBOARD_PROBLEM_MAX];
    struct json_fault fault;

    if (!json_view_check(text, API_KEYS_MAX, board, &fault)) {
        complain_of_json(reading, text, &fault);
        return false;
    }
    if (json_view_kind(*board) != JSON_KIND_OBJECT) {
        complain(reading, ": expected a JSON object");
        return false;
    }
    *board = board_in(*board);
    if (is_timeboard(*board) ? dashboard_check_timeboard(*board, problem)
                             : dashboard_check(*board, problem))
        return true;
    complain(reading, ": %s", problem);
    return false;
}

/* ---- its ids ----------------------------------------------------------- */

static bool is_id(struct slice text)
{
    for (size_t i = 0; i < text.len; i++)
        if (!slice_is_one_of(text.at[i], "abcdefghijklmnopqrstuvwxyz"
                                         "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"))
            return false;
    return text.len > 0 && text.len <= ID_MAX;
}

/* A text without its quotes, if that is an id. */
static bool find_id(struct slice board, const char *member, struct slice *out)
{
    struct slice value = json_view_member(board, member);

    if (json_view_kind(value) != JSON_KIND_STRING)
        return false;
    *out = (struct slice){ value.at + 1, value.len - 2 };
    return is_id(*out);
}

/* "x4x-ttz-cnu", of the file's name. */
static void make_id(uint64_t hash, char out[DASHBOARD_ID_LEN + 1])
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz012345";

    for (int i = 0; i < DASHBOARD_ID_LEN; i++) {
        out[i] = i % 4 == 3 ? '-' : letters[hash % 32];
        hash /= i % 4 == 3 ? 1 : 32;
    }
    out[DASHBOARD_ID_LEN] = '\0';
}

static int64_t find_number(const struct reading *reading, struct slice board, uint64_t hash)
{
    const struct definitions *taken = &reading->files->definitions;
    int64_t number;

    if (!json_view_whole(json_view_member(board, "id"), &number) || number < 1 ||
        number > NUMBER_MAX)
        number = (int64_t)(hash >> 40) + 1;
    while (definitions_find_number(taken, DEFINITION_DASHBOARD, number) != NULL)
        number++;
    return number;
}

/* ---- all of them ------------------------------------------------------- */

static void put(const struct reading *reading, const struct definition *definition)
{
    struct definitions *definitions = &reading->files->definitions;
    const struct definition *other =
        definitions_find(definitions, DEFINITION_DASHBOARD, definition->name);
    struct definition *made;

    if (other != NULL)
        complain(reading, ": its id %.*s is that of %.*s", (int)definition->name.len,
                 definition->name.at, (int)other->file.len, other->file.at);
    else if (definitions_put(definitions, definition, &made) != DEFINITION_DONE)
        complain(reading, ": there is no room for it");
}

static void put_board(const struct reading *reading, struct slice board, int64_t changed_ms)
{
    uint64_t hash = XXH3_64bits(reading->name, strlen(reading->name));
    char id[DASHBOARD_ID_LEN + 1];
    struct json_out numbered = { .comma = false };
    struct definition definition = {
        .kind = DEFINITION_DASHBOARD,
        .file = slice_of(reading->name),
        .number = find_number(reading, board, hash),
        .created_ms = changed_ms,
        .changed_ms = changed_ms,
        .body = board,
    };

    make_id(hash, id);
    if (!find_id(board, "new_id", &definition.name) && !find_id(board, "id", &definition.name))
        definition.name = slice_of(id);
    if (!dashboard_is_timeboard(&definition)) {
        dashboard_number_widgets(&numbered, board, definition.number * WIDGETS_APART);
        definition.body = (struct slice){ (const char *)numbered.bytes.at, numbered.bytes.len };
    }
    if (numbered.bytes.failed)
        complain(reading, ": not enough memory");
    else
        put(reading, &definition);
    bytes_free(&numbered.bytes);
}

static void take_file(const struct reading *reading)
{
    struct bytes text = { 0 };
    struct slice board;
    int64_t changed_ms;

    if (read_text(reading, &text, &changed_ms) &&
        read_board(reading, (struct slice){ (const char *)text.at, text.len }, &board))
        put_board(reading, board, changed_ms);
    bytes_free(&text);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Hidden ones are those of editors, and of who writes a file before its name is right. */
static bool is_board_name(const char *name)
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
        if (is_board_name(entry->d_name))
            all = out->n < definitions_most(DEFINITION_DASHBOARD) &&
                  string_list_add(out, entry->d_name, strlen(entry->d_name));
    if (out->n > 1)
        qsort(out->at, out->n, sizeof *out->at, by_name);
    return all;
}

static void read_folder(struct dashboard_files *files, const char *path)
{
    struct reading reading = { .files = files, .name = path };
    struct string_list names = { 0 };
    DIR *folder = opendir(path);

    if (folder == NULL) {
        complain(&reading, ": %s", strerror(errno));
        return;
    }
    if (!find_names(folder, &names))
        complain(&reading, ": more than %zu files", definitions_most(DEFINITION_DASHBOARD));
    reading.folder = dirfd(folder);
    for (size_t i = 0; i < names.n; i++) {
        reading.name = names.at[i];
        take_file(&reading);
    }
    string_list_free(&names);
    closedir(folder);
}

struct dashboard_files *dashboard_files_read(const char *folder)
{
    struct dashboard_files *files = calloc(1, sizeof *files);

    if (files != NULL && folder[0] != '\0')
        read_folder(files, folder);
    return files;
}

void dashboard_files_free(struct dashboard_files *given)
{
    if (given == NULL)
        return;
    definitions_free(&given->definitions);
    string_list_free(&given->problems);
    free(given);
}
