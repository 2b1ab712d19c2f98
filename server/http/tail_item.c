#include "server/http/tail_item.h"

#include <stdint.h>
#include <string.h>

#include "flush/memory/json.h"
#include "protocol/check.h"
#include "protocol/event.h"
#include "protocol/fault.h"
#include "protocol/glob.h"
#include "protocol/number.h"
#include "protocol/origin.h"

/* ---- reading ----------------------------------------------------------- */

/* What a good line is named; *fields: what origin_parse() reads. */
static enum parse_result read_name(struct parser *parser, struct slice line,
                                   enum line_kind kind, struct slice *name,
                                   struct slice *fields)
{
    struct sample sample = { 0 };
    struct event event = { 0 };
    struct check check = { 0 };
    enum parse_result result;

    switch (kind) {
    case LINE_EVENT:
        result = event_parse(line, &event);
        *name = event.title;
        *fields = event.fields;
        return result;
    case LINE_CHECK:
        result = check_parse(line, &check);
        *name = check.name;
        *fields = check.fields;
        return result;
    case LINE_METRIC:
    case LINE_KIND_COUNT:
        break;
    }
    parser->n_pooled = 0;
    result = parse_sample(parser, line, &sample);
    *name = sample.name;
    *fields = parse_fields(line);
    return result;
}

/* Of a line that may be anything. */
static struct slice beginning(struct slice line)
{
    size_t len = 0;

    while (len < line.len && line.at[len] != ':' && line.at[len] != '|')
        len++;
    return (struct slice){ line.at, len };
}

void tail_item_read(struct tail_item *item, struct parser *parser, struct slice line)
{
    struct slice fields;
    struct origin origin;

    item->line = line;
    item->kind = parse_kind(line);
    item->container = (struct slice){ 0 };
    item->result = read_name(parser, line, item->kind, &item->name, &fields);
    if (item->result != PARSE_OK) {
        item->name = beginning(line);
        return;
    }
    if (fields.len == 0)
        return;
    origin_parse(fields, &origin);
    item->container = origin.container_id;
}

void tail_item_unterminated(struct tail_item *item, struct slice line)
{
    item->line = line;
    item->kind = parse_kind(line);
    item->container = (struct slice){ 0 };
    item->name = beginning(line);
    item->result = PARSE_UNTERMINATED;
}

/* ---- matching ---------------------------------------------------------- */

bool tail_item_is_from(const struct tail_item *item, struct slice pattern)
{
    struct slice pid = slice_skip(pattern, slice_starts(pattern, SLICE("pid:")) ? 4 : 0);
    bool has_container = item->container.len > 0;
    int64_t number;

    if (item->sender->family == AF_UNIX && number_int64(pid, &number))
        return number == item->sender->pid;
    if (slice_starts(pattern, SLICE("c:")))
        return has_container && glob_finds(slice_skip(pattern, 2), item->container);
    return glob_finds(pattern, slice_of(item->sender_name)) ||
           (has_container && glob_finds(pattern, item->container));
}

/* ---- writing ----------------------------------------------------------- */

/* printf took a seventh of the time that a line takes. */
static void add_number(struct bytes *out, uint64_t number)
{
    char text[20], *at = text + sizeof text;

    do
        *--at = (char)('0' + number % 10);
    while ((number /= 10) > 0);
    bytes_add(out, at, (size_t)(text + sizeof text - at));
}

static void add_text(struct bytes *out, const char *name, struct slice text)
{
    bytes_add_text(out, name);
    json_add_string(out, text);
}

void tail_item_write(const struct tail_item *item, struct bytes *out)
{
    static const char *const kinds[LINE_KIND_COUNT] = {
        [LINE_METRIC] = "metric", [LINE_EVENT] = "event", [LINE_CHECK] = "check"
    };
    bool is_bad = item->result != PARSE_OK;

    bytes_add_text(out, "{\"time_ms\":");
    add_number(out, (uint64_t)item->time_ms);
    bytes_add_text(out, ",\"kind\":\"");
    bytes_add_text(out, is_bad ? "bad" : kinds[item->kind]);
    add_text(out, "\",\"sender\":", slice_of(item->sender_name));
    if (item->container.len > 0)
        add_text(out, ",\"container\":", item->container);
    add_text(out, ",\"line\":", item->line);
    if (is_bad) {
        add_text(out, ",\"reason\":", slice_of(parse_result_sentence(item->result)));
        add_text(out, ",\"code\":", slice_of(parse_result_label(item->result)));
        bytes_add_text(out, ",\"at\":");
        add_number(out, fault_at(item->line, item->result));
    }
    bytes_add_text(out, "}");
}
