#include "server/commands/times.h"

#include <string.h>
#include <time.h>

#include "protocol/number.h"

bool times_read_span(const char *text, int64_t *out)
{
    static const char units[] = "smhdw";
    static const int64_t seconds[] = { 1, 60, 3600, 86400, 604800 };
    struct slice number = slice_of(text);
    int64_t factor = 1;

    if (number.len > 0) {
        const char *unit = strchr(units, number.at[number.len - 1]);
        if (unit != NULL && *unit != '\0') {
            factor = seconds[unit - units];
            number.len--;
        }
    }
    if (!number_int64(number, out) || *out < 1 || *out > INT32_MAX)
        return false;
    *out *= factor;
    return true;
}

void times_write_span(int64_t seconds, char *out, size_t size)
{
    static const struct {
        int64_t seconds;
        const char *word;
    } units[] = { { 86400, "d" }, { 3600, "h" }, { 60, "min" }, { 1, "s" } };
    size_t i = 0;

    while (seconds % units[i].seconds != 0)
        i++;
    snprintf(out, size, "%lld %s", (long long)(seconds / units[i].seconds), units[i].word);
}

void times_put(FILE *out, int64_t time_s)
{
    char text[32];
    time_t time = (time_t)time_s;
    struct tm parts;

    if (gmtime_r(&time, &parts) == NULL ||
        strftime(text, sizeof text, "%Y-%m-%d %H:%M:%SZ", &parts) == 0)
        snprintf(text, sizeof text, "%lld", (long long)time_s);
    fputs(text, out);
}
