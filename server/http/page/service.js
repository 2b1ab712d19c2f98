/* page/service.js: a traced service by resource, or one of its resources; and the traces that are
 * kept of it: those that took longest, and those that failed.
 *
 *   #/service?name=shop&operation=web.request&resource=GET /cart&traces=failed&range=4h */

import { ask, isAbort, pulse, repeat } from "./api.js";
import { make, makeChoice, makeNotice, makeSection, makeTime, setText, foreign } from "./dom.js";
import { count, duration, visible } from "./format.js";
import { makeRange } from "./range.js";
import { address, remember } from "./router.js";
import { linkIn, makeTable } from "./table.js";
import { askTraced, NUMBERS, takesTraces, tookNs } from "./traced.js";

const PERIOD_MS = 10000, RESOURCES_MAX = 200, TRACES_MAX = 30;

/* ---- resources --------------------------------------------------------- */

function resourceIn(row, td, addressOf) {
    linkIn(td, visible(row.resource || "none"), addressOf(row));
    let small = td.querySelector("small");
    if (!small) td.append(small = make("small", { class: "narrow muted" }));
    setText(small, visible(row.operation));
}

function makeResources(addressOf) {
    const note = makeNotice("Asking the server …");
    const table = makeTable({ caption: "Resources", className: "list traced", columns: [
        { title: "Resource", head: true, cell: (row, td) => resourceIn(row, td, addressOf) },
        { title: "Operation", wide: true, cell: (row) => visible(row.operation) },
        ...NUMBERS,
    ] });

    table.node.hidden = true;

    function update(rows) {
        table.node.hidden = rows.length === 0;
        table.update(rows.slice(0, RESOURCES_MAX));
        setText(note, rows.length === 0 ? "Nothing was asked for in this range."
            : rows.length > RESOURCES_MAX ? `The ${RESOURCES_MAX} that are asked for most, of ${count(rows.length)}.` : "");
        note.hidden = note.textContent === "";
    }
    return { node: make("div", null, table.node, note), update };
}

/* ---- traces ------------------------------------------------------------ */

function traceIn(trace, td) {
    const link = linkIn(td, "", address("trace", { id: trace.trace_id }));
    link.replaceChildren(makeTime(trace.start_ms));
    let small = td.querySelector("small");
    if (!small) td.append(small = make("small", { class: "narrow muted" }));
    setText(small, visible(`${trace.root.service} ${trace.root.resource}`));
}

function stateIn(trace) {
    return trace.failed || trace.span.error ? make("span", { class: "bad-text" }, "failed") : "";
}

function makeTraces() {
    const note = makeNotice("");
    const table = makeTable({ caption: "Traces", className: "list traced", columns: [
        { title: "Began", head: true, cell: traceIn },
        { title: "Request", wide: true, cell: (trace) => make("span", null, foreign(trace.root.service), " ", foreign(trace.root.resource)) },
        { title: "State", cell: stateIn },
        { title: "Spans", number: true, wide: true, cell: (trace) => count(trace.n_spans) },
        { title: "Took", number: true, cell: (trace) => tookNs(trace.span.duration_ns) },
        { title: "All of it", number: true, wide: true, cell: (trace) => tookNs(trace.root.duration_ns) },
    ] });

    table.node.hidden = true;

    function say(words) {
        note.hidden = words === "";
        setText(note, words);
    }

    async function update(only, failed, signal) {
        if (!takesTraces()) {
            table.node.hidden = true;
            say(takesTraces() === undefined ? "Asking the server …" : "No traces are taken now: apm_config.enabled is not set.");
            return;
        }
        const found = await ask("/api/v1/traces", { service: only.service, name: only.operation, resource: only.resource, errors: failed ? 1 : "", order: failed ? "latest" : "slowest", limit: TRACES_MAX }, signal);
        table.node.hidden = found.traces.length === 0;
        table.update(found.traces);
        say(found.traces.length > 0 ? "" : `${failed ? "None that failed is" : "None is"} kept of the last ${duration(found.kept_s)}.`);
    }
    return { node: make("div", null, table.node, note), update, say };
}

/* ---- the view ---------------------------------------------------------- */

function makeCrumb(service, resource, range) {
    return make("p", { class: "crumb" }, make("a", { href: address("services", range.parameters()) }, "Services"),
        resource && " / ", resource && make("a", { href: address("service", { name: service, ...range.parameters() }) }, foreign(service)));
}

export function openService(place, parameters, signal) {
    const only = { service: parameters.name ?? "", operation: parameters.operation ?? "", resource: parameters.resource ?? "" };
    let failed = parameters.traces === "failed";
    const range = makeRange(parameters, () => changed());
    const addressOf = ({ operation, resource }) => address("service", { name: only.service, operation, resource, ...range.parameters() });
    const resources = makeResources(addressOf);
    const traces = makeTraces();
    const choice = makeChoice("Traces", [["slowest", "Slowest"], ["failed", "Failed"]], failed ? "failed" : "slowest", (chosen) => {
        failed = chosen === "failed";
        changed();
    });

    place.append(makeCrumb(only.service, only.resource, range), make("h1", null, foreign(only.resource || only.service)),
        make("div", { class: "tools" }, range.nodes), resources.node, makeSection("Traces", choice.node, traces.node));

    function changed() {
        remember("service", { name: only.service, operation: only.operation, resource: only.resource, traces: failed ? "failed" : "", ...range.parameters() });
        again();
    }

    async function turn() {
        try {
            await traces.update(only, failed, signal);
            resources.update((await askTraced(["service", "resource_name"], only, range.span(), signal)).rows);
        } catch (problem) {
            if (isAbort(problem) || pulse.goneSince !== 0) return;
            traces.say(`No answer: ${visible(problem.message)}. It is asked again.`);
        }
    }

    const again = repeat(turn, PERIOD_MS, signal);
    if (!pulse.status) pulse.addEventListener("status", again, { once: true, signal });
    return { title: visible(only.resource || only.service) };
}
