/* page/note.js: the text of a note as elements: headings, lists, lines, **strong**, `code` and links.
 *
 * What it holds comes from anybody, so a link leads to http or https only, and every other sign of a
 * markup is text. */

import { make } from "./dom.js";
import { visible } from "./format.js";

/* A link, strong, code, or an address as it stands. */
const INLINE = /\[([^\]\n]*)\]\(([^()\s]*)\)|\*\*([^*\n]+)\*\*|`([^`\n]+)`|(https?:\/\/[^\s<>"'`()[\]]+)/g;

/* null: it leads to something else than a page. */
function addressOf(text) {
    if (!/^https?:\/\//i.test(text)) return null;
    try {
        return new URL(text).href;
    } catch {
        return null;
    }
}

function makeLink(text, address, whole) {
    const href = addressOf(address);
    return href === null ? visible(whole)
        : make("a", { href, rel: "noopener noreferrer nofollow", target: "_blank" }, make("bdi", null, visible(text || address)));
}

function inline(text) {
    const parts = [];
    let end = 0;
    for (const found of text.matchAll(INLINE)) {
        const [whole, label, address, strong, code, plain] = found;
        parts.push(visible(text.slice(end, found.index)));
        if (address !== undefined) parts.push(makeLink(label, address, whole));
        else if (strong !== undefined) parts.push(make("strong", null, visible(strong)));
        else if (code !== undefined) parts.push(make("code", null, visible(code)));
        else parts.push(makeLink(plain, plain, whole));
        end = found.index + whole.length;
    }
    return make("bdi", null, ...parts, visible(text.slice(end)));
}

/* The lines of a note, of which those of a list stand together. */
export function makeNoteText(text) {
    const nodes = [];
    let list = null, paragraph = null;

    function addLine(line) {
        const item = line.match(/^\s*(?:[-*+]|\d+[.)])\s+(.*)$/), heading = line.match(/^#{1,6}\s+(.*)$/);
        if (item) {
            if (!list) nodes.push(list = make("ul", { class: "bullets" }));
            list.append(make("li", null, inline(item[1])));
            paragraph = null;
            return;
        }
        list = null;
        if (heading) nodes.push(make("p", { class: "note-head" }, inline(heading[1])));
        else if (line.trim() !== "" && paragraph) paragraph.append(make("br"), inline(line));
        else if (line.trim() !== "") nodes.push(make("p", null, inline(line)));
        paragraph = heading || line.trim() === "" ? null : nodes.at(-1);
    }

    for (const line of text.split(/\r?\n/)) addLine(line);
    return make("div", { class: "note" }, ...nodes);
}
