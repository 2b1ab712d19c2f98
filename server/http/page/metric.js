/* page/metric.js: one metric: what is known and written about it, its chart, its hosts, the distinct
 * values of each tag key, its last lines, who sends them, and its series.
 *
 *   #/metric?name=shop.requests&by=host&range=4h */

import { ask, isAbort, pulse, repeat } from "./api.js";
import { canBeAsked, makeGroups, questionFor, readAnswer } from "./answer.js";
import { makeChart } from "./chart.js";
import { make, makeNotice, makeSection, makeTime, setText, foreign } from "./dom.js";
import { count, many, percent, short, visible } from "./format.js";
import { makeMetadata } from "./metadata.js";
import { makeRange } from "./range.js";
import { address, remember } from "./router.js";
import { linkIn, makeTable } from "./table.js";
import { makeTail } from "./tail.js";
import { makeUnit, PLAIN, unitWords } from "./unit.js";

const SERIES_MAX = 500;

/* Which lines make a metric. What a histogram is told by has an ending of its own, and its lines have
 * the name before that. */
function linesOf(name) {
    const told = name.match(/^(.+)\.(avg|count|max|median|min|sum|\d+percentile)$/);
    if (!told) return { match: name, wants: () => true };
    const [, base] = told;
    return { match: `${base}*`, wants: ({ line }) => line.startsWith(`${name}:`)
        || (line.startsWith(`${base}:`) && /\|(h|ms)(\||$)/.test(line)) };
}

/* ---- its parts --------------------------------------------------------- */

function hostIn(one, td) {
    if (one.host === "") return "–";
    if (!td.querySelector("a")) td.replaceChildren();
    return void linkIn(td, visible(one.host), address("host", { name: one.host }));
}

function makeSeriesTable() {
    return makeTable({ caption: "Series", columns: [
        { title: "Tags", head: true, cell: (one) => visible(one.tags.join(", ") || "none") },
        { title: "Host", wide: true, cell: hostIn },
        { title: "Values", number: true, cell: (one) => count(one.values) },
        { title: "Last", number: true, cell: (one) => short(one.last) },
        { title: "At", number: true, wide: true, cell: (one, td) => td.replaceChildren(makeTime(one.last_s * 1000)) },
    ] });
}

function makeKeysTable(linkOf) {
    return makeTable({ caption: "Tag keys", columns: [
        { title: "Key", head: true, cell: (one, td) => td.replaceChildren(one.key === "" ? "(no key)" : make("a", { href: linkOf(one.key) }, foreign(one.key))) },
        { title: "Distinct values", number: true, cell: (one) => count(one.values) },
        { title: "Such as", cell: (one) => visible(one.examples.join(", ")) },
    ] });
}

/* All that are among the examples of the key "host". */
function makeHosts(name) {
    const list = make("ul", { class: "tags" });
    const node = makeSection("Hosts", make("a", { href: address("hostmap", { metric: name }) }, "As a map"), list);

    node.hidden = true;
    return { node, update(keys) {
        const { examples = [], values = 0 } = keys.find(({ key }) => key === "host") ?? {};
        node.hidden = examples.length === 0;
        const links = [...examples].sort().map((host) =>
            make("li", null, make("a", { class: "tag", href: address("host", { name: host }) }, foreign(host))));
        if (values > examples.length) links.push(make("li", { class: "muted" }, `and ${count(values - examples.length)} more`));
        list.replaceChildren(...links);
    } };
}

/* By the lines that were seen since the view was opened. */
function makeSenders() {
    const seen = new Map();
    let all = 0;
    const note = make("p", { class: "muted" }, "No line has come since this was opened.");
    const table = makeTable({ caption: "Senders", columns: [
        { title: "Sender", head: true, cell: ([sender]) => visible(sender) },
        { title: "Lines", number: true, cell: ([, n]) => count(n) },
        { title: "Share", number: true, cell: ([, n]) => percent(n / all) },
    ] });
    const SENDERS_MAX = 200;

    table.node.hidden = true;
    return { node: make("div", null, note, table.node),
        add({ sender }) {
            const name = seen.has(sender) || seen.size < SENDERS_MAX ? sender || "unknown" : "others";
            seen.set(name, (seen.get(name) ?? 0) + 1);
            all++;
        },
        show() {
            if (all === 0) return;
            table.node.hidden = false;
            setText(note, `Of ${many(all, "line")} seen since this was opened:`);
            table.update([...seen].sort((a, b) => b[1] - a[1]).slice(0, 20));
        } };
}

/* ---- the view ---------------------------------------------------------- */

export function openMetric(place, parameters, signal) {
    const name = parameters.name ?? "", key = parameters.by ?? "";
    const range = makeRange(parameters, () => changed());
    const facts = make("p", { class: "muted" }, "Asking the server …");
    const chart = makeChart({ label: name, height: 240, legend: false, onRange: range.zoom, signal });
    const groups = makeGroups();
    const result = make("div", { class: "result", hidden: true }, make("div", { class: "panel" }, chart.node), groups.node);
    const note = makeNotice("");
    const ask_it = make("a", { class: "button" }, "Open in Query");
    const seriesNote = make("p", { class: "muted" });
    const series = makeSeriesTable();
    const keys = makeKeysTable((one) => address("metric", { name, by: one === key ? "" : one, ...range.parameters() }));
    const senders = makeSenders();
    const lines = linesOf(name);
    const hosts = makeHosts(name);
    const metadata = makeMetadata(name, () => {
        showFacts();
        againAnswer();
    }, signal);
    const tail = makeTail({ label: "Last lines", kept: 20, wants: lines.wants, onLine: senders.add, signal });
    let known = null; /* what the catalogue says */

    place.append(make("p", { class: "crumb" }, make("a", { href: "#/metrics" }, "Metrics")),
        make("div", { class: "head" }, make("h1", null, foreign(name)), metadata.edit), facts, metadata.node,
        make("div", { class: "tools" }, range.nodes, ask_it), note, result,
        hosts.node, makeSection("Tag keys", null, keys.node), makeSection("Who sends it", null, senders.node),
        makeSection("Last lines", null, tail.node), makeSection("Series", null, seriesNote, make("div", { class: "tall" }, series.node)));

    function changed() {
        remember("metric", { name, by: key, ...range.parameters() });
        againAnswer();
    }

    /* What was written just now is known here before it is in answers. */
    function ofUnit() {
        const { unit, per_unit } = metadata.written?.unit ? metadata.written : known;
        return unit ? `, unit ${unitWords(unit, per_unit)}` : "";
    }

    /* A counter's question divides by seconds. */
    function unitOfMetric() {
        const { unit, per_unit } = metadata.written?.unit ? metadata.written : known;
        return makeUnit(unit, per_unit || (unit && known.type === "count" ? "second" : null));
    }

    function showFacts() {
        if (known === null) return;
        setText(facts, `${known.type}${ofUnit()}, ${many(known.series_total, "series", "series")}${key ? `, by ${visible(key)}` : ""}`);
    }

    function show(said) {
        known = said;
        showFacts();
        hosts.update(said.keys);
        setText(seriesNote, said.series.length < said.series_total ? `${count(said.series.length)} of ${count(said.series_total)} are shown.` : "");
        seriesNote.hidden = seriesNote.textContent === "";
        series.update(said.series);
        keys.update(said.keys);
    }

    async function turnFacts() {
        try {
            const said = await ask("/api/v1/catalogue/metric", { name, limit: SERIES_MAX }, signal);
            const isFirst = known === null;
            show(said);
            if (isFirst) againAnswer();
        } catch (problem) {
            if (isAbort(problem) || pulse.goneSince !== 0) return;
            setText(facts, problem.status === 404 ? "No metric of this name is known now." : `No answer: ${problem.message}. It is asked again.`);
        }
    }

    async function turnAnswer() {
        if (known === null || !canBeAsked(name)) return;
        const span = range.span(), question = questionFor(name, known.type, key);
        ask_it.setAttribute("href", address("query", { q: question, ...range.parameters() }));
        try {
            const read = readAnswer(await ask("/api/v1/query", { from: span.from_s, to: span.to_s, query: question }, signal),
                [span.from_s, span.to_s]);
            result.hidden = read.groups.length === 0;
            setText(note, read.groups.length === 0 ? "Nothing is kept of it for this range." : "");
            note.hidden = !result.hidden;
            if (result.hidden) return;
            if (read.unit === PLAIN || metadata.written?.unit) read.unit = unitOfMetric();
            chart.update(read);
            groups.update(read);
        } catch (problem) {
            if (isAbort(problem) || pulse.goneSince !== 0) return;
            note.hidden = false;
            setText(note, `No answer: ${visible(problem.message)}`);
        }
    }

    const period = () => Math.min(10, pulse.status?.interval_s ?? 5) * 1000;
    const againAnswer = repeat(turnAnswer, () => (range.endsNow() ? period() : 3600000), signal);
    repeat(turnFacts, period, signal);
    repeat(async () => senders.show(), 1000, signal);
    if (!canBeAsked(name)) {
        ask_it.hidden = true;
        setText(note, "No question can be about this name: it has a letter that ends a name there.");
    }
    tail.start({ match: lines.match });
    return { title: visible(name) };
}
