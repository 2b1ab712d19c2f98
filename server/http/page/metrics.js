/* page/metrics.js: every metric, found as one types; each leads to its own view.
 *
 *   #/metrics?q=shop.*&sort=values&page=2 */

import { ask } from "./api.js";
import { sparkPath } from "./chart.js";
import { make, makeSvg, setText } from "./dom.js";
import { count, many, short, visible } from "./format.js";
import { address } from "./router.js";
import { openSearch } from "./search.js";
import { linkIn, makeTable } from "./table.js";
import { makeUnit, unitWords } from "./unit.js";

const PAGE = 200;

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
        { title: "Unit", wide: true, cell: (one) => unitWords(one.unit, one.per_unit) || "–" },
        { title: "Series", wide: true, number: true, sort: "series", cell: (one) => count(one.series) },
        { title: "Values/s", number: true, sort: "values", cell: (one) => short(one.values / interval()) },
        { title: "Last", number: true, cell: (one) => makeUnit(one.unit, one.per_unit).text(lastOf(one)) },
        { title: "Lately", class: "spark-cell", cell: (one, td) => sparkIn(one.spark ?? [], td) },
    ] });
}

export function openMetrics(place, parameters, signal) {
    let interval_s = 10;

    async function fetch(wanted, until) {
        const list = await ask("/api/v1/catalogue", wanted, until);
        interval_s = list.interval_s || 10;
        return { total: list.total, rows: list.metrics };
    }

    openSearch(place, parameters, signal, { view: "metrics", title: "Metrics", size: PAGE, fetch,
        placeholder: "part of a name, or shop.*",
        makeTable: (onSort) => makeList(() => interval_s, onSort),
        said: (total) => many(total, "metric"),
        nothing: (match) => (match === "" ? "No metric has come yet. A metric is here at the end of the interval in which it came."
            : `No metric has a name with ${visible(match)} in it.`) });
    return { title: "Metrics" };
}
