/* page/services.js: the services that are traced: how much is asked of them, how much fails, and how
 * long it takes. One with several operations has a row for each.
 *
 *   #/services?range=4h */

import { isAbort, pulse, repeat } from "./api.js";
import { make, makeNotice, setText } from "./dom.js";
import { many, visible } from "./format.js";
import { makeRange } from "./range.js";
import { address, remember } from "./router.js";
import { linkIn, makeTable } from "./table.js";
import { askTraced, NUMBERS } from "./traced.js";

const PERIOD_MS = 10000;

function serviceIn(row, td, range) {
    linkIn(td, visible(row.service), address("service", { name: row.service, ...range.parameters() }));
    let small = td.querySelector("small");
    if (!small) td.append(small = make("small", { class: "narrow muted" }));
    setText(small, visible(row.operation));
}

export function openServices(place, parameters, signal) {
    const range = makeRange(parameters, () => {
        remember("services", range.parameters());
        again();
    });
    const notice = makeNotice("Asking the server …");
    const table = makeTable({ caption: "Services", className: "list traced", columns: [
        { title: "Service", head: true, cell: (row, td) => serviceIn(row, td, range) },
        { title: "Operation", wide: true, cell: (row) => visible(row.operation) },
        ...NUMBERS,
    ] });

    table.node.hidden = true;
    place.append(make("h1", null, "Services"), make("div", { class: "tools" }, range.nodes), table.node, notice);

    function show({ rows, left }) {
        table.update(rows);
        table.node.hidden = rows.length === 0;
        notice.hidden = rows.length > 0 && left === 0;
        setText(notice, rows.length === 0 ? "No traced service was asked for anything in this range. What tracing libraries send to apm_config.receiver_port is here some 30 seconds later; apm_config.enabled opens that port."
            : `${many(left, "more operation is", "more operations are")} not shown: ask for them on Query.`);
    }

    async function turn() {
        try {
            show(await askTraced(["service"], {}, range.span(), signal));
        } catch (problem) {
            if (isAbort(problem) || pulse.goneSince !== 0) return;
            notice.hidden = false;
            setText(notice, `No answer: ${visible(problem.message)}. It is asked again.`);
        }
    }

    const again = repeat(turn, PERIOD_MS, signal);
    return { title: "Services" };
}
