/* Reading order: the texts, one rule each; then spans and traces; last what stands where. */
#include "server/traces/normalise.h"

#include <stdlib.h>

#include "config/utf8.h"
#include "server/traces/letters.h"

enum {
    SERVICE_BYTES_MAX = 100,
    NAME_BYTES_MAX = 100,
    TYPE_BYTES_MAX = 100,
    RESOURCE_BYTES_MAX = 5000,
    META_KEY_BYTES_MAX = 200,
    META_VALUE_BYTES_MAX = 25000,
    TAG_CHARACTERS_MAX = 200,
    TAG_BYTES_MAX = 400
};

#define YEAR_2000_NS INT64_C(946684800000000000)

static bool is_letter(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
}

static bool is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

static struct slice cut(struct slice text, size_t most)
{
    return (struct slice){ text.at, utf8_cut(text.at, text.len, most) };
}

/* ---- values of tags ---------------------------------------------------- */

static bool is_kept(char byte)
{
    return (byte >= 'a' && byte <= 'z') || is_digit(byte) || byte == ':' || byte == '.' ||
           byte == '/' || byte == '-';
}

/* Most texts are as they should be, and are not copied. */
static bool is_normal_value(struct slice value)
{
    if (value.len > TAG_CHARACTERS_MAX || (value.len > 0 && value.at[value.len - 1] == '_'))
        return false;
    for (size_t i = 0; i < value.len; i++)
        if (!is_kept(value.at[i]) && (value.at[i] != '_' || (i > 0 && value.at[i - 1] == '_')))
            return false;
    return true;
}

/* Writes one character of n bytes in lower case and returns its bytes; 0: it is none that a tag
 * keeps. */
static size_t put_character(const char *from, size_t n, char *to)
{
    memcpy(to, from, n);
    if (n > 1)
        return letters_lower(to, n) ? n : 0;
    if (*to >= 'A' && *to <= 'Z')
        *to = (char)(*to - 'A' + 'a');
    return is_kept(*to) ? 1 : 0;
}

/* All that is not kept becomes one '_' a run, and none at the end. */
struct slice normalise_tag_value(struct slice value, struct arena *arena)
{
    size_t used = 0, characters = 0;
    bool gap = false;

    if (value.at == NULL || is_normal_value(value))
        return value.at == NULL ? SLICE("") : value;
    char *out = arena_alloc(arena, TAG_BYTES_MAX + 8);

    if (out == NULL)
        return (struct slice){ NULL, 0 };
    for (size_t i = 0, n; i < value.len; i += n) {
        size_t length = utf8_length(value.at + i, value.len - i);

        n = length > 0 ? length : 1;
        if (characters + gap >= TAG_CHARACTERS_MAX || used + gap + n > TAG_BYTES_MAX)
            break;
        size_t wrote = length > 0 ? put_character(value.at + i, n, out + used + gap) : 0;

        if (wrote > 0 && gap)
            out[used] = '_';
        if (wrote > 0) {
            characters += 1 + (size_t)gap;
            used += wrote + (size_t)gap;
        }
        gap = wrote == 0;
    }
    return (struct slice){ out, used };
}

/* ---- services, names --------------------------------------------------- */

static struct slice default_service(struct slice language, struct arena *arena)
{
    static const char before[] = "unnamed-", behind[] = "-service";
    size_t size = language.len + sizeof before + sizeof behind;
    char *text;

    if (language.len == 0)
        return SLICE("unnamed-service");
    if ((text = arena_alloc(arena, size)) == NULL)
        return (struct slice){ NULL, 0 };
    memcpy(text, before, sizeof before - 1);
    memcpy(text + sizeof before - 1, language.at, language.len);
    memcpy(text + sizeof before - 1 + language.len, behind, sizeof behind - 1);
    return normalise_tag_value((struct slice){ text, size - 2 }, arena);
}

struct slice normalise_service(struct slice service, struct slice language, struct arena *arena)
{
    struct slice normal = normalise_tag_value(cut(service, SERVICE_BYTES_MAX), arena);

    return normal.at != NULL && normal.len == 0
               ? default_service(cut(language, SERVICE_BYTES_MAX), arena)
               : normal;
}

/* The rule for names of metrics, of which it becomes a part. */
static bool is_normal_name(struct slice name)
{
    if (name.len == 0 || !is_letter(name.at[0]) || name.at[name.len - 1] == '_')
        return false;
    for (size_t i = 1; i < name.len; i++) {
        char byte = name.at[i], before = name.at[i - 1];

        if (!is_letter(byte) && !is_digit(byte) && byte != '.' && byte != '_')
            return false;
        if ((byte == '_' && (before == '_' || before == '.')) || (byte == '.' && before == '_'))
            return false;
    }
    return true;
}

static size_t put_name(struct slice name, char *out)
{
    size_t used = 0;

    for (size_t i = 0; i < name.len; i++) {
        char byte = name.at[i];

        if (used == 0 && !is_letter(byte))
            continue;
        if (is_letter(byte) || is_digit(byte))
            out[used++] = byte;
        else if (byte == '.' && out[used - 1] == '_')
            out[used - 1] = '.';
        else if (byte == '.')
            out[used++] = '.';
        else if (out[used - 1] != '_' && out[used - 1] != '.')
            out[used++] = '_';
    }
    return used > 0 && out[used - 1] == '_' ? used - 1 : used;
}

struct slice normalise_name(struct slice name, struct arena *arena)
{
    char *out;

    name = cut(name, NAME_BYTES_MAX);
    if (is_normal_name(name))
        return name;
    if ((out = arena_alloc(arena, NAME_BYTES_MAX)) == NULL)
        return (struct slice){ NULL, 0 };
    struct slice normal = { out, put_name(name, out) };

    return normal.len > 0 ? normal : SLICE("unnamed_operation");
}

struct slice normalise_resource(struct slice resource, struct slice name)
{
    return resource.len == 0 ? name : cut(resource, RESOURCE_BYTES_MAX);
}

/* ---- spans ------------------------------------------------------------- */

static bool ends_in(struct slice text, struct slice end)
{
    return text.len >= end.len && slice_equal(slice_skip(text, text.len - end.len), end);
}

/* What holds data for programs is never cut. */
static bool is_data(struct slice key)
{
    return slice_starts(key, SLICE("_dd.")) &&
           (ends_in(key, SLICE(".json")) || ends_in(key, SLICE(".msgpack")) ||
            ends_in(key, SLICE(".protobuf")));
}

/* With "..." where something is missing. */
static bool shorten(struct slice *text, size_t most, struct arena *arena)
{
    struct slice kept = cut(*text, most);
    char *out;

    if (kept.len == text->len)
        return true;
    if ((out = arena_alloc(arena, kept.len + 3)) == NULL)
        return false;
    memcpy(out, kept.at, kept.len);
    memcpy(out + kept.len, "...", 3);
    *text = (struct slice){ out, kept.len + 3 };
    return true;
}

static bool is_status(struct slice text)
{
    return text.len == 3 && text.at[0] >= '1' && text.at[0] <= '5' && is_digit(text.at[1]) &&
           is_digit(text.at[2]);
}

/* Of several values the last, which counts: a body of v0.5 can say a long one in two bytes any
 * number of times. The lists are the decoder's, and nobody else has them. */
static bool normalise_value_of(struct span *span, struct slice key, struct arena *arena)
{
    struct span_meta *meta = (struct span_meta *)span->meta;
    uint32_t i = span->n_meta;

    while (i > 0 && !slice_equal(meta[i - 1].key, key))
        i--;
    if (i == 0)
        return true;
    meta[i - 1].value = normalise_tag_value(meta[i - 1].value, arena);
    return meta[i - 1].value.at != NULL;
}

static bool normalise_meta(struct span *span, struct arena *arena)
{
    struct span_meta *meta = (struct span_meta *)span->meta;
    uint32_t kept = 0;

    for (uint32_t i = 0; i < span->n_meta; i++) {
        struct span_meta one = meta[i];

        if (slice_equal(one.key, SLICE("http.status_code")) && !is_status(one.value))
            continue;
        if (!is_data(one.key) && (!shorten(&one.key, META_KEY_BYTES_MAX, arena) ||
                                  !shorten(&one.value, META_VALUE_BYTES_MAX, arena)))
            return false;
        meta[kept++] = one;
    }
    span->n_meta = kept;
    return normalise_value_of(span, SLICE("env"), arena) &&
           normalise_value_of(span, SLICE("peer.service"), arena);
}

static void normalise_times(struct span *span, int64_t now_ns)
{
    int64_t end;

    if (span->duration_ns < 0 ||
        __builtin_add_overflow(span->start_ns, span->duration_ns, &end))
        span->duration_ns = 0;
    if (span->start_ns < YEAR_2000_NS)
        span->start_ns = now_ns - span->duration_ns;
}

static bool normalise_span(struct span *span, const struct trace_source *source,
                           struct arena *arena, int64_t now_ns)
{
    span->service = normalise_service(span->service, source->language, arena);
    span->name = normalise_name(span->name, arena);
    if (span->service.at == NULL || span->name.at == NULL)
        return false;
    span->resource = normalise_resource(span->resource, span->name);
    span->type = cut(span->type, TYPE_BYTES_MAX);
    if (span->parent_id == span->span_id && span->parent_id == span->trace_id)
        span->parent_id = 0;
    normalise_times(span, now_ns);
    return normalise_meta(span, arena);
}

/* ---- traces ------------------------------------------------------------ */

static enum trace_refusal refuse(const struct trace *trace)
{
    if (trace->n_spans == 0)
        return TRACE_REFUSED_EMPTY;
    for (uint32_t i = 0; i < trace->n_spans; i++) {
        const struct span *span = &trace->spans[i];

        if (span->trace_id == 0)
            return TRACE_REFUSED_TRACE_ID;
        if (span->span_id == 0)
            return TRACE_REFUSED_SPAN_ID;
        if (span->trace_id != trace->spans[0].trace_id)
            return TRACE_REFUSED_FOREIGN;
    }
    return TRACE_TAKEN;
}

enum trace_refusal normalise_trace(struct trace *trace, const struct trace_source *source,
                                   struct arena *arena, int64_t now_ns)
{
    enum trace_refusal refused = refuse(trace);

    for (uint32_t i = 0; refused == TRACE_TAKEN && i < trace->n_spans; i++)
        if (!normalise_span(&trace->spans[i], source, arena, now_ns))
            refused = TRACE_REFUSED_MEMORY;
    return refused;
}

/* ---- what stands where ------------------------------------------------- */

/* A span by its id; sorted, so that no ids make it slow to find one. */
struct place {
    uint64_t id;
    uint32_t at;
};

static int by_id(const void *a, const void *b)
{
    const struct place *one = a, *other = b;

    if (one->id != other->id)
        return one->id < other->id ? -1 : 1;
    return one->at < other->at ? -1 : one->at > other->at;
}

static struct place *sort_places(const struct trace *trace, struct arena *arena)
{
    struct place *places = arena_alloc(arena, trace->n_spans * sizeof *places);

    for (uint32_t i = 0; places != NULL && i < trace->n_spans; i++)
        places[i] = (struct place){ trace->spans[i].span_id, i };
    if (places != NULL)
        qsort(places, trace->n_spans, sizeof *places, by_id);
    return places;
}

/* The last of those with that id; NULL: there is none. */
static const struct span *find(const struct trace *trace, const struct place *places,
                               uint64_t id)
{
    uint32_t from = 0, to = trace->n_spans; /* the first behind it is in [from, to] */

    while (from < to) {
        uint32_t middle = from + (to - from) / 2;

        if (places[middle].id <= id)
            from = middle + 1;
        else
            to = middle;
    }
    return from > 0 && places[from - 1].id == id ? &trace->spans[places[from - 1].at] : NULL;
}

static bool client_says_top(const struct span *span)
{
    double value;

    return span_metric(span, SLICE("_dd.top_level"), &value) && value == 1;
}

bool trace_shape(struct trace *trace, bool client_computed, struct arena *arena)
{
    struct place *places = sort_places(trace, arena);
    bool has_root = false;

    if (places == NULL)
        return false;
    trace->root = trace->n_spans - 1;
    for (uint32_t i = 0; i < trace->n_spans; i++) {
        struct span *span = &trace->spans[i];
        const struct span *parent =
            span->parent_id == 0 ? NULL : find(trace, places, span->parent_id);

        span->is_top_level = client_computed  ? client_says_top(span)
                             : parent == NULL ? true
                                              : !slice_equal(parent->service, span->service);
        if (span->parent_id == 0 || (parent == NULL && !has_root))
            trace->root = i;
        has_root = has_root || span->parent_id == 0;
    }
    return true;
}
