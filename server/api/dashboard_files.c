#include "server/api/dashboard_files.h"

#include "flush/memory/json_view.h"
#include "server/api/dashboard.h"
#include "server/api/defined.h"

enum { WIDGETS_APART = 10000 /* between the ids of two dashboards' widgets */ };

/* The API answers a timeboard with more around it. */
static struct slice board_in(struct slice body)
{
    struct slice dash = json_view_member(body, "dash");

    return json_view_kind(dash) == JSON_KIND_OBJECT ? dash : body;
}

static bool is_timeboard(struct slice board)
{
    return json_view_member(board, "layout_type").len == 0 &&
           (json_view_member(board, "widgets").len == 0 ||
            json_view_member(board, "graphs").len > 0);
}

/* "x4x-ttz-cnu", of the file's name. */
static void make_id(uint64_t hash, char out[DEFINED_BOARD_ID_LEN + 1])
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz012345";

    for (int i = 0; i < DEFINED_BOARD_ID_LEN; i++) {
        out[i] = i % 4 == 3 ? '-' : letters[hash % 32];
        hash /= i % 4 == 3 ? 1 : 32;
    }
    out[DEFINED_BOARD_ID_LEN] = '\0';
}

static void put_board(const struct definition_file *file, struct slice board)
{
    char id[DEFINED_BOARD_ID_LEN + 1];
    struct json_out numbered = { .comma = false };
    struct definition definition = {
        .kind = DEFINITION_DASHBOARD,
        .number = definition_file_number(file, DEFINITION_DASHBOARD, board),
        .body = board,
    };

    make_id(file->hash, id);
    if (!definition_file_id(board, "new_id", &definition.name) &&
        !definition_file_id(board, "id", &definition.name))
        definition.name = slice_of(id);
    if (!dashboard_is_timeboard(&definition)) {
        dashboard_number_widgets(&numbered, board, definition.number * WIDGETS_APART);
        definition.body = bytes_view(&numbered.bytes);
    }
    if (numbered.bytes.failed)
        definition_file_complain(file, ": not enough memory");
    else
        definition_file_put(file, &definition);
    bytes_free(&numbered.bytes);
}

static void take_board(const struct definition_file *file, struct slice object)
{
    char problem[DASHBOARD_PROBLEM_MAX];
    struct slice board = board_in(object);

    if (is_timeboard(board) ? dashboard_check_timeboard(board, problem)
                            : dashboard_check(board, problem))
        put_board(file, board);
    else
        definition_file_complain(file, ": %s", problem);
}

struct definition_files *dashboard_files_read(const char *folder)
{
    return definition_files_read(folder, take_board);
}
