#include "server/api/monitor_files.h"

#include <inttypes.h>
#include <stdio.h>

#include "flush/memory/json_view.h"
#include "server/api/downtime_form.h"
#include "server/api/monitor_form.h"

static void take_monitor(const struct definition_file *file, struct slice object)
{
    struct definition definition = {
        .kind = DEFINITION_MONITOR,
        .number = definition_file_number(file, DEFINITION_MONITOR, object),
    };
    char name[24], problem[MONITOR_PROBLEM_MAX];
    struct bytes body = { 0 };

    snprintf(name, sizeof name, "%" PRId64, definition.number);
    definition.name = slice_of(name);
    if (monitor_form_make(SLICE("{}"), object, &body, problem)) {
        definition.body = bytes_view(&body);
        definition_file_put(file, &definition);
    } else {
        definition_file_complain(file, ": %s", problem);
    }
    bytes_free(&body);
}

/* In the form of a UUID (RFC 9562, version 8), of the file's name. */
static void make_uuid(uint64_t hash, char out[40])
{
    snprintf(out, 40, "%08x-%04x-8000-8000-%012" PRIx64, (unsigned)(hash >> 32),
             (unsigned)(hash >> 16 & 0xffff), hash & UINT64_C(0xffffffffffff));
}

/* named: what has its ids. */
static void take_downtime(const struct definition_file *file, struct slice object, bool is_v2,
                          struct slice named)
{
    struct definition definition = {
        .kind = DEFINITION_DOWNTIME,
        .number = definition_file_number(file, DEFINITION_DOWNTIME, named),
    };
    char uuid[40], problem[DOWNTIME_PROBLEM_MAX];
    struct bytes body = { 0 };

    make_uuid(file->hash, uuid);
    if (!definition_file_id(named, is_v2 ? "id" : "uuid", &definition.name))
        definition.name = slice_of(uuid);
    if (!api_form_absent(json_view_member(object, "canceled"))) {
        definition_file_complain(file, ": this downtime was canceled: remove the file, or "
                                       "'canceled'");
    } else if (downtime_form_make(SLICE("{}"), object, is_v2, file->changed_ms / 1000, &body,
                                  problem)) {
        definition.body = bytes_view(&body);
        definition_file_put(file, &definition);
    } else {
        definition_file_complain(file, ": %s", problem);
    }
    bytes_free(&body);
}

static void take(const struct definition_file *file, struct slice object)
{
    struct slice data = json_view_member(object, "data");
    struct slice attributes = json_view_member(data, "attributes");

    if (json_view_kind(attributes) == JSON_KIND_OBJECT)
        take_downtime(file, attributes, true, data);
    else if (downtime_form_is_v2(object))
        take_downtime(file, object, true, object);
    else if (json_view_member(object, "query").len > 0)
        take_monitor(file, object);
    else if (json_view_member(object, "scope").len > 0)
        take_downtime(file, object, false, object);
    else
        definition_file_complain(file,
                                 ": expected a monitor, which has a query, or a downtime, "
                                 "which has a scope");
}

struct definition_files *monitor_files_read(const char *folder)
{
    return definition_files_read(folder, take);
}
