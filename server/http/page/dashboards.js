/* page/dashboards.js: every dashboard, and a new one.
 *
 *   #/dashboards */

import { ask, isAbort, pulse, repeat, send } from "./api.js";
import { make, makeNotice, makeTime, setText, foreign } from "./dom.js";
import { makeEditor } from "./editor.js";
import { count, visible } from "./format.js";
import { address, go } from "./router.js";
import { linkIn, makeTable } from "./table.js";

const PERIOD_MS = 10000, SHOWN_MAX = 1000;

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

function makeList() {
    return makeTable({ caption: "Dashboards", columns: [
        { title: "Dashboard", head: true, cell: nameIn },
        { title: "From", wide: true, cell: (one) => (one.file ? visible(`file ${one.file}`) : "API") },
        { title: "Changed", number: true, wide: true, cell: (one, td) => td.replaceChildren(makeTime(Date.parse(one.modified_at), true)) },
    ] });
}

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
    const table = makeList();
    const notice = makeNotice("Asking the server …");
    const said = make("p", { class: "muted" });
    const problems = make("ul", { class: "findings", hidden: true });

    table.node.hidden = true;
    place.append(make("h1", null, "Dashboards"), problems, make("div", { class: "listing" }, notice, table.node), said, makeNew(signal));

    function show({ dashboards, problems: wrong = [] }) {
        table.node.hidden = dashboards.length === 0;
        notice.hidden = dashboards.length > 0;
        setText(notice, "There is none yet. Scripts make them by POST to /api/v1/dashboard or /api/v1/dash, files stand in heeler_dashboards_path.");
        setText(said, dashboards.length === SHOWN_MAX ? `The first ${count(SHOWN_MAX)} are shown.` : "");
        table.update(dashboards);
        problems.replaceChildren(...wrong.map((sentence) => make("li", { class: "finding warning" },
            make("div", null, make("span", { class: "severity" }, "Warning "), "A file gave no dashboard: ", foreign(sentence)))));
        problems.hidden = wrong.length === 0;
    }

    async function turn() {
        try {
            show(await ask("/api/v1/dashboard", { count: SHOWN_MAX }, signal));
        } catch (problem) {
            if (isAbort(problem) || pulse.goneSince !== 0) return;
            notice.hidden = false;
            setText(notice, `No answer: ${visible(problem.message)}. It is asked again.`);
        }
    }
    repeat(turn, PERIOD_MS, signal);
    return { title: "Dashboards" };
}
