#include "config/hostname.h"

#include <ctype.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "config/log.h"
#include "config/regular_file.h"

/* Labels of letters, digits and hyphens, no hyphen at either end, dots between. */
static bool is_rfc1123(const char *name)
{
    char before = '.';

    for (; *name != '\0'; before = *name++) {
        bool inner = isalnum((unsigned char)before) || before == '-';

        if (!isalnum((unsigned char)*name) && !(*name == '-' && inner) &&
            !(*name == '.' && isalnum((unsigned char)before)))
            return false;
    }
    return isalnum((unsigned char)before);
}

static bool is_local(const char *name)
{
    static const char *const names[] = { "localhost", "localhost.localdomain",
                                         "localhost6.localdomain6", "ip6-localhost" };

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcasecmp(names[i], name) == 0)
            return true;
    return false;
}

const char *hostname_fault(const char *name)
{
    if (name[0] == '\0')
        return "is empty";
    if (strlen(name) >= HOSTNAME_SIZE)
        return "is longer than 255 bytes";
    if (is_local(name))
        return "is a name that every host has";
    if (!is_rfc1123(name))
        return "is not made of letters, digits, inner hyphens and dots";
    return NULL;
}

/* Takes a configured name if it is a good one. */
static bool take(const char *name, const char *where, const char *key, char *out, size_t size,
                 struct problems *problems)
{
    const char *fault = hostname_fault(name);
    char quoted[80];

    if (fault == NULL && strlen(name) >= size)
        fault = "is too long";
    if (fault == NULL) {
        memcpy(out, name, strlen(name) + 1);
        return true;
    }
    problems_error(problems, "%s: %s \"%s\" %s: allowed are names such as web-1.example.com.",
                   where, key, log_quote(name, strlen(name), quoted, sizeof quoted), fault);
    return false;
}

/* The first line, without the blanks around it. NULL, or why not in words. */
static const char *read_first_line(const char *path, char line[2 * HOSTNAME_SIZE])
{
    const char *why;
    FILE *file = regular_file_open(path, &why);

    line[0] = '\0';
    if (file == NULL)
        return why;
    errno = 0;
    if (fgets(line, 2 * HOSTNAME_SIZE, file) == NULL && ferror(file))
        why = strerror(errno);
    fclose(file);

    size_t start = strspn(line, " \t\r\n");
    size_t len = strlen(line + start);
    memmove(line, line + start, len + 1);
    while (len > 0 && isspace((unsigned char)line[len - 1]))
        line[--len] = '\0';
    return why;
}

static bool take_file(const struct settings *settings, char *out, size_t size,
                      struct problems *problems)
{
    const char *where = settings->origin[SETTING_hostname_file];
    char line[2 * HOSTNAME_SIZE], quoted[200];
    const char *why = read_first_line(settings->hostname_file, line);

    if (why == NULL)
        return take(line, where, "the name in hostname_file", out, size, problems);
    problems_error(problems, "%s: hostname_file %s cannot be read: %s.", where,
                   log_quote(settings->hostname_file, strlen(settings->hostname_file), quoted,
                             sizeof quoted),
                   why);
    return false;
}

/* The canonical name that the resolver knows, if it is a good one. */
static bool find_full_name(const char *name, char *out, size_t size)
{
    struct addrinfo hints = { .ai_flags = AI_CANONNAME, .ai_socktype = SOCK_DGRAM };
    struct addrinfo *found = NULL;

    if (getaddrinfo(name, NULL, &hints, &found) != 0)
        return false;
    const char *full = found->ai_canonname;
    bool good = full != NULL && hostname_fault(full) == NULL && strlen(full) < size;
    if (good)
        memcpy(out, full, strlen(full) + 1);
    freeaddrinfo(found);
    return good;
}

/* Takes the name of the system even if it is bad: that is better than no metrics. */
static void take_system(const char *name, char *out, size_t size, struct problems *problems)
{
    const char *fault = hostname_fault(name);
    char quoted[80];

    snprintf(out, size, "%s", name[0] != '\0' ? name : "localhost");
    if (fault != NULL)
        problems_warn(problems,
                      "the system's host name \"%s\" %s: it is used as it is, set hostname.",
                      log_quote(name, strlen(name), quoted, sizeof quoted), fault);
}

bool hostname_find(const struct settings *settings, char *out, size_t size, const char **how,
                   struct problems *problems)
{
    char name[HOSTNAME_SIZE] = "";

    if (settings->hostname[0] != '\0') {
        *how = "from the setting hostname";
        return take(settings->hostname, settings->origin[SETTING_hostname], "hostname", out,
                    size, problems);
    }
    if (settings->hostname_file[0] != '\0') {
        *how = "from hostname_file";
        return take_file(settings, out, size, problems);
    }
    if (gethostname(name, sizeof name - 1) != 0)
        name[0] = '\0';
    *how = "from the resolver";
    if (settings->hostname_fqdn && find_full_name(name, out, size))
        return true;
    *how = "from the operating system";
    take_system(name, out, size, problems);
    return true;
}

/* ---- containers -------------------------------------------------------- */

static bool exists(const char *root, const char *path)
{
    char whole[512];

    snprintf(whole, sizeof whole, "%s%s", root, path);
    return access(whole, F_OK) == 0;
}

/* The first twelve digits of its id are what Docker calls a container. */
static bool looks_like_an_id(const char *name)
{
    size_t digits = strspn(name, "0123456789abcdef");

    return name[digits] == '\0' && (digits == 12 || digits == 64);
}

bool hostname_is_of_container(const struct settings *settings, const char *name,
                              const char *root)
{
    if (settings->hostname[0] != '\0' || settings->hostname_file[0] != '\0')
        return false;
    return looks_like_an_id(name) || exists(root, "/.dockerenv") ||
           exists(root, "/run/.containerenv") ||
           exists(root, "/var/run/secrets/kubernetes.io/serviceaccount");
}
