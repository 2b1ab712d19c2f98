/* page/traced.js: what is counted of traced services: series trace.OPERATION.hits, .errors and the
 * durations trace.OPERATION, as numbers of a whole stretch of time.
 *
 * There is a row for each operation and each value of the tags that are asked for. */

import { ask, pulse } from "./api.js";
import { canBeAsked } from "./answer.js";
import { percent, short } from "./format.js";
import { makeUnit } from "./unit.js";

const OPERATIONS_MAX = 100;
const SECONDS = makeUnit("second");

export const took = (seconds) => SECONDS.text(seconds);
export const tookNs = (ns) => SECONDS.text(ns / 1e9);

/* Whether traces are taken, and so some of them are kept; undefined: the server was not asked yet. */
export function takesTraces() {
    return pulse.status?.threads.some(({ name }) => name === "traces");
}

async function operationsOf(signal) {
    const list = await ask("/api/v1/catalogue", { match: "trace.*.hits", limit: OPERATIONS_MAX }, signal);
    return { names: list.metrics.map(({ name }) => name.slice("trace.".length, -".hits".length)).filter(canBeAsked), total: list.total };
}

export async function hasTraced(signal) {
    return (await operationsOf(signal)).names.length > 0;
}

/* A resource as its tag has it: what separates tags is no part of one. */
function asTag(resource) {
    return resource.replace(/[,\p{Cc}]/gu, "_");
}

/* A value of a tag that the language of questions can say; any other may stand for more than itself. */
function said(value) {
    return value.replace(/[^\p{L}\p{N}_./:$=@#\- ]/gu, "*");
}

function scopeOf({ service, resource }) {
    return [service && `service:${said(service)}`, resource && `resource_name:${said(asTag(resource))}`].filter(Boolean).join(",") || "*";
}

/* { "service:shop": number }, of one operation. */
async function numbersOf(question, span, signal) {
    const answer = await ask("/api/v1/query", { from: span.from_s, to: span.to_s, whole: 1, query: question }, signal);
    return new Map(answer.series.map((one) => [[...one.tag_set].sort().join("\n"), one.pointlist[0]?.[1] ?? null]));
}

function valueOf(tags, key) {
    return tags.split("\n").find((tag) => tag.startsWith(`${key}:`))?.slice(key.length + 1) ?? "";
}

async function rowsOf(operation, keys, scope, span, signal) {
    const of = `{${scope}} by {${keys.join(",")}}`;
    const [hits, errors, p50, p95, p99] = await Promise.all([`sum:trace.${operation}.hits${of}.as_count()`, `sum:trace.${operation}.errors${of}.as_count()`,
        ...["p50", "p95", "p99"].map((quantile) => `${quantile}:trace.${operation}${of}`)].map((question) => numbersOf(question, span, signal)));
    return [...hits].filter(([, n]) => n > 0).map(([tags, n]) => ({ operation, service: valueOf(tags, "service"), resource: valueOf(tags, "resource_name"),
        hits: n, errors: errors.get(tags) ?? 0, p50: p50.get(tags), p95: p95.get(tags), p99: p99.get(tags) }));
}

/* The most requests first. only: { service, resource, operation }, what is missing is any; span: as
 * of makeRange(). */
export async function askTraced(keys, only, span, signal) {
    const { names, total } = only.operation ? { names: [only.operation], total: 1 } : await operationsOf(signal);
    const rows = [];
    for (const operation of names) rows.push(...await rowsOf(operation, keys, scopeOf(only), span, signal));
    const exact = rows.filter((row) => (!only.service || row.service === only.service) && (!only.resource || row.resource === asTag(only.resource)));
    return { rows: exact.sort((a, b) => b.hits - a.hits), left: total - names.length };
}

/* Columns of a table of such rows. */
export const NUMBERS = [
    { title: "Requests", number: true, cell: (row) => short(row.hits) },
    { title: "Errors", number: true, cell: errorsIn },
    { title: "p50", number: true, wide: true, cell: (row) => took(row.p50) },
    { title: "p95", number: true, cell: (row) => took(row.p95) },
    { title: "p99", number: true, wide: true, cell: (row) => took(row.p99) },
];

function errorsIn(row, td) {
    td.classList.toggle("bad-text", row.errors > 0);
    return row.errors > 0 ? percent(row.errors / row.hits) : "0 %";
}
