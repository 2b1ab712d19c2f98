/* flat: a file of YAML or JSON as lines, for scripts. Each scalar is a line of its path, a tab
 * and its value; documents, and the items of a list, count from 0.
 *
 *   flat FILE      0.services.heeler.environment.DD_SITE<TAB>datadoghq.com
 *
 * What is empty is {} or []. A line break in a value is a space. Exit status 1, with the line:
 * it is no YAML. Knows nothing of the server's code. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <yaml.h>

enum { DEPTH_MAX = 64, KEY_SIZE = 256 };

struct level {
    bool is_map, has_key;
    char key[KEY_SIZE]; /* of a map, for the value that comes */
    int n;              /* values so far */
};

struct flat {
    struct level at[DEPTH_MAX]; /* [0]: the documents */
    int depth;
};

static void put(const struct flat *flat, const char *value)
{
    for (int i = 0; i <= flat->depth; i++) {
        const struct level *level = &flat->at[i];

        if (level->is_map)
            printf(".%s", level->key);
        else
            printf("%s%d", i > 0 ? "." : "", level->n);
    }
    putchar('\t');
    for (; *value != '\0'; value++)
        putchar(*value == '\n' ? ' ' : *value);
    putchar('\n');
}

static void value_ends(struct flat *flat)
{
    flat->at[flat->depth].has_key = false;
    flat->at[flat->depth].n++;
}

static void on_scalar(struct flat *flat, const char *text)
{
    struct level *level = &flat->at[flat->depth];

    if (level->is_map && !level->has_key) {
        snprintf(level->key, sizeof level->key, "%s", text);
        level->has_key = true;
        return;
    }
    put(flat, text);
    value_ends(flat);
}

static void begin(struct flat *flat, bool is_map)
{
    if (flat->depth + 1 == DEPTH_MAX) {
        fputs("flat: too deep\n", stderr);
        exit(1);
    }
    flat->at[++flat->depth] = (struct level){ .is_map = is_map };
}

static void end(struct flat *flat)
{
    const struct level *level = &flat->at[flat->depth--];

    if (level->n == 0)
        put(flat, level->is_map ? "{}" : "[]");
    value_ends(flat);
}

static void take(struct flat *flat, const yaml_event_t *event)
{
    if (event->type == YAML_SCALAR_EVENT)
        on_scalar(flat, (const char *)event->data.scalar.value);
    else if (event->type == YAML_MAPPING_START_EVENT ||
             event->type == YAML_SEQUENCE_START_EVENT)
        begin(flat, event->type == YAML_MAPPING_START_EVENT);
    else if (event->type == YAML_MAPPING_END_EVENT || event->type == YAML_SEQUENCE_END_EVENT)
        end(flat);
}

static int print(FILE *file, const char *name)
{
    static struct flat flat;
    yaml_parser_t parser;
    yaml_event_t event;
    bool good = yaml_parser_initialize(&parser) == 1, more = good;

    yaml_parser_set_input_file(&parser, file);
    while (more) {
        good = yaml_parser_parse(&parser, &event) == 1;
        more = good && event.type != YAML_STREAM_END_EVENT;
        if (good) {
            take(&flat, &event);
            yaml_event_delete(&event);
        }
    }
    if (!good)
        fprintf(stderr, "%s:%zu: %s\n", name, parser.problem_mark.line + 1,
                parser.problem != NULL ? parser.problem : "no YAML");
    yaml_parser_delete(&parser);
    return good ? 0 : 1;
}

int main(int argc, char **argv)
{
    FILE *file = argc == 2 ? fopen(argv[1], "re") : NULL;

    if (file == NULL) {
        fputs("flat FILE, which can be read\n", stderr);
        return 2;
    }
    int status = print(file, argv[1]);
    fclose(file);
    return status;
}
