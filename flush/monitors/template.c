#include "flush/monitors/template.h"

#include <ctype.h>
#include <stdio.h>

#include "flush/monitors/template_internal.h"

/* ---- cutting ----------------------------------------------------------- */

enum piece_kind {
    PIECE_TEXT,
    PIECE_RAW,
    PIECE_COMMENT,
    PIECE_VARIABLE,
    PIECE_BLOCK,   /* {{#x}} */
    PIECE_NEGATED, /* {{^x}} */
    PIECE_ELSE,
    PIECE_END,       /* {{/x}} */
    PIECE_UNFINISHED /* {{ without }} */
};

struct piece {
    enum piece_kind kind;
    const char *at;    /* where it begins */
    struct slice text; /* what it says, without its braces and mark */
};

static const char *find(struct slice in, struct slice what)
{
    return in.len >= what.len ? memmem(in.at, in.len, what.at, what.len) : NULL;
}

/* Cuts off up to the closing text; false: there is none. */
static bool cut_to(struct slice *rest, struct slice open, struct slice close,
                   struct slice *text)
{
    struct slice inside = slice_skip(*rest, open.len);
    const char *end = find(inside, close);

    if (end == NULL)
        return false;
    *text = (struct slice){ inside.at, (size_t)(end - inside.at) };
    *rest = slice_skip(inside, text->len + close.len);
    return true;
}

static void take_mark(struct piece *piece)
{
    static const struct {
        char mark;
        enum piece_kind kind;
    } marks[] = {
        { '#', PIECE_BLOCK }, { '^', PIECE_NEGATED }, { '/', PIECE_END }, { '!', PIECE_COMMENT }
    };

    piece->text = slice_trim(piece->text, " \t\r\n");
    piece->kind = slice_equal(piece->text, SLICE("else")) ? PIECE_ELSE : PIECE_VARIABLE;
    for (size_t i = 0; i < sizeof marks / sizeof *marks && piece->text.len > 0; i++)
        if (piece->text.at[0] == marks[i].mark) {
            piece->kind = marks[i].kind;
            piece->text = slice_trim(slice_skip(piece->text, 1), " \t\r\n");
            return;
        }
}

static bool cut_braces(struct slice *rest, struct piece *piece)
{
    if (slice_starts(*rest, SLICE("{{{{raw}}}}"))) {
        piece->kind = PIECE_RAW;
        return cut_to(rest, SLICE("{{{{raw}}}}"), SLICE("{{{{/raw}}}}"), &piece->text);
    }
    if (slice_starts(*rest, SLICE("{{!--"))) {
        piece->kind = PIECE_COMMENT;
        return cut_to(rest, SLICE("{{!--"), SLICE("--}}"), &piece->text);
    }
    if (slice_starts(*rest, SLICE("{{{"))) {
        piece->kind = PIECE_VARIABLE;
        if (!cut_to(rest, SLICE("{{{"), SLICE("}}}"), &piece->text))
            return false;
        piece->text = slice_trim(piece->text, " \t\r\n");
        return true;
    }
    if (!cut_to(rest, SLICE("{{"), SLICE("}}"), &piece->text))
        return false;
    take_mark(piece);
    return true;
}

/* Cuts the first piece off; false: there is nothing left. */
static bool cut(struct slice *rest, struct piece *piece)
{
    if (rest->len == 0)
        return false;
    *piece = (struct piece){ .at = rest->at };
    if (slice_starts(*rest, SLICE("{{"))) {
        if (!cut_braces(rest, piece)) {
            piece->kind = PIECE_UNFINISHED;
            piece->text = *rest;
            *rest = slice_skip(*rest, rest->len);
        }
        return true;
    }
    const char *end = find(*rest, SLICE("{{"));

    piece->text =
        (struct slice){ rest->at, end != NULL ? (size_t)(end - rest->at) : rest->len };
    *rest = slice_skip(*rest, piece->text.len);
    return true;
}

/* ---- receivers --------------------------------------------------------- */

static bool is_space(char c)
{
    return isspace((unsigned char)c) != 0;
}

/* From behind the @ to the next space or block. *has_variable: one stands in it. */
static struct slice handle_at(struct slice text, bool *has_variable)
{
    struct slice rest = text;

    *has_variable = false;
    while (rest.len > 0 && !is_space(rest.at[0]) && !slice_is_one_of(rest.at[0], ",;<>\"'")) {
        struct piece piece;

        if (!slice_starts(rest, SLICE("{{"))) {
            rest = slice_skip(rest, 1);
            continue;
        }
        struct slice behind = rest;

        if (!cut(&behind, &piece) || piece.kind != PIECE_VARIABLE)
            break;
        *has_variable = true;
        rest = behind;
    }
    struct slice handle = { text.at, text.len - rest.len };

    while (handle.len > 0 && slice_is_one_of(handle.at[handle.len - 1], ".:!?)]"))
        handle.len--;
    return handle;
}

/* ---- rendering --------------------------------------------------------- */

struct block {
    bool outer, holds; /* what is around it, and it itself */
};

struct rendering {
    const struct template_facts *facts;
    const struct template_listener *listener;
    struct slice text; /* the template */
    struct bytes *out;
    size_t begin; /* of the message in out */
    struct block blocks[TEMPLATE_DEPTH_MAX];
    size_t depth;
    size_t receivers;
    bool shows; /* here */
    bool shows_all;
};

static void put(struct rendering *rendering, struct slice text)
{
    bytes_add(rendering->out, text.at, text.len);
}

/* Whether a handle may begin here: a blank, or nothing, stands before it. */
static bool is_begin(const struct rendering *rendering)
{
    const struct bytes *out = rendering->out;

    return out->len == rendering->begin || is_space((char)out->at[out->len - 1]);
}

/* Beyond so many nobody is told. Returns how many bytes behind the @ are not to be shown, as
 * they are a handle. */
static size_t tell_receiver(struct rendering *rendering, const char *at)
{
    struct slice rest = { at + 1, (size_t)(rendering->text.at + rendering->text.len - at) - 1 };
    bool has_variable;

    if ((rendering->listener == NULL || rendering->receivers == TEMPLATE_RECEIVERS_MAX) &&
        !rendering->facts->hides_handles)
        return 0;
    struct slice handle = handle_at(rest, &has_variable);

    if (handle.len > 0 && rendering->listener != NULL &&
        rendering->receivers < TEMPLATE_RECEIVERS_MAX) {
        rendering->receivers++;
        rendering->listener->receiver(rendering->listener->self, handle, has_variable);
    }
    return rendering->facts->hides_handles && !has_variable ? handle.len : 0;
}

static void put_text(struct rendering *rendering, struct slice text)
{
    while (text.len > 0) {
        const char *at = memchr(text.at, '@', text.len);
        size_t before = at != NULL ? (size_t)(at - text.at) : text.len;

        put(rendering, (struct slice){ text.at, before });
        text = slice_skip(text, before);
        if (at == NULL || rendering->out->failed)
            return;
        size_t hidden = is_begin(rendering) ? tell_receiver(rendering, at) : 0;

        if (hidden == 0)
            put(rendering, SLICE("@"));
        text = slice_skip(text, 1 + hidden);
    }
}

static void tell_unknown(const struct rendering *rendering, struct slice name)
{
    if (rendering->listener != NULL)
        rendering->listener->unknown(rendering->listener->self, name);
}

/* What strangers sent has no line ends of its own, nor anything that a reader does not see. */
static void tame(struct bytes *bytes, size_t from)
{
    for (size_t i = from; i < bytes->len; i++)
        if (bytes->at[i] < ' ' || bytes->at[i] == 0x7f)
            bytes->at[i] = ' ';
}

static void put_variable(struct rendering *rendering, struct slice name)
{
    size_t from = rendering->out->len;
    int priority = template_priority(name);

    if (priority > 0) {
        if (rendering->listener != NULL && rendering->listener->priority != NULL)
            rendering->listener->priority(rendering->listener->self, priority);
        return;
    }
    if (!template_value(rendering->facts, name, rendering->out))
        tell_unknown(rendering, name);
    tame(rendering->out, from);
}

/* One that is too deep holds for nobody. */
static void open_block(struct rendering *rendering, const struct piece *piece)
{
    struct slice arguments = piece->text;
    struct slice name = template_cut_argument(&arguments);
    bool holds = false;

    if (rendering->depth < TEMPLATE_DEPTH_MAX) {
        struct slice unknown = template_holds(rendering->facts, name, arguments, &holds);

        if (unknown.len > 0 && rendering->shows)
            tell_unknown(rendering, unknown);
        holds = rendering->shows_all || holds != (piece->kind == PIECE_NEGATED);
        rendering->blocks[rendering->depth] = (struct block){ rendering->shows, holds };
    }
    rendering->shows = rendering->shows && holds;
    rendering->depth++;
}

static void turn_block(struct rendering *rendering)
{
    struct block *block;

    if (rendering->depth == 0 || rendering->depth > TEMPLATE_DEPTH_MAX)
        return;
    block = &rendering->blocks[rendering->depth - 1];
    block->holds = rendering->shows_all || !block->holds;
    rendering->shows = block->outer && block->holds;
}

static void close_block(struct rendering *rendering)
{
    if (rendering->depth == 0)
        return;
    rendering->depth--;
    if (rendering->depth < TEMPLATE_DEPTH_MAX)
        rendering->shows = rendering->blocks[rendering->depth].outer;
}

/* Where all blocks are shown, what stands before one may not be there: a handle that a block
 * begins with may begin. */
static void part(struct rendering *rendering, const struct piece *piece)
{
    if (rendering->shows_all && piece->kind >= PIECE_BLOCK && piece->kind <= PIECE_END)
        put(rendering, SLICE(" "));
}

static void put_piece(struct rendering *rendering, const struct piece *piece)
{
    part(rendering, piece);
    switch (piece->kind) {
    case PIECE_TEXT:
        if (rendering->shows)
            put_text(rendering, piece->text);
        return;
    case PIECE_RAW:
    case PIECE_UNFINISHED:
        if (rendering->shows)
            put(rendering, piece->text);
        return;
    case PIECE_VARIABLE:
        if (rendering->shows)
            put_variable(rendering, piece->text);
        return;
    case PIECE_BLOCK:
    case PIECE_NEGATED:
        open_block(rendering, piece);
        return;
    case PIECE_ELSE:
        turn_block(rendering);
        return;
    case PIECE_END:
        close_block(rendering);
        return;
    case PIECE_COMMENT:
        return;
    }
}

/* The bytes of a character that was cut in its middle go, too. */
static void shorten(struct bytes *out, size_t len)
{
    while (len > 0 && (out->at[len] & 0xc0) == 0x80)
        len--;
    out->len = len;
}

static bool render(struct rendering *rendering)
{
    struct bytes *out = rendering->out;
    struct slice rest = rendering->text;
    struct piece piece;

    while (!out->failed && out->len - rendering->begin <= TEMPLATE_OUT_MAX &&
           cut(&rest, &piece))
        put_piece(rendering, &piece);
    if (out->failed)
        return false;
    if (out->len - rendering->begin <= TEMPLATE_OUT_MAX)
        return true;
    shorten(out, rendering->begin + TEMPLATE_OUT_MAX);
    return false;
}

bool template_render(struct slice text, const struct template_facts *facts,
                     const struct template_listener *listener, struct bytes *out)
{
    struct rendering rendering = { .facts = facts,
                                   .listener = listener,
                                   .text = text,
                                   .out = out,
                                   .begin = out->len,
                                   .shows = true };

    return render(&rendering);
}

bool template_survey(struct slice text, const struct template_facts *facts,
                     const struct template_listener *listener)
{
    struct bytes out = { 0 };
    struct rendering rendering = { .facts = facts,
                                   .listener = listener,
                                   .text = text,
                                   .out = &out,
                                   .shows = true,
                                   .shows_all = true };
    bool is_whole = render(&rendering);

    bytes_free(&out);
    return is_whole;
}

/* ---- checking ---------------------------------------------------------- */

struct open_block {
    const char *at;
    struct slice name;
    bool has_else;
};

struct check {
    struct slice text;
    struct open_block open[TEMPLATE_DEPTH_MAX];
    size_t depth;
    char *problem;
    size_t problem_size;
};

static bool refuse(const struct check *check, const char *at, const char *why,
                   struct slice what)
{
    snprintf(check->problem, check->problem_size, "byte %zu: %s%.*s",
             (size_t)(at - check->text.at) + 1, why, (int)(what.len < 64 ? what.len : 64),
             what.at);
    return false;
}

static bool check_open(struct check *check, const struct piece *piece)
{
    struct slice arguments = piece->text;

    if (check->depth == TEMPLATE_DEPTH_MAX)
        return refuse(check, piece->at, "blocks are too deep in each other", SLICE(""));
    check->open[check->depth++] =
        (struct open_block){ .at = piece->at, .name = template_cut_argument(&arguments) };
    return true;
}

static bool check_end(struct check *check, const struct piece *piece)
{
    if (check->depth == 0)
        return refuse(check, piece->at, "no block is open that ends with /", piece->text);
    struct slice name = check->open[--check->depth].name;

    return slice_equal(name, piece->text) ||
           refuse(check, piece->at, "the block that is open here is #", name);
}

static bool check_else(struct check *check, const struct piece *piece)
{
    if (check->depth == 0 || check->open[check->depth - 1].has_else)
        return refuse(check, piece->at, "this else belongs to no block", SLICE(""));
    check->open[check->depth - 1].has_else = true;
    return true;
}

static bool check_piece(struct check *check, const struct piece *piece)
{
    switch (piece->kind) {
    case PIECE_BLOCK:
    case PIECE_NEGATED:
        return check_open(check, piece);
    case PIECE_END:
        return check_end(check, piece);
    case PIECE_ELSE:
        return check_else(check, piece);
    case PIECE_UNFINISHED:
        return refuse(check, piece->at, "it does not end", SLICE(""));
    case PIECE_TEXT:
    case PIECE_RAW:
    case PIECE_COMMENT:
    case PIECE_VARIABLE:
        break;
    }
    return true;
}

bool template_check(struct slice text, char *problem, size_t problem_size)
{
    struct check check = { .text = text, .problem = problem, .problem_size = problem_size };
    struct slice rest = text;
    struct piece piece;

    while (cut(&rest, &piece))
        if (!check_piece(&check, &piece))
            return false;
    return check.depth == 0 ||
           refuse(&check, check.open[check.depth - 1].at, "this block does not end: #",
                  check.open[check.depth - 1].name);
}
