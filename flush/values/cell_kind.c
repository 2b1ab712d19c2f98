#include "flush/values/cell_kind.h"

const struct cell_kind_row cell_kinds[CELL_KIND_COUNT] = {
#define ROW(id, letter, word, shown, object) [id] = { letter, word, shown, object },
    CELL_KINDS(ROW)
#undef ROW
};
