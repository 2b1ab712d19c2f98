/* Any text where a URL or an address is expected: of a Redis, an intake, more intakes, a
 * proxy, a listener; and as it is shown. The first byte chooses. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "config/address.h"
#include "config/settings.h"
#include "flush/delivery/intake.h"
#include "flush/delivery/proxy.h"
#include "flush/redis/redis_url.h"
#include "server/sinks.h"

static void redis(const char *text)
{
    struct redis_url url;

    if (redis_url_parse(text, &url) == NULL &&
        ((url.host[0] == '\0') == (url.path[0] == '\0') || url.name[0] == '\0'))
        abort();
}

static void intake(const char *text)
{
    char url[INTAKE_URL_MAX];

    if (intake_base_url(text, "", true, url) && strncmp(url, "https://", 8) != 0)
        abort();
    if (intake_base_url("", text, true, url) && intake_url_is_fit(url))
        free(intake_validate_url(url));
}

/* A list that anybody wrote: the text as URL, as keys, as JSON. */
static void endpoints(const char *text)
{
    struct settings settings = { .site = (char[]){ "" },
                                 .dd_url = (char[]){ "http://main" },
                                 .api_key = (char[]){ "k" } };
    struct sinks sinks;
    char problem[512];
    json_t *map = json_loads(text, 0, NULL), *keys = json_string(text);

    if (!json_is_object(map)) {
        json_decref(map);
        map = json_object();
        if (json_object_set(map, text, keys != NULL ? keys : json_null()) != 0)
            json_object_set_new(map, "http://a", json_null());
    }
    settings.additional_endpoints = map;
    if (sinks_read(&sinks, &settings, problem, sizeof problem) && sinks.n < 1)
        abort();
    sinks_free(&sinks);
    json_decref(keys);
    json_decref(map);
}

static void proxy(const char *text)
{
    struct proxy_config config = { .http = "http://p", .https = "http://p", .nonexact = true };

    config.no_proxy = &text;
    config.n_no_proxy = 1;
    (void)proxy_is_fit(text);
    (void)proxy_choose(&config, text);
    (void)proxy_choose(&config, "https://example.com:8443/");
    (void)proxy_choose(&config, "https://[2001:db8::1]/");
}

static void address(const char *text)
{
    char host[ADDRESS_HOST_MAX];
    int port = -1;

    if (address_split(text, host, sizeof host, &port) && (port < 0 || port > 65535))
        abort();
}

/* Nothing in front of the last '@' is seen but the scheme. */
static void shown(const char *text)
{
    char out[256];

    settings_mask_url(text, out, sizeof out);
    const char *at = strrchr(out, '@');

    if (strlen(text) < 200 && at != NULL && (at - out < 3 || strncmp(at - 3, "***", 3) != 0))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t size)
{
    static void (*const readers[])(const char *) = { redis, intake,  endpoints,
                                                     proxy, address, shown };

    if (size < 1)
        return 0;
    char *text = strndup((const char *)at + 1, size - 1);

    readers[at[0] % (sizeof readers / sizeof readers[0])](text);
    free(text);
    return 0;
}
