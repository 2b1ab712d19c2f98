#include "config/yaml_document.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config/regular_file.h"

static void report_yaml(const yaml_parser_t *parser, const char *path,
                        struct problems *problems)
{
    const char *problem = parser->problem != NULL ? parser->problem : "unknown fault";
    const char *context = parser->context != NULL ? parser->context : "";

    if (parser->error == YAML_MEMORY_ERROR)
        problems->out_of_memory = true;
    else if (parser->error == YAML_READER_ERROR)
        problems_error(problems, "%s: not readable as YAML at byte %zu: %s.", path,
                       parser->problem_offset, problem);
    else
        problems_error(problems, "%s:%zu: not YAML: %s%s%s.", path,
                       parser->problem_mark.line + 1, problem, context[0] != '\0' ? ", " : "",
                       context);
}

/* What one event adds to the depth. */
static int depth_change(const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_SEQUENCE_START_EVENT:
    case YAML_MAPPING_START_EVENT:
        return 1;
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        return -1;
    default:
        return 0;
    }
}

static bool has_anchor(const yaml_event_t *event)
{
    return (event->type == YAML_SCALAR_EVENT && event->data.scalar.anchor != NULL) ||
           (event->type == YAML_SEQUENCE_START_EVENT &&
            event->data.sequence_start.anchor != NULL) ||
           (event->type == YAML_MAPPING_START_EVENT &&
            event->data.mapping_start.anchor != NULL);
}

/* What has been seen of a file on the first way through it. */
struct survey {
    int depth;
    int anchors;
    bool ended; /* the first document is */
};

static bool survey_event(struct survey *survey, const yaml_event_t *event, const char *path,
                         struct problems *problems)
{
    size_t line = event->start_mark.line + 1;

    survey->depth += depth_change(event);
    survey->anchors += has_anchor(event);
    survey->ended =
        event->type == YAML_DOCUMENT_END_EVENT || event->type == YAML_STREAM_END_EVENT;
    if (survey->depth > YAML_DEPTH_MAX)
        problems_error(problems, "%s:%zu: is nested deeper than %d levels.", path, line,
                       YAML_DEPTH_MAX);
    else if (survey->anchors > YAML_ANCHOR_MAX)
        problems_error(problems, "%s:%zu: has more than %d anchors.", path, line,
                       YAML_ANCHOR_MAX);
    return survey->depth <= YAML_DEPTH_MAX && survey->anchors <= YAML_ANCHOR_MAX;
}

/* libyaml takes quadratic time for depth and anchors, so they are bounded before
 * it makes a document. False with a sentence. */
static bool survey_text(yaml_parser_t *parser, const char *path, struct problems *problems)
{
    struct survey survey = { 0 };
    yaml_event_t event;
    bool fine = true;

    while (fine && !survey.ended) {
        if (!yaml_parser_parse(parser, &event)) {
            report_yaml(parser, path, problems);
            return false;
        }
        fine = survey_event(&survey, &event, path, problems);
        yaml_event_delete(&event);
    }
    return fine;
}

/* Goes through the text twice: once to survey it, once to read it. */
bool yaml_document_read(yaml_document_t *out, const unsigned char *text, size_t len,
                        const char *path, struct problems *problems)
{
    bool fine = true;

    for (int pass = 0; fine && pass < 2; pass++) {
        yaml_parser_t parser;

        if (!yaml_parser_initialize(&parser)) {
            problems->out_of_memory = true;
            return false;
        }
        yaml_parser_set_input_string(&parser, text, len);
        fine = pass == 0 ? survey_text(&parser, path, problems)
                         : yaml_parser_load(&parser, out) != 0;
        if (!fine && pass == 1)
            report_yaml(&parser, path, problems);
        yaml_parser_delete(&parser);
    }
    return fine;
}

/* Reads at most YAML_FILE_MAX + 1 bytes, so that the caller sees whether the file is too large.
 * NULL, or says in words why not. */
static const char *read_file(const char *path, unsigned char *text, size_t *len)
{
    const char *why;
    FILE *file = regular_file_open(path, &why);

    if (file == NULL)
        return why;
    errno = 0;
    *len = fread(text, 1, YAML_FILE_MAX + 1, file);
    if (ferror(file))
        why = strerror(errno);
    fclose(file);
    return why;
}

bool yaml_document_load(yaml_document_t *out, const char *path, struct problems *problems)
{
    unsigned char *text = malloc(YAML_FILE_MAX + 1);
    const char *why = NULL;
    bool loaded = false;
    size_t len = 0;

    if (text == NULL)
        problems->out_of_memory = true;
    else if ((why = read_file(path, text, &len)) != NULL)
        problems_error(problems, "%s: cannot be read: %s.", path, why);
    else if (len > YAML_FILE_MAX)
        problems_error(problems, "%s: is larger than %d MiB.", path, YAML_FILE_MAX >> 20);
    else
        loaded = yaml_document_read(out, text, len, path, problems);
    free(text);
    return loaded;
}
