#include "config/zone.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "config/regular_file.h"

enum { PATH_SIZE = 256 };

bool zone_has_any(void)
{
    return access(ZONE_FOLDER, R_OK) == 0;
}

FILE *zone_open(const char *name)
{
    char path[PATH_SIZE];
    const char *why;

    if (name[0] == '/' || strstr(name, "..") != NULL ||
        (size_t)snprintf(path, sizeof path, ZONE_FOLDER "/%s", name) >= sizeof path)
        return NULL;
    return regular_file_open(path, &why);
}

/* There are lists and folders beside the zones, whose files all begin so (RFC 8536). */
bool zone_exists(const char *name)
{
    FILE *file = zone_open(name);
    char begins[4];
    bool is_zone = file != NULL && fread(begins, 1, sizeof begins, file) == sizeof begins &&
                   memcmp(begins, "TZif", sizeof begins) == 0;

    if (file != NULL)
        fclose(file);
    return is_zone;
}
