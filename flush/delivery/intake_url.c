#include "flush/delivery/intake.h"

#include <ctype.h>
#include <stdio.h>

/* A data centre: two or more letters, then one or two digits ("us3", "uk1"). */
static bool is_data_centre(struct slice label)
{
    size_t letters = 0;

    while (letters < label.len && islower((unsigned char)label.at[letters]))
        letters++;
    size_t digits = label.len - letters;

    if (letters < 2 || digits < 1 || digits > 2)
        return false;
    return isdigit((unsigned char)label.at[letters]) &&
           isdigit((unsigned char)label.at[label.len - 1]);
}

/* The host has no dot at its end. */
static bool is_datadog_site(struct slice host)
{
    static const char *const roots[] = { "datadoghq.com", "datadoghq.eu", "datad0g.com",
                                         "datad0g.eu",    "ddog-gov.com", "ddog-gov.mil" };
    struct slice rest = host;
    struct slice label = slice_cut(&rest, '.');

    for (size_t i = 0; i < sizeof roots / sizeof roots[0]; i++)
        if (slice_equal(host, slice_of(roots[i])) ||
            (slice_equal(rest, slice_of(roots[i])) && is_data_centre(label)))
            return true;
    return false;
}

static struct slice without_dot(struct slice host)
{
    if (host.len > 0 && host.at[host.len - 1] == '.')
        host.len--;
    return host;
}

/* "app." or "app.mrf." in front of a Datadog site: the length of "app", which
 * the forwarder replaces by a label with its version; otherwise 0. */
static size_t app_label(struct slice host)
{
    struct slice rest = without_dot(host);

    if (!slice_starts(rest, SLICE("app.")))
        return 0;
    rest = slice_skip(rest, 4);
    if (slice_starts(rest, SLICE("mrf.")))
        rest = slice_skip(rest, 4);
    return is_datadog_site(rest) ? 3 : 0;
}

static struct slice trimmed(const char *text)
{
    return slice_trim(slice_of(text != NULL ? text : ""), " \t\n\v\f\r");
}

/* The length of "https://" or "http://" at the start of url, 0 without. */
static size_t scheme_length(struct slice url)
{
    return slice_starts(url, SLICE("https://"))  ? 8
           : slice_starts(url, SLICE("http://")) ? 7
                                                 : 0;
}

static struct slice host_of(struct slice url)
{
    struct slice rest = slice_skip(url, scheme_length(url));
    size_t len = 0;

    while (len < rest.len && strchr("/:?#", rest.at[len]) == NULL)
        len++;
    return (struct slice){ rest.at, len };
}

static bool print_url(char out[INTAKE_URL_MAX], struct slice url)
{
    struct slice host = host_of(url);
    size_t label = app_label(host);
    int before = (int)(host.at - url.at);
    struct slice rest = slice_skip(url, (size_t)before + label);
    int len = snprintf(out, INTAKE_URL_MAX, "%.*s%s%.*s", before, url.at,
                       label > 0 ? INTAKE_AGENT_LABEL : "", (int)rest.len, rest.at);

    return len > 0 && len < INTAKE_URL_MAX;
}

/* label: of the door, before the site. */
static bool door_url(const char *label, const char *site, const char *dd_url, bool absolute,
                     char out[INTAKE_URL_MAX])
{
    struct slice given = trimmed(dd_url);

    if (given.len >= INTAKE_URL_MAX)
        return false;
    while (given.len > 0 && given.at[given.len - 1] == '/')
        given.len--;
    if (given.len > 0)
        return scheme_length(given) > 0 && host_of(given).len > 0 && print_url(out, given);

    struct slice name = trimmed(site);

    if (name.len == 0)
        name = SLICE("datadoghq.com");
    if (name.len >= INTAKE_URL_MAX)
        return false;
    char url[INTAKE_URL_MAX + sizeof "https://trace.agent.."];
    int len = snprintf(url, sizeof url, "https://%s.%.*s%s", label, (int)name.len, name.at,
                       absolute && is_datadog_site(name) ? "." : "");

    return host_of((struct slice){ url, (size_t)len }).len == (size_t)len - 8 &&
           print_url(out, (struct slice){ url, (size_t)len });
}

bool intake_base_url(const char *site, const char *dd_url, bool absolute,
                     char out[INTAKE_URL_MAX])
{
    return door_url("app", site, dd_url, absolute, out);
}

bool intake_trace_url(const char *site, const char *dd_url, bool absolute,
                      char out[INTAKE_URL_MAX])
{
    return door_url("trace.agent", site, dd_url, absolute, out);
}

char *intake_validate_url(const char *base_url)
{
    struct slice url = slice_of(base_url);
    struct slice host = without_dot(host_of(url)), site = host;
    char *text = NULL;
    int printed;

    if (slice_starts(site, SLICE(INTAKE_AGENT_LABEL ".")))
        site = slice_skip(site, sizeof INTAKE_AGENT_LABEL);
    else if (slice_starts(site, SLICE("app.")))
        site = slice_skip(site, 4);
    else if (slice_starts(site, SLICE("trace.agent.")))
        site = slice_skip(site, 12);
    while (url.len > 0 && url.at[url.len - 1] == '/')
        url.len--;
    if (site.len < host.len && is_datadog_site(site))
        printed = asprintf(&text, "https://api.%.*s/api/v1/validate", (int)site.len, site.at);
    else
        printed = asprintf(&text, "%.*s/api/v1/validate", (int)url.len, url.at);
    return printed < 0 ? NULL : text;
}
