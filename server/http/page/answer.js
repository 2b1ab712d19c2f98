/* page/answer.js: the answer to a question, as a chart draws it and a table says it.
 *
 * An answer has a list of points per group; a chart wants one row of times for all. Steps at
 * which nothing came are gaps. With a band (docs/api.md) the two bounds follow their group; what lies
 * outside of them is a line of its own, which is drawn over it. A series may say itself how it is called
 * and drawn: label, and shape (page/chart.js). */

import { make } from "./dom.js";
import { count, many, visible } from "./format.js";
import { makeSwatch } from "./chart.js";
import { makeTable } from "./table.js";
import { unitOf } from "./unit.js";

/* Whether a question can be about a metric of this name: its language ends a name at these. */
export function canBeAsked(name) {
    return /^[^{}():, \t\r\n]+$/.test(name);
}

/* What one would ask first of a metric of that type. */
export function questionFor(name, type, key, scope = "*") {
    const by = key ? ` by {${key}}` : "";
    if (type === "count" || type === "rate") return `sum:${name}{${scope}}${by}.as_rate()`;
    return `avg:${name}{${scope}}${by}`;
}

const DRAWN_MAX = 24, STEPS_MAX = 20000, ROWS_MAX = 500;

function stepsOf(series, step) {
    const times = new Set(series.flatMap((one) => one.pointlist.map(([ms]) => ms / 1000)));
    if (times.size === 0) return [];
    let first = Infinity, last = -Infinity;
    for (const s of times) {
        first = Math.min(first, s);
        last = Math.max(last, s);
    }
    if (step > 0 && (last - first) / step < STEPS_MAX)
        for (let s = first; s <= last; s += step) times.add(s);
    return [...times].sort((a, b) => a - b);
}

function mean(values) {
    return values.reduce((sum, v) => sum + v, 0) / values.length;
}

function summaryOf(one, isOfList) {
    const values = one.pointlist.map(([, v]) => v).filter((v) => v != null), label = labelOf(one, isOfList);
    if (values.length === 0) return { label, n: 0 };
    return { label, n: values.length, last: values.at(-1), mean: mean(values),
        min: values.reduce((a, b) => Math.min(a, b)), max: values.reduce((a, b) => Math.max(a, b)) };
}

/* Each group of the answer, with the bounds of its band if it has one. */
function groupsOf(answer) {
    const groups = [], isOfList = answer.series.some(({ query_index }) => query_index > 0);
    for (const one of answer.series) {
        const role = one.attributes?.role;
        if (role === "lower" || role === "upper") Object.assign(groups.at(-1) ?? {}, { [role]: one });
        else groups.push({ ...summaryOf(one, isOfList), one });
    }
    return groups;
}

/* The rows of a group for the chart: its own, and with a band what is outside and the bounds. */
function rowsOf({ label, one, lower, upper, colour }, row) {
    const values = row(one);
    if (!lower || !upper) return [{ label, values, colour, ...one.shape }];
    const low = row(lower), high = row(upper);
    const { direction } = one.attributes ?? {};
    const isOutside = (v, i) => (direction !== "above" && v < low[i]) || (direction !== "below" && v > high[i]);
    const outside = values.map((v, i) => (v != null && low[i] != null && isOutside(v, i) ? v : null));
    return [{ label: `${label}, upper bound`, values: high, look: "upper" }, { label: `${label}, lower bound`, values: low, look: "lower" },
        { label, values, colour, ...one.shape, kind: undefined }, { label: `${label}, outside`, values: outside, look: "outside" }];
}

/* Of several queries in one question each is called by its text. */
function labelOf(one, isOfList) {
    if (one.label || isOfList) return visible(one.label || one.expression);
    return visible(one.tag_set?.length > 0 ? one.tag_set.join(", ") : one.scope === "*" || !one.scope ? one.metric : one.scope);
}

/* Of many groups those with the largest means are drawn, in the order of their names, so that a
 * colour stays with its group. */
export function readAnswer(answer, span) {
    const all = groupsOf(answer)
        .sort((a, b) => (a.label < b.label ? -1 : a.label > b.label ? 1 : 0));
    const drawn = all.length <= DRAWN_MAX ? all
        : [...all].sort((a, b) => (b.mean ?? -Infinity) - (a.mean ?? -Infinity)).slice(0, DRAWN_MAX)
            .sort((a, b) => all.indexOf(a) - all.indexOf(b));
    const step = Math.min(...drawn.map(({ one }) => one.interval));
    const times = stepsOf(drawn.map(({ one }) => one), step);
    const place = new Map(times.map((s, i) => [s, i]));

    /* Between the points of a series with longer steps than others have there is no gap (undefined). */
    function row(one) {
        const values = new Array(times.length).fill(one.interval > step ? undefined : null);
        let before = Infinity;
        for (const [ms, v] of one.pointlist) {
            const at = place.get(ms / 1000);
            if (at === undefined) continue;
            if (ms / 1000 - before > one.interval) values[at - 1] ??= null;
            values[at] = v;
            before = ms / 1000;
        }
        return values;
    }

    drawn.forEach((group, i) => { group.colour = i; });
    return { groups: all, drawn: drawn.length, times, span, unit: unitOf(answer.series), series: drawn.flatMap((group) => rowsOf(group, row)) };
}

/* A row per group; its first cell is the legend. */
export function makeGroups() {
    const note = make("p", { class: "muted" });
    let unit = null;
    const value = (name) => (group) => unit.text(group[name]);
    const table = makeTable({ caption: "The answer by group", columns: [
        { title: "Group", head: true, cell: nameIn },
        { title: "Last", number: true, cell: value("last") },
        { title: "Mean", number: true, cell: value("mean") },
        { title: "Least", number: true, wide: true, cell: value("min") },
        { title: "Most", number: true, cell: value("max") },
        { title: "Points", number: true, wide: true, cell: (group) => count(group.n) },
    ] });

    function update(read) {
        const said = [];
        if (read.drawn < read.groups.length) said.push(`${read.drawn} of ${many(read.groups.length, "group")} are drawn, those with the largest means`);
        if (read.groups.length > ROWS_MAX) said.push(`the first ${ROWS_MAX} are in the table`);
        note.textContent = said.length > 0 ? `${said.join("; ")}.` : "";
        note.hidden = said.length === 0;
        unit = read.unit;
        table.update(read.groups.slice(0, ROWS_MAX));
    }
    return { node: make("div", { class: "groups tall" }, note, table.node), update };
}

function nameIn(group, td) {
    const swatch = group.colour === undefined ? make("span", { class: "swatch none" }) : makeSwatch(group.colour);
    td.replaceChildren(swatch, make("bdi", null, group.label));
}
