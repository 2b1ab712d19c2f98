/* page/range.js: which stretch of time is looked at: the last minutes or hours, or free.
 *
 * As parameters of an address: range=1h, or range=free with from and to in Unix seconds. A stretch
 * that ends now may be live. */

import { pulse } from "./api.js";
import { make, makeChoice } from "./dom.js";
import { clock, day } from "./format.js";

const LAST = { "15m": 900, "1h": 3600, "4h": 14400, "1d": 86400 };
const CHOICES = [["15m", "15 m"], ["1h", "1 h"], ["4h", "4 h"], ["1d", "1 d"], ["free", "Free"]];

function localText(s) {
    return `${day(s * 1000)}T${clock(s * 1000)}`;
}

function secondsOf(input) {
    const ms = Date.parse(input.value); /* without a zone: the reader's */
    return Number.isNaN(ms) ? null : Math.floor(ms / 1000);
}

/* onChange() after each choice. span(): { from_s, to_s }, as of now. */
export function makeRange(parameters, onChange) {
    let which = Object.hasOwn(LAST, parameters.range ?? "") || parameters.range === "free" ? parameters.range : "1h";
    const now_s = pulse.now_s();
    const from = make("input", { type: "datetime-local", step: "1" });
    const to = make("input", { type: "datetime-local", step: "1" });
    const free = make("div", { class: "free" }, make("label", null, "From", from), make("label", null, "To", to));
    const choice = makeChoice("Range", CHOICES, which, (chosen) => {
        if (chosen === "free") setFree(span().from_s, span().to_s);
        which = chosen;
        free.hidden = which !== "free";
        onChange();
    });

    function setFree(from_s, to_s) {
        from.value = localText(from_s);
        to.value = localText(to_s);
    }

    function span() {
        const end_s = pulse.now_s();
        if (which !== "free") return { from_s: end_s - LAST[which], to_s: end_s };
        const to_s = secondsOf(to) ?? end_s;
        return { from_s: secondsOf(from) ?? to_s - 3600, to_s };
    }

    /* The reader drew over a part of the chart. */
    function zoom(from_s, to_s) {
        setFree(Math.floor(from_s), Math.ceil(to_s));
        which = "free";
        choice.set(which);
        free.hidden = false;
        onChange();
    }

    setFree(Number(parameters.from) || now_s - 3600, Number(parameters.to) || now_s);
    free.hidden = which !== "free";
    for (const input of [from, to]) input.addEventListener("change", onChange);

    return {
        nodes: [choice.node, free], span, zoom,
        endsNow: () => which !== "free",
        parameters: () => (which === "free" ? { range: which, from: span().from_s, to: span().to_s }
            : { range: which === "1h" ? "" : which }),
    };
}
