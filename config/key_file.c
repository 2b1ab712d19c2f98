#include "config/key_file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "config/options.h"
#include "config/regular_file.h"
#include "config/values.h"

enum { SENTENCE_MAX = 512 };

/* The bytes of the file, at most one more than is allowed; or why not, in words. */
static const char *read_bytes(const char *path, char bytes[KEY_FILE_MAX + 1], size_t *len,
                              mode_t *mode)
{
    const char *why;
    struct stat found;
    FILE *file = regular_file_open(path, &why);

    if (file == NULL)
        return why;
    errno = 0;
    *len = fread(bytes, 1, KEY_FILE_MAX + 1, file);
    if (ferror(file) || fstat(fileno(file), &found) != 0)
        why = strerror(errno);
    else
        *mode = found.st_mode;
    fclose(file);
    return why;
}

/* The blanks and line breaks around the key are not of it. */
static char *trimmed(char *text)
{
    static const char blanks[] = " \t\r\n";
    char *begin = text + strspn(text, blanks);
    size_t len = strlen(begin);

    while (len > 0 && strchr(blanks, begin[len - 1]) != NULL)
        len--;
    begin[len] = '\0';
    return begin;
}

char *key_file_read(const char *path, const char *what, char room[KEY_FILE_MAX + 1],
                    char *problem, size_t problem_size)
{
    size_t len = 0;
    mode_t mode = 0;
    const char *why = read_bytes(path, room, &len, &mode);

    if (why != NULL) {
        snprintf(problem, problem_size, "cannot be read: %s.", why);
    } else if ((mode & (S_IROTH | S_IWOTH)) != 0) {
        snprintf(
            problem, problem_size,
            "has mode %04o: others than its owner and its group must not read or change it "
            "(chmod o= %s).",
            (unsigned)(mode & 07777), path);
    } else if (len > KEY_FILE_MAX || memchr(room, '\0', len) != NULL) {
        snprintf(problem, problem_size, "is no %s: it has a NUL byte, or more than %d bytes.",
                 what, KEY_FILE_MAX);
    } else {
        room[len] = '\0';
        return trimmed(room);
    }
    return NULL;
}

/* ---- settings ---------------------------------------------------------- */

static const struct secret_of_file {
    enum setting file, secret;
    const char *what;
} secrets[] = {
    { SETTING_heeler_api_key_file, SETTING_api_key, "key" },
    { SETTING_heeler_smtp_url_file, SETTING_heeler_smtp_url, "URL" },
};

static const char *text_of(const struct settings *settings, enum setting setting)
{
    return *(char *const *)((const char *)settings + options[setting].offset);
}

static void take(struct settings *settings, const struct secret_of_file *of, const char *text,
                 struct problems *problems)
{
    const char *path = text_of(settings, of->file), *now = text_of(settings, of->secret);

    if (now[0] == '\0' && text[0] != '\0')
        values_set_text(settings, &options[of->secret], text, path, problems);
    else if (text[0] != '\0' && strcmp(now, text) != 0)
        problems_warn(problems, "%s: %s is set, and goes before the other %s in %s %s.",
                      settings->origin[of->secret], options[of->secret].key, of->what,
                      options[of->file].key, path);
}

static bool load(struct settings *settings, const struct secret_of_file *of,
                 struct problems *problems)
{
    const char *path = text_of(settings, of->file);
    char room[KEY_FILE_MAX + 1], problem[SENTENCE_MAX];

    if (path[0] == '\0')
        return true;
    const char *text = key_file_read(path, of->what, room, problem, sizeof problem);

    if (text == NULL)
        problems_error(problems, "%s: %s %s %s", settings->origin[of->file],
                       options[of->file].key, path, problem);
    else
        take(settings, of, text, problems);
    return text != NULL;
}

bool key_file_load(struct settings *settings, struct problems *problems)
{
    bool fine = true;

    for (size_t i = 0; i < sizeof secrets / sizeof secrets[0]; i++)
        fine = load(settings, &secrets[i], problems) && fine;
    return fine;
}
