#include "config/key_file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "config/options.h"
#include "config/regular_file.h"
#include "config/values.h"

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

static void take(struct settings *settings, const char *key, struct problems *problems)
{
    const char *path = settings->heeler_api_key_file;

    if (settings->api_key[0] == '\0' && key[0] != '\0')
        values_set_text(settings, &options[SETTING_api_key], key, path, problems);
    else if (key[0] != '\0' && strcmp(settings->api_key, key) != 0)
        problems_warn(problems,
                      "%s: api_key is set, and goes before the other key in "
                      "heeler_api_key_file %s.",
                      settings->origin[SETTING_api_key], path);
}

static bool is_fit(const struct settings *settings, const char *bytes, size_t len, mode_t mode,
                   struct problems *problems)
{
    const char *path = settings->heeler_api_key_file;
    const char *from = settings->origin[SETTING_heeler_api_key_file];
    bool open = (mode & (S_IROTH | S_IWOTH)) != 0;
    bool odd = len > KEY_FILE_MAX || memchr(bytes, '\0', len) != NULL;

    if (open)
        problems_error(problems,
                       "%s: heeler_api_key_file %s has mode %04o: others than its owner and "
                       "its group must not read or change it (chmod o= %s).",
                       from, path, (unsigned)(mode & 07777), path);
    else if (odd)
        problems_error(problems,
                       "%s: heeler_api_key_file %s is no key: it has a NUL byte, or more than "
                       "%d bytes.",
                       from, path, KEY_FILE_MAX);
    return !open && !odd;
}

bool key_file_load(struct settings *settings, struct problems *problems)
{
    const char *path = settings->heeler_api_key_file;
    char bytes[KEY_FILE_MAX + 1];
    size_t len = 0;
    mode_t mode = 0;

    if (path[0] == '\0')
        return true;
    const char *why = read_bytes(path, bytes, &len, &mode);
    if (why != NULL) {
        problems_error(problems, "%s: heeler_api_key_file %s cannot be read: %s.",
                       settings->origin[SETTING_heeler_api_key_file], path, why);
        return false;
    }
    if (!is_fit(settings, bytes, len, mode, problems))
        return false;
    bytes[len] = '\0';
    take(settings, trimmed(bytes), problems);
    return true;
}
