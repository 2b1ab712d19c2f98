/* flush/language/functions_table.h: the functions, a row each; included with FUNCTION defined.
 *
 * FUNCTION(name, arguments, sentence, members): how names and arguments are written stands in
 * flush/language/functions.h, and the members are those of struct function. */
FUNCTION(
    ".rollup", "method, seconds",
    "the points of a step as one; method: `avg`, `sum`, `min`, `max`, `count`, `last`; either "
    "may be left out",
    .weight = 0)
FUNCTION(".fill", "how, seconds",
         "gaps are filled that far (300, and one step at least); how: `linear` by the straight "
         "line to the next "
         "point, `last` with the last point, `zero`, `null` not",
         .weight = 0)
FUNCTION(".as_count", "", "what was counted in each step", .weight = 0)
FUNCTION(".as_rate", "", "the same, a second", .weight = 0)

FUNCTION("abs", "query", "without the sign", .each = points_abs, .keeps_unit = unit_kept)
FUNCTION("log{2,10}", "query", "the logarithm; of 0 and less there is none", .each = points_log)
FUNCTION("clamp_min", "query, number", "what is below the number becomes it",
         .each = points_clamp_min, .keeps_unit = unit_kept)
FUNCTION("clamp_max", "query, number", "what is above the number becomes it",
         .each = points_clamp_max, .keeps_unit = unit_kept)
FUNCTION("cutoff_min", "query, number", "points below the number are left out",
         .each = points_cutoff_min, .keeps_unit = unit_kept)
FUNCTION("cutoff_max", "query, number", "points above the number are left out",
         .each = points_cutoff_max, .keeps_unit = unit_kept)
FUNCTION("default_zero", "query", "0 at each step without a point", .each = points_default_zero,
         .keeps_unit = unit_kept)

FUNCTION(
    "diff", "query",
    "what was added since the point before; around a query alone that of each series, before "
    "they become one",
    .of_series = true, .each = points_diff, .keeps_unit = unit_kept)
FUNCTION("monotonic_diff", "query",
         "what was added since the point before where it is above 0, else no point",
         .each = points_monotonic_diff, .keeps_unit = unit_kept)
FUNCTION("derivative", "query",
         "what was added since the point before, by the seconds between the two",
         .each = points_derivative)
FUNCTION("per_{second,minute,hour}", "query", "derivative, in that unit of time",
         .each = points_per)
FUNCTION("dt", "query", "the seconds since the step before that has a point of any group",
         .whole = whole_dt)
FUNCTION("throughput", "query", "the value by the seconds of a step", .each = points_throughput)
FUNCTION("cumsum", "query", "the sum of the points since `from`", .each = points_cumsum,
         .keeps_unit = unit_kept)
FUNCTION(
    "integral", "query",
    "the sum since `from` of each difference between neighbours times the seconds between them",
    .each = points_integral)

FUNCTION("ewma_{3,5,7,10,20}", "query",
         "a mean in which each point weighs 2 / (N + 1), and what was before it the rest",
         .each = points_ewma, .keeps_unit = unit_kept)
FUNCTION("median_{3,5,7,9}", "query", "the median of the last N points", .each = points_median,
         .keeps_unit = unit_kept, .lead = lead_median, .weight = 8)
FUNCTION("moving_rollup", "query, seconds, 'avg'|'sum'|'min'|'max'|'count'",
         "of the points of the last seconds, at each step that has any", .each = points_moving,
         .keeps_unit = unit_of_moving, .lead = lead_moving, .far = true, .weight = 8)

FUNCTION("top", "query, groups, 'max'|'mean'|'min'|'sum'|'last'|'l2norm'|'area', 'asc'|'desc'",
         "the first so many groups in that order", .whole = whole_top, .keeps_unit = unit_kept)
FUNCTION("{top,bottom}{5,10,15,20}{,_mean,_min,_max,_last,_area,_l2norm}", "query",
         "the groups with the most, or the least; by the mean where nothing is said",
         .whole = whole_top_short, .keeps_unit = unit_kept)
FUNCTION("count_nonzero", "query", "how many groups have a point that is not 0",
         .whole = whole_count_nonzero)
FUNCTION("count_not_null", "query", "how many groups have a point",
         .whole = whole_count_not_null)
FUNCTION("exclude_null", "query", "without groups that lack one of the tags (`N/A`)",
         .whole = whole_exclude_null, .keeps_unit = unit_kept)

FUNCTION("timeshift", "query, past", "as it was so many seconds ago, drawn now",
         .shift_s = shift_any, .keeps_unit = unit_kept)
FUNCTION("{hour,day,week,month}_before", "query", "as it was then; a month is 28 days",
         .shift_s = shift_before, .keeps_unit = unit_kept)

FUNCTION(
    "anomalies",
    "query, 'basic', bounds, direction='above'|'below'|'both', alert_window=window, "
    "interval=seconds, count_default_zero='true'|'false'",
    "with a [band](#anomalies) in which the points should lie; what has a name may be left "
    "out",
    .each = points_anomalies, .keeps_unit = unit_kept, .lead = lead_anomalies, .far = true,
    .weight = 40, .band = true)
