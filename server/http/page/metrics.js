/* page/metrics.js: every metric, found as one types; each leads to its own view.
 *
 *   #/metrics?q=shop.*&sort=values&page=2 */

import { ask, isAbort, pulse, repeat } from "./api.js";
import { sparkPath } from "./chart.js";
import { make, makeNotice, makeSvg, setText } from "./dom.js";
import { count, many, short, visible } from "./format.js";
import { address, remember } from "./router.js";
import { linkIn, makeTable } from "./table.js";

const PAGE = 200, TYPING_MS = 150;

function sparkIn(values, td) {
    let svg = td.querySelector("svg");
    if (!svg) {
        svg = makeSvg("svg", { class: "spark", viewBox: "0 0 96 24", "aria-hidden": "true", focusable: "false" }, makeSvg("path"));
        td.replaceChildren(svg);
    }
    svg.firstChild.setAttribute("d", sparkPath(values));
}

function lastOf(one) {
    return one.last ?? one.spark?.findLast((v) => v != null);
}

function nameIn(one, td) {
    linkIn(td, visible(one.name), address("metric", { name: one.name }));
    let small = td.querySelector("small");
    if (!small) td.append(small = make("small", { class: "narrow muted" }));
    setText(small, `${one.type}, ${many(one.series, "series", "series")}`);
}

function makeList(interval, onSort) {
    return makeTable({ caption: "Metrics", className: "list", onSort, columns: [
        { title: "Metric", head: true, sort: "name", cell: nameIn },
        { title: "Type", wide: true, cell: (one) => one.type },
        { title: "Unit", wide: true, cell: (one) => visible(one.unit || "–") },
        { title: "Series", wide: true, number: true, sort: "series", cell: (one) => count(one.series) },
        { title: "Values/s", number: true, sort: "values", cell: (one) => short(one.values / interval()) },
        { title: "Last", number: true, cell: (one) => short(lastOf(one)) },
        { title: "Lately", class: "spark-cell", cell: (one, td) => sparkIn(one.spark ?? [], td) },
    ] });
}

function makePager(onTurn) {
    const said = make("span", { class: "muted" });
    const back = make("button", { type: "button" }, "Before");
    const next = make("button", { type: "button" }, "Next");
    const node = make("div", { class: "tools" }, back, next, said);
    back.addEventListener("click", () => onTurn(-1));
    next.addEventListener("click", () => onTurn(1));

    return { node, update(page, shown, total) {
        const from = (page - 1) * PAGE;
        node.hidden = total <= PAGE && page === 1;
        back.disabled = page === 1;
        next.disabled = from + shown >= total;
        setText(said, `${count(from + 1)} to ${count(from + shown)} of ${count(total)}`);
    } };
}

export function openMetrics(place, parameters, signal) {
    let match = parameters.q ?? "", sort = parameters.sort ?? "name", page = Math.max(1, Number(parameters.page) || 1);
    let interval_s = 10, request = null, typing = 0;
    const search = make("input", { type: "search", id: "search", value: match, autocomplete: "off", spellcheck: "false",
        placeholder: "part of a name, or shop.*" });
    const said = make("p", { class: "muted", role: "status" });
    const notice = makeNotice("Asking the server …");
    const table = makeList(() => interval_s, (by) => choose(by));
    const pager = makePager((step) => {
        page += step;
        changed();
        scrollTo(0, 0);
    });

    table.node.hidden = pager.node.hidden = true;
    place.append(make("h1", null, "Metrics"),
        make("div", { class: "tools" }, make("div", { class: "grow" }, make("label", { for: "search" }, "Search"), search), said),
        notice, table.node, pager.node);
    showSort();

    function showSort() {
        table.showSort(sort, sort === "name");
    }

    function choose(by) {
        sort = by;
        page = 1;
        showSort();
        changed();
    }

    function changed() {
        remember("metrics", { q: match, sort: sort === "name" ? "" : sort, page: page === 1 ? "" : page });
        request?.abort();
        again();
    }

    function show(list) {
        interval_s = list.interval_s || 10;
        if (list.metrics.length === 0 && page > 1 && list.total > 0) {
            page = 1;
            changed();
            return;
        }
        table.update(list.metrics);
        table.node.hidden = list.metrics.length === 0;
        notice.hidden = list.metrics.length > 0;
        setText(notice, match === "" ? "No metric has come yet. A metric is here at the end of the interval in which it came."
            : `No metric has a name with ${visible(match)} in it.`);
        setText(said, many(list.total, "metric"));
        pager.update(page, list.metrics.length, list.total);
    }

    async function turn() {
        request = new AbortController();
        const own = request;
        try {
            show(await ask("/api/v1/catalogue", { match, sort, limit: PAGE, offset: (page - 1) * PAGE },
                AbortSignal.any([signal, own.signal])));
        } catch (problem) {
            if (isAbort(problem)) return;
            notice.hidden = false;
            setText(notice, `No answer: ${problem.message}. It is asked again.`);
        }
    }

    /* Twice an interval, so that what came in one is here before the next is over. */
    const again = repeat(turn, () => Math.min(5, (pulse.status?.interval_s ?? 4) / 2) * 1000, signal);

    search.addEventListener("input", () => {
        clearTimeout(typing);
        typing = setTimeout(() => {
            match = search.value.trim();
            page = 1;
            if (!signal.aborted) changed();
        }, TYPING_MS);
    }, { signal });
    return { title: "Metrics" };
}
