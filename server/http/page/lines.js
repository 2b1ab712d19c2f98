/* page/lines.js: the lines as they arrive, bad ones with the reason and a mark at the byte.
 *
 *   #/lines?match=shop.*&from=pid:4711&bad=1&events=1 */

import { make } from "./dom.js";
import { remember } from "./router.js";
import { makeTail } from "./tail.js";

const TYPING_MS = 300;

function makeField(id, label, value, placeholder) {
    const input = make("input", { type: "text", id, value, placeholder, autocomplete: "off", autocapitalize: "off", spellcheck: "false" });
    return { input, node: make("div", { class: "grow" }, make("label", { for: id }, label), input) };
}

function makeBox(label, isChecked) {
    const input = make("input", { type: "checkbox" });
    input.checked = isChecked;
    return { input, node: make("label", { class: "check" }, input, label) };
}

export function openLines(place, parameters, signal) {
    const match = makeField("match", "Name", parameters.match ?? "", "all, or shop.*");
    const from = makeField("from", "Sender", parameters.from ?? "", "all");
    const bad = makeBox("Only bad ones", parameters.bad === "1");
    const events = makeBox("Only events and checks", parameters.events === "1");
    const pause = make("button", { type: "button", "aria-pressed": "false" }, "Pause");
    const clear = make("button", { type: "button" }, "Clear");
    const tail = makeTail({ label: "Lines, the newest first", signal });
    let typing = 0, isPaused = false;

    function chosen() {
        return { match: match.input.value.trim(), from: from.input.value.trim(),
            bad: bad.input.checked ? 1 : "", events: events.input.checked ? 1 : "" };
    }

    function changed() {
        remember("lines", chosen());
        tail.start(chosen());
    }

    function typed() {
        clearTimeout(typing);
        typing = setTimeout(() => {
            if (!signal.aborted) changed();
        }, TYPING_MS);
    }

    place.append(make("h1", null, "Lines"),
        make("div", { class: "tools" }, match.node, from.node, bad.node, events.node, pause, clear), tail.node);
    for (const field of [match, from]) field.input.addEventListener("input", typed);
    for (const box of [bad, events]) box.input.addEventListener("change", changed);
    pause.addEventListener("click", () => {
        isPaused = !isPaused;
        pause.setAttribute("aria-pressed", String(isPaused));
        tail.pause(isPaused);
    });
    clear.addEventListener("click", tail.clear);
    tail.start(chosen());
    return { title: "Lines" };
}
