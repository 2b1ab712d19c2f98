#include "flush/series/enrich.h"

#include <stdio.h>
#include <stdlib.h>

#include "config/utf8.h"
#include "flush/series/mapper.h"
#include "protocol/tags.h"

/* A list of tags that is filled anew for each context; it grows once to the
 * most that one datagram can hold. */
struct tag_list {
    struct slice *at;
    size_t n, capacity;
};

struct enricher {
    struct mapper *mapper;
    struct filter *filter;
    struct slice hostname;
    struct slice copy_prefix;
    const struct string_list *sample_tags; /* dogstatsd_tags */
    struct string_list host_tags;          /* owned */
    struct tag_list tags;
    char name[ENRICH_NAME_MAX];
    char *repaired; /* texts that were not UTF-8, repaired */
    size_t repaired_room;
};

/* ---- tags -------------------------------------------------------------- */

static bool tag_list_add(struct tag_list *list, struct slice tag)
{
    if (list->n == list->capacity) {
        size_t capacity = list->capacity > 0 ? list->capacity * 2 : 256;
        struct slice *at = reallocarray(list->at, capacity, sizeof *at);

        if (at == NULL)
            return false;
        list->at = at;
        list->capacity = capacity;
    }
    list->at[list->n++] = tag;
    return true;
}

static bool add_strings(struct tag_list *list, const struct string_list *strings)
{
    for (size_t i = 0; i < strings->n; i++)
        if (!tag_list_add(list, slice_of(strings->at[i])))
            return false;
    return true;
}

static int compare_tags(const void *a, const void *b)
{
    return slice_compare(*(const struct slice *)a, *(const struct slice *)b);
}

static void sort_unique(struct tag_list *list)
{
    size_t kept = 0;

    if (list->n > 1)
        qsort(list->at, list->n, sizeof *list->at, compare_tags);
    for (size_t i = 0; i < list->n; i++)
        if (kept == 0 || !slice_equal(list->at[i], list->at[kept - 1]))
            list->at[kept++] = list->at[i];
    list->n = kept;
}

static bool cut_prefix(struct slice tag, struct slice prefix, struct slice *value)
{
    if (!slice_starts(tag, prefix))
        return false;
    *value = slice_skip(tag, prefix.len);
    return true;
}

/* Keeps the tag, unless it is one that says something about the sender. Of host
 * and entity the last one counts, of cardinality the first, and a further one is
 * a tag like any other. */
static bool extract_tag(struct tag_list *list, struct slice tag, struct enriched *out)
{
    struct slice ignored;

    if (cut_prefix(tag, SLICE("host:"), &out->host) ||
        cut_prefix(tag, SLICE("dd.internal.entity_id:"), &out->pod_uid) ||
        (out->cardinality.len == 0 &&
         cut_prefix(tag, SLICE("dd.internal.card:"), &out->cardinality)) ||
        cut_prefix(tag, SLICE("dd.internal.jmx_check_name:"), &ignored))
        return true;
    return tag_list_add(list, tag);
}

static bool extract_section(struct enricher *enricher, struct slice raw_tags,
                            struct enriched *out)
{
    struct tags walk = tags_of(raw_tags);
    struct slice tag;

    enricher->tags.n = 0;
    *out = (struct enriched){ .host = enricher->hostname };
    while (tags_next(&walk, &tag))
        if (!extract_tag(&enricher->tags, tag, out))
            return false;
    return true;
}

static bool extract_mapped(struct enricher *enricher, const struct mapping *mapping,
                           struct enriched *out)
{
    for (size_t i = 0; i < mapping->n_tags; i++)
        if (!extract_tag(&enricher->tags, mapping->tags[i], out))
            return false;
    return true;
}

static void strip_tags(struct tag_list *list, const struct tag_filter *filter)
{
    size_t kept = 0;

    for (size_t i = 0; i < list->n; i++)
        if (filter_keeps_tag(filter, list->at[i]))
            list->at[kept++] = list->at[i];
    list->n = kept;
}

/* ---- text -------------------------------------------------------------- */

static bool is_valid(struct slice text)
{
    return utf8_is_valid(text.at, text.len);
}

static size_t repair_room(struct slice text)
{
    return is_valid(text) ? 0 : UTF8_GROWTH * text.len;
}

/* Returns the place behind what it wrote. */
static char *repair(struct slice *text, char *at)
{
    if (is_valid(*text))
        return at;
    size_t len = utf8_repair(text->at, text->len, at);

    *text = (struct slice){ at, len };
    return at + len;
}

static bool reserve_repaired(struct enricher *enricher, size_t room)
{
    if (room <= enricher->repaired_room)
        return true;
    char *grown = realloc(enricher->repaired, room);

    if (grown == NULL)
        return false;
    enricher->repaired = grown;
    enricher->repaired_room = room;
    return true;
}

/* Replaces each text that is not UTF-8 by a view into room of the enricher. */
static bool repair_texts(struct enricher *enricher, struct enriched *out)
{
    struct tag_list *list = &enricher->tags;
    size_t room = repair_room(out->name) + repair_room(out->host);

    for (size_t i = 0; i < list->n; i++)
        room += repair_room(list->at[i]);
    if (room == 0)
        return true;
    if (!reserve_repaired(enricher, room))
        return false;
    char *at = repair(&out->host, repair(&out->name, enricher->repaired));

    for (size_t i = 0; i < list->n; i++)
        at = repair(&list->at[i], at);
    return true;
}

/* Makes all text valid, and the tags a sorted set. */
static bool finish_text(struct enricher *enricher, struct enriched *out)
{
    struct tag_list *list = &enricher->tags;

    if (!repair_texts(enricher, out))
        return false;
    sort_unique(list);
    out->tags = list->at;
    out->n_tags = list->n;
    return true;
}

/* strip: NULL keeps all. */
static bool finish_tags(struct enricher *enricher, const struct tag_filter *strip,
                        struct enriched *out)
{
    struct tag_list *list = &enricher->tags;

    if (!add_strings(list, enricher->sample_tags))
        return false;
    if (strip != NULL)
        strip_tags(list, strip);
    return add_strings(list, &enricher->host_tags) && finish_text(enricher, out);
}

/* ---- metrics ----------------------------------------------------------- */

static bool has_letter(struct slice name)
{
    for (size_t i = 0; i < name.len; i++)
        if ((name.at[i] | 32) >= 'a' && (name.at[i] | 32) <= 'z')
            return true;
    return false;
}

/* Puts prefix before name in the enricher's room; name may stand there already.
 * False when the result is too long. */
static bool prefix_name(struct enricher *enricher, struct slice prefix, struct slice *name)
{
    if (prefix.len + name->len > ENRICH_NAME_MAX)
        return false;
    memmove(enricher->name + prefix.len, name->at, name->len);
    memcpy(enricher->name, prefix.at, prefix.len);
    *name = (struct slice){ enricher->name, prefix.len + name->len };
    return true;
}

/* Adds the namespace and the prefix of a copy, and asks the filter list. */
static enum shed_reason finish_name(struct enricher *enricher, struct slice name, bool copy,
                                    struct enriched *out)
{
    if (!prefix_name(enricher, filter_namespace(enricher->filter, name), &name))
        return SHED_REFUSED_NAME;
    if (filter_drops(enricher->filter, name))
        return SHED_FILTERED;
    if (copy && !prefix_name(enricher, enricher->copy_prefix, &name))
        return SHED_REFUSED_NAME;
    out->name = name;
    return has_letter(name) ? SHED_NOTHING : SHED_REFUSED_NAME;
}

static enum shed_reason check_limits(const struct enriched *out)
{
    size_t bytes = 0;

    if (out->name.len > ENRICH_NAME_MAX)
        return SHED_REFUSED_NAME;
    for (size_t i = 0; i < out->n_tags; i++)
        bytes += out->tags[i].len;
    if (out->n_tags > ENRICH_TAGS_MAX || bytes > ENRICH_TAG_BYTES_MAX)
        return SHED_REFUSED_TAGS;
    return out->host.len > ENRICH_HOST_MAX ? SHED_REFUSED_HOST : SHED_NOTHING;
}

enum shed_reason enrich_metric(struct enricher *enricher, struct slice name,
                               struct slice raw_tags, enum cell_kind kind, struct enriched *out)
{
    struct mapping mapping;
    bool mapped = mapper_map(enricher->mapper, name, &mapping);
    bool copy = kind == CELL_DISTRIBUTION_COPY;

    if (!extract_section(enricher, raw_tags, out) ||
        (mapped && !extract_mapped(enricher, &mapping, out)))
        return SHED_MEMORY;
    enum shed_reason refused = finish_name(enricher, mapped ? mapping.name : name, copy, out);

    if (refused != SHED_NOTHING)
        return refused;
    bool strippable = kind == CELL_COUNT || kind == CELL_DISTRIBUTION || copy;

    if (!finish_tags(enricher, strippable ? filter_tags(enricher->filter, out->name) : NULL,
                     out))
        return SHED_MEMORY;
    return check_limits(out);
}

bool enrich_record(struct enricher *enricher, struct slice raw_tags, struct slice host_field,
                   struct enriched *out)
{
    if (!extract_section(enricher, raw_tags, out))
        return false;
    if (host_field.len > 0)
        out->host = host_field;
    return finish_tags(enricher, NULL, out);
}

bool enrich_again(struct enricher *enricher, struct enriched *identity)
{
    bool valid = is_valid(identity->name) && is_valid(identity->host);

    enricher->tags.n = 0;
    for (size_t i = 0; i < identity->n_tags; i++) {
        valid = valid && is_valid(identity->tags[i]);
        if (!tag_list_add(&enricher->tags, identity->tags[i]))
            return false;
    }
    return valid || finish_text(enricher, identity);
}

/* ---- resources --------------------------------------------------------- */

/* "type:name" behind the prefix. */
static bool read_resource(struct slice text, struct resource *out)
{
    out->type = slice_cut(&text, ':');
    out->name = text;
    return out->type.len > 0 && out->name.len > 0;
}

static struct slice last_device(const struct slice *tags, size_t n_tags)
{
    struct slice device = SLICE("");

    for (size_t i = 0; i < n_tags; i++)
        cut_prefix(tags[i], SLICE("device:"), &device);
    return device;
}

size_t enrich_resources(const struct slice *tags, size_t n_tags, struct slice *plain_tags,
                        size_t *n_plain, struct resource *resources)
{
    struct slice device = last_device(tags, n_tags), value;
    size_t n = 0;

    *n_plain = 0;
    if (device.len > 0)
        resources[n++] = (struct resource){ SLICE("device"), device };
    for (size_t i = 0; i < n_tags; i++) {
        if (cut_prefix(tags[i], SLICE("dd.internal.resource:"), &value))
            n += read_resource(value, &resources[n]);
        else if (!slice_starts(tags[i], SLICE("device:")))
            plain_tags[(*n_plain)++] = tags[i];
    }
    return n;
}

/* ---- life -------------------------------------------------------------- */

static bool copy_strings(struct string_list *to, const struct string_list *from)
{
    for (size_t i = 0; i < from->n; i++)
        if (!string_list_add(to, from->at[i], strlen(from->at[i])))
            return false;
    return true;
}

static bool make_host_tags(struct string_list *tags, const struct settings *settings)
{
    char *env = NULL;

    if (!copy_strings(tags, &settings->tags) || !copy_strings(tags, &settings->extra_tags))
        return false;
    if (settings->env[0] == '\0')
        return true;
    if (asprintf(&env, "env:%s", settings->env) < 0)
        return false;
    bool added = string_list_add(tags, env, strlen(env));

    free(env);
    return added;
}

struct enricher *enrich_new(const struct settings *settings, const char *hostname,
                            char *problem, size_t problem_size)
{
    struct enricher *enricher = calloc(1, sizeof *enricher);

    if (enricher == NULL || !make_host_tags(&enricher->host_tags, settings)) {
        snprintf(problem, problem_size, "tags: no memory");
        enrich_free(enricher);
        return NULL;
    }
    enricher->hostname = slice_of(hostname);
    enricher->copy_prefix = slice_of(settings->histogram_copy_to_distribution_prefix);
    enricher->sample_tags = &settings->dogstatsd_tags;
    enricher->mapper =
        mapper_new(settings->dogstatsd_mapper_profiles,
                   (size_t)settings->dogstatsd_mapper_cache_size, problem, problem_size);
    if (enricher->mapper != NULL)
        enricher->filter = filter_new(settings, problem, problem_size);
    if (enricher->filter != NULL)
        return enricher;
    enrich_free(enricher);
    return NULL;
}

void enrich_free(struct enricher *given)
{
    if (given == NULL)
        return;
    mapper_free(given->mapper);
    filter_free(given->filter);
    string_list_free(&given->host_tags);
    free(given->tags.at);
    free(given->repaired);
    free(given);
}

uint64_t enrich_limited(const struct enricher *enricher)
{
    return mapper_limited(enricher->mapper);
}

const struct filter *enrich_filter(const struct enricher *enricher)
{
    return enricher->filter;
}

struct mapper *enrich_mapper(const struct enricher *enricher)
{
    return enricher->mapper;
}
