/* page/told.js: whom a monitor told, and what became of it: the newest first. */

import { ask } from "./api.js";
import { make, makeTime, setText, foreign } from "./dom.js";
import { many, visible } from "./format.js";
import { makeStateWord } from "./monitors.js";
import { makeTable } from "./table.js";

const SHOWN_MAX = 200;

function becameIn(one) {
    const isBad = ["refused", "shed"].includes(one.end);
    return make("span", null, make("span", { class: isBad ? "bad-text" : "" }, visible(one.end)),
        one.attempts > 1 && `, after ${many(one.attempts, "attempt")}`, one.answer && make("small", { class: "muted below" }, foreign(one.answer)));
}

export function makeToldTable() {
    const note = make("p", { class: "muted" });
    const table = makeTable({ caption: "Notifications", className: "tight", columns: [
        { title: "Raised", cell: (one) => makeTime(one.at * 1000, true) },
        { title: "Told", head: true, cell: (one) => make("span", null, foreign(one.receiver, "span"), make("small", { class: "muted below" }, foreign(one.title))) },
        { title: "State", class: "short", cell: (one) => makeStateWord(one.state) },
        { title: "Group", wide: true, cell: (one) => foreign(one.group, "span") },
        { title: "What became of it", cell: becameIn },
    ] });
    table.node.hidden = true;

    async function update(id, signal) {
        const { notifications } = await ask("/api/v1/notifications", { monitor: id, count: SHOWN_MAX }, signal);
        table.node.hidden = notifications.length === 0;
        setText(note, notifications.length === 0 ? "Nobody was told of it yet." : "");
        table.update(notifications);
    }
    return { node: make("div", { class: "tall" }, table.node, note), update };
}
