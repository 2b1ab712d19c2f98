/* page/condition.js: the query of a monitor, and how its states would have been.
 *
 *   avg(last_5m):avg:load{*} by {host} > 800   ->   its parts, for a form, and back
 *   points of the expression + thresholds      ->   a state at each of their times
 *
 * Pure functions. Who evaluates is the server (flush/monitors/condition.h, group_state.h); here it is only
 * shown, from points that may be further apart than those that the server looks at. */

const UNITS = { m: 60, h: 3600, d: 86400, w: 604800 };
const SPAN = "\\d{1,5}[mhdw]";
const VALUE = new RegExp(`^\\s*(?:(change|pct_change)\\s*\\(\\s*)?(avg|sum|min|max)\\s*\\(\\s*last_(${SPAN})\\s*\\)`
    + `(?:\\s*,\\s*(?:last_)?(${SPAN})(?:_ago)?\\s*\\))?\\s*:\\s*(.+?)\\s*(>=|<=|==|!=|>|<)\\s*(-?[\\d.]+(?:e[-+]?\\d+)?)\\s*$`, "is");

export const REDUCERS = { avg: "on average", sum: "in sum", min: "at the least", max: "at the most" };
export const COMPARATORS = [">", ">=", "<", "<=", "==", "!="];

/* "5m": 300 */
export function secondsOf(span) {
    return Number(span.slice(0, -1)) * UNITS[span.at(-1)];
}

/* { change, reduce, span, shift, expression, comparator, critical }; null: it is of another kind, or none. */
export function readCondition(text) {
    const found = String(text ?? "").match(VALUE);
    if (!found || (found[1] === undefined) !== (found[4] === undefined)) return null;
    const [, change, reduce, span, shift, expression, comparator, critical] = found;
    return { change: change?.toLowerCase(), reduce: reduce.toLowerCase(), span: span.toLowerCase(), shift: shift?.toLowerCase(),
        expression, comparator, critical: Number(critical) };
}

export function writeCondition({ change, reduce, span, shift, expression, comparator, critical }) {
    const window = change ? `${change}(${reduce}(last_${span}),last_${shift})` : `${reduce}(last_${span})`;
    return `${window}:${expression} ${comparator} ${critical}`;
}

export function isAnomalies({ expression }) {
    return /\banomalies\s*\(/.test(expression);
}

/* "a","b" or a, b */
function wordsOf(inside) {
    return inside.split(",").map((word) => word.trim().replace(/^["']|["']$/g, "")).filter((word) => word !== "" && word !== "*");
}

/* The keys by which its groups are told apart. */
export function keysOf(query) {
    const text = String(query ?? "");
    return wordsOf(text.match(/\bby\s*\{([^}]*)\}/)?.[1] ?? text.match(/\.by\(([^)]*)\)/)?.[1] ?? "");
}

/* The tags that every scope of a query asks for, where no OR, no NOT and no pattern leaves it open. */
export function scopeTagsOf(query) {
    const text = String(query ?? ""), over = text.match(/\.over\(([^)]*)\)/)?.[1];
    if (over !== undefined) return wordsOf(over);
    const scopes = [...text.matchAll(/(\bby\s*)?\{([^}]*)\}/g)].filter(([, by]) => by === undefined)
        .map(([, , scope]) => (/\b(OR|NOT|IN)\b|\(/i.test(scope) ? [] : scope.split(/,|\bAND\b/i).map((tag) => tag.trim())));
    return (scopes[0] ?? []).filter((tag) => /^[^!:*]+:[^*]*$/.test(tag) && scopes.every((scope) => scope.includes(tag)));
}

/* The monitors of which a composite is made. */
export function operandsOf(query) {
    return String(query ?? "").match(/\d+/g) ?? [];
}

/* ---- thresholds -------------------------------------------------------- */

const COMPARE = { ">": (a, b) => a > b, ">=": (a, b) => a >= b, "<": (a, b) => a < b, "<=": (a, b) => a <= b,
    "==": (a, b) => a === b, "!=": (a, b) => a !== b };

const numberOf = (value) => (value == null || value === "" || !Number.isFinite(Number(value)) ? null : Number(value));

/* Those of the options; critical is also in the query. */
export function thresholdsOf(definition, condition) {
    const said = definition.options?.thresholds ?? {};
    return { critical: numberOf(said.critical) ?? condition.critical, warning: numberOf(said.warning),
        critical_recovery: numberOf(said.critical_recovery), warning_recovery: numberOf(said.warning_recovery) };
}

/* As lines across a chart. */
export function markersOf(thresholds) {
    const lines = [["critical", "bad", false], ["warning", "warn", false], ["critical_recovery", "bad", true], ["warning_recovery", "warn", true]];
    return lines.filter(([name]) => thresholds[name] !== null).map(([name, tone, dashed]) => (
        { from: thresholds[name], to: thresholds[name], tone, dashed, label: `${name.replace("_", " ")} ${thresholds[name]}` }));
}

/* ---- states ------------------------------------------------------------ */

/* The worst first. */
export const STATES = ["Alert", "Warn", "No Data", "OK"];

const REDUCE = {
    avg: (values) => values.reduce((sum, v) => sum + v, 0) / values.length,
    sum: (values) => values.reduce((sum, v) => sum + v, 0),
    min: (values) => values.reduce((a, b) => Math.min(a, b)),
    max: (values) => values.reduce((a, b) => Math.max(a, b)),
};

/* A state that has a threshold of its own to recover by stays until that is passed. */
function stateOf(value, before, comparator, { critical, warning, critical_recovery, warning_recovery }) {
    const holds = (threshold) => threshold !== null && COMPARE[comparator](value, threshold);
    if (holds(critical) || (before === "Alert" && holds(critical_recovery))) return "Alert";
    if (holds(warning) || (["Alert", "Warn"].includes(before) && holds(warning_recovery))) return "Warn";
    return "OK";
}

/* [[seconds, value]] of a series; with a shift what it changed by. */
export function pointsOf(one, condition) {
    const points = one.pointlist.filter(([, v]) => v != null).map(([ms, v]) => [ms / 1000, v]);
    if (!condition.change) return points;
    const values = new Map(points), shift_s = secondsOf(condition.shift);
    return points.filter(([s]) => values.has(s - shift_s)).map(([s, v]) => {
        const then = values.get(s - shift_s);
        return [s, condition.change === "change" ? v - then : ((v - then) / then) * 100];
    }).filter(([, v]) => Number.isFinite(v));
}

/* Of anomalies: 1 for each point outside of its band, on the side that is looked at. */
function outsideOf({ one, lower, upper }) {
    const [low, high] = [lower, upper].map((bound) => new Map(bound.pointlist.map(([ms, v]) => [ms / 1000, v])));
    const { direction } = one.attributes ?? {};
    return one.pointlist.filter(([ms, v]) => v != null && low.get(ms / 1000) != null).map(([ms, v]) => {
        const s = ms / 1000;
        const isOutside = (direction !== "above" && v < low.get(s)) || (direction !== "below" && v > high.get(s));
        return [s, isOutside ? 1 : 0];
    });
}

/* What is compared, the points of it, and over how long. */
function watched(group, condition, definition) {
    if (!isAnomalies(condition)) return { points: pointsOf(group.one, condition), reduce: condition.reduce, window_s: secondsOf(condition.span) };
    const window = definition.options?.threshold_windows?.trigger_window ?? condition.expression.match(/alert_window\s*=\s*["'](\w+)/)?.[1] ?? "";
    const said = window.match(new RegExp(`^last_(${SPAN})$`))?.[1] ?? condition.span;
    return { points: group.lower && group.upper ? outsideOf(group) : [], reduce: "avg", window_s: secondsOf(said) };
}

/* The state of a group each step_s from from_s to to_s. Without points it stays for a while. */
function statesOfGroup(group, condition, definition, { from_s, to_s, step_s }) {
    const { points, reduce, window_s } = watched(group, condition, definition);
    const wide_s = Math.max(window_s, group.one.interval ?? 0), thresholds = thresholdsOf(definition, condition);
    const silent_s = Math.max(60 * (Number(definition.options?.no_data_timeframe) || 0), wide_s);
    const states = [];
    let first = 0, last = 0, before = "No Data";

    for (let s = from_s; s < to_s; s += step_s) {
        while (last < points.length && points[last][0] < s + step_s) last++;
        while (first < last && points[first][0] < s + step_s - wide_s) first++;
        if (first < last) before = stateOf(REDUCE[reduce](points.slice(first, last).map(([, v]) => v)), before, condition.comparator, thresholds);
        else if (last === 0 || points[last - 1][0] < s + step_s - silent_s) before = "No Data";
        states.push(before);
    }
    return states;
}

const worse = (a, b) => (STATES.indexOf(a) <= STATES.indexOf(b) ? a : b);

/* groups: of readAnswer(), a few. [{ label, states }], of which the first is the worst of all, if there are several. */
export function statesOf(groups, condition, definition, span) {
    const rows = groups.map((group) => ({ label: group.label, states: statesOfGroup(group, condition, definition, span) }));
    if (rows.length < 2) return rows;
    return [{ label: "The worst of these", states: rows.map(({ states }) => states).reduce((all, states) => all.map((state, i) => worse(state, states[i]))) }, ...rows];
}
