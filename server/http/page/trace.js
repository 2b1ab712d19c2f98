/* page/trace.js: one trace: its spans over time, and what the chosen one says of itself.
 *
 *   #/trace?id=4294967291 */

import { ask, isAbort } from "./api.js";
import { makeSwatch } from "./chart.js";
import { make, makeNotice, makeSection, makeTime, foreign } from "./dom.js";
import { exact, many, percent, visible } from "./format.js";
import { coloursOf, makeFlame } from "./flame.js";
import { address } from "./router.js";
import { tookNs } from "./traced.js";

/* Lines stay lines, as of a stack. */
function linesOf(text) {
    return make("bdi", { class: "kept-lines" }, text.split("\n").map(visible).join("\n"));
}

function makeFacts(pairs) {
    return make("dl", { class: "said" }, pairs.map(([key, value]) => [make("dt", { class: "muted" }, foreign(key, "span")), make("dd", null, value)]));
}

/* What went wrong stands first, and what the library says to itself last. */
function saidBy(span) {
    const rank = ([key]) => (key.startsWith("error.") ? 0 : key.startsWith("_") ? 2 : 1);
    return [...Object.entries(span.meta).map(([key, value]) => [key, linesOf(value)]),
        ...Object.entries(span.metrics).map(([key, value]) => [key, exact(value)])].sort((a, b) => rank(a) - rank(b));
}

function makeDetails(zoom) {
    const node = make("div", { class: "panel", "aria-live": "polite" });

    function update(span, whole_ns) {
        const closer = make("button", { type: "button" }, "This span alone"), wider = make("button", { type: "button" }, "All of it");
        const pairs = saidBy(span);
        closer.addEventListener("click", () => zoom(span));
        wider.addEventListener("click", () => zoom(null));
        node.replaceChildren(make("div", { class: "head" }, make("h3", null, foreign(span.resource || span.name)), make("div", { class: "deeds" }, closer, wider)),
            makeFacts([["service", foreign(span.service)], ["operation", foreign(span.name)], ["type", visible(span.type || "–")],
                ["began after", tookNs(span.offset_ns)], ["took", `${tookNs(span.duration_ns)}, ${percent(span.duration_ns / whole_ns)} of the whole`],
                span.error && ["state", make("strong", { class: "bad-text" }, "failed")]].filter(Boolean)),
            pairs.length > 0 ? makeFacts(pairs) : "", span.is_cut ? make("p", { class: "muted" }, "It said more: long texts and large traces are kept in part.") : "");
    }
    return { node, update };
}

function makeLegend(spans) {
    return make("ul", { class: "tags" }, [...coloursOf(spans)].map(([service, colour]) => make("li", null, makeSwatch(colour), foreign(service))));
}

function show(place, trace) {
    const { spans } = trace, root = spans.find(({ parent_id: id }) => id === "0") ?? spans[0];
    const whole_ns = spans.reduce((end, span) => Math.max(end, span.offset_ns + span.duration_ns), 1);
    const details = makeDetails((span) => flame.zoom(span));
    const flame = makeFlame({ onChoose: (span) => details.update(span, whole_ns) });
    const failed = spans.filter(({ error }) => error).length;

    place.replaceChildren(make("p", { class: "crumb" }, make("a", { href: address("services") }, "Services"), " / ",
        make("a", { href: address("service", { name: root.service }) }, foreign(root.service)), " / ",
        make("a", { href: address("service", { name: root.service, operation: root.name, resource: root.resource }) }, foreign(root.resource))),
    make("h1", null, foreign(root.resource || root.name)),
    make("p", { class: "facts muted" }, make("span", null, makeTime(trace.start_ms, true)), make("span", null, `took ${tookNs(whole_ns)}`),
        make("span", null, many(spans.length, "span"), spans.length < trace.n_spans && ` of ${many(trace.n_spans, "span")} that were sent`),
        failed > 0 && make("span", { class: "bad-text" }, `${failed} failed`), make("span", null, "trace ", make("code", null, trace.trace_id))),
    makeLegend(spans), flame.node, makeSection("Chosen span", null, details.node));
    flame.update(spans);
}

export function openTrace(place, parameters, signal) {
    const view = make("div"), notice = makeNotice("Asking the server …");

    place.append(view);
    view.append(make("p", { class: "crumb" }, make("a", { href: address("services") }, "Services")), make("h1", null, "Trace"), notice);
    ask(`/api/v1/traces/${encodeURIComponent(parameters.id ?? "")}`, {}, signal).then((trace) => show(view, trace)).catch((problem) => {
        if (!isAbort(problem)) notice.textContent = `It cannot be shown: ${visible(problem.message)}.`;
    });
    return { title: "Trace" };
}
