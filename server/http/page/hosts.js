/* page/hosts.js: the hosts of the series, found by name or tag; each leads to its own view.
 *
 *   #/hosts?q=env:live&page=2 */

import { ask, pulse } from "./api.js";
import { make, makeAgo, setText, foreign } from "./dom.js";
import { count, many, visible } from "./format.js";
import { address } from "./router.js";
import { openSearch } from "./search.js";
import { linkIn, makeTable } from "./table.js";

const PAGE = 100, TAGS_MAX = 12;

/* A tag leads to the hosts that have it. */
export function makeTags(tags, max = tags.length) {
    return make("ul", { class: "tags" }, tags.slice(0, max).map((tag) =>
        make("li", null, make("a", { class: "tag", href: address("hosts", { q: tag }) }, foreign(tag)))),
    tags.length > max && make("li", { class: "muted" }, `and ${count(tags.length - max)} more`));
}

export function tagsOf(host) {
    return [...(host.tags_by_source?.Datadog ?? [])].sort();
}

/* Whether it was heard of in the last five minutes. */
export function makeState(isUp) {
    return make("span", { class: `state ${isUp ? "good" : ""}` }, isUp ? "up" : "silent");
}

/* On a phone the tags stand below the name. */
function nameIn(host, td) {
    linkIn(td, visible(host.name), address("host", { name: host.name }));
    let small = td.querySelector("small");
    if (!small) td.append(small = make("small", { class: "narrow muted" }));
    setText(small, visible(tagsOf(host).join(", ")));
}

function tagsIn(host, td) {
    const tags = tagsOf(host), now = tags.join(",");
    if (td.shown === now) return;
    td.shown = now;
    td.replaceChildren(tags.length > 0 ? makeTags(tags, TAGS_MAX) : make("span", { class: "muted" }, "none that all of its series have"));
}

function makeList(onSort) {
    return makeTable({ caption: "Hosts", className: "list hosts", onSort, columns: [
        { title: "Host", head: true, cell: nameIn },
        { title: "Tags", wide: true, cell: tagsIn },
        { title: "State", wide: true, cell: (host) => makeState(host.up) },
        { title: "Last seen", number: true, cell: (host) => makeAgo(host.last_reported_time * 1000, pulse.now_s() * 1000) },
    ] });
}

async function fetchHosts({ match, limit, offset }, signal) {
    const list = await ask("/api/v1/hosts", { filter: match, count: limit, start: offset }, signal);
    return { total: list.total_matching, rows: list.host_list };
}

export function openHosts(place, parameters, signal) {
    openSearch(place, parameters, signal, { view: "hosts", title: "Hosts", size: PAGE, fetch: fetchHosts, makeTable: makeList,
        placeholder: "part of a name or of a tag, or web-*",
        beside: make("a", { class: "button", href: address("hostmap") }, "Map by tag"),
        said: (total) => many(total, "host"),
        nothing: (match) => (match === "" ? "No series has a host yet. A host is here at the end of the interval in which it came."
            : `No host has a name or a tag with ${visible(match)} in it.`) });
    return { title: "Hosts" };
}
