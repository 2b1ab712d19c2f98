/* vectors [FOLDER]: runs the vectors in a folder; exit status 1 if one fails. */
#include "tests/support/vectors.h"

int main(int argc, char **argv)
{
    struct vector_counts counts = vectors_run(argc > 1 ? argv[1] : "tests/data", stdout);

    return counts.failed > 0;
}
