/* page/search.js: a list of the server that is found as one types, a page of it at a time.
 *
 *   openSearch(place, parameters, signal, {
 *       view, title, placeholder, size,      the name in the address; rows of a page
 *       usual,                               the sort that is not in the address; by name
 *       beside,                              elements beside the box, or nothing
 *       makeTable(onSort),                   as makeTable() of page/table.js
 *       fetch({ match, sort, limit, offset }, signal),   gives { total, rows }
 *       said(total), nothing(match) })       sentences
 *
 *   #/metrics?q=shop.*&sort=values&page=2 */

import { isAbort, pulse, repeat } from "./api.js";
import { make, makeNotice, setText } from "./dom.js";
import { makePager } from "./pager.js";
import { remember } from "./router.js";

const TYPING_MS = 150;

export function openSearch(place, parameters, signal, { view, title, placeholder, size, usual = "name", beside, makeTable, fetch, said, nothing }) {
    let match = parameters.q ?? "", sort = parameters.sort ?? usual, page = Math.max(1, Number(parameters.page) || 1);
    let request = null, typing = 0;
    const search = make("input", { type: "search", id: "search", value: match, autocomplete: "off", spellcheck: "false", placeholder });
    const total = make("p", { class: "muted", role: "status" });
    const notice = makeNotice("Asking the server …");
    const table = makeTable(choose);
    const pager = makePager(size, (step) => {
        page += step;
        changed();
        scrollTo(0, 0);
    });

    table.node.hidden = pager.node.hidden = true;
    place.append(make("div", { class: "head" }, make("h1", null, title), beside),
        make("div", { class: "tools" }, make("div", { class: "grow" }, make("label", { for: "search" }, "Search"), search), total),
        notice, table.node, pager.node);
    table.showSort(sort, sort === "name");

    function choose(by) {
        sort = by;
        page = 1;
        table.showSort(sort, sort === "name");
        changed();
    }

    function changed() {
        remember(view, { q: match, sort: sort === usual ? "" : sort, page: page === 1 ? "" : page });
        request?.abort();
        again();
    }

    function show(list) {
        if (list.rows.length === 0 && page > 1 && list.total > 0) {
            page = 1;
            changed();
            return;
        }
        table.update(list.rows);
        table.node.hidden = list.rows.length === 0;
        notice.hidden = list.rows.length > 0;
        setText(notice, nothing(match));
        setText(total, said(list.total));
        pager.update(page, list.rows.length, list.total);
    }

    async function turn() {
        request = new AbortController();
        const own = request;
        try {
            show(await fetch({ match, sort, limit: size, offset: (page - 1) * size }, AbortSignal.any([signal, own.signal])));
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
}
