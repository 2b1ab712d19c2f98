#define PCRE2_CODE_UNIT_WIDTH 8

#include "flush/series/mapper.h"

#include <pcre2.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "flush/series/mapper_cache.h"
#include "flush/series/re2.h"
#include "flush/series/wildcard.h"

/* For a regex. A name of 350 bytes through ".*a.*b.*c" needs some 60,000 steps. A
 * step may look at each byte of the name, hence the bound on that. */
enum {
    REGEX_NAME_MAX = 2048,
    MATCH_LIMIT = 100 * 1000,
    MATCH_LIMIT_ALL_STARTS = 1000 * 1000,
    DEPTH_LIMIT = 20 * 1000,
    HEAP_LIMIT_KIB = 4096,
};

struct tag_template {
    struct slice key, value;
};

/* One mapping; its slices are views into the profiles. */
struct rule {
    struct slice match; /* a wildcard, unless regex is set */
    struct slice name;
    pcre2_code *regex;
    struct tag_template *tags;
    size_t n_tags;
};

struct profile {
    struct slice name, prefix;
    struct rule *rules;
    size_t n_rules;
};

/* Group 0 is the whole match. Unset groups are empty. */
struct groups {
    struct slice *at;
    size_t n, capacity;
};

/* Fixed room for expanded bytes; what does not fit is cut. */
struct room {
    char *at;
    size_t len, capacity;
};

struct mapper {
    json_t *json;
    struct profile *profiles;
    size_t n_profiles;
    pcre2_compile_context *compile_context;
    pcre2_match_context *match_context;
    pcre2_match_data *match_data;
    struct groups groups; /* room for those of any rule */
    struct slice *tags;   /* the same */
    size_t tags_capacity;
    struct mapper_cache *cache;
    uint64_t limited;
    char name[MAPPER_NAME_MAX];
    char tag_bytes[MAPPER_TAGS_MAX];
};

/* ---- regexes ----------------------------------------------------------- */

/* PCRE2 counts steps anew at each place where a match may start, which is every
 * one when a branch has no "^". */
static uint32_t match_limit(const pcre2_code *regex, struct slice name)
{
    uint32_t options = 0;

    pcre2_pattern_info(regex, PCRE2_INFO_ALLOPTIONS, &options);
    if (options & PCRE2_ANCHORED)
        return MATCH_LIMIT;
    uint32_t each = MATCH_LIMIT_ALL_STARTS / (uint32_t)(name.len + 1);

    return each < MATCH_LIMIT ? each : MATCH_LIMIT;
}

static bool regex_matches(struct mapper *mapper, const pcre2_code *regex, struct slice name)
{
    if (name.len > REGEX_NAME_MAX) {
        mapper->limited++;
        return false;
    }
    pcre2_set_match_limit(mapper->match_context, match_limit(regex, name));
    int found = pcre2_match(regex, (PCRE2_SPTR)name.at, name.len, 0, 0, mapper->match_data,
                            mapper->match_context);

    if (found <= 0) {
        mapper->limited += found < 0 && found != PCRE2_ERROR_NOMATCH;
        return false;
    }
    const size_t *ends = pcre2_get_ovector_pointer(mapper->match_data);
    uint32_t captures = 0;

    pcre2_pattern_info(regex, PCRE2_INFO_CAPTURECOUNT, &captures);
    mapper->groups.n = captures + 1;
    for (size_t i = 0; i <= captures; i++) {
        bool set = i < (size_t)found && ends[2 * i] != PCRE2_UNSET;

        mapper->groups.at[i] =
            set ? (struct slice){ name.at + ends[2 * i], ends[2 * i + 1] - ends[2 * i] }
                : SLICE("");
    }
    return true;
}

/* ---- reading the profiles ---------------------------------------------- */

/* Where a sentence goes, and what it is about. */
struct report {
    char *problem;
    size_t size;
    const char *profile; /* a name, or NULL: none yet */
    size_t mapping;      /* from 1; 0: the profile itself */
};

/* Always false, so that the caller can return it. */
__attribute__((format(printf, 2, 3))) static bool refuse(const struct report *report,
                                                         const char *format, ...)
{
    char what[256], where[256] = "";
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    if (report->profile != NULL && report->mapping > 0)
        snprintf(where, sizeof where, "profile \"%.100s\", mapping %zu: ", report->profile,
                 report->mapping);
    else if (report->profile != NULL)
        snprintf(where, sizeof where, "profile \"%.100s\": ", report->profile);
    snprintf(report->problem, report->size, "dogstatsd_mapper_profiles: %s%s", where, what);
    return false;
}

static bool refuse_memory(const struct report *report)
{
    return refuse(report, "no memory");
}

/* The text under key; NULL when it is missing, empty or none. */
static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text != NULL && text[0] != '\0' ? text : NULL;
}

static bool check_wildcard(const char *match, const struct report *report)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "0123456789-_*.";

    if (match[strspn(match, allowed)] != '\0')
        return refuse(report,
                      "the wildcard \"%.100s\" may hold only letters, digits, '-', '_', '*' "
                      "and '.'",
                      match);
    if (strstr(match, "**") != NULL)
        return refuse(report, "the wildcard \"%.100s\" has two stars in a row", match);
    return true;
}

/* Anchored as the Agent does it: "^a|b$" for "a|b", without a group. */
static bool compile_regex(struct mapper *mapper, struct rule *rule, const char *match,
                          const struct report *report)
{
    const char *foreign = re2_find_foreign(match);

    if (foreign != NULL)
        return refuse(report, "the regex \"%.100s\" is not RE2 syntax at \"%.20s\"", match,
                      foreign);
    char *anchored = NULL;

    if (asprintf(&anchored, "^%s$", match) < 0)
        return refuse_memory(report);
    int error = 0;
    size_t offset = 0;

    rule->regex =
        pcre2_compile((PCRE2_SPTR)anchored, PCRE2_ZERO_TERMINATED,
                      PCRE2_DOLLAR_ENDONLY | PCRE2_NEVER_UTF | PCRE2_NEVER_BACKSLASH_C, &error,
                      &offset, mapper->compile_context);
    free(anchored);
    if (rule->regex == NULL) {
        char why[128] = "unknown error";

        pcre2_get_error_message(error, (PCRE2_UCHAR *)why, sizeof why);
        return refuse(report, "the regex \"%.100s\" is not valid: %s", match, why);
    }
    return true;
}

static bool read_match(struct mapper *mapper, struct rule *rule, const json_t *mapping,
                       const struct report *report)
{
    const char *match = text_of(mapping, "match");
    const char *type = text_of(mapping, "match_type");
    const json_t *any_type = json_object_get(mapping, "match_type");

    if (match == NULL)
        return refuse(report, "the match is missing");
    if (any_type != NULL && !json_is_string(any_type) && !json_is_null(any_type))
        return refuse(report, "the match_type is not a text");
    rule->match = slice_of(match);
    if (type == NULL || strcmp(type, "wildcard") == 0)
        return check_wildcard(match, report);
    if (strcmp(type, "regex") == 0)
        return compile_regex(mapper, rule, match, report);
    return refuse(report, "the match_type \"%.100s\" is neither \"wildcard\" nor \"regex\"",
                  type);
}

static bool read_tags(struct mapper *mapper, struct rule *rule, json_t *tags,
                      const struct report *report)
{
    const char *key;
    json_t *value;

    if (tags == NULL || json_is_null(tags))
        return true;
    if (!json_is_object(tags))
        return refuse(report, "tags is not a map");
    rule->tags = calloc(json_object_size(tags) + 1, sizeof *rule->tags);
    if (rule->tags == NULL)
        return refuse_memory(report);
    json_object_foreach(tags, key, value)
    {
        if (!json_is_string(value))
            return refuse(report, "the value of the tag \"%.100s\" is not a text", key);
        rule->tags[rule->n_tags++] =
            (struct tag_template){ slice_of(key), slice_of(json_string_value(value)) };
    }
    if (rule->n_tags > mapper->tags_capacity)
        mapper->tags_capacity = rule->n_tags;
    return true;
}

/* Remembers the most groups that any rule has, the whole match included. */
static void count_groups(struct mapper *mapper, const struct rule *rule)
{
    size_t n = wildcard_groups(rule->match);
    uint32_t captures = 0;

    if (rule->regex != NULL) {
        pcre2_pattern_info(rule->regex, PCRE2_INFO_CAPTURECOUNT, &captures);
        n = captures + 1;
    }
    if (n > mapper->groups.capacity)
        mapper->groups.capacity = n;
}

static bool read_rule(struct mapper *mapper, struct rule *rule, const json_t *mapping,
                      const struct report *report)
{
    const char *name = text_of(mapping, "name");

    if (!json_is_object(mapping))
        return refuse(report, "the mapping is not a map");
    if (name == NULL)
        return refuse(report, "the name is missing");
    rule->name = slice_of(name);
    if (!read_match(mapper, rule, mapping, report) ||
        !read_tags(mapper, rule, json_object_get(mapping, "tags"), report))
        return false;
    count_groups(mapper, rule);
    return true;
}

static bool read_profile(struct mapper *mapper, struct profile *profile, const json_t *json,
                         struct report *report)
{
    const json_t *mappings = json_object_get(json, "mappings");
    const char *name = text_of(json, "name"), *prefix = text_of(json, "prefix");

    if (name == NULL)
        return refuse(report, "profile %zu has no name", mapper->n_profiles);
    report->profile = name;
    report->mapping = 0;
    if (prefix == NULL)
        return refuse(report, "the prefix is missing");
    profile->name = slice_of(name);
    profile->prefix = slice_of(prefix);
    if (mappings != NULL && !json_is_null(mappings) && !json_is_array(mappings))
        return refuse(report, "mappings is not a list");
    profile->rules = calloc(json_array_size(mappings) + 1, sizeof *profile->rules);
    if (profile->rules == NULL)
        return refuse_memory(report);
    while (profile->n_rules < json_array_size(mappings)) {
        struct rule *rule = &profile->rules[profile->n_rules];

        report->mapping = ++profile->n_rules;
        if (!read_rule(mapper, rule, json_array_get(mappings, report->mapping - 1), report))
            return false;
    }
    return true;
}

static bool read_profiles(struct mapper *mapper, struct report *report)
{
    size_t n = json_array_size(mapper->json);

    if (mapper->json != NULL && !json_is_null(mapper->json) && !json_is_array(mapper->json))
        return refuse(report, "not a list of profiles");
    mapper->profiles = calloc(n + 1, sizeof *mapper->profiles);
    if (mapper->profiles == NULL)
        return refuse_memory(report);
    while (mapper->n_profiles < n) {
        struct profile *profile = &mapper->profiles[mapper->n_profiles];
        const json_t *json = json_array_get(mapper->json, mapper->n_profiles++);

        report->profile = NULL;
        if (!read_profile(mapper, profile, json, report))
            return false;
    }
    return true;
}

static bool make_contexts(struct mapper *mapper)
{
    mapper->compile_context = pcre2_compile_context_create(NULL);
    mapper->match_context = pcre2_match_context_create(NULL);
    if (mapper->compile_context == NULL || mapper->match_context == NULL)
        return false;
    pcre2_set_newline(mapper->compile_context, PCRE2_NEWLINE_LF);
    pcre2_set_depth_limit(mapper->match_context, DEPTH_LIMIT);
    pcre2_set_heap_limit(mapper->match_context, HEAP_LIMIT_KIB);
    return true;
}

/* Makes everything that mapping a name needs, so that mapping cannot run out of memory. */
static bool make_room(struct mapper *mapper, size_t cache_size)
{
    size_t groups = mapper->groups.capacity + 1;

    mapper->groups.at = calloc(groups, sizeof *mapper->groups.at);
    mapper->match_data = pcre2_match_data_create((uint32_t)groups, NULL);
    mapper->tags = calloc(mapper->tags_capacity + 1, sizeof *mapper->tags);
    mapper->cache = mapper_cache_new(cache_size);
    return mapper->groups.at != NULL && mapper->match_data != NULL && mapper->tags != NULL &&
           mapper->cache != NULL;
}

struct mapper *mapper_new(const json_t *profiles, size_t cache_size, char *problem,
                          size_t problem_size)
{
    struct report report = { .problem = problem, .size = problem_size };
    struct mapper *mapper = calloc(1, sizeof *mapper);

    if (mapper == NULL) {
        refuse_memory(&report);
        return NULL;
    }
    mapper->json = json_incref((json_t *)(uintptr_t)profiles);
    bool contexts = make_contexts(mapper);
    bool valid = contexts && read_profiles(mapper, &report);

    if (valid && make_room(mapper, cache_size))
        return mapper;
    if (valid || !contexts) {
        report.profile = NULL;
        refuse_memory(&report);
    }
    mapper_free(mapper);
    return NULL;
}

static void free_profile(struct profile *profile)
{
    for (size_t i = 0; i < profile->n_rules; i++) {
        pcre2_code_free(profile->rules[i].regex);
        free(profile->rules[i].tags);
    }
    free(profile->rules);
}

void mapper_free(struct mapper *given)
{
    if (given == NULL)
        return;
    for (size_t i = 0; i < given->n_profiles; i++)
        free_profile(&given->profiles[i]);
    free(given->profiles);
    mapper_cache_free(given->cache);
    free(given->groups.at);
    free(given->tags);
    pcre2_match_data_free(given->match_data);
    pcre2_match_context_free(given->match_context);
    pcre2_compile_context_free(given->compile_context);
    json_decref(given->json);
    free(given);
}

/* ---- expanding --------------------------------------------------------- */

static void room_add(struct room *room, struct slice text)
{
    size_t left = room->capacity - room->len;
    size_t n = text.len < left ? text.len : left;

    if (n > 0)
        memcpy(room->at + room->len, text.at, n);
    room->len += n;
}

static bool is_word(char byte)
{
    return (byte >= '0' && byte <= '9') || ((byte | 32) >= 'a' && (byte | 32) <= 'z') ||
           byte == '_' || (unsigned char)byte >= 0x80;
}

/* The word of "word..." or "{word}..." off the front of *rest, the longest that
 * there is. False: neither, and the dollar before it is itself. */
static bool cut_group_name(struct slice *rest, struct slice *name)
{
    size_t brace = slice_starts(*rest, SLICE("{")), end = brace;

    while (end < rest->len && is_word(rest->at[end]))
        end++;
    if (end == brace || (brace && (end == rest->len || rest->at[end] != '}')))
        return false;
    *name = (struct slice){ rest->at + brace, end - brace };
    *rest = slice_skip(*rest, end + brace);
    return true;
}

/* Not a number ("1x", "01"), or more than there can be groups: SIZE_MAX. */
static size_t group_number(struct slice name)
{
    size_t number = 0;

    if (name.len > 8 || (name.len > 1 && name.at[0] == '0'))
        return SIZE_MAX;
    for (size_t i = 0; i < name.len; i++) {
        if (name.at[i] < '0' || name.at[i] > '9')
            return SIZE_MAX;
        number = number * 10 + (size_t)(name.at[i] - '0');
    }
    return number;
}

static size_t named_group(const pcre2_code *regex, struct slice name)
{
    char text[64];

    if (regex == NULL || name.len >= sizeof text)
        return SIZE_MAX;
    memcpy(text, name.at, name.len);
    text[name.len] = '\0';
    int number = pcre2_substring_number_from_name(regex, (PCRE2_SPTR)text);
    return number < 0 ? SIZE_MAX : (size_t)number;
}

/* $1, ${1}, $name, ${name}; $$ is a dollar; an unknown group is nothing. */
static void expand(const struct mapper *mapper, const struct rule *rule, struct slice text,
                   struct room *out)
{
    while (text.len > 0) {
        bool dollar = memchr(text.at, '$', text.len) != NULL;
        struct slice name;

        room_add(out, slice_cut(&text, '$'));
        if (!dollar)
            return;
        if (slice_starts(text, SLICE("$"))) {
            room_add(out, SLICE("$"));
            text = slice_skip(text, 1);
        } else if (!cut_group_name(&text, &name)) {
            room_add(out, SLICE("$"));
        } else {
            size_t number = group_number(name);

            if (number == SIZE_MAX)
                number = named_group(rule->regex, name);
            if (number < mapper->groups.n)
                room_add(out, mapper->groups.at[number]);
        }
    }
}

static void apply_rule(struct mapper *mapper, const struct rule *rule, struct mapping *out)
{
    struct room name = { mapper->name, 0, sizeof mapper->name };
    struct room tags = { mapper->tag_bytes, 0, sizeof mapper->tag_bytes };

    expand(mapper, rule, rule->name, &name);
    for (size_t i = 0; i < rule->n_tags; i++) {
        size_t start = tags.len;

        room_add(&tags, rule->tags[i].key);
        room_add(&tags, SLICE(":"));
        expand(mapper, rule, rule->tags[i].value, &tags);
        mapper->tags[i] = (struct slice){ tags.at + start, tags.len - start };
    }
    *out = (struct mapping){ { name.at, name.len }, mapper->tags, rule->n_tags };
}

/* ---- mapping ----------------------------------------------------------- */

static bool rule_matches(struct mapper *mapper, const struct rule *rule, struct slice name)
{
    if (rule->regex != NULL)
        return regex_matches(mapper, rule->regex, name);
    mapper->groups.n = wildcard_match(rule->match, name, mapper->groups.at);
    return mapper->groups.n > 0;
}

/* The first rule that matches, whose groups the mapper has then; NULL: none does. */
static const struct rule *rule_for(struct mapper *mapper, const struct profile *profile,
                                   struct slice name)
{
    for (size_t i = 0; i < profile->n_rules; i++)
        if (rule_matches(mapper, &profile->rules[i], name))
            return &profile->rules[i];
    return NULL;
}

static bool map_in_profile(struct mapper *mapper, const struct profile *profile,
                           struct slice name, struct mapping *out)
{
    const struct rule *rule = rule_for(mapper, profile, name);

    if (rule != NULL)
        apply_rule(mapper, rule, out);
    return rule != NULL;
}

static const struct profile *profile_for(const struct mapper *mapper, struct slice name)
{
    for (size_t i = 0; i < mapper->n_profiles; i++) {
        struct slice prefix = mapper->profiles[i].prefix;

        if (slice_equal(prefix, SLICE("*")) || slice_starts(name, prefix))
            return &mapper->profiles[i];
    }
    return NULL;
}

bool mapper_map(struct mapper *mapper, struct slice name, struct mapping *out)
{
    const struct profile *profile = profile_for(mapper, name);

    if (profile == NULL)
        return false;
    bool matched;

    if (!mapper_cache_find(mapper->cache, name, &matched, out)) {
        matched = map_in_profile(mapper, profile, name, out);
        mapper_cache_put(mapper->cache, name, matched, out);
    }
    return matched;
}

bool mapper_find(struct mapper *mapper, struct slice name, struct mapper_rule *out)
{
    const struct profile *profile = profile_for(mapper, name);
    const struct rule *rule = profile != NULL ? rule_for(mapper, profile, name) : NULL;

    if (rule == NULL)
        return false;
    *out = (struct mapper_rule){ .profile = profile->name,
                                 .match = rule->match,
                                 .number = (size_t)(rule - profile->rules) + 1,
                                 .is_regex = rule->regex != NULL };
    return true;
}

uint64_t mapper_limited(const struct mapper *mapper)
{
    return mapper->limited;
}
