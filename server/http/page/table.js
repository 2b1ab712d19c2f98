/* page/table.js: a table that is changed in place, so that focus and selection stay.
 *
 *   columns: [{ title, cell(row, td), number, wide, head, sort }]
 *     cell    what stands there: text, or an element; nothing when it has changed td itself
 *     number  to the right; wide: left out on a phone; head: names the row
 *     sort    clicking the title calls onSort(sort)
 *
 * The table scrolls in a box of its own when it is too wide. */

import { make, setText } from "./dom.js";

/* A box that scrolls can be reached by the keyboard, and one that does not is no stop. */
const watched = new ResizeObserver((entries) => {
    for (const box of new Set(entries.map(({ target }) => target.closest(".scroll")))) {
        if (!box) continue;
        if (box.scrollWidth > box.clientWidth || box.scrollHeight > box.clientHeight) box.tabIndex = 0;
        else box.removeAttribute("tabindex");
    }
});

export function makeTable({ caption, columns, onSort, className = "" }) {
    const titles = columns.map((column) => makeTitle(column, onSort));
    const body = make("tbody");
    const table = make("table", { class: className },
        make("caption", { class: "hidden" }, caption), make("thead", null, make("tr", null, titles)), body);
    const node = make("div", { class: "scroll", role: "region", "aria-label": caption }, table);

    watched.observe(node);
    watched.observe(table);

    function makeRow() {
        return make("tr", null, columns.map((column) =>
            make(column.head ? "th" : "td", { class: classOf(column), scope: column.head ? "row" : null })));
    }

    function update(rows) {
        while (body.rows.length > rows.length) body.lastChild.remove();
        while (body.rows.length < rows.length) body.append(makeRow());
        rows.forEach((row, i) => columns.forEach((column, j) => fill(body.rows[i].cells[j], column.cell(row, body.rows[i].cells[j]))));
    }

    /* by: the sort of a column, downward or not. */
    function showSort(by, ascending = false) {
        columns.forEach((column, i) => {
            if (!column.sort) return;
            if (column.sort === by) titles[i].setAttribute("aria-sort", ascending ? "ascending" : "descending");
            else titles[i].removeAttribute("aria-sort");
        });
    }

    return { node, update, showSort };
}

function classOf(column) {
    return [column.number && "number", column.wide && "wide", column.class].filter(Boolean).join(" ") || null;
}

function makeTitle(column, onSort) {
    const title = make("th", { scope: "col", class: classOf(column) });
    if (!column.sort) {
        title.append(column.title);
        return title;
    }
    const button = make("button", { type: "button", class: "sort" }, column.title);
    button.addEventListener("click", () => onSort(column.sort));
    title.append(button);
    return title;
}

function fill(td, what) {
    if (what === undefined) return;
    if (what instanceof Node) td.replaceChildren(what);
    else setText(td, String(what));
}

/* For cell(): the link of that cell, made once and changed afterwards. */
export function linkIn(td, text, href) {
    let link = td.querySelector("a");
    if (!link) {
        link = make("a");
        td.prepend(link);
    }
    setText(link, text);
    if (link.getAttribute("href") !== href) link.setAttribute("href", href);
    return link;
}
