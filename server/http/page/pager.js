/* page/pager.js: one page after the other of a list that is too long for one. */

import { make, setText } from "./dom.js";
import { count } from "./format.js";

/* size: of a page; onTurn(1 or -1). It hides while all is on one page. */
export function makePager(size, onTurn) {
    const said = make("span", { class: "muted" });
    const back = make("button", { type: "button" }, "Before");
    const next = make("button", { type: "button" }, "Next");
    const node = make("div", { class: "tools", hidden: true }, back, next, said);
    back.addEventListener("click", () => onTurn(-1));
    next.addEventListener("click", () => onTurn(1));

    /* page: from 1. */
    function update(page, shown, total) {
        const from = (page - 1) * size;
        node.hidden = total <= size && page === 1;
        back.disabled = page === 1;
        next.disabled = from + shown >= total;
        setText(said, `${count(from + 1)} to ${count(from + shown)} of ${count(total)}`);
    }
    return { node, update };
}
