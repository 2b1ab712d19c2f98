/* packaging/tables.c: what documents the program, made from its own tables.
 *
 *   tables SECTION             prints it, for a page of docs/ (tests/tools/tables.sh)
 *   tables fill <FILE.in       prints the file; a line @SECTION@ is replaced by that section
 *
 * The tables are those of the settings, of the commands, of what lint finds and of
 * heeler-bench. It runs on the machine that builds, whatever the program is built for, and
 * needs nothing but libc. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/options.h"
#include "config/settings.h"
#include "server/commands/commands.h"

/* The rows without their functions, which are not linked. */
#define COMMAND(title, words, text, more, ...) \
    { .name = #title,                          \
      .usage = (words),                        \
      .sentence = (text),                      \
      .about = (more),                         \
      .options = { __VA_ARGS__ } },
static const struct command rows[] = {
#include "server/commands/commands_table.h"
};
#undef COMMAND

/* What heeler lint finds. */
static const struct {
    const char *word, *sentence;
} lint_rows[] = {
#define LINT(id, word, where, sentence) { word, sentence },
#include "server/commands/lint_table.h"
#undef LINT
};

static const struct {
    const char *name, *usage, *sentence;
} bench_commands[] = {
#define COMMAND(name, function, usage, sentence) { name, usage, sentence },
#define TEXT(name, field, sentence)
#define NUMBER(name, field, sentence)
#include "bench/heeler_bench_table.h"
};

static const struct {
    const char *name, *word, *sentence;
} bench_options[] = {
#define COMMAND(name, function, usage, sentence)
#define TEXT(name, field, sentence)   { name, "WORD", sentence },
#define NUMBER(name, field, sentence) { name, "N", sentence },
#include "bench/heeler_bench_table.h"
};

#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])
#define EACH_COMMAND(c)             \
    const struct command *c = rows; \
    c < rows + COUNT_OF(rows);      \
    c++
#define EACH_SETTING(o)               \
    const struct option *o = options; \
    o < options + SETTING_COUNT;      \
    o++
#define EACH_OPTION(i, c)                                     \
    int i = 0;                                                \
    i < COMMAND_OPTIONS_MAX && (c)->options[i].typed != NULL; \
    i++

/* Every command takes these two: the manual tells of them once. */
static bool is_common(const char *typed)
{
    return strcmp(typed, "--config FILE") == 0 || strcmp(typed, "--set KEY=VALUE") == 0;
}

/* ---- mdoc: the language of manual pages --------------------------------- */

enum { MDOC_WIDTH = 78 };

/* A piece of a line of text; what would steer the formatter is escaped. */
static void put_escaped(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        switch (text[i]) {
        case '\\':
            fputs("\\e", stdout);
            break;
        case '\'':
            fputs("\\(aq", stdout);
            break;
        case '`':
            fputs("\\(ga", stdout);
            break;
        default:
            putchar(text[i]);
        }
}

/* The first word of a line must not look like a request. */
static void put_word(const char *word, size_t len, bool begins_line, bool capital)
{
    char first = (char)(capital ? toupper((unsigned char)word[0]) : word[0]);

    if (begins_line && (first == '.' || first == '\''))
        fputs("\\&", stdout);
    put_escaped(&first, 1);
    put_escaped(word + 1, len - 1);
}

/* Words of len bytes as lines of less than 80, the first letter large if so wished; behind a
 * full stop begins a line, as mdoc wants it. */
static void put_text(const char *text, size_t len, bool capital)
{
    const char *end = text + len;
    size_t column = 0;

    for (size_t word; (text += strspn(text, " \n")) < end; text += word, capital = false) {
        word = strcspn(text, " \n");
        if (text + word > end)
            word = (size_t)(end - text);
        if (column > 0 && (column + 1 + word > MDOC_WIDTH || text[-2] == '.')) {
            putchar('\n');
            column = 0;
        }
        if (column > 0)
            putchar(' ');
        put_word(text, word, column == 0, capital);
        column += word + (column > 0);
    }
}

/* "how long" as "How long.", on lines of its own. */
static void put_sentence(const char *text)
{
    put_text(text, strlen(text), true);
    fputs(".\n", stdout);
}

/* One word behind a macro, with a comma behind it as an argument of its own. */
static void put_argument(const char *macro, const char *word, size_t len)
{
    bool comma = len > 0 && word[len - 1] == ',';

    printf(" %s ", macro);
    put_escaped(word, len - comma);
    if (comma)
        fputs(" ,", stdout);
}

/* "--from S, --to S" as "Fl -from Ar S , Fl -to Ar S". */
static void put_typed(const char *typed)
{
    while (*typed != '\0') {
        size_t len = strcspn(typed, " ");

        if (strncmp(typed, "--", 2) == 0)
            put_argument("Fl", typed + 1, len - 1);
        else if (typed[0] == '[')
            put_argument("Op Ar", typed + 1, len - 2);
        else
            put_argument(isupper((unsigned char)typed[0]) ? "Ar" : "Cm", typed, len);
        typed += len;
        typed += strspn(typed, " ");
    }
    putchar('\n');
}

static void put_item(const char *typed, const char *sentence)
{
    fputs(".It", stdout);
    put_typed(typed);
    put_sentence(sentence);
}

/* Whole lines; those that are indented are shown as they are. */
static void put_about(const char *about)
{
    bool literal = false, paragraph = false;

    while (*about != '\0') {
        size_t len = strcspn(about, "\n");
        bool indented = strncmp(about, "    ", 4) == 0;

        if (len > 0 && indented != literal) {
            fputs(literal ? ".Ed\n" : ".Bd -literal -offset indent\n", stdout);
            literal = indented;
        }
        if (len > 0 && !literal) {
            while (about[len] == '\n' && about[len + 1] != '\n' && about[len + 1] != '\0' &&
                   about[len + 1] != ' ')
                len += 1 + strcspn(about + len + 1, "\n");
            fputs(paragraph ? ".Pp\n" : "", stdout);
            put_text(about, len, false);
            putchar('\n');
            paragraph = true;
        } else if (len > 0) {
            put_escaped(about + 4, len - 4);
            putchar('\n');
            paragraph = true;
        }
        about += len;
        about += *about == '\n';
    }
    fputs(literal ? ".Ed\n" : "", stdout);
}

static bool has_own_options(const struct command *command)
{
    for (EACH_OPTION(i, command))
        if (!is_common(command->options[i].typed))
            return true;
    return false;
}

static void commands_mdoc(void)
{
    for (EACH_COMMAND(c)) {
        printf(".Ss heeler %s\n.Bd -literal -offset indent\nheeler ", c->name);
        /* The lines of the usage align below "usage: heeler ", which is not here. */
        for (const char *at = c->usage; *at != '\0'; at++) {
            putchar(*at);
            if (*at == '\n')
                at += strspn(at + 1, " ") < 7 ? 0 : 7;
        }
        fputs("\n.Ed\n.Pp\n", stdout);
        put_sentence(c->sentence);
        if (c->about[0] != '\0' && strncmp(c->about, "    ", 4) != 0)
            puts(".Pp");
        put_about(c->about);
        if (!has_own_options(c))
            continue;
        puts(".Bl -tag -width Ds");
        for (EACH_OPTION(i, c))
            if (!is_common(c->options[i].typed))
                put_item(c->options[i].typed, c->options[i].sentence);
        puts(".El");
    }
}

static void common_mdoc(void)
{
    for (EACH_OPTION(i, rows))
        if (is_common(rows->options[i].typed))
            put_item(rows->options[i].typed, rows->options[i].sentence);
}

static void put_setting(const struct option *option)
{
    char variable[OPTION_NAME_MAX], allowed[128];
    char facts[1024];

    option_variable(option->key, variable);
    option_allowed(option, allowed, sizeof allowed);
    printf(".It Cm %s Pq Ev %s\n", option->key, variable);
    put_sentence(option->sentence);
    snprintf(facts, sizeof facts, "type: %s; default: %s; allowed: %s; takes a %s",
             option_type_name(option->type),
             option->standard[0] != '\0' ? option->standard : "empty", allowed,
             option_takes(option));
    put_sentence(facts);
}

static void lint_mdoc(void)
{
    for (size_t i = 0; i < COUNT_OF(lint_rows); i++) {
        printf(".It Cm %s\n", lint_rows[i].word);
        put_sentence(lint_rows[i].sentence);
    }
}

static void settings_mdoc(void)
{
    int group = -1;

    for (EACH_SETTING(o)) {
        if ((int)o->group != group) {
            if (group >= 0)
                puts(".El");
            group = (int)o->group;
            printf(".Ss %s\n.Bl -tag -width Ds\n", option_group_title(o->group));
        }
        put_setting(o);
    }
    puts(".El");
}

static void bench_commands_mdoc(void)
{
    for (size_t i = 0; i < COUNT_OF(bench_commands); i++) {
        printf(".It Cm %s\n", bench_commands[i].name);
        put_sentence(bench_commands[i].sentence);
    }
}

static void bench_usage_mdoc(void)
{
    for (size_t i = 0; i < COUNT_OF(bench_commands); i++)
        printf("heeler-bench %s %s\n", bench_commands[i].name, bench_commands[i].usage);
}

static void bench_options_mdoc(void)
{
    for (size_t i = 0; i < COUNT_OF(bench_options); i++) {
        printf(".It Fl %s Ar %s\n", bench_options[i].name + 1, bench_options[i].word);
        put_text(bench_options[i].sentence, strlen(bench_options[i].sentence), false);
        putchar('\n');
    }
}

/* ---- docs/settings.md ----------------------------------------------------- */

static void settings_markdown(void)
{
    for (EACH_SETTING(o)) {
        const char *tick = o->standard[0] != '\0' ? "`" : "";
        char variable[OPTION_NAME_MAX], allowed[128];

        option_variable(o->key, variable);
        option_allowed(o, allowed, sizeof allowed);
        printf("| `%s` | `%s` | %s | %s%s%s | %s | %s | %s |\n", o->key, variable,
               option_type_name(o->type), tick, o->standard, tick, allowed, option_takes(o),
               o->sentence);
    }
}

/* ---- docs/lines.md -------------------------------------------------------- */

static void lint_markdown(void)
{
    for (size_t i = 0; i < COUNT_OF(lint_rows); i++)
        printf("| `%s` | %s |\n", lint_rows[i].word, lint_rows[i].sentence);
}

/* ---- completions ------------------------------------------------------------ */

/* Behind the next "--name" of what is typed, *value is what stands behind it; NULL: no more. */
static const char *next_option(const char *typed, char name[32], char value[32])
{
    typed = strstr(typed, "--");
    if (typed == NULL)
        return NULL;
    size_t len = strcspn(typed, " ,");
    snprintf(name, 32, "%.*s", (int)len, typed);
    typed += len;
    size_t gap = strspn(typed, " ");
    size_t value_len = gap > 0 ? strcspn(typed + gap, " ,") : 0;
    snprintf(value, 32, "%.*s", (int)value_len, typed + gap);
    return typed;
}

/* All ids of what lint finds. */
static const char *lint_words(void)
{
    static char words[512];
    size_t len = 0;

    for (size_t i = 0; i < COUNT_OF(lint_rows); i++)
        len += (size_t)snprintf(words + len, sizeof words - len, "%s%s", i > 0 ? " " : "",
                                lint_rows[i].word);
    return words;
}

/* The words that the usage allows behind an option, as "a b c" for "[--by a|b|c]"; else "". */
static const char *words_of(const struct command *command, const char *name)
{
    static char words[128];
    const char *at = strstr(command->usage, name);

    if (strcmp(command->name, "lint") == 0 && strcmp(name, "--allow") == 0)
        return lint_words();
    words[0] = '\0';
    if (at == NULL || at[strlen(name)] != ' ')
        return words;
    at += strlen(name) + 1;
    size_t len = strcspn(at, " ]");
    if (len < sizeof words && memchr(at, '|', len) != NULL && islower((unsigned char)at[0])) {
        memcpy(words, at, len);
        words[len] = '\0';
        for (char *c = words; *c != '\0'; c++)
            *c = *c == '|' ? ' ' : *c;
    }
    return words;
}

static void command_names(void)
{
    fputs("    local commands='", stdout);
    for (EACH_COMMAND(c))
        printf("%s%s", c == rows ? "" : " ", c->name);
    puts("'");
}

static void bash_options(void)
{
    char name[32], value[32];

    for (EACH_COMMAND(c)) {
        printf("    %s) options='--help", c->name);
        for (EACH_OPTION(i, c))
            for (const char *at = c->options[i].typed;
                 (at = next_option(at, name, value)) != NULL;)
                printf(" %s", name);
        puts("' ;;");
    }
}

/* "top --by" and its words; what is a file; what stands alone is no case. */
static void bash_values(void)
{
    char name[32], value[32];

    for (EACH_COMMAND(c))
        for (EACH_OPTION(i, c))
            for (const char *at = c->options[i].typed;
                 (at = next_option(at, name, value)) != NULL;) {
                const char *words = words_of(c, name);

                if (is_common(c->options[i].typed) || value[0] == '\0' || value[0] == '[')
                    continue;
                printf("    '%s %s') words='%s' ;;\n", c->name, name, words);
            }
}

static void setting_keys(void)
{
    for (EACH_SETTING(o))
        printf("    %s=\n", o->key);
}

static void setting_words(void)
{
    for (EACH_SETTING(o))
        if (o->choices != NULL || o->type == OPTION_BOOL)
            printf("    %s) words='%s' ;;\n", o->key,
                   o->choices != NULL ? o->choices : "true false");
}

/* What a specification of _arguments or _describe takes as text. */
static void put_zsh(const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '\'')
            fputs("'\\'", stdout);
        else if (strchr("[]:\\", *text) != NULL)
            putchar('\\');
        putchar(*text);
    }
}

static void zsh_commands(void)
{
    for (EACH_COMMAND(c)) {
        printf("    '%s:", c->name);
        put_zsh(c->sentence);
        puts("'");
    }
}

/* How zsh completes what stands behind an option. */
static void put_zsh_value(const struct command *command, const char *name, const char *value)
{
    const char *words = words_of(command, name);

    if (value[0] == '\0')
        return;
    fputs(value[0] == '[' ? "::" : ":", stdout);
    for (const char *c = value; *c != '\0'; c++)
        if (strchr("[]:", *c) == NULL)
            putchar(*c);
    if (words[0] != '\0')
        printf(":(%s)", words);
    else
        fputs(strcmp(value, "FILE") == 0        ? ":_files"
              : strcmp(value, "KEY=VALUE") == 0 ? ":_heeler_settings"
                                                : ": ",
              stdout);
}

static void zsh_options(void)
{
    char name[32], value[32];

    for (EACH_COMMAND(c)) {
        printf("    %s)\n        specs=(\n            '--help[its page]'\n", c->name);
        for (EACH_OPTION(i, c))
            for (const char *at = c->options[i].typed;
                 (at = next_option(at, name, value)) != NULL;) {
                printf("            '%s%s[", strcmp(name, "--set") == 0 ? "*" : "", name);
                put_zsh(c->options[i].sentence);
                putchar(']');
                put_zsh_value(c, name, value);
                puts("'");
            }
        puts("        )\n        ;;");
    }
}

/* ---- which section ------------------------------------------------------------ */

static void version(void)
{
    puts(".Pp\nAll this is of version " HEELER_VERSION ".");
}

static const struct section {
    const char *name;
    void (*print)(void);
} sections[] = {
    { "settings-markdown", settings_markdown },
    { "settings-mdoc", settings_mdoc },
    { "commands-mdoc", commands_mdoc },
    { "common-mdoc", common_mdoc },
    { "lint-markdown", lint_markdown },
    { "lint-mdoc", lint_mdoc },
    { "bench-usage-mdoc", bench_usage_mdoc },
    { "bench-commands-mdoc", bench_commands_mdoc },
    { "bench-options-mdoc", bench_options_mdoc },
    { "version-mdoc", version },
    { "command-names", command_names },
    { "bash-options", bash_options },
    { "bash-values", bash_values },
    { "setting-keys", setting_keys },
    { "setting-words", setting_words },
    { "zsh-commands", zsh_commands },
    { "zsh-options", zsh_options },
};

static bool print_section(const char *name, size_t len)
{
    for (size_t i = 0; i < COUNT_OF(sections); i++)
        if (strlen(sections[i].name) == len && strncmp(sections[i].name, name, len) == 0) {
            sections[i].print();
            return true;
        }
    fprintf(stderr, "tables: there is no section %.*s\n", (int)len, name);
    return false;
}

static bool fill(void)
{
    char line[1024];

    while (fgets(line, sizeof line, stdin) != NULL) {
        size_t len = strcspn(line, "\n");

        if (len < 3 || line[0] != '@' || line[len - 1] != '@')
            fputs(line, stdout);
        else if (!print_section(line + 1, len - 2))
            return false;
    }
    return true;
}

int main(int count, char **words)
{
    bool done =
        count == 2 &&
        (strcmp(words[1], "fill") == 0 ? fill() : print_section(words[1], strlen(words[1])));

    return done && fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
