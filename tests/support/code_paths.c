/* A test program takes the code paths that HEELER_CPU names, as the program does; one that
 * looks at each path goes through them itself. */
#include "server/receive/code_paths.h"

__attribute__((constructor)) static void choose(void)
{
    code_paths_choose_or_exit();
}
