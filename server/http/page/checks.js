/* page/checks.js: what the instances of checks do, as their runner told last; the worst first.
 *
 *   #/checks?q=postgres&sort=state&page=2 */

import { ask, pulse } from "./api.js";
import { make, makeAgo, setText } from "./dom.js";
import { duration, many, short, visible } from "./format.js";
import { openSearch } from "./search.js";
import { makeTable } from "./table.js";

const PAGE = 100, SILENT_S = 60;
const TONES = { ok: "good", running: "good", warning: "warn", "backing off": "bad", error: "bad", killed: "bad", refused: "bad" };
const WORST_FIRST = ["refused", "killed", "error", "backing off", "warning", "running", "ok", "waiting"];

/* ---- one instance ------------------------------------------------------ */

/* What a developer asks for stays open while the rest is told anew. */
function detailsOf(one) {
    const dropped = Object.entries(one.dropped ?? {}).map(([reason, n]) => `${reason} ${n}`).join(", ");
    return [["Traceback", one.traceback], ["Warnings", one.warnings?.join("\n")], ["Dropped", dropped],
        ["Printed", one.output?.last && `${one.output.last} (${many(one.output.lines, "line")})`]].filter(([, text]) => text);
}

function checkIn(one, td) {
    const now = JSON.stringify([one.name, one.id, one.source, one.error, detailsOf(one)]);
    if (td.shown === now) return;
    const wasOpen = td.of === one.id && td.querySelector("details")?.open, details = detailsOf(one);
    td.shown = now;
    td.of = one.id;
    td.replaceChildren(make("bdi", null, visible(one.name)), make("small", { class: "muted below" }, visible(one.source ?? "")),
        one.error ? make("small", { class: "bad-text below" }, visible(one.error)) : "",
        details.length > 0 ? make("details", { open: Boolean(wasOpen) }, make("summary", null, "More"),
            details.map(([title, text]) => [make("p", { class: "muted" }, title), make("pre", null, text.split("\n").map(visible).join("\n"))])) : "");
}

function makeState(state) {
    return make("span", { class: `state ${TONES[state] ?? ""}` }, visible(state));
}

function lastIn(one) {
    return one.last_run ? makeAgo(one.last_run * 1000, pulse.now_s() * 1000) : "never";
}

function runsIn({ runs, failures, kills, skipped }) {
    const bad = [[failures, "failed"], [kills, "killed"], [skipped, "skipped"]].filter(([n]) => n > 0).map(([n, word]) => `${n} ${word}`);
    return `${runs ?? 0}${bad.length > 0 ? `: ${bad.join(", ")}` : ""}`;
}

function makeList(onSort) {
    return makeTable({ caption: "Instances of checks", className: "tight checks", onSort, columns: [
        { title: "State", class: "short", sort: "state", cell: (one) => makeState(one.state) },
        { title: "Check", head: true, sort: "name", cell: checkIn },
        { title: "Last run", number: true, cell: lastIn },
        { title: "Took", number: true, wide: true, sort: "seconds", cell: (one) => (one.seconds == null ? "–" : `${short(one.seconds)} s`) },
        { title: "Points", number: true, wide: true, sort: "metrics", cell: (one) => one.metrics ?? "–" },
        { title: "Every", number: true, wide: true, cell: (one) => (one.interval_s == null ? "–" : duration(one.interval_s)) },
        { title: "Runs", wide: true, cell: runsIn },
    ] });
}

/* ---- all of them ------------------------------------------------------- */

const byName = (a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0);
const ORDERS = {
    name: byName,
    state: (a, b) => WORST_FIRST.indexOf(a.state) - WORST_FIRST.indexOf(b.state) || byName(a, b),
    seconds: (a, b) => (b.seconds ?? 0) - (a.seconds ?? 0) || byName(a, b),
    metrics: (a, b) => (b.metrics ?? 0) - (a.metrics ?? 0) || byName(a, b),
};

function fits(one, match) {
    return [one.name, one.source, one.state, one.error].some((text) => text?.toLowerCase().includes(match.toLowerCase()));
}

/* Silence of one that has ended, or never was, is no news. */
function heardOf({ last, silent_ms }) {
    if (last === null) return "";
    if (last.ended) return `The runner ended ${duration(silent_ms / 1000)} ago.`;
    const version = last.runner?.python ? `, Python ${visible(last.runner.python)}` : "";
    return silent_ms >= SILENT_S * 1000 ? `Nothing was heard of the runner for ${duration(silent_ms / 1000)}: what is shown is from before.`
        : `The runner was heard of ${duration(silent_ms / 1000)} ago${version}.`;
}

function sentOf({ last }) {
    const givenUp = Object.entries(last?.sent?.given_up ?? {}).filter(([, n]) => n > 0).map(([reason, n]) => `${short(n)} for ${visible(reason)}`);
    return givenUp.length > 0 ? `Not sent, and given up: ${givenUp.join(", ")}.` : "";
}

export function openChecks(place, parameters, signal) {
    const heard = make("p", { class: "muted" }), sent = make("p", { class: "bad-text" }), problems = make("ul", { class: "problems bad-text" });
    let told = { last: null };

    function showAround() {
        const wrong = (told.last?.problems ?? []).map(visible), now = JSON.stringify(wrong);
        setText(heard, heardOf(told));
        heard.classList.toggle("bad-text", told.last !== null && !told.last.ended && told.silent_ms >= SILENT_S * 1000);
        setText(sent, sentOf(told));
        if (problems.shown === now) return;
        problems.shown = now;
        problems.replaceChildren(...wrong.map((sentence) => make("li", null, make("bdi", null, sentence))));
    }

    async function fetchChecks({ match, sort, limit, offset }) {
        told = await ask("/api/v1/checks", {}, signal);
        showAround();
        const found = (told.last?.instances ?? []).filter((one) => fits(one, match)).sort(ORDERS[sort] ?? ORDERS.state);
        return { total: found.length, rows: found.slice(offset, offset + limit) };
    }

    openSearch(place, parameters, signal, { view: "checks", title: "Checks", size: PAGE, usual: "state", fetch: fetchChecks, makeTable: makeList,
        placeholder: "a part of a name, a file, a state or an error",
        said: (total) => many(total, "instance") + (told.last?.left_out ? `, and ${told.last.left_out} that are not kept` : ""),
        nothing: (match) => (told.last === null ? "No runner of checks was heard of: heeler checks is one, of the package heeler-checks."
            : match === "" ? "No instance of a check is configured: the files of confd_path name them." : `No instance fits ${visible(match)}.`) });
    place.querySelector(".tools").after(heard, sent, problems);
    return { title: "Checks" };
}
