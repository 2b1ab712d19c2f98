/* page/message.js: the message of a monitor, with what in it nobody knows.
 *
 *   "{{value}} on {{host.nmae}}"   ->   the text, in which {{host.nmae}} is marked
 *
 * What there is: flush/monitors/template_values.c. A variable that is not known is empty in what is sent. */

import { keysOf } from "./condition.js";
import { make, foreign } from "./dom.js";
import { visible } from "./format.js";

const VARIABLES = ["value", "threshold", "warn_threshold", "ok_threshold", "comparator", "first_triggered_at", "first_triggered_at_epoch",
    "last_triggered_at", "last_triggered_at_epoch", "triggered_duration_sec", "check_message"];
const BLOCKS = ["is_alert", "is_warning", "is_no_data", "is_unknown", "is_recovery", "is_alert_recovery", "is_warning_recovery", "is_no_data_recovery",
    "is_alert_to_warning", "is_warning_to_alert", "is_no_data_to_alert", "is_renotify", "is_priority", "is_match", "is_exact_match"];

/* What is not to be read, a comment, a variable or the mark of a block. */
const PARTS = /\{\{\{\{raw\}\}\}\}[^]*?\{\{\{\{\/raw\}\}\}\}|\{\{!--[^]*?--\}\}|\{\{\{?([^{}]*)\}\}\}?/g;

/* A group by host has the tags of its host too, so there any of them may be. */
function isKnown(inside, { query, type }) {
    const text = inside.trim();
    const match = text.match(/^[#^]\s*is_(?:exact_)?match\s+(?:\(.*\)|(["'])(.*?)\1)\s+\S/);
    if (/^[#^]\s*is_(exact_)?match\b/.test(text)) return match !== null && (match[2] === undefined || isKnown(match[2], { query, type }));
    if (/^[#^/]/.test(text)) return BLOCKS.includes(text.slice(1).trim().split(/\s/)[0]);
    if (text === "else" || VARIABLES.includes(text)) return true;
    if (type === "composite" && /^[a-j]\./.test(text)) return true;
    const keys = keysOf(query), key = text.match(/^(?:\[([^\]]+)\]|(.+))\.name$/);
    if (keys.includes("host") && text.startsWith("host.") && !text.startsWith("host.metadata_")) return true;
    return key !== null && keys.includes(key[1] ?? key[2]);
}

/* [{ text, isUnknown }], which are the whole of it. */
export function partsOf(message, definition) {
    const parts = [];
    let end = 0;
    for (const found of message.matchAll(PARTS)) {
        if (found[1] === undefined || isKnown(found[1], definition)) continue;
        parts.push({ text: message.slice(end, found.index), isUnknown: false }, { text: found[0], isUnknown: true });
        end = found.index + found[0].length;
    }
    return [...parts, { text: message.slice(end), isUnknown: false }];
}

const textOf = ({ message }) => (typeof message === "string" ? message : "");

/* A sentence that names what is not known; hidden when all is. */
export function makeUnknown(definition) {
    const unknown = [...new Set(partsOf(textOf(definition), definition).filter(({ isUnknown }) => isUnknown).map(({ text }) => text))];
    return make("p", { class: "bad-text", hidden: unknown.length === 0 }, "Not known, and empty when it is sent: ",
        unknown.map((text, i) => [i > 0 && ", ", foreign(text, "code")]), ".");
}

/* As elements. Its lines stay lines. */
export function makeMessage(definition) {
    const lines = (text) => text.split(/\r?\n/).map(visible).join("\n");
    const parts = partsOf(textOf(definition), definition).map(({ text, isUnknown }) => (isUnknown ? make("mark", null, lines(text)) : lines(text)));
    return make("div", { class: "panel" },
        textOf(definition) === "" ? make("p", { class: "muted" }, "It has none: its title, its value and its group are sent.")
            : make("p", { class: "message-text" }, make("bdi", null, parts)), makeUnknown(definition));
}
