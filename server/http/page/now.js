/* page/now.js: the state of the server, as of this second: what is wrong first, then the way of
 * what was received, then rates, memory, endpoints and listeners. */

import { make, makeChoice, makeNotice, makeSection, makeTime, setText, foreign } from "./dom.js";
import { bytes, count, duration, many } from "./format.js";
import { makeChart } from "./chart.js";
import { makeFlow } from "./flow.js";
import { remember } from "./router.js";
import { makeTable } from "./table.js";
import { PER_SECOND } from "./unit.js";

/* ---- findings ---------------------------------------------------------- */

function makeFinding(finding) {
    return make("li", { class: `finding ${finding.severity}` },
        make("p", null, make("strong", { class: "severity" }, finding.severity), " ", foreign(finding.sentence, "span")),
        make("p", { class: "mend" }, foreign(finding.mend, "span")),
        make("p", { class: "muted" }, "since ", makeTime(finding.since_s * 1000, true)));
}

function makeFindings() {
    const summary = make("p", { class: "summary" });
    const list = make("ul", { class: "findings" });
    let shown = null;

    return { node: makeSection("Findings", null, summary, list), update(status) {
        const next = JSON.stringify(status.findings);
        if (next === shown) return;
        shown = next;
        const n = status.findings.length;
        setText(summary, n === 0 ? "Nothing is wrong, and the books balance." : `${many(n, "thing")} to look at.`);
        list.replaceChildren(...status.findings.map(makeFinding));
    } };
}

/* ---- rates ------------------------------------------------------------- */

const CHARTS = [
    { title: "Coming in", series: [["lines", "lines"], ["values", "values"], ["datagrams", "datagrams"]] },
    { title: "Going out", smooth: true,
        series: [["values_folded", "values folded"], ["points_encoded", "points encoded"], ["points_delivered", "points delivered"]] },
    { title: "Falling out", series: [["dropped_by_kernel", "datagrams dropped"], ["lines_rejected", "lines rejected"],
        ["values_shed", "values shed"], ["points_lost", "points lost"]] },
];

/* What happens once an interval, as the mean of the interval that ends there. */
function smoothed(values, n) {
    let sum = 0;
    return values.map((v, i) => {
        sum += v - (i >= n ? values[i - n] : 0);
        return i < n - 1 ? null : Math.max(0, sum) / n;
    });
}

function seriesOf(chart, ring, interval_s) {
    const n = Math.round((interval_s * 1000) / ring.step_ms);
    return chart.series.map(([name, label]) => ({
        label, values: chart.smooth && n > 1 ? smoothed(ring[name], n) : ring[name],
    }));
}

function timesOf(ring) {
    const n = ring.lines.length;
    return Array.from({ length: n }, (_, i) => (ring.until_ms - (n - 1 - i) * ring.step_ms) / 1000);
}

function makeRates(parameters, signal) {
    let which = parameters.range === "15m" ? "coarse" : "fine";
    let last = null;
    const charts = CHARTS.map((chart) => ({ ...chart, chart: makeChart({ label: chart.title, unit: PER_SECOND, height: 160, signal }) }));
    const choice = makeChoice("Range", [["fine", "90 s"], ["coarse", "15 min"]], which, (chosen) => {
        which = chosen;
        remember("now", { range: which === "coarse" ? "15m" : "" });
        if (last) update(last);
    });
    const node = makeSection("Rates", choice.node, make("div", { class: "charts" },
        charts.map(({ title, chart }) => make("div", { class: "panel" }, make("h3", null, title), chart.node))));

    function update(status) {
        last = status;
        const ring = status.rates?.[which];
        if (!ring) return;
        for (const one of charts)
            one.chart.update({ times: timesOf(ring), series: seriesOf(one, ring, status.interval_s) });
    }
    return { node, update };
}

/* ---- memory ------------------------------------------------------------ */

/* [name, used, bound; 0: none, as text] */
function partsOf({ memory, series }) {
    const { parts, bounds } = memory;
    return [
        ["Resident, of the process", memory.resident_bytes, memory.bound_bytes, bytes],
        ["Contexts and catalogue", parts.tables_bytes + parts.catalogue_bytes, bounds.contexts_bytes, bytes],
        ["Buckets of open intervals", parts.buckets_bytes, bounds.buckets_bytes, bytes],
        ["Rollups, for questions", parts.rollups_bytes, bounds.rollups_bytes, bytes],
        ["Payloads, to be sent", parts.payloads_bytes, 0, bytes],
        ["Contexts, by number", series.contexts, series.contexts_max, count],
    ];
}

function barIn(td, share) {
    let bar = td.querySelector(".bar");
    if (!bar) {
        bar = make("span", { class: "bar", "aria-hidden": "true" }, make("span"));
        td.replaceChildren(bar, make("span", { class: "share" }));
    }
    bar.firstChild.style.width = `${Math.min(100, share * 100).toFixed(2)}%`;
    bar.classList.toggle("full", share >= 0.9);
    setText(td.lastChild, `${share > 0.1 ? Math.round(share * 100) : Math.round(share * 1000) / 10} %`);
}

function makeMemory() {
    const table = makeTable({ caption: "Memory by part", columns: [
        { title: "Part", head: true, cell: ([name]) => name },
        { title: "In use", number: true, cell: ([, used, , text]) => text(used) },
        { title: "May use", number: true, cell: ([, , bound, text]) => (bound > 0 ? text(bound) : "–") },
        { title: "Share", class: "bar-cell", cell: ([, used, bound], td) => (bound > 0 ? barIn(td, used / bound) : "–") },
    ] });
    return { node: makeSection("Memory", null, table.node), update: (status) => table.update(partsOf(status)) };
}

/* ---- endpoints --------------------------------------------------------- */

function sum(by_name) {
    return Object.values(by_name ?? {}).reduce((all, one) => all + one.points, 0);
}

function answerOf({ last_answer }) {
    if (last_answer.at_ms === 0) return "none yet";
    return make("span", null, last_answer.status > 0 ? `HTTP ${last_answer.status}` : last_answer.error, ", ", makeTime(last_answer.at_ms, true));
}

function stateOf(endpoint) {
    if (endpoint.url === "") return ["", "local mode: nothing is sent"];
    if (endpoint.state === "sending") return ["good", "sending"];
    if (endpoint.state === "key_refused") return ["bad", "the key is refused"];
    const wait = endpoint.retry_in_ms > 0 ? `, tries again in ${duration(endpoint.retry_in_ms / 1000)}` : "";
    return ["bad", `${endpoint.state} after ${many(endpoint.failures, "failure")}${wait}`];
}

function waitingOf(one) {
    return `${count(one.queued.points)} points, ${bytes(one.queued_bytes)}`;
}

function spooledOf(one) {
    return `${count(one.spooled.points)} points, ${bytes(one.spooled_bytes)}`;
}

function fateOf(one) {
    return `${count(one.delivered.points + one.delivered_stale.points)} delivered, ` +
        `${count(sum(one.refused_by_status))} refused, ${count(sum(one.shed_by_reason))} given up`;
}

function makeCard(title, state, kind, facts) {
    return make("div", { class: "card" }, make("h3", null, title), make("p", { class: `state ${kind}` }, state),
        make("dl", null, facts.map(([name, value]) => [make("dt", null, name), make("dd", null, value)])));
}

function makeEndpoint(endpoint) {
    const [kind, state] = stateOf(endpoint);
    const errors = Object.entries(endpoint.errors).filter(([, n]) => n > 0).map(([name, n]) => `${name} ${count(n)}`);
    return makeCard(endpoint.name, state, kind, [
        ["Address", foreign(endpoint.url || "none")],
        ["Key", endpoint.url === "" ? "none" : `${endpoint.key}, ${endpoint.key_state}`],
        ["Last answer", answerOf(endpoint)],
        ["Queue", waitingOf(endpoint)],
        ["Spool", spooledOf(endpoint)],
        ["Points", endpoint.url === "" ? `${count(endpoint.discarded_local.points)} made, none sent` : fateOf(endpoint)],
        ["Failed requests", errors.join(", ") || "none"],
    ]);
}

function makeRedis(redis) {
    const errors = Object.entries(redis.errors).filter(([, n]) => n > 0).map(([name, n]) => `${name} ${count(n)}`);
    return makeCard("Redis", redis.up ? "takes the windows" : "does not take the windows", redis.up ? "good" : "bad", [
        ["Last success", redis.last_success_ms > 0 ? makeTime(redis.last_success_ms, true) : "none yet"],
        ["Queue", waitingOf(redis)],
        ["Spool", spooledOf(redis)],
        ["Values", fateOf(redis)],
        ["Others of this name", count(redis.duplicates)],
        ["Errors", errors.join(", ") || "none"],
    ]);
}

function makeEndpoints() {
    const cards = make("div", { class: "cards" });
    let shown = null;

    return { node: makeSection("Endpoints and queues", null, cards), update(status) {
        const next = JSON.stringify([status.endpoints, status.redis]);
        if (next === shown) return;
        shown = next;
        cards.replaceChildren(...status.endpoints.map(makeEndpoint), ...(status.redis ? [makeRedis(status.redis)] : []));
    } };
}

/* ---- listeners --------------------------------------------------------- */

function bufferOf(listener) {
    if (listener.kind === "udp") {
        const less = listener.buffer_granted_bytes < listener.buffer_asked_bytes;
        return bytes(listener.buffer_granted_bytes) + (less ? ` of ${bytes(listener.buffer_asked_bytes)} asked` : "");
    }
    return listener.queue_datagrams > 0 ? many(listener.queue_datagrams, "datagram") : "–";
}

function makeListeners() {
    const table = makeTable({ caption: "Listeners", columns: [
        { title: "Listener", head: true, cell: (one, td) => td.replaceChildren(foreign(one.name)) },
        { title: "Datagrams", number: true, cell: (one) => count(one.datagrams) },
        { title: "Bytes", number: true, wide: true, cell: (one) => bytes(one.bytes) },
        { title: "Dropped", number: true, cell: (one) => count(one.dropped_by_kernel + one.connections_refused + one.frames_too_large) },
        { title: "Cut", number: true, wide: true, cell: (one) => count(one.truncated) },
        { title: "Buffer", number: true, cell: bufferOf },
        { title: "Open", number: true, wide: true, cell: (one) => (one.kind === "unixstream" ? count(one.connections) : "–") },
    ] });
    return { node: makeSection("Listeners", null, table.node), update: (status) => table.update(status.listeners) };
}

/* ---- series, tags, threads --------------------------------------------- */

function makeSeries() {
    const facts = make("dl", { class: "facts" });
    const table = makeTable({ caption: "Tag keys with the most values", columns: [
        { title: "Tag key", head: true, cell: (one, td) => td.replaceChildren(foreign(one.key || "(no key)")) },
        { title: "Distinct values", number: true, cell: (one) => count(one.values) },
        { title: "Grows", cell: (one) => (one.grows ? "yes" : "no") },
    ] });
    return { node: makeSection("Series and tags", null, facts, table.node), update(status) {
        const { series } = status;
        facts.replaceChildren(...[
            ["Series", count(series.series)], ["Contexts alive", count(series.contexts)],
            ["Kept for questions", count(series.kept_for_questions)], ["Type conflicts", count(series.type_conflicts)],
            ["Last interval", series.flushed_until_s > 0 ? makeTime(series.flushed_until_s * 1000) : "none yet"],
        ].flatMap(([name, value]) => [make("dt", null, name), make("dd", null, value)]));
        table.update(series.tag_keys);
    } };
}

function makeThreads() {
    const list = make("ul", { class: "plain" });
    return { node: makeSection("Threads", null, list), update(status) {
        list.replaceChildren(...status.threads.map((one) => make("li", { class: one.turns ? "" : "bad-text" },
            `${one.name}: ${one.turns ? "turns" : `made no turn for ${duration(one.silent_ms / 1000)}`}`)));
    } };
}

/* ---- the view ---------------------------------------------------------- */

export function openNow(place, parameters, signal) {
    const waiting = makeNotice("Asking the server …");
    const parts = [];

    place.append(make("h1", { class: "hidden" }, "Now"), waiting);

    function onStatus(status) {
        if (parts.length === 0) {
            const flow = makeFlow(signal);
            parts.push(makeFindings(), { node: makeSection("From socket to intake", null, flow.node), update: flow.update },
                makeRates(parameters, signal), makeMemory(), makeEndpoints(), makeListeners(), makeSeries(), makeThreads());
            waiting.remove();
            place.append(...parts.map((part) => part.node));
        }
        for (const part of parts) part.update(status);
    }
    return { title: "Now", onStatus };
}
