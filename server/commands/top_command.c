/* heeler top: who does most on a running server, by metric, tag key or sender. On a terminal it
 * repaints once a second and takes keys; otherwise it prints a table and ends. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "config/clock.h"
#include "config/shown.h"
#include "server/commands/commands.h"
#include "server/commands/fetch.h"
#include "server/commands/terminal.h"
#include "server/commands/top_screen.h"

/* LIVE_ROWS: that are asked for where one may scroll. FIRST_TRIES: senders are counted from the
 * first question on, and the workers tell once in one or two seconds. */
enum { TIMEOUT_S = 5, ANSWER_MAX = 4 << 20, LIVE_ROWS = 1000, EACH_MS = 1000, FIRST_TRIES = 8 };

struct asking {
    const char *at; /* NULL: what the settings say */
    const char *by, *sort;
    long limit; /* 0: not said */
    bool once, json;
    const struct settings *settings;
};

/* An answer, or why there is none. */
struct answer {
    struct bytes body;
    json_t *json; /* NULL: there is none */
    char where[FETCH_WHERE_MAX];
    char problem[512];
};

static int complain(const char *what, const char *why)
{
    return command_complain("top", what, why, EXIT_SYSTEM);
}

/* ---- words ------------------------------------------------------------- */

/* The word among the words, separated by spaces, as a static text; NULL: it is none of them. */
static const char *choose(const char *word, const char *const *words)
{
    for (; *words != NULL; words++)
        if (strcmp(word, *words) == 0)
            return *words;
    return NULL;
}

static bool read_limit(const char *word, long *out)
{
    char *end;

    errno = 0;
    *out = strtol(word, &end, 10);
    return errno == 0 && end != word && *end == '\0' && *out >= 1 && *out <= LIVE_ROWS;
}

static bool read_value(const char *name, const char *value, struct asking *out)
{
    static const char *const by[] = { "metric", "tag", "sender", NULL };
    static const char *const sorts[] = { "values", "lines", "bytes", "series", NULL };

    if (strcmp(name, "--by") == 0)
        return (out->by = choose(value, by)) != NULL;
    if (strcmp(name, "--sort") == 0)
        return (out->sort = choose(value, sorts)) != NULL;
    if (strcmp(name, "--limit") == 0)
        return read_limit(value, &out->limit);
    out->at = value;
    return strcmp(name, "--at") == 0;
}

static bool read_words(const struct command_line *line, struct asking *out)
{
    for (int i = 0; i < line->n_rest; i++) {
        const char *word = line->rest[i];

        if (strcmp(word, "--json") == 0) {
            out->json = true;
        } else if (strcmp(word, "--once") == 0) {
            out->once = true;
        } else if (i + 1 < line->n_rest && read_value(word, line->rest[i + 1], out)) {
            i++;
        } else {
            command_line_refuse(line, word);
            return false;
        }
    }
    return true;
}

/* ---- asking ------------------------------------------------------------ */

static void answer_free(struct answer *given)
{
    json_decref(given->json);
    bytes_free(&given->body);
    given->json = NULL;
}

static void understand(struct answer *answer, long status)
{
    json_t *json =
        json_loadb((const char *)answer->body.at, answer->body.len, JSON_ALLOW_NUL, NULL);

    if (status == 200 && top_screen_is_answer(json)) {
        answer->json = json;
        return;
    }
    const char *why = json_string_value(json_object_get(json, "error"));

    snprintf(answer->problem, sizeof answer->problem, "%s",
             why != NULL && status >= 400 ? why
             : status >= 400
                 ? "it does not tell (see heeler_app_keys), or is no heeler of this version"
                 : "this is no heeler's answer");
    json_decref(json);
}

static void ask(const struct asking *asking, long limit, struct answer *out)
{
    char path[160];

    snprintf(path, sizeof path, "/api/v1/top?by=%s&sort=%s&limit=%ld", asking->by, asking->sort,
             limit);
    *out = (struct answer){ .json = NULL };
    long status = fetch_all(asking->at, asking->settings, path, TIMEOUT_S, ANSWER_MAX,
                            &out->body, out->where, out->problem, sizeof out->problem);
    if (status != 0)
        understand(out, status);
}

/* ---- once -------------------------------------------------------------- */

/* The server counts senders from the first question on. */
static bool is_too_early(const struct answer *answer)
{
    json_t *seen_s = json_object_get(answer->json, "seen_s");

    return json_is_number(seen_s) && json_number_value(seen_s) <= 0;
}

static int print_once(const struct asking *asking)
{
    static const struct timespec moment = { 0, 700000000 };
    long limit = asking->limit > 0 ? asking->limit : 50;
    struct top_look look = {
        .sort = asking->sort, .filter = "", .rows = (size_t)limit, .end = "\n"
    };
    struct answer answer;
    int status = EXIT_OK;

    ask(asking, limit, &answer);
    for (int i = 1; i < FIRST_TRIES && answer.json != NULL && is_too_early(&answer); i++) {
        answer_free(&answer);
        nanosleep(&moment, NULL);
        ask(asking, limit, &answer);
    }
    look.where = answer.where;
    if (answer.json == NULL)
        status = complain(answer.where, answer.problem);
    else if (asking->json)
        shown_put_json(stdout, (const char *)answer.body.at, answer.body.len);
    else
        top_screen_print(answer.json, &look, stdout);
    answer_free(&answer);
    return status;
}

/* ---- live -------------------------------------------------------------- */

struct live {
    struct asking *asking;
    struct answer answer;
    char filter[64];
    size_t first;
    bool is_typing; /* the filter */
    bool helps;
    bool ends;
    bool asks; /* something else is to be asked now */
};

static size_t page_of(void)
{
    int columns, rows;

    terminal_size(&columns, &rows);
    return rows > TOP_SCREEN_HEAD + 2 ? (size_t)(rows - TOP_SCREEN_HEAD - 1) : 1;
}

static void put_foot(const struct live *live)
{
    if (!live->is_typing) {
        fputs("q quit  m metric  t tag  s sender  v l b n sort  / filter  h help", stdout);
    } else {
        fputs("filter: ", stdout);
        shown_put_text(stdout, live->filter);
    }
    fputs("\x1b[K", stdout);
}

static void put_help(void)
{
    static const char *const lines[] = {
        "q            quit",
        "m t s        by metric, by tag key, by sender",
        "v l b n      most values, lines, bytes, series first",
        "/            show what has a text in its name; Enter ends it, Esc shows all",
        "arrows, page up and down, home, end",
        "h            this",
        "",
        "+-lines/s: so many of a sender's lines may be those of others, as there are",
        "more senders than counters.",
    };

    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        printf("%s" TERMINAL_END, lines[i]);
}

static void repaint(struct live *live)
{
    struct top_look look = { .where = live->answer.where,
                             .sort = live->asking->sort,
                             .filter = live->filter,
                             .rows = page_of(),
                             .end = TERMINAL_END };
    size_t n = top_screen_rows(live->answer.json, live->filter);
    size_t last = n > look.rows ? n - look.rows : 0;

    live->first = look.first = live->first < last ? live->first : last;
    terminal_begin_screen();
    if (live->helps) {
        put_help();
    } else if (live->answer.json == NULL) {
        shown_put_text(stdout, live->answer.where);
        fputs(": ", stdout);
        shown_put_text(stdout, live->answer.problem);
        fputs(TERMINAL_END, stdout);
    } else {
        top_screen_print(live->answer.json, &look, stdout);
    }
    put_foot(live);
    terminal_end_screen();
}

static void type(struct live *live, int key)
{
    size_t len = strlen(live->filter);

    if (key == KEY_ENTER || key == KEY_ESCAPE) {
        live->is_typing = false;
        if (key == KEY_ESCAPE)
            live->filter[0] = '\0';
    } else if (key == KEY_ERASE) {
        live->filter[len > 0 ? len - 1 : 0] = '\0';
    } else if (key >= ' ' && key < 256 && len + 1 < sizeof live->filter) {
        live->filter[len] = (char)key;
        live->filter[len + 1] = '\0';
    }
}

static void scroll(struct live *live, int key)
{
    size_t page = page_of();

    if (key == KEY_UP)
        live->first -= live->first > 0;
    else if (key == KEY_DOWN)
        live->first++;
    else if (key == KEY_PAGE_UP)
        live->first -= live->first < page ? live->first : page;
    else if (key == KEY_PAGE_DOWN)
        live->first += page;
    else if (key == KEY_HOME)
        live->first = 0;
    else if (key == KEY_END)
        live->first = LIVE_ROWS; /* repaint() knows how many there are */
}

/* What a key asks for: X(key, member, word of the API). */
#define KEYS(X)          \
    X('m', by, "metric") \
    X('t', by, "tag")    \
    X('s', by, "sender") \
    X('v', sort, "values") X('l', sort, "lines") X('b', sort, "bytes") X('n', sort, "series")

static void obey(struct live *live, int key)
{
    switch (key) {
#define KEY_CASE(letter, member, word) \
    case letter:                       \
        live->asking->member = (word); \
        live->asks = true;             \
        live->first = 0;               \
        break;
        KEYS(KEY_CASE)
#undef KEY_CASE
    case '/':
        live->is_typing = true;
        break;
    case KEY_ESCAPE:
        live->filter[0] = '\0';
        break;
    case 'q':
        live->ends = true;
        break;
    default:
        scroll(live, key);
    }
}

static void take_key(struct live *live, int key)
{
    bool helped = live->helps;

    live->helps = false;
    if (key == KEY_GONE)
        live->ends = true;
    else if (live->is_typing)
        type(live, key);
    else if (key == 'h' || key == '?')
        live->helps = !helped;
    else
        obey(live, key);
}

/* Shows what is there, and takes keys until it is time for the next question. */
static void wait_and_obey(struct live *live)
{
    int64_t until_ms = clock_monotonic_ms() + EACH_MS, left_ms = EACH_MS;

    live->asks = false;
    repaint(live);
    while (!live->ends && !live->asks && left_ms > 0) {
        int key = terminal_key((int)left_ms);

        if (key != KEY_NONE)
            take_key(live, key);
        repaint(live);
        left_ms = until_ms - clock_monotonic_ms();
    }
}

static int show_live(struct asking *asking)
{
    struct live live = { .asking = asking };
    struct answer answer;

    ask(asking, LIVE_ROWS, &live.answer);
    if (live.answer.json == NULL) {
        int status = complain(live.answer.where, live.answer.problem);
        answer_free(&live.answer);
        return status;
    }
    if (!terminal_open())
        return complain("the terminal", strerror(errno));
    for (wait_and_obey(&live); !live.ends; wait_and_obey(&live)) {
        ask(asking, LIVE_ROWS, &answer);
        answer_free(&live.answer);
        live.answer = answer;
    }
    terminal_close();
    answer_free(&live.answer);
    return EXIT_OK;
}

/* ---- the command ------------------------------------------------------- */

static int act(struct command_line *line)
{
    struct asking asking = { .by = "metric", .sort = "values" };
    struct settings settings = { 0 };
    int status = EXIT_SETTINGS;

    asking.settings = &settings;
    if (read_words(line, &asking) && command_settings(&settings, line))
        status = asking.once || asking.json || !terminal_is_there() ? print_once(&asking)
                                                                    : show_live(&asking);
    settings_free(&settings);
    return status;
}

int command_top(int n, char **words)
{
    int status = command_with_line("top", n, words, true, act);

    errno = 0;
    if (fflush(stdout) == 0 && ferror(stdout) == 0)
        return status;
    complain("standard output", errno != 0 ? strerror(errno) : "cannot be written");
    return status != EXIT_OK ? status : EXIT_SYSTEM;
}
