/* page/dashboards.js: every dashboard, found by words of its title and description; and a new one.
 *
 *   #/dashboards?q=web&sort=changed&page=2 */

import { ask, send } from "./api.js";
import { make, makeTime, setText, foreign } from "./dom.js";
import { makeEditor } from "./editor.js";
import { many, visible } from "./format.js";
import { address, go } from "./router.js";
import { openSearch } from "./search.js";
import { linkIn, makeTable } from "./table.js";

const PERIOD_MS = 10000, PAGE = 100, ASKED = 1000;

const EXAMPLE = { title: "New dashboard", layout_type: "ordered", widgets: [
    { definition: { type: "note", content: "What this shows, and for whom." } },
    { definition: { type: "timeseries", title: "Lines", requests: [{ q: "sum:heeler.lines{*}", display_type: "line" }] } },
] };

function nameIn(one, td) {
    linkIn(td, visible(one.title), address("dashboard", { id: one.id }));
    let small = td.querySelector("small");
    if (!small) td.append(small = make("small", { class: "muted below" }));
    setText(small, visible(one.description ?? ""));
}

function makeList(onSort) {
    return makeTable({ caption: "Dashboards", className: "list boards", onSort, columns: [
        { title: "Dashboard", head: true, sort: "name", cell: nameIn },
        { title: "From", wide: true, class: "short", cell: (one) => (one.file ? visible(`file ${one.file}`) : "API") },
        { title: "Changed", number: true, wide: true, class: "short", sort: "changed", cell: (one, td) => td.replaceChildren(makeTime(Date.parse(one.modified_at), true)) },
    ] });
}

/* ---- all of them, which are few enough to be looked through here --------- */

async function askAll(signal) {
    const all = { dashboards: [], problems: [] };
    for (let last = ASKED; last === ASKED;) {
        const { dashboards, problems = [] } = await ask("/api/v1/dashboard", { count: ASKED, start: all.dashboards.length }, signal);
        all.dashboards.push(...dashboards);
        all.problems = problems;
        last = dashboards.length;
    }
    return all;
}

function thatFit(boards, match) {
    const words = match.toLowerCase().split(/\s+/);
    return boards.filter(({ title, description }) => {
        const text = `${title} ${description ?? ""}`.toLowerCase();
        return words.every((word) => text.includes(word));
    });
}

const SORTS = {
    name: (a, b) => a.title.localeCompare(b.title, undefined, { numeric: true }),
    changed: (a, b) => Date.parse(b.modified_at) - Date.parse(a.modified_at),
};

function makeNew(signal) {
    const editor = makeEditor({ save: async (text) => {
        const made = await send("POST", "/api/v1/dashboard", text, signal);
        go("dashboard", { id: made.id });
        return "Saved.";
    } });
    editor.show(EXAMPLE);
    return make("details", { class: "new" }, make("summary", null, "New dashboard"), editor.node);
}

export function openDashboards(place, parameters, signal) {
    const problems = make("ul", { class: "findings", hidden: true });
    let all = null, asked_ms = 0;

    function showProblems(wrong) {
        problems.replaceChildren(...wrong.map((sentence) => make("li", { class: "finding warning" },
            make("div", null, make("span", { class: "severity" }, "Warning "), "A file gave no dashboard: ", foreign(sentence)))));
        problems.hidden = wrong.length === 0;
    }

    async function fetchBoards({ match, sort, limit, offset }, request) {
        if (all === null || performance.now() - asked_ms >= PERIOD_MS) {
            all = await askAll(request);
            asked_ms = performance.now();
            showProblems(all.problems);
        }
        const rows = thatFit(all.dashboards, match).sort(SORTS[sort] ?? SORTS.name);
        return { total: rows.length, rows: rows.slice(offset, offset + limit) };
    }

    openSearch(place, parameters, signal, { view: "dashboards", title: "Dashboards", size: PAGE, fetch: fetchBoards, makeTable: makeList,
        placeholder: "words of a title or of a description",
        said: (total) => many(total, "dashboard"),
        nothing: (match) => (match === "" ? "There is none yet. Scripts make them by POST to /api/v1/dashboard or /api/v1/dash, files stand in heeler_dashboards_path."
            : `No dashboard has ${visible(match)} in its title or description.`) });
    place.querySelector(".head").after(problems);
    place.append(makeNew(signal));
    return { title: "Dashboards" };
}
