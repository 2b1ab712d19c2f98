/* page/numbers.js: what of a dashboard is said in numbers: a query value, a toplist, a table. */

import { canReduce, formatOf, numberText, reduce, requestsOf } from "./board.js";
import { make, makeNotice, setText } from "./dom.js";
import { many, visible } from "./format.js";
import { askAll, makeTroubles } from "./graph.js";
import { makeTable } from "./table.js";
import { PLAIN, unitOf } from "./unit.js";

const ROWS_MAX = 100;

/* A series that is a bound of a band is none of its own. */
function groupsOf(answer) {
    return answer.series.filter(({ attributes }) => !["lower", "upper"].includes(attributes?.role));
}

function nameOf(one) {
    return visible((one.tag_set ?? []).join(", ") || (one.scope && one.scope !== "*" ? one.scope : one.metric));
}

function classOf(format) {
    return format ? `tone ${format.tone} ${format.ground}` : "";
}

function unknownAggregators(requests) {
    return [...new Set(requests.map(({ aggregator }) => aggregator).filter((one) => one && !canReduce(one)))]
        .map((one) => `The aggregator ${one} is not known here: this is the mean.`);
}

/* ---- a query value ----------------------------------------------------- */

export function makeValue(definition, { variables }) {
    const requests = requestsOf(definition, variables).slice(0, 1);
    const number = make("b"), unit = make("span");
    const value = make("p", { class: "value" }, number, unit);
    const troubles = makeTroubles();

    async function update(turn) {
        const { answers, troubles: wrong } = await askAll(requests, turn);
        const groups = answers.flatMap(({ answer }) => groupsOf(answer));
        const [request] = requests;
        const n = groups.length > 0 ? reduce(groups[0], request.aggregator) : null;
        const said = numberText(n, definition, unitOf(groups));
        const format = formatOf(n, request?.formats ?? []);
        value.className = `value ${classOf(format)}`;
        setText(number, said.text);
        setText(unit, n == null || said.unit === "" ? "" : ` ${visible(said.unit)}`);
        troubles.show(wrong, [...unknownAggregators(requests), n == null && wrong.length === 0 && "There is no point in this range.",
            groups.length > 1 && `It is that of ${nameOf(groups[0])}, the first of ${many(groups.length, "group")}.`]);
    }
    return { node: make("div", null, value, troubles.node), update };
}

/* ---- a toplist --------------------------------------------------------- */

/* How a group counts, and in which order: by top(query, 10, 'max', 'asc') where it stands so. */
function rankingOf(request) {
    const said = request.question?.match(/^\s*top\(.*,\s*\d+\s*,\s*'(\w+)'\s*(?:,\s*'(asc|desc)'\s*)?\)\s*$/s);
    const by = said?.[1] === "mean" ? "avg" : said?.[1];
    return { by: by && canReduce(by) ? by : request.aggregator || "avg", ascending: (said?.[2] ?? request.limit.order) === "asc" };
}

function barIn({ value, share, unit: ofAnswer }, td, definition) {
    let bar = td.querySelector(".bar > span");
    if (!bar) {
        bar = make("span");
        td.replaceChildren(make("span", { class: "bar", "aria-hidden": "true" }, bar), make("span", { class: "share" }));
    }
    const { text, unit } = numberText(value, definition, ofAnswer);
    bar.style.width = `${Math.max(0, Math.min(1, share)) * 100}%`;
    setText(td.lastChild, unit ? `${text} ${visible(unit)}` : text);
}

export function makeToplist(definition, { variables, label }) {
    const requests = requestsOf(definition, variables).slice(0, 1);
    const notice = makeNotice("Asking the server …");
    const troubles = makeTroubles();
    const table = makeTable({ caption: `${label}: groups`, className: "list", columns: [
        { title: "Group", head: true, cell: (row, td) => td.replaceChildren(make("bdi", { class: classOf(row.format) }, row.name)) },
        { title: "Value", class: "bar-cell", cell: (row, td) => barIn(row, td, definition) },
    ] });

    table.node.hidden = true;

    function rowsOf(groups, request) {
        const { by, ascending } = rankingOf(request);
        const rows = groups.map((one) => ({ name: nameOf(one), value: reduce(one, by) })).filter(({ value }) => value !== null)
            .sort((a, b) => (ascending ? a.value - b.value : b.value - a.value)).slice(0, request.limit.count);
        const unit = unitOf(groups), most = Math.max(...rows.map(({ value }) => Math.abs(value)), 0) || 1;
        return rows.map((row) => ({ ...row, unit, share: Math.abs(row.value) / most, format: formatOf(row.value, request.formats) }));
    }

    async function update(turn) {
        const { answers, troubles: wrong } = await askAll(requests, turn);
        const rows = answers.flatMap(({ answer, request }) => rowsOf(groupsOf(answer), request));
        table.node.hidden = rows.length === 0;
        notice.hidden = rows.length > 0 || wrong.length > 0;
        setText(notice, "No series fits in this range.");
        table.update(rows.slice(0, ROWS_MAX));
        troubles.show(wrong, [...unknownAggregators(requests), rows.length > ROWS_MAX && `The first ${ROWS_MAX} of ${many(rows.length, "group")} are shown.`]);
    }
    return { node: make("div", { class: "tall" }, notice, table.node, troubles.node), update };
}

/* ---- a table ----------------------------------------------------------- */

const isOfFirst = ({ query_index }) => !query_index;

function titleOf(request) {
    return visible(request.alias || request.question || "–");
}

function valueIn(row, i, request, definition, td) {
    const value = row.values[i], { text, unit } = numberText(value, definition, row.units[i] ?? PLAIN);
    td.replaceChildren(make("span", { class: classOf(formatOf(value, request.formats)) }, unit && value != null ? `${text} ${visible(unit)}` : text));
}

export function makeGroupTable(definition, { variables, label }) {
    const requests = requestsOf(definition, variables);
    const notice = makeNotice("Asking the server …");
    const troubles = makeTroubles();
    const columns = requests.filter(({ trouble }) => !trouble);
    const table = makeTable({ caption: `${label}: groups`, columns: [{ title: "Group", head: true, cell: (row) => row.name },
        ...columns.map((request, i) => ({ title: titleOf(request), number: true, cell: (row, td) => valueIn(row, i, request, definition, td) }))] });

    table.node.hidden = true;

    /* A row for each set of tags, with what each request says of it; of a list of queries the first. */
    function rowsOf(answers) {
        const rows = new Map();
        for (const { answer, request } of answers)
            for (const one of groupsOf(answer).filter(isOfFirst)) {
                const name = (one.tag_set ?? []).length > 0 ? nameOf(one) : "All";
                if (!rows.has(name)) rows.set(name, { name, values: new Array(columns.length).fill(null), units: [] });
                const row = rows.get(name), i = columns.indexOf(request);
                row.values[i] = reduce(one, request.aggregator);
                row.units[i] = unitOf([one]);
            }
        return [...rows.values()].sort((a, b) => (b.values[0] ?? -Infinity) - (a.values[0] ?? -Infinity) || (a.name < b.name ? -1 : 1));
    }

    async function update(turn) {
        const { answers, troubles: wrong } = await askAll(requests, turn);
        const rows = rowsOf(answers);
        table.node.hidden = rows.length === 0;
        notice.hidden = rows.length > 0 || wrong.length > 0;
        setText(notice, "No series fits in this range.");
        table.update(rows.slice(0, ROWS_MAX));
        troubles.show(wrong, [...unknownAggregators(columns), answers.some(({ answer }) => !answer.series.every(isOfFirst)) && "Of several queries in one request the first is in the table.",
            rows.length > ROWS_MAX && `The first ${ROWS_MAX} of ${many(rows.length, "group")} are shown.`]);
    }
    return { node: make("div", { class: "tall" }, notice, table.node, troubles.node), update };
}
