/* chart/unit.h: what numbers are numbers of, and how they are written beside an axis.
 *
 * Units are those of Datadog's metadata, by name: "byte", "millisecond", "percent". What is not
 * known here is a plain number, with the name of the unit beside the axis. Pure. */
#ifndef CHART_UNIT_H
#define CHART_UNIT_H

#include "protocol/slice.h"

enum unit_kind {
    UNIT_NUMBER,  /* 1.5k */
    UNIT_BYTES,   /* 1.5 KiB */
    UNIT_SECONDS, /* 1.5 min */
    UNIT_PERCENT  /* 1.5% */
};

enum { UNIT_NAME_SIZE = 64, UNIT_TEXT_SIZE = 48 };

struct unit {
    enum unit_kind kind;
    double factor;             /* of one, in numbers, bytes, seconds or percent */
    char name[UNIT_NAME_SIZE]; /* for the head of the axis: "per second", or "" */
};

/* Both may be empty. */
void unit_find(struct slice name, struct slice per, struct unit *out);

/* A value in numbers, bytes, seconds or percent. step: how far those beside it are away, which
 * must look different; not 0. */
void unit_format(enum unit_kind kind, long double value, long double step,
                 char out[UNIT_TEXT_SIZE]);

#endif
