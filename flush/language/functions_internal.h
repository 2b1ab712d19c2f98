/* flush/language/functions_internal.h: what the rows of the table call, by file.
 *
 * Each does what its sentence in functions_table.h says; what is not finite afterwards is no
 * point, which the evaluator sees to. */
#ifndef FLUSH_LANGUAGE_FUNCTIONS_INTERNAL_H
#define FLUSH_LANGUAGE_FUNCTIONS_INTERNAL_H

#include "flush/language/functions.h"

/* ---- functions.c ------------------------------------------------------- */

bool unit_kept(const struct call *call);

/* ---- functions_points.c: each point, and its neighbours ---------------- */

void points_abs(const struct call *call, const struct points *points);
void points_log(const struct call *call, const struct points *points);
void points_clamp_min(const struct call *call, const struct points *points);
void points_clamp_max(const struct call *call, const struct points *points);
void points_cutoff_min(const struct call *call, const struct points *points);
void points_cutoff_max(const struct call *call, const struct points *points);
void points_default_zero(const struct call *call, const struct points *points);
void points_diff(const struct call *call, const struct points *points);
void points_monotonic_diff(const struct call *call, const struct points *points);
void points_derivative(const struct call *call, const struct points *points);
void points_per(const struct call *call, const struct points *points);
void points_throughput(const struct call *call, const struct points *points);
void points_cumsum(const struct call *call, const struct points *points);
void points_integral(const struct call *call, const struct points *points);

/* ---- functions_moving.c: the points before, and other times ------------ */

void points_ewma(const struct call *call, const struct points *points);
void points_median(const struct call *call, const struct points *points);
void points_moving(const struct call *call, const struct points *points);
int64_t lead_median(const struct call *call, int64_t step_s);
int64_t lead_moving(const struct call *call, int64_t step_s);
bool unit_of_moving(const struct call *call);
int64_t shift_any(const struct call *call);
int64_t shift_before(const struct call *call);

/* ---- functions_groups.c: all groups ------------------------------------ */

bool whole_dt(const struct call *call, struct grid *grid);
bool whole_top(const struct call *call, struct grid *grid);
bool whole_top_short(const struct call *call, struct grid *grid);
bool whole_count_nonzero(const struct call *call, struct grid *grid);
bool whole_count_not_null(const struct call *call, struct grid *grid);
bool whole_exclude_null(const struct call *call, struct grid *grid);

/* ---- anomalies.c ------------------------------------------------------- */

void points_anomalies(const struct call *call, const struct points *points);
int64_t lead_anomalies(const struct call *call, int64_t step_s);

#endif
