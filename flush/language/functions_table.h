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

FUNCTION("abs", "query", "without the sign", .each = points_abs)
FUNCTION("log{2,10}", "query", "the logarithm; of 0 and less there is none", .each = points_log)
FUNCTION("clamp_min", "query, number", "what is below the number becomes it",
         .each = points_clamp_min)
FUNCTION("clamp_max", "query, number", "what is above the number becomes it",
         .each = points_clamp_max)
FUNCTION("cutoff_min", "query, number", "points below the number are left out",
         .each = points_cutoff_min)
FUNCTION("cutoff_max", "query, number", "points above the number are left out",
         .each = points_cutoff_max)
FUNCTION("default_zero", "query", "0 at each step without a point", .each = points_default_zero)

FUNCTION("diff", "query", "what was added since the point before", .each = points_diff)
FUNCTION("monotonic_diff", "query", "the same where it is above 0, else no point",
         .each = points_monotonic_diff)
FUNCTION("derivative", "query", "diff by the seconds between the two points",
         .each = points_derivative)
FUNCTION("per_{second,minute,hour}", "query", "derivative, in that unit of time",
         .each = points_per)
FUNCTION("dt", "query", "the seconds since the step before that has a point of any group",
         .whole = whole_dt)
FUNCTION("throughput", "query", "the value by the seconds of a step", .each = points_throughput)
FUNCTION("cumsum", "query", "the sum of the points since `from`", .each = points_cumsum)
FUNCTION(
    "integral", "query",
    "the sum since `from` of each difference between neighbours times the seconds between them",
    .each = points_integral)

FUNCTION("ewma_{3,5,7,10,20}", "query",
         "a mean in which each point weighs 2 / (N + 1), and what was before it the rest",
         .each = points_ewma)
FUNCTION("median_{3,5,7,9}", "query", "the median of the last N points", .each = points_median,
         .lead = lead_median, .weight = 8)
FUNCTION("moving_rollup", "query, seconds, 'avg'|'sum'|'min'|'max'|'count'",
         "of the points of the last seconds, at each step that has any", .each = points_moving,
         .lead = lead_moving, .far = true, .weight = 8)

FUNCTION("top",
         "query, 5|10|25|50|100, 'max'|'mean'|'min'|'sum'|'last'|'l2norm'|'area', 'asc'|'desc'",
         "the first groups in that order", .whole = whole_top)
FUNCTION("{top,bottom}{5,10,15,20}{,_mean,_min,_max,_last,_area,_l2norm}", "query",
         "the groups with the most, or the least; by the mean where nothing is said",
         .whole = whole_top_short)
FUNCTION("count_nonzero", "query", "how many groups have a point that is not 0",
         .whole = whole_count_nonzero)
FUNCTION("count_not_null", "query", "how many groups have a point",
         .whole = whole_count_not_null)
FUNCTION("exclude_null", "query", "without groups that lack one of the tags (`N/A`)",
         .whole = whole_exclude_null)

FUNCTION("timeshift", "query, past", "as it was so many seconds ago, drawn now",
         .shift_s = shift_any)
FUNCTION("{hour,day,week,month}_before", "query", "as it was then; a month is 28 days",
         .shift_s = shift_before)

FUNCTION("anomalies", "query, 'basic', bounds",
         "with a [band](#anomalies) in which the points should lie", .each = points_anomalies,
         .lead = lead_anomalies, .far = true, .weight = 40, .band = true)
