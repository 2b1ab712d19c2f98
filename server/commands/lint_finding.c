#include "server/commands/lint_finding.h"

#include <inttypes.h>
#include <string.h>

#include "config/shown.h"
#include "flush/memory/json_out.h"
#include "server/commands/line_mark.h"
#include "server/commands/shown_slice.h"

enum { INDENT = 2 };

static const struct {
    const char *word, *sentence;
    enum lint_where where;
} rows[LINT_COUNT] = {
#define LINT(id, word, where, sentence) [id] = { word, sentence, where },
#include "server/commands/lint_table.h"
#undef LINT
};

const char *lint_word(enum lint_id id)
{
    return rows[id].word;
}

enum lint_where lint_where_of(enum lint_id id)
{
    return rows[id].where;
}

bool lint_find(const char *word, enum lint_id *out)
{
    for (int i = 0; i < LINT_COUNT; i++)
        if (strcmp(rows[i].word, word) == 0) {
            *out = (enum lint_id)i;
            return true;
        }
    return false;
}

void lint_print(FILE *out, const char *source, const struct lint_finding *finding)
{
    shown_put_text(out, source);
    fprintf(out, ":%" PRIu64 ": %s: %s", finding->number, lint_word(finding->id),
            rows[finding->id].sentence);
    if (finding->line.len == 0 && finding->what.len > 0) {
        fputs(": ", out);
        shown_slice(out, finding->what);
    }
    fputc('\n', out);
    if (finding->line.len == 0)
        return;
    fprintf(out, "%*s", INDENT, "");
    shown_slice(out, finding->line);
    fputc('\n', out);
    line_mark_print(out, INDENT, finding->line, finding->at, false, finding->what);
}

static void put_member(struct json_out *out, const char *name, struct slice text)
{
    if (text.len > 0)
        json_out_slice(out, name, text);
}

bool lint_print_json(FILE *out, const char *source, const struct lint_finding *finding)
{
    struct json_out json = { .comma = false };

    json_out_begin(&json, NULL, '{');
    json_out_text(&json, "file", source);
    json_out_number(&json, "line", finding->number);
    json_out_text(&json, "id", lint_word(finding->id));
    json_out_text(&json, "sentence", rows[finding->id].sentence);
    if (finding->line.len > 0) {
        json_out_number(&json, "at", finding->at);
        json_out_slice(&json, "text", finding->line);
    }
    put_member(&json, "name", finding->name);
    put_member(&json, "key", finding->key);
    put_member(&json, "what", finding->what);
    json_out_end(&json, '}');
    if (!json.bytes.failed) {
        shown_put_json(out, (const char *)json.bytes.at, json.bytes.len);
        fputc('\n', out);
    }
    bool done = !json.bytes.failed;

    bytes_free(&json.bytes);
    return done;
}
