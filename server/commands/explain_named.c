#include "server/commands/explain_named.h"

#include <stdlib.h>

#include "config/utf8.h"
#include "flush/series/mapper.h"
#include "protocol/tags.h"

/* What is explained. */
struct naming {
    struct json_out *out;
    const struct settings *settings;
    struct slice line_tags;
    struct mapping mapping; /* without tags where nothing is mapped */
    struct enriched enriched;
};

/* ---- the name ---------------------------------------------------------- */

static void put_texts(struct json_out *out, const char *name, const struct slice *texts,
                      size_t n)
{
    json_out_begin(out, name, '[');
    for (size_t i = 0; i < n; i++)
        json_out_slice(out, NULL, texts[i]);
    json_out_end(out, ']');
}

static void put_mapped(struct json_out *out, struct mapper *mapper, struct slice name,
                       struct mapping *mapping)
{
    struct mapper_rule rule;

    *mapping = (struct mapping){ .name = name };
    if (!mapper_map(mapper, name, mapping) || !mapper_find(mapper, name, &rule)) {
        json_out_null(out, "mapped");
        return;
    }
    json_out_begin(out, "mapped", '{');
    json_out_slice(out, "profile", rule.profile);
    json_out_number(out, "mapping", rule.number);
    json_out_text(out, "match_type", rule.is_regex ? "regex" : "wildcard");
    json_out_slice(out, "match", rule.match);
    json_out_slice(out, "name", mapping->name);
    put_texts(out, "tags", mapping->tags, mapping->n_tags);
    json_out_end(out, '}');
}

/* ---- tags -------------------------------------------------------------- */

static bool in_section(struct slice section, struct slice tag)
{
    struct tags walk = tags_of(section);
    struct slice one;

    while (tags_next(&walk, &one))
        if (slice_equal(one, tag))
            return true;
    return false;
}

static bool in_strings(const struct string_list *list, struct slice tag)
{
    for (size_t i = 0; i < list->n; i++)
        if (slice_equal(slice_of(list->at[i]), tag))
            return true;
    return false;
}

static const char *origin_of(const struct naming *naming, struct slice tag)
{
    const struct settings *settings = naming->settings;

    if (in_section(naming->line_tags, tag))
        return "line";
    if (slice_is_among(tag, naming->mapping.tags, naming->mapping.n_tags))
        return "mapper";
    if (in_strings(&settings->dogstatsd_tags, tag))
        return "dogstatsd_tags";
    if (in_strings(&settings->tags, tag))
        return "tags";
    if (in_strings(&settings->extra_tags, tag))
        return "extra_tags";
    if (slice_starts(tag, SLICE("env:")) &&
        slice_equal(slice_skip(tag, 4), slice_of(settings->env)))
        return "env";
    return "line"; /* its bytes that were no UTF-8 have become others */
}

static void put_tags(const struct naming *naming)
{
    json_out_begin(naming->out, "tags", '[');
    for (size_t i = 0; i < naming->enriched.n_tags; i++) {
        struct slice tag = naming->enriched.tags[i];

        json_out_begin(naming->out, NULL, '{');
        json_out_slice(naming->out, "tag", tag);
        json_out_text(naming->out, "from", origin_of(naming, tag));
        json_out_end(naming->out, '}');
    }
    json_out_end(naming->out, ']');
}

/* Why a tag of the line, which is not among those of the series, is not. */
static const char *why_left_out(struct slice tag)
{
    if (slice_starts(tag, SLICE("host:")))
        return "it names the host";
    if (slice_starts(tag, SLICE("dd.internal.")))
        return "it says who sent the line";
    return "metric_tag_filterlist names it";
}

static void put_left_out(const struct naming *naming)
{
    struct tags walk = tags_of(naming->line_tags);
    struct slice tag;

    json_out_begin(naming->out, "left_out", '[');
    while (tags_next(&walk, &tag)) {
        if (slice_is_among(tag, naming->enriched.tags, naming->enriched.n_tags) ||
            !utf8_is_valid(tag.at, tag.len))
            continue;
        json_out_begin(naming->out, NULL, '{');
        json_out_slice(naming->out, "tag", tag);
        json_out_text(naming->out, "why", why_left_out(tag));
        json_out_end(naming->out, '}');
    }
    json_out_end(naming->out, ']');
}

/* Of a record there are as many as it has tags, so both lists are made. */
static void put_resources(const struct naming *naming)
{
    size_t n_tags = naming->enriched.n_tags, n_plain, n = 0;
    struct slice *plain = calloc(n_tags + 1, sizeof *plain);
    struct resource *resources = calloc(n_tags + 1, sizeof *resources);

    json_out_begin(naming->out, "resources", '[');
    if (plain != NULL && resources != NULL)
        n = enrich_resources(naming->enriched.tags, n_tags, plain, &n_plain, resources);
    for (size_t i = 0; i < n; i++) {
        json_out_begin(naming->out, NULL, '{');
        json_out_slice(naming->out, "type", resources[i].type);
        json_out_slice(naming->out, "name", resources[i].name);
        json_out_end(naming->out, '}');
    }
    json_out_end(naming->out, ']');
    free(plain);
    free(resources);
}

/* ---- all of it --------------------------------------------------------- */

static void put_identity(const struct naming *naming)
{
    json_out_slice(naming->out, "host", naming->enriched.host);
    put_tags(naming);
    put_left_out(naming);
}

static void write_metric(struct naming *naming, struct enricher *enricher,
                         const struct explain_parsed *parsed)
{
    enum shed_reason refused = enrich_metric(enricher, parsed->name, parsed->tags,
                                             cell_kind_of(parsed->type), &naming->enriched);

    /* Behind that, as both make their texts in the same room: those of one name are alike. */
    put_mapped(naming->out, enrich_mapper(enricher), parsed->name, &naming->mapping);
    json_out_slice(naming->out, "namespace",
                   filter_namespace(enrich_filter(enricher), naming->mapping.name));
    if (refused != SHED_NOTHING)
        return;
    json_out_slice(naming->out, "name", naming->enriched.name);
    put_identity(naming);
    put_resources(naming);
}

static void write_record(struct naming *naming, struct enricher *enricher,
                         const struct explain_parsed *parsed)
{
    if (enrich_record(enricher, parsed->tags, parsed->host, &naming->enriched))
        put_identity(naming);
    else
        naming->out->bytes.failed = true;
}

void explain_named_write(struct json_out *out, struct enricher *enricher,
                         const struct settings *settings, const struct explain_parsed *parsed)
{
    struct naming naming = { .out = out, .settings = settings, .line_tags = parsed->tags };

    json_out_begin(out, "named", '{');
    if (parsed->kind == LINE_METRIC)
        write_metric(&naming, enricher, parsed);
    else
        write_record(&naming, enricher, parsed);
    json_out_end(out, '}');
}
