/* page/flame.js: the spans of a trace over time, each below the one that called it.
 *
 *   chart.update(spans)      as /api/v1/traces/ID has them
 *   makeFlame({ onChoose })  onChoose(span) when one is chosen
 *
 * A span is a button: its left and width are parts of the whole in percent, so the drawing needs no
 * measure and follows the window. The colour is that of its service, and what failed has a frame and a
 * cross. One is reached by the tabulator, the others from it by the arrows: up the caller, down what it
 * called first, left and right the neighbours. Of very many the longest are drawn. */

import { make } from "./dom.js";
import { count, many, visible } from "./format.js";
import { COLOURS } from "./chart.js";
import { tookNs } from "./traced.js";

const DRAWN_MAX = 1000, ROW_PX = 24, LEAST_PERCENT = 0.15, TICKS = 4;
const RED = 4; /* the colour of what failed is no service's */

/* ---- where each stands ------------------------------------------------- */

const endOf = (span) => span.offset_ns + span.duration_ns;

/* Nodes { span, parent, children, row } in the order in which they are reached from above. What has no
 * parent here is at the top, and so is the first of a circle. */
function makeTree(spans) {
    const nodes = spans.map((span) => ({ span, parent: null, children: [], isReached: false }));
    const byId = new Map();
    for (const node of nodes) if (!byId.has(node.span.span_id)) byId.set(node.span.span_id, node);
    for (const node of nodes) {
        const parent = byId.get(node.span.parent_id);
        if (parent && parent !== node) {
            node.parent = parent;
            parent.children.push(node);
        }
    }
    const before = (a, b) => a.span.offset_ns - b.span.offset_ns || b.span.duration_ns - a.span.duration_ns;
    for (const node of nodes) node.children.sort(before);
    const order = [];
    for (const top of [...nodes.filter((node) => !node.parent).sort(before), ...nodes]) {
        if (top.isReached) continue;
        if (top.parent) {
            top.parent.children = top.parent.children.filter((child) => child !== top);
            top.parent = null;
        }
        for (const stack = [top]; stack.length > 0;) {
            const node = stack.pop();
            if (node.isReached) continue;
            node.isReached = true;
            order.push(node);
            stack.push(...node.children.toReversed());
        }
    }
    return order;
}

/* The first row below the caller in which nothing stands at that time; a little of it does not count, as
 * clocks are rounded. Returns how many there are. */
function layOut(nodes) {
    const rows = [], whole = nodes.reduce((end, { span }) => Math.max(end, endOf(span)), 1);
    for (const node of nodes) {
        const from = node.span.offset_ns, to = Math.max(endOf(node.span), from + 1);
        const slack = Math.min(whole / 1000, (to - from) / 10);
        node.row = node.parent?.row === undefined ? 0 : node.parent.row + 1;
        while (rows[node.row]?.some((other) => other.from < to - slack && from < other.to - slack)) node.row++;
        (rows[node.row] ??= []).push({ from, to });
    }
    return rows.length;
}

/* Without the shortest, if there are too many. The callers of what is left are left too: they take as long,
 * or are looked for further up. */
function longest(nodes) {
    if (nodes.length <= DRAWN_MAX) return nodes;
    const least = nodes.map(({ span }) => span.duration_ns).sort((a, b) => b - a)[DRAWN_MAX - 1];
    const kept = nodes.filter(({ span }) => span.duration_ns >= least).slice(0, DRAWN_MAX), are = new Set(kept);
    for (const node of kept) {
        while (node.parent && !are.has(node.parent)) node.parent = node.parent.parent;
        node.children = [];
    }
    for (const node of kept) node.parent?.children.push(node);
    return kept;
}

/* ---- colours ----------------------------------------------------------- */

/* { service: number of its colour }, in the order in which they come. */
export function coloursOf(spans) {
    const colours = new Map();
    for (const { service } of spans) {
        const i = colours.size % (COLOURS - 1);
        if (!colours.has(service)) colours.set(service, i < RED ? i : i + 1);
    }
    return colours;
}

/* ---- the drawing ------------------------------------------------------- */

function labelOf(span) {
    return visible(`${span.service}, ${span.name} ${span.resource}, ${tookNs(span.duration_ns)}${span.error ? ", failed" : ""}`);
}

function makeSpan(node, colours) {
    const { span } = node;
    const text = make("b", null, span.error && "✕ ", visible(span.resource || span.name), " ", make("span", null, tookNs(span.duration_ns)));
    return make("button", { type: "button", class: `span series-${colours.get(span.service)}${span.error ? " failed" : ""}`, title: labelOf(span),
        "aria-label": labelOf(span), "aria-pressed": "false", tabindex: "-1" }, text);
}

/* Where an arrow leads from a node. */
function neighbourOf(node, key) {
    const beside = node.parent ? node.parent.children : node.tops, at = beside.indexOf(node);
    if (key === "ArrowUp") return node.parent;
    if (key === "ArrowDown") return node.children[0];
    if (key === "ArrowLeft") return beside[at - 1];
    if (key === "ArrowRight") return beside[at + 1];
    return undefined;
}

export function makeFlame({ onChoose }) {
    const ticks = make("div", { class: "flame-ticks", "aria-hidden": "true" });
    const field = make("div", { class: "flame", role: "group", "aria-label": "Spans over time; arrows lead from one to the next" });
    const note = make("p", { class: "muted" });
    const node = make("div", null, make("div", { class: "scroll flame-box" }, ticks, field), note);
    let nodes = [], chosen = null, window = { from: 0, to: 1 };

    function choose(next, isFocused) {
        if (chosen) chosen.button.setAttribute("aria-pressed", "false");
        for (const one of nodes) one.button.tabIndex = one === next ? 0 : -1;
        chosen = next;
        chosen.button.setAttribute("aria-pressed", "true");
        if (isFocused) chosen.button.focus();
        onChoose(chosen.span);
    }

    function place() {
        const length = Math.max(1, window.to - window.from);
        for (const { span, button } of nodes) {
            const left = Math.max(0, (span.offset_ns - window.from) / length), right = Math.min(1, (endOf(span) - window.from) / length);
            button.hidden = left >= 1 || right < 0 || (right === 0 && window.from > 0);
            button.style.left = `${Math.min(left * 100, 100 - LEAST_PERCENT)}%`;
            button.style.width = `${Math.max(LEAST_PERCENT, (right - left) * 100)}%`;
        }
        ticks.replaceChildren(...Array.from({ length: TICKS }, (_, i) => make("span", null, tookNs(window.from + (length * i) / TICKS))));
    }

    function update(spans) {
        const colours = coloursOf(spans);
        nodes = longest(makeTree(spans));
        const rows = layOut(nodes), tops = nodes.filter(({ parent }) => !parent);
        for (const one of nodes) {
            one.tops = tops;
            one.button = makeSpan(one, colours);
            one.button.style.top = `${one.row * ROW_PX}px`;
            one.button.addEventListener("click", () => choose(one, false));
            one.button.addEventListener("keydown", (event) => {
                const next = neighbourOf(one, event.key);
                if (!event.key.startsWith("Arrow")) return;
                event.preventDefault();
                if (next && !next.button.hidden) choose(next, true);
            });
        }
        field.style.height = `${rows * ROW_PX}px`;
        field.replaceChildren(...nodes.map(({ button }) => button));
        note.textContent = nodes.length < spans.length ? `The ${count(nodes.length)} longest of ${many(spans.length, "span")} are drawn.` : "";
        note.hidden = note.textContent === "";
        zoom(null);
        if (nodes.length > 0) choose(nodes[0], false);
    }

    /* Shows the time of a span alone; null: all of the trace. */
    function zoom(span) {
        window = span ? { from: span.offset_ns, to: endOf(span) } : { from: 0, to: nodes.reduce((end, one) => Math.max(end, endOf(one.span)), 1) };
        place();
    }

    return { node, update, zoom };
}
