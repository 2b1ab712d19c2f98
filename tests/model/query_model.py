"""A slow, readable model of the query language, from docs/questions.md and Datadog's pages alone.

A question is a tree: ("number", x), ("query", Query), ("function", name, arguments, tree) or
("operator", sign, left, right). A Grid is {group: {time: value}} with the times that it may have; a
group is a frozenset of (key, value). Where rounding would decide between two answers the question
is Fragile, and is not compared."""

import math
from dataclasses import dataclass, field, replace

INTERVAL = 10
STEPS = (1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600)
TINY = 1e-9


class Fragile(Exception):
    pass


class Refused(Exception):
    pass


@dataclass(frozen=True)
class Series:
    metric: str
    kind: str                # "gauge" or "count"
    tags: tuple              # of (key, value)
    points: dict = field(compare=False, hash=False)


@dataclass(frozen=True)
class Query:
    metric: str
    scope: object            # a function of {key: value}
    aggregate: str = "avg"
    by: tuple = ()
    method: str = ""
    seconds: int = 0
    shape: str = ""          # "", "count" or "rate"
    fill: tuple = ()         # () or (how, limit)


@dataclass(frozen=True)
class Grid:
    first: int
    step: int
    steps: int
    lead: int
    keys: frozenset
    groups: dict

    def times(self):
        return range(self.first, self.first + self.step * self.steps, self.step)

    def shown(self):
        return self.times()[self.lead:]

    def each(self, change):
        return replace(self, groups={group: finite(change(row)) for group, row in self.groups.items()})


def finite(row):
    return {time: value for time, value in row.items() if math.isfinite(value)}


def nearly(a, b):
    return a != b and abs(a - b) <= TINY * max(1, abs(a), abs(b))


# ---------------------------------------------------------------- one query

def step_of(query, start, end):
    if query.seconds:
        return query.seconds if query.seconds > INTERVAL else -(-query.seconds // INTERVAL) * INTERVAL
    return next(step for step in STEPS if step >= INTERVAL and (end - start) // step <= 300)


def value_of(query, kind, step, values):
    """The points of one series in one step as one."""
    method = query.method
    if kind == "count" and not method and query.shape:
        method = "sum"
    value = {"": sum(values) / len(values), "avg": sum(values) / len(values), "sum": sum(values),
             "min": min(values), "max": max(values), "count": len(values), "last": values[-1]}[method]
    if kind == "gauge" or method == "count" or query.shape == "count":
        return value
    if method != "sum":
        return value / INTERVAL
    return value / step if query.shape == "rate" else value


def of_group(aggregate, values):
    return {"avg": sum(values) / len(values), "sum": sum(values), "min": min(values),
            "max": max(values), "count": len(values)}[aggregate]


# Whether a series without a point in the range is known, so that its group is there. Redis is asked for the
# windows of the range alone.
SILENT_SERIES = True


def fetch(world, query, first, step, steps, lead, differs):
    """differs: what was added to each series. This, and what fills gaps, is before series become one a group."""
    groups = {}
    for series in world:
        if series.metric != query.metric or not query.scope(dict(series.tags)):
            continue
        in_steps = {}
        for time in sorted(series.points):
            if first <= time < first + step * steps:
                in_steps.setdefault(first + (time - first) // step * step, []).append(series.points[time])
        if not in_steps and not SILENT_SERIES:
            continue
        tags = dict(series.tags)
        group = frozenset((key, tags.get(key, "N/A")) for key in query.by)
        rows = groups.setdefault(group, {})
        row = {time: value_of(query, series.kind, step, values) for time, values in in_steps.items()}
        row = filled(row, range(first, first + step * steps, step), step, *query.fill) if query.fill else row
        for time, value in (differences(row) if differs else row).items():
            rows.setdefault(time, []).append(value)
    return Grid(first, step, steps, lead, frozenset(query.by),
                {group: {time: of_group(query.aggregate, values) for time, values in rows.items()}
                 for group, rows in groups.items()})


def filled(row, times, step, how, limit):
    limit = max(limit, step)
    out = dict(row)
    for time in times:
        before = [other for other in row if other < time and time - other <= limit]
        behind = [other for other in row if other > time]
        if time in row or not before:
            continue
        last = max(before)
        if how == "linear" and behind:
            following = min(behind)
            out[time] = row[last] + (row[following] - row[last]) * (time - last) / (following - last)
        elif how == "last":
            out[time] = row[last]
        elif how == "zero":
            out[time] = 0
    return out


# ---------------------------------------------------------------- functions

def logarithm(base):
    return lambda grid: grid.each(lambda row: {
        time: math.log2(value) if base == 2 else math.log10(value)
        for time, value in row.items() if value > fragile_at(value, 0)})


def pairs(row):
    times = sorted(row)
    return list(zip(times, times[1:]))


def differences(row):
    return {time: row[time] - row[before] for before, time in pairs(row)}


def monotonic(row):
    for before, time in pairs(row):
        if abs(row[time] - row[before]) < TINY and row[time] % 1:
            raise Fragile
    return {time: value for time, value in differences(row).items() if value > 0}


def rate(factor):
    return lambda grid: grid.each(lambda row: {
        time: (row[time] - row[before]) / (time - before) * factor for before, time in pairs(row)})


def running(grid, row, gain):
    total, out, before = 0, {}, None
    for time in sorted(row):
        if time not in grid.shown():
            continue
        total += gain(before, time)
        out[time], before = total, time
    return out


def cumsum(grid):
    return grid.each(lambda row: running(grid, row, lambda before, time: row[time]))


def integral(grid):
    return grid.each(lambda row: running(grid, row, lambda before, time: 0 if before is None else
                                         (time - before) * (row[time] - row[before])))


def dt(grid):
    times = sorted({time for row in grid.groups.values() for time in row})
    return one_row(grid, {time: time - before for before, time in zip(times, times[1:])})


def one_row(grid, row):
    return replace(grid, keys=frozenset(), groups={frozenset(): row} if grid.groups else {})


def ewma(span):
    def smooth(row):
        out, mean = {}, None
        for time in sorted(row):
            weight = 2 / (span + 1)
            mean = row[time] if mean is None else weight * row[time] + (1 - weight) * mean
            out[time] = mean
        return out
    return lambda grid: grid.each(smooth)


def median_of(values):
    values = sorted(values)
    middle = len(values) // 2
    return values[middle] if len(values) % 2 else (values[middle - 1] + values[middle]) / 2


def median(span):
    def smooth(row):
        times = sorted(row)
        return {time: median_of([row[other] for other in times[max(0, i - span + 1):i + 1]])
                for i, time in enumerate(times)}
    return lambda grid: grid.each(smooth)


def moving(grid, seconds, method):
    def moved(row):
        out = {}
        for time in grid.times():
            values = [row[other] for other in sorted(row) if time - seconds < other <= time]
            if values:
                out[time] = of_group(method, values)
        return out
    return grid.each(moved)


RANKS = {"max": max, "min": min, "sum": sum, "mean": lambda values: sum(values) / len(values),
         "last": lambda values: values[-1], "l2norm": lambda values: math.sqrt(sum(v * v for v in values)),
         "area": sum}


def top(grid, n, by, direction):
    ranked = []
    for group, row in grid.groups.items():
        values = [row[time] for time in grid.shown() if time in row]
        if values:
            ranked.append((RANKS[by](values), group))
    ranked.sort(key=lambda pair: pair[0], reverse=direction == "desc")
    if len(ranked) > n and (ranked[n - 1][0] == ranked[n][0] or nearly(ranked[n - 1][0], ranked[n][0])):
        raise Fragile
    return replace(grid, groups={group: grid.groups[group] for _, group in ranked[:n]})


def counted(grid, counts):
    row = {}
    for time in grid.times():
        values = [other[time] for other in grid.groups.values() if time in other]
        if any(nearly(value, 0) for value in values):
            raise Fragile
        if values:
            row[time] = sum(1 for value in values if counts(value))
    return one_row(grid, row)


def cut(keep):
    return lambda grid, limit: grid.each(lambda row: {
        time: value for time, value in row.items() if keep(value, fragile_at(value, limit))})


def fragile_at(value, limit):
    if nearly(value, limit):
        raise Fragile
    return limit


FUNCTIONS = {
    "abs": lambda grid: grid.each(lambda row: {time: abs(value) for time, value in row.items()}),
    "log2": logarithm(2), "log10": logarithm(10),
    "clamp_min": lambda grid, limit: grid.each(lambda row: {t: max(v, limit) for t, v in row.items()}),
    "clamp_max": lambda grid, limit: grid.each(lambda row: {t: min(v, limit) for t, v in row.items()}),
    "cutoff_min": cut(lambda value, limit: value >= limit),
    "cutoff_max": cut(lambda value, limit: value <= limit),
    "default_zero": lambda grid: grid.each(lambda row: {t: row.get(t, 0) for t in grid.times()}),
    "diff": lambda grid: grid.each(differences),
    "monotonic_diff": lambda grid: grid.each(monotonic),
    "derivative": rate(1), "per_second": rate(1), "per_minute": rate(60), "per_hour": rate(3600),
    "dt": dt,
    "throughput": lambda grid: grid.each(lambda row: {t: v / grid.step for t, v in row.items()}),
    "cumsum": cumsum, "integral": integral,
    **{f"ewma_{n}": ewma(n) for n in (3, 5, 7, 10, 20)},
    **{f"median_{n}": median(n) for n in (3, 5, 7, 9)},
    "moving_rollup": moving, "top": top,
    **{f"{word}{n}{'_' + by if by else ''}":
       (lambda grid, n=n, by=by, word=word: top(grid, n, by or "mean", "desc" if word == "top" else "asc"))
       for word in ("top", "bottom") for n in (5, 10, 15, 20)
       for by in ("", "mean", "min", "max", "last", "area", "l2norm")},
    "count_nonzero": lambda grid: counted(grid, lambda value: value != 0),
    "count_not_null": lambda grid: counted(grid, lambda value: True),
    "exclude_null": lambda grid: replace(grid, groups={
        group: row for group, row in grid.groups.items() if not any(value == "N/A" for _, value in group)}),
    "timeshift": lambda grid, seconds: grid,
    "hour_before": lambda grid: grid, "day_before": lambda grid: grid,
}

SHIFTS = {"hour_before": 3600, "day_before": 86400}


def shift_of(name, arguments):
    return -arguments[0] if name == "timeshift" else SHIFTS.get(name, 0)


def lead_of(name, arguments, step):
    if name.startswith("median_"):
        return int(name[7:]) - 1
    return -(-arguments[0] // step) - 1 if name == "moving_rollup" else 0


# ---------------------------------------------------------------- arithmetic

def quotient(left, right):
    if right == 0:
        return math.nan
    if nearly(right, 0):
        raise Fragile
    return left / right


SIGNS = {"+": lambda a, b: a + b, "-": lambda a, b: a - b, "*": lambda a, b: a * b, "/": quotient}


def join(sign, left, right):
    compute = SIGNS[sign]
    if not isinstance(left, Grid) and not isinstance(right, Grid):
        return compute(left, right)
    if not isinstance(right, Grid):
        return left.each(lambda row: {time: compute(value, right) for time, value in row.items()})
    if not isinstance(left, Grid):
        return right.each(lambda row: {time: compute(left, value) for time, value in row.items()})
    swapped = not left.keys >= right.keys
    fine, coarse = (right, left) if swapped else (left, right)
    if not fine.keys >= coarse.keys:
        raise Refused
    axis = coarse if coarse.step > fine.step else fine
    groups = {}
    for group, row in fine.groups.items():
        part = frozenset(pair for pair in group if pair[0] in coarse.keys)
        if part not in coarse.groups:
            continue
        other = coarse.groups[part]
        groups[group] = finite({
            time: compute(other[time], row[time]) if swapped else compute(row[time], other[time])
            for time in axis.times() if time in row and time in other})
    return replace(axis, keys=fine.keys, groups=groups)


# ---------------------------------------------------------------- a question

def queries_of(tree, above=()):
    """Each query with the functions above it."""
    if tree[0] == "query":
        yield tree[1], above
    elif tree[0] == "function":
        yield from queries_of(tree[3], above + ((tree[1], tree[2]),))
    elif tree[0] == "operator":
        yield from queries_of(tree[2], above)
        yield from queries_of(tree[3], above)


def is_of_series(tree):
    """diff around a query, and not around one whose gaps are filled."""
    return tree[:2] == ("function", "diff") and tree[3][0] == "query" and tree[3][1].fill[:1] in ((), ("null",))


def evaluate(world, tree, start, end):
    """{group: {time: value}} of what is shown."""
    longest = max(step_of(query, start, end) for query, _ in queries_of(tree))

    def go(tree, above, differs=False):
        if tree[0] == "number":
            return tree[1]
        if tree[0] == "operator":
            return join(tree[1], go(tree[2], above), go(tree[3], above))
        if is_of_series(tree):
            return go(tree[3], above, differs=True)
        if tree[0] == "function":
            return FUNCTIONS[tree[1]](go(tree[3], above + ((tree[1], tree[2]),)), *tree[2])
        query = tree[1]
        step = step_of(query, start, end) if query.seconds else longest
        shift = sum(shift_of(*function) for function in above)
        lead = sum(lead_of(*function, step) for function in above)
        first = start // step * step
        steps = -(-(end - first) // step) + lead
        grid = fetch(world, query, first - shift - lead * step, step, steps, lead, differs)
        return replace(grid, first=grid.first + shift, groups={
            group: {time + shift: value for time, value in row.items()} for group, row in grid.groups.items()})

    grid = go(tree, ())
    shown = set(grid.shown())
    rows = {group: {time: value for time, value in row.items() if time in shown}
            for group, row in grid.groups.items()}
    return {group: row for group, row in rows.items() if row}
