/* page/monitors.js: every monitor with its state, found by the words of a search; and a new one.
 *
 *   #/monitors?q=status:alert&page=2 */

import { ask, send } from "./api.js";
import { make, setText, foreign } from "./dom.js";
import { many, visible } from "./format.js";
import { makeMonitorForm } from "./monitorform.js";
import { address, go } from "./router.js";
import { openSearch } from "./search.js";
import { linkIn, makeTable } from "./table.js";

const PAGE = 100, TAGS_MAX = 8;

const EXAMPLE = { name: "", type: "query alert", query: "avg(last_5m):sum:heeler.lines{*} > 1000000", message: "",
    tags: [], options: { thresholds: { critical: 1000000 } } };

const TONES = { Alert: "bad", Warn: "warn", OK: "good" };

/* A state as a word, in its colour. */
export function makeStateWord(state, isMuted = false) {
    return make("span", null, make("span", { class: `state ${TONES[state] ?? ""}` }, visible(state)), isMuted && make("span", { class: "muted" }, ", muted"));
}

/* A tag leads to the monitors that have it. */
export function makeMonitorTags(tags, max = tags.length) {
    return make("ul", { class: "tags" }, tags.slice(0, max).map((tag) =>
        make("li", null, make("a", { class: "tag", href: address("monitors", { q: `tag:"${tag}"` }) }, foreign(tag)))),
    tags.length > max && make("li", { class: "muted" }, `and ${tags.length - max} more`));
}

function nameIn(one, td) {
    linkIn(td, visible(one.name), address("monitor", { id: one.id }));
    let small = td.querySelector("small");
    if (!small) td.append(small = make("small", { class: "muted below" }));
    setText(small, visible(one.query ?? ""));
}

function tagsIn(one, td) {
    const now = (one.tags ?? []).join(",");
    if (td.shown === now) return;
    td.shown = now;
    td.replaceChildren(makeMonitorTags(one.tags ?? [], TAGS_MAX));
}

function makeList(onSort) {
    return makeTable({ caption: "Monitors", className: "list monitors", onSort, columns: [
        { title: "State", class: "short", sort: "status", cell: (one) => makeStateWord(one.status, one.muted) },
        { title: "Monitor", head: true, sort: "name", cell: nameIn },
        { title: "Type", wide: true, class: "short", cell: (one) => visible(one.type) },
        { title: "Tags", wide: true, cell: tagsIn },
    ] });
}

/* The worst first, or by name. */
async function fetchMonitors({ match, sort, limit, offset }, signal) {
    const said = await ask("/api/v1/monitor/search", { query: match, sort: sort === "status" ? "status,desc" : "name,asc", per_page: limit, page: offset / limit }, signal);
    return { total: said.metadata.total_count, rows: said.monitors };
}

export function openMonitors(place, parameters, signal) {
    openSearch(place, parameters, signal, { view: "monitors", title: "Monitors", size: PAGE, fetch: fetchMonitors, makeTable: makeList,
        placeholder: "a part of a name, status:alert, tag:\"team:web\", muted:true",
        beside: make("a", { class: "button", href: address("downtimes") }, "Downtimes"),
        said: (total) => many(total, "monitor"),
        nothing: (match) => (match === "" ? "There is none yet. Scripts make them by POST to /api/v1/monitor, files stand in heeler_monitors_path."
            : `No monitor fits ${visible(match)}.`) });
    const form = makeMonitorForm({ definition: EXAMPLE, signal, save: async (text) => {
        const made = await send("POST", "/api/v1/monitor", text, signal);
        go("monitor", { id: made.id });
        return "Saved.";
    } });
    const node = make("details", { class: "new" }, make("summary", null, "New monitor"), form.node);
    node.addEventListener("toggle", form.look);
    place.append(node);
    return { title: "Monitors" };
}
