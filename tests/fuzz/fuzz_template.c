/* Any message, made with facts from the input. What is well formed is rendered whole unless it
 * is too long; what is named by it stands in its own text, however a value reads. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "flush/monitors/template.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { HEAD = 12, TAGS_MAX = 4 };

struct told {
    struct slice text; /* the template */
    size_t n_receivers;
};

static void check(bool holds)
{
    if (!holds)
        abort();
}

static bool is_within(struct slice part, struct slice whole)
{
    return part.at >= whole.at && part.at + part.len <= whole.at + whole.len;
}

static void on_receiver(void *self, struct slice handle, bool has_variable)
{
    struct told *told = self;
    bool has_braces = memmem(handle.at, handle.len, "{{", 2) != NULL;

    check(handle.len > 0 && is_within(handle, told->text) && handle.at[-1] == '@');
    check(has_braces == has_variable);
    told->n_receivers++;
}

static void on_unknown(void *self, struct slice name)
{
    check(is_within(name, ((struct told *)self)->text));
}

static void on_priority(void *self, int priority)
{
    (void)self;
    check(priority >= 1 && priority <= 5);
}

/* A zone of any offset, whose name is a text. */
static bool offset(const char *zone, int64_t at_s, int32_t *offset_s)
{
    *offset_s = (int32_t)strlen(zone) * 1861 - 50000;
    return zone[0] != 'X' && at_s < INT64_C(1) << 50;
}

/* What a composite's {{a.value}} is. */
static bool find(void *self, struct slice name, struct bytes *out)
{
    struct slice *value = self;

    if (!slice_starts(name, SLICE("a.")))
        return false;
    bytes_add(out, value->at, value->len);
    return true;
}

static void check_number(double value)
{
    char text[32];
    size_t len = template_number(value, text);

    check(len > 0 && len == strlen(text));
    check(!isfinite(value) ||
          fabs(strtod(text, NULL) - value) <= fmax(fabs(value) * 1e-5, 5.1e-6));
}

static void render(struct slice text, const struct template_facts *facts)
{
    struct told told = { .text = text };
    struct template_listener listener = { on_receiver, on_unknown, &told, on_priority };
    struct bytes out = { 0 };
    char problem[128] = "";
    bool good = template_check(text, problem, sizeof problem);
    bool whole = template_render(text, facts, &listener, &out);

    check(good == (problem[0] == '\0'));
    check(out.len <= TEMPLATE_OUT_MAX && (whole || out.len > TEMPLATE_OUT_MAX - 8));
    check(told.n_receivers <= TEMPLATE_RECEIVERS_MAX);
    bytes_free(&out);
}

/* Twelve bytes of numbers, the first line a value of strangers, the rest the message. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < HEAD)
        return 0;
    double value;
    char *copy = malloc(size - HEAD + 1); /* not a byte more than is named */
    check(copy != NULL);
    memcpy(&value, data + 4, sizeof value);
    memcpy(copy, data + HEAD, size - HEAD);
    struct slice rest = { copy, size - HEAD };
    struct slice stranger = slice_cut(&rest, '\n');
    struct slice tags[TAGS_MAX] = { { "env:prod", 8 }, { "host:b", 6 }, stranger, stranger };
    struct template_pair host[] = { { SLICE("name"), stranger }, { SLICE("ip"), stranger } };
    struct alert_rules rules = { .comparator = (enum comparator)(data[0] % (NOT_EQUAL + 1)),
                                 .critical = { data[0] & 0x80, value },
                                 .warning = { data[0] & 0x40, -value } };
    struct template_facts facts = {
        .transition = { .from = (enum monitor_state)(data[1] % MONITOR_STATE_COUNT),
                        .to = (enum monitor_state)(data[1] / 8 % MONITOR_STATE_COUNT),
                        .again = data[1] >> 6 },
        .value = value,
        .has_value = data[2] & 1,
        .rules = &rules,
        .priority = data[2] >> 1 & 7,
        .tags = tags,
        .n_tags = data[3] % (TAGS_MAX + 1),
        .host = host,
        .n_host = data[3] >> 6 & 1 ? 2 : 0,
        .host_tags = tags,
        .n_host_tags = data[2] >> 4 & 3,
        .check_message = stranger,
        .first_triggered_s = data[2],
        .last_triggered_s = (int64_t)data[3] << 40,
        .now_s = 1796061720,
        .hides_handles = data[3] & 0x20,
        .offset = data[3] & 0x10 ? offset : NULL,
        .find = data[3] & 0x80 ? find : NULL,
        .self = &stranger,
    };

    check_number(value);
    render(rest, &facts);
    free(copy);
    return 0;
}
