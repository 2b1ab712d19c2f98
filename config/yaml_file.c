#include "config/yaml_file.h"

#include <string.h>
#include <strings.h>

#include "config/agent_keys.h"
#include "config/log.h"
#include "config/options.h"
#include "config/unknown.h"
#include "config/values.h"
#include "config/yaml_document.h"
#include "config/yaml_scalar.h"

/* Where in the file we are. Nodes are numbered by the document; an alias is the
 * number of its anchor, so a small file can be a large or endless tree. */
struct reader {
    yaml_document_t *document;
    const char *path;
    struct settings *settings;
    struct problems *problems;
    size_t left;                     /* of YAML_TEXT_MAX; 0: given up */
    size_t seen_line[SETTING_COUNT]; /* 0: not yet */
};

enum { WHERE_SIZE = 512 };

static size_t line_of(const yaml_node_t *node)
{
    return node->start_mark.line + 1;
}

static const char *where(const struct reader *reader, const yaml_node_t *node,
                         char out[WHERE_SIZE])
{
    snprintf(out, WHERE_SIZE, "%s:%zu", reader->path, line_of(node));
    return out;
}

static yaml_node_t *node_at(const struct reader *reader, int number)
{
    return yaml_document_get_node(reader->document, number);
}

static bool is_plain(const yaml_node_t *node)
{
    return node->type == YAML_SCALAR_NODE && node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
}

static bool is_null(const yaml_node_t *node)
{
    static const char *const words[] = { "", "~", "null", "Null", "NULL" };

    if (!is_plain(node))
        return false;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strcmp((const char *)node->data.scalar.value, words[i]) == 0)
            return true;
    return false;
}

/* Counts a node that is about to be copied. Once the file turns out too large,
 * with a sentence, nothing more of it is read. */
static bool spend(struct reader *reader, const yaml_node_t *node)
{
    size_t cost = 64 + (node->type == YAML_SCALAR_NODE ? node->data.scalar.length : 0);
    char place[WHERE_SIZE];

    if (reader->left > cost) {
        reader->left -= cost;
        return true;
    }
    if (reader->left > 0)
        problems_error(reader->problems,
                       "%s: the values are larger than %d MiB once aliases are written out.",
                       where(reader, node, place), YAML_TEXT_MAX >> 20);
    reader->left = 0;
    return false;
}

/* What the node is, if it is not one text. */
static const char *not_a_text(const yaml_node_t *node)
{
    if (node->type == YAML_SEQUENCE_NODE)
        return "a list";
    if (node->type == YAML_MAPPING_NODE)
        return "a map";
    if (strlen((const char *)node->data.scalar.value) != node->data.scalar.length)
        return "a text with a NUL byte";
    return NULL;
}

/* The text of a scalar as a view into the document, or NULL and a sentence. */
static const char *text_of(struct reader *reader, const yaml_node_t *node, const char *what)
{
    const char *fault = not_a_text(node);
    char place[WHERE_SIZE];

    if (!spend(reader, node))
        return NULL;
    if (fault != NULL) {
        problems_error(reader->problems, "%s: %s is %s: allowed is one text.",
                       where(reader, node, place), what, fault);
        return NULL;
    }
    return (const char *)node->data.scalar.value;
}

static void *allocated(struct reader *reader, void *object)
{
    if (object == NULL)
        reader->problems->out_of_memory = true;
    return object;
}

static json_t *json_of(struct reader *reader, const yaml_node_t *node, const char *key,
                       int depth);

static json_t *json_of_list(struct reader *reader, const yaml_node_t *node, const char *key,
                            int depth)
{
    json_t *array = allocated(reader, json_array());
    yaml_node_item_t *item = node->data.sequence.items.start;

    for (; array != NULL && item < node->data.sequence.items.top; item++)
        if (json_array_append_new(array, json_of(reader, node_at(reader, *item), key, depth)) !=
            0) {
            json_decref(array);
            return NULL;
        }
    return array;
}

static bool add_json_pair(struct reader *reader, json_t *object, const yaml_node_pair_t *pair,
                          const char *key, int depth)
{
    const yaml_node_t *name_node = node_at(reader, pair->key);
    const char *name = text_of(reader, name_node, key);
    char place[WHERE_SIZE], shown[256], quoted[80];

    if (name == NULL)
        return false;
    settings_mask_url(name, shown, sizeof shown); /* of additional_endpoints */
    if (json_object_get(object, name) != NULL)
        problems_warn(reader->problems, "%s: \"%s\" in %s is set again: the later one counts.",
                      where(reader, name_node, place),
                      log_quote(shown, strlen(shown), quoted, sizeof quoted), key);
    json_t *value = json_of(reader, node_at(reader, pair->value), key, depth);
    return json_object_set_new(object, name, value) == 0;
}

static json_t *json_of_map(struct reader *reader, const yaml_node_t *node, const char *key,
                           int depth)
{
    json_t *object = allocated(reader, json_object());
    yaml_node_pair_t *pair = node->data.mapping.pairs.start;

    for (; object != NULL && pair < node->data.mapping.pairs.top; pair++)
        if (!add_json_pair(reader, object, pair, key, depth)) {
            json_decref(object);
            return NULL;
        }
    return object;
}

/* An owned value, or NULL and a sentence. */
static json_t *json_of(struct reader *reader, const yaml_node_t *node, const char *key,
                       int depth)
{
    char place[WHERE_SIZE];

    if (depth == YAML_DEPTH_MAX) {
        problems_error(reader->problems, "%s: %s is nested deeper than %d levels.",
                       where(reader, node, place), key, YAML_DEPTH_MAX);
        return NULL;
    }
    if (node->type != YAML_SCALAR_NODE && !spend(reader, node))
        return NULL;
    if (node->type == YAML_SEQUENCE_NODE)
        return json_of_list(reader, node, key, depth + 1);
    if (node->type == YAML_MAPPING_NODE)
        return json_of_map(reader, node, key, depth + 1);
    const char *text = text_of(reader, node, key);
    if (text == NULL)
        return NULL;
    return is_null(node) ? json_null() : allocated(reader, json_string(text));
}

static void set_json(struct reader *reader, const struct option *option,
                     const yaml_node_t *node)
{
    char place[WHERE_SIZE];
    json_t *value = json_of(reader, node, option->key, 0);

    if (value != NULL)
        values_set_json(reader->settings, option, value, where(reader, node, place),
                        reader->problems);
}

/* An item is one text, blanks and commas and all. */
static void set_list(struct reader *reader, const struct option *option,
                     const yaml_node_t *node)
{
    yaml_node_item_t *item = node->data.sequence.items.start;
    struct string_list list = { 0 };
    char place[WHERE_SIZE];

    for (; item < node->data.sequence.items.top; item++) {
        const yaml_node_t *item_node = node_at(reader, *item);
        const char *text = text_of(reader, item_node, option->key);

        if (text == NULL)
            break;
        if (is_null(item_node)) {
            problems_warn(reader->problems, "%s: %s has an empty item, which is left out.",
                          where(reader, item_node, place), option->key);
        } else if (!string_list_add(&list, text, strlen(text))) {
            reader->problems->out_of_memory = true;
            break;
        }
    }
    if (item == node->data.sequence.items.top)
        values_set_list(reader->settings, option, list, where(reader, node, place),
                        reader->problems);
    else
        string_list_free(&list);
}

static void set_text(struct reader *reader, const struct option *option,
                     const yaml_node_t *node)
{
    const char *text = text_of(reader, node, option->key);
    char place[WHERE_SIZE], plain[YAML_SCALAR_SIZE];

    if (text != NULL && is_plain(node))
        text = yaml_scalar_plain(option->type, text, plain);
    if (text != NULL)
        values_set_text(reader->settings, option, text, where(reader, node, place),
                        reader->problems);
}

static void read_option(struct reader *reader, const struct option *option,
                        const yaml_node_t *key_node, const yaml_node_t *node)
{
    bool structured = option->type == OPTION_JSON_LIST || option->type == OPTION_JSON_MAP;
    size_t *seen_line = &reader->seen_line[option - options];
    char place[WHERE_SIZE];

    if (*seen_line > 0)
        problems_warn(reader->problems,
                      "%s: %s is set again, first in line %zu: the later counts.",
                      where(reader, key_node, place), option->key, *seen_line);
    *seen_line = line_of(key_node);
    if (is_null(node))
        values_set_text(reader->settings, option, option->standard, "default",
                        reader->problems);
    else if (structured && node->type != YAML_SCALAR_NODE)
        set_json(reader, option, node);
    else if (option->type == OPTION_LIST && node->type == YAML_SEQUENCE_NODE)
        set_list(reader, option, node);
    else
        set_text(reader, option, node);
}

static void read_map(struct reader *reader, const yaml_node_t *map, const char *prefix);

/* The key is no option: it is the first half of some, or unknown. */
static void read_other(struct reader *reader, const char *key, const yaml_node_t *key_node,
                       const yaml_node_t *node)
{
    char place[WHERE_SIZE], quoted[OPTION_NAME_MAX];

    log_quote(key, strlen(key), quoted, sizeof quoted);
    bool option_prefix = option_is_prefix(key);
    bool is_prefix = option_prefix || agent_key_is_prefix(key);

    if (is_prefix && node->type == YAML_MAPPING_NODE)
        read_map(reader, node, key);
    else if (!option_prefix)
        unknown_key(key, where(reader, key_node, place), reader->problems);
    else if (!is_null(node))
        problems_error(reader->problems, "%s: %s is not a map: allowed are keys below it.",
                       where(reader, key_node, place), quoted);
}

/* This ends, whatever aliases there are, because it goes down only where the prefix is that of
 * a known key. */
static void read_map(struct reader *reader, const yaml_node_t *map, const char *prefix)
{
    yaml_node_pair_t *pair = map->data.mapping.pairs.start;

    for (; pair < map->data.mapping.pairs.top && reader->left > 0; pair++) {
        const yaml_node_t *key_node = node_at(reader, pair->key);
        const yaml_node_t *node = node_at(reader, pair->value);
        const char *name = text_of(reader, key_node, "a key");
        char key[2 * OPTION_NAME_MAX];

        if (name == NULL)
            continue;
        /* A key that is cut off here stays unknown, as no known one is that long. */
        snprintf(key, sizeof key, "%s%s%s", prefix, prefix[0] != '\0' ? "." : "", name);
        const struct option *option = option_find(key);
        if (option != NULL)
            read_option(reader, option, key_node, node);
        else
            read_other(reader, key, key_node, node);
    }
}

static void read_document(struct reader *reader)
{
    const yaml_node_t *root = yaml_document_get_root_node(reader->document);

    if (root == NULL || is_null(root))
        return;
    if (root->type == YAML_MAPPING_NODE)
        read_map(reader, root, "");
    else
        problems_error(reader->problems, "%s:%zu: the file holds no \"key: value\" lines.",
                       reader->path, line_of(root));
}

void yaml_file_load(struct settings *settings, const char *path, struct problems *problems)
{
    yaml_document_t document;
    struct reader reader = { .document = &document,
                             .path = path,
                             .settings = settings,
                             .problems = problems,
                             .left = YAML_TEXT_MAX };

    if (!yaml_document_load(&document, path, problems))
        return;
    read_document(&reader);
    yaml_document_delete(&document);
}
