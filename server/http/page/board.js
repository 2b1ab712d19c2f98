/* page/board.js: what the definition of a dashboard says, as the views need it.
 *
 *   variables   $host  ->  host:web-1, by the address or by its default
 *   requests    { q } or { queries, formulas }  ->  questions, with how they are drawn
 *   formats     "above 5 it is red"  ->  a tone
 *
 * Pure functions. A definition comes from anybody: whatever is not as it should be is as if it were
 * not there, or is told as a trouble. */

import { PLAIN } from "./unit.js";

const listOf = (value) => (Array.isArray(value) ? value : []);
export const objectsOf = (value) => listOf(value).filter((one) => one !== null && typeof one === "object");
export const textOf = (value) => (typeof value === "string" ? value : "");
const numberOf = (value) => (value === "" || value == null || typeof value === "object" || !Number.isFinite(Number(value)) ? undefined : Number(value));

/* ---- variables --------------------------------------------------------- */

/* [{ name, prefix, values, offered, key }]; key: what the address calls it. */
export function variablesOf(board, parameters) {
    return objectsOf(board.template_variables).filter(({ name }) => textOf(name) !== "").map((one) => {
        const key = `tpl_var_${one.name}`;
        const usual = Array.isArray(one.defaults) ? one.defaults.map(String) : one.default == null ? ["*"] : [String(one.default)];
        return { name: one.name, prefix: textOf(one.prefix), key, offered: listOf(one.available_values).map(String),
            usual, values: key in parameters ? valuesIn(parameters[key]) : usual };
    });
}

/* "a, b" of a field. */
export function valuesIn(text) {
    return text.split(",").map((one) => one.trim()).filter((one) => one !== "");
}

function scopeOf({ prefix, values }) {
    if (values.length === 0 || values.includes("*")) return "*";
    const plain = values.map((one) => (prefix && one.startsWith(`${prefix}:`) ? one.slice(prefix.length + 1) : one));
    if (plain.length === 1) return prefix ? `${prefix}:${plain[0]}` : plain[0];
    return prefix ? `${prefix} IN (${plain.join(",")})` : `(${plain.join(" OR ")})`;
}

/* Longer names first, as one may begin like another. */
export function fillIn(text, variables) {
    const longest = [...variables].sort((a, b) => b.name.length - a.name.length);
    return longest.reduce((filled, one) => filled
        .replaceAll(`$${one.name}.value`, () => one.values[0] ?? "*")
        .replaceAll(`$${one.name}`, () => scopeOf(one)), text);
}

/* ---- requests ---------------------------------------------------------- */

const ARITHMETIC = /\}[^{]*[-+*/]/;

/* "a / b" with the queries in the place of their names. */
function compile(formula, queries) {
    const texts = new Map(queries.map(({ name, query }) => [name, ARITHMETIC.test(query) ? `(${query})` : query]));
    return formula.replace(/[A-Za-z_][A-Za-z0-9_]*/g, (word) => texts.get(word) ?? word);
}

function questionsOf(request) {
    if (textOf(request.q) !== "") return [{ question: request.q, alias: aliasIn(request, request.q) }];
    const queries = objectsOf(request.queries);
    const other = queries.find((one) => one.data_source !== "metrics" || textOf(one.query) === "");
    if (queries.length === 0) return [{ trouble: "A request without a metric query is not drawn here." }];
    if (other) return [{ trouble: `Of the data source ${textOf(other.data_source) || "of a query"} nothing is kept here.` }];
    const formulas = objectsOf(request.formulas).filter(({ formula }) => textOf(formula) !== "");
    if (formulas.length === 0) return queries.map(({ query }) => ({ question: query, alias: "" }));
    return formulas.map(({ formula, alias, conditional_formats, limit }) => ({ question: compile(formula, queries), alias: textOf(alias),
        ownFormats: conditional_formats, limit }));
}

function aliasIn(request, expression) {
    const said = objectsOf(request.metadata).find((one) => one.expression === expression);
    return textOf(request.alias) || textOf(said?.alias_name);
}

function kindOf(request) {
    const kind = textOf(request.display_type) || textOf(request.type);
    return ["area", "bars"].includes(kind) ? kind : undefined;
}

const VARIABLE = /[{(,:!\s](\$[\w.]+)/;

/* With what its variables say, or why not. */
function filled(one, variables) {
    if (one.trouble) return one;
    const question = fillIn(one.question, variables), unknown = question.match(VARIABLE);
    return unknown ? { trouble: `${unknown[1]} is no variable of this dashboard.` } : { ...one, question };
}

/* [{ question, alias, shape, aggregator, formats, limit }] or, among them, { trouble }; limit: { count, order },
 * as far as it is said. */
export function requestsOf(definition, variables) {
    return objectsOf(definition.requests).flatMap((request) => {
        const { line_type, line_width } = request.style ?? {};
        const shape = { kind: kindOf(request), dashed: ["dashed", "dotted"].includes(line_type), thick: line_width === "thick" };
        const aggregator = textOf(request.aggregator) || textOf(objectsOf(request.queries)[0]?.aggregator);
        return questionsOf(request).map((one) => filled(one, variables)).map((one) => (one.trouble ? one
            : { ...one, shape, aggregator, formats: objectsOf(one.ownFormats ?? request.conditional_formats),
                limit: { count: numberOf(one.limit?.count ?? request.limit), order: textOf(one.limit?.order ?? request.order) } }));
    });
}

/* ---- one number of many ------------------------------------------------ */

const AGGREGATORS = {
    avg: (values) => values.reduce((sum, v) => sum + v, 0) / values.length,
    sum: (values) => values.reduce((sum, v) => sum + v, 0),
    min: (values) => values.reduce((a, b) => Math.min(a, b)),
    max: (values) => values.reduce((a, b) => Math.max(a, b)),
    last: (values) => values.at(-1),
};

export function canReduce(aggregator) {
    return Object.hasOwn(AGGREGATORS, aggregator);
}

/* Of the points of a series; null: it has none. */
export function reduce(one, aggregator) {
    const values = one.pointlist.map(([, v]) => v).filter((v) => v != null);
    return values.length > 0 ? AGGREGATORS[canReduce(aggregator) ? aggregator : "avg"](values) : null;
}

const COMPARE = { ">": (a, b) => a > b, ">=": (a, b) => a >= b, "<": (a, b) => a < b, "<=": (a, b) => a <= b, "=": (a, b) => a === b };
const HUES = { red: "bad", yellow: "warn", green: "good", gray: "grey", grey: "grey" };

/* The first format that fits: { tone, ground: "full", "soft" or "none" }; null: none does. */
export function formatOf(value, formats) {
    const fits = value == null ? undefined
        : formats.find((one) => numberOf(one.value) !== undefined && COMPARE[one.comparator]?.(value, Number(one.value)));
    const [text, ground] = textOf(fits?.palette).split("_on_");
    if (ground === "white") return HUES[text] ? { tone: HUES[text], ground: "none" } : null;
    const tone = HUES[ground?.replace("light_", "")];
    return tone ? { tone, ground: ground.startsWith("light_") ? "soft" : "full" } : null;
}

/* { text, unit } as the definition wants it: so many digits behind the point, and a unit of its own; else in
 * that of the answer. */
export function numberText(value, definition, ofAnswer) {
    const digits = numberOf(definition.precision), own = textOf(definition.custom_unit);
    const unit = own === "" ? ofAnswer : PLAIN;
    const isCounted = definition.autoscale === false || digits !== undefined;
    const isPlain = value != null && isCounted && unit.text(1) === PLAIN.text(1);
    return { text: isPlain ? value.toLocaleString("en", { maximumFractionDigits: Math.min(Math.max(digits ?? 2, 0), 20) }) : unit.text(value),
        unit: own || unit.name };
}

/* ---- lines across ------------------------------------------------------ */

const MARKER_TONES = { error: "bad", warning: "warn", ok: "good", info: "accent" };

/* "y = 800", "0 < y < 10", "y > 5"; what is none of these is left out. */
export function markersOf(definition) {
    return objectsOf(definition.markers).flatMap(({ value, display_type, label }) => {
        const words = textOf(display_type).split(" ");
        const look = { tone: MARKER_TONES[words[0]], dashed: words.includes("dashed"), label: textOf(label).trim() };
        const N = "(-?[\\d.]+(?:e[-+]?\\d+)?)", said = textOf(value).trim();
        const line = said.match(new RegExp(`^y\\s*=\\s*${N}$`)), stripe = said.match(new RegExp(`^${N}\\s*<=?\\s*y\\s*<=?\\s*${N}$`));
        const above = said.match(new RegExp(`^y\\s*>=?\\s*${N}$`)), below = said.match(new RegExp(`^y\\s*<=?\\s*${N}$`));
        const [from, to] = line ? [line[1], line[1]] : stripe ? [stripe[1], stripe[2]] : above ? [above[1], Infinity] : below ? [-Infinity, below[1]] : [];
        return from === undefined || Number.isNaN(Number(from)) || Number.isNaN(Number(to)) ? [] : [{ from: Number(from), to: Number(to), ...look }];
    });
}

/* The limits of the axis, and what of it is not drawn so. */
export function axisOf(definition) {
    const axis = definition.yaxis ?? {};
    const scale = textOf(axis.scale);
    const hasRight = objectsOf(definition.requests).some((request) => request.on_right_yaxis === true);
    return { limits: { min: numberOf(axis.min), max: numberOf(axis.max) },
        troubles: [scale !== "" && scale !== "linear" && `The scale ${scale} is not drawn: this one is linear.`,
            hasRight && "There is one axis: what was meant for one at the right stands at the left."] };
}

/* ---- its own stretch of time ------------------------------------------- */

const UNITS_S = { m: 60, h: 3600, d: 86400, w: 604800, mo: 2592000, y: 31536000 };

/* Of "4h": { text, seconds }, or null. */
export function liveSpanOf(definition) {
    const text = textOf(definition.time?.live_span), said = text.match(/^(\d{1,4})(m|h|d|w|mo|y)$/);
    return said && Number(said[1]) > 0 ? { text, seconds: Number(said[1]) * UNITS_S[said[2]] } : null;
}

/* ---- where it stands --------------------------------------------------- */

export const COLUMNS = 12;

/* How many columns each widget takes, by their layouts if all have one. In order: free ones from the top on. */
export function placed(widgets) {
    const all = objectsOf(widgets);
    const layouts = all.map(({ layout }) => ({ x: numberOf(layout?.x), y: numberOf(layout?.y), width: numberOf(layout?.width) }));
    if (all.length === 0 || layouts.some(({ x, y, width }) => x === undefined || y === undefined || !(width > 0))) return all.map((widget) => ({ widget }));
    const right = Math.max(...layouts.map(({ x, width }) => x + width));
    const whole = right > COLUMNS ? right : COLUMNS;
    return all.map((widget, i) => ({ widget, ...layouts[i], columns: Math.min(COLUMNS, Math.max(2, Math.round((layouts[i].width / whole) * COLUMNS))) }))
        .sort((a, b) => a.y - b.y || a.x - b.x);
}

/* ---- events ------------------------------------------------------------ */

function wordsOf(search) {
    return textOf(search).split(/\s+/).filter((word) => word !== "" && word !== "*" && word !== "AND").map((word) => {
        const [key, rest] = word.split(/:(.*)/s);
        return { word, key, rest, values: valuesIn(rest ?? "") };
    });
}

/* Whether an event is one that "tags:env:live status:error deployed" looks for. */
export function isWanted(event, search) {
    return wordsOf(search).every(({ word, key, rest, values }) => {
        if (key === "tags") return values.every((tag) => event.tags?.includes(tag));
        if (key === "sources" || key === "source") return values.includes(event.source);
        if (key === "priority") return values.includes("all") || values.includes(event.priority);
        if (key === "status" || key === "alert_type") return values.includes(event.alert_type);
        if (rest !== undefined) return event.tags?.includes(word) || (key === "host" && event.host === rest);
        return `${event.title} ${event.text}`.toLowerCase().includes(word.replaceAll("\"", "").toLowerCase());
    });
}

/* What of a search the server looks for itself: { asked: its parameters, isAll: there is no more to it }. */
export function askedOf(search) {
    const tags = [], asked = {}, others = ["host", "status", "alert_type", "source", "sources", "priority"];
    let isAll = true;

    for (const { word, key, rest, values } of wordsOf(search)) {
        if (key === "tags") tags.push(...values);
        else if ((key === "sources" || key === "source") && values.length > 0 && !asked.sources) asked.sources = values.join(",");
        else if (key === "priority" && ["normal", "low"].includes(rest) && !asked.priority) asked.priority = rest;
        else if (rest !== undefined && !others.includes(key) && !word.includes(",")) tags.push(word);
        else isAll &&= key === "priority" && values.includes("all");
    }
    return { asked: { ...asked, tags: tags.join(",") }, isAll };
}
