/* page/dom.js: elements, made and changed.
 *
 * Names, tags, lines and events come from anybody. Here they become text, and nothing in
 * this folder makes markup of a string: tests/check_page.sh looks for that. */

import { clock, duration, stamp, utc, visible } from "./format.js";

const SVG = "http://www.w3.org/2000/svg";

function fill(node, attributes, children) {
    for (const [name, value] of Object.entries(attributes ?? {}))
        if (value === true) node.setAttribute(name, "");
        else if (value !== false && value != null) node.setAttribute(name, value);
    node.append(...children.flat(Infinity).filter((child) => child != null && child !== false));
    return node;
}

/* An element with attributes (true: without a value; false, null: not there) and children. */
export function make(tag, attributes, ...children) {
    return fill(document.createElement(tag), attributes, children);
}

export function makeSvg(tag, attributes, ...children) {
    return fill(document.createElementNS(SVG, tag), attributes, children);
}

/* Touches the page only when there is something new, so that what is selected stays so. */
export function setText(node, text) {
    if (node.textContent !== text) node.textContent = text;
}

/* Text of strangers, isolated and with what is invisible made visible. */
export function foreign(text, tag = "bdi") {
    return make(tag, null, visible(text));
}

/* The time of the reader's zone; UTC when pointed at, and for programs. */
export function makeTime(ms, withDate = false) {
    return make("time", { datetime: new Date(ms).toISOString(), title: utc(ms) },
        withDate ? stamp(ms) : clock(ms));
}

/* "12 s ago", and when pointed at the time. */
export function makeAgo(ms, now_ms) {
    return make("time", { datetime: new Date(ms).toISOString(), title: `${stamp(ms)}, ${utc(ms)}` }, `${duration((now_ms - ms) / 1000)} ago`);
}

/* A row of buttons of which one is pressed. options: [[value, label]]; set() changes it without
 * telling. */
export function makeChoice(label, options, chosen, onChoose) {
    const buttons = options.map(([value, text]) => {
        const button = make("button", { type: "button", "aria-pressed": String(value === chosen) }, text);
        button.addEventListener("click", () => {
            set(value);
            onChoose(value);
        });
        return [value, button];
    });
    function set(value) {
        for (const [own, button] of buttons) button.setAttribute("aria-pressed", String(own === value));
    }
    const node = make("div", { class: "choice", role: "group", "aria-label": label },
        buttons.map(([, button]) => button));
    return { node, set };
}

/* A button that has to be pressed twice: sure is what it says in between. */
export function makeTwice(text, sure, deed, label = null) {
    const button = make("button", { type: "button", class: "delete", "aria-label": label }, text);
    let isSure = false;
    button.addEventListener("click", () => {
        if (isSure) deed();
        isSure = true;
        button.textContent = sure;
        button.removeAttribute("aria-label");
    });
    return button;
}

/* A section with its heading; what stands beside the heading is at its right. */
export function makeSection(title, beside, ...children) {
    return make("section", null,
        make("div", { class: "head" }, make("h2", null, title), beside),
        ...children);
}

/* What stands where there is nothing to show: loading, empty, failed. */
export function makeNotice(text, kind = "") {
    return make("p", { class: `notice-text ${kind}` }, text);
}
