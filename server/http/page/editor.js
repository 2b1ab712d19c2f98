/* page/editor.js: the JSON of what is defined, to look at and to write.
 *
 *   makeEditor({ save(text), readOnly, onWritten(text) })
 *
 * What the server refuses stands below with its sentence, and the caret where it says the fault is. */

import { isAbort } from "./api.js";
import { make } from "./dom.js";
import { visible } from "./format.js";

/* The place in a text of its byte in UTF-8. */
function placeOfByte(text, byte) {
    const before = new TextEncoder().encode(text).slice(0, byte);
    return new TextDecoder().decode(before).length;
}

/* The object that a text is; null: it is none. */
export function parsed(text) {
    try {
        const said = JSON.parse(text);
        return said !== null && typeof said === "object" && !Array.isArray(said) ? said : null;
    } catch {
        return null;
    }
}

/* save(text) throws a Refusal, or gives what to say. readOnly: why it cannot be saved, or null. onWritten(text):
 * somebody wrote in it. */
export function makeEditor({ save, readOnly = null, onWritten = () => {} }) {
    const area = make("textarea", { id: "definition", class: "code", rows: 24, spellcheck: "false", autocomplete: "off", autocapitalize: "off",
        "aria-describedby": "definition-said", readonly: readOnly !== null });
    const said = make("p", { id: "definition-said", role: "status", class: readOnly ? "muted" : "" }, readOnly);
    const button = make("button", { type: "submit", class: "main", hidden: readOnly !== null }, "Save");
    const node = make("form", { class: "editor" }, make("label", { for: "definition" }, "Definition, as JSON"), area,
        make("div", { class: "tools" }, button, said));

    function say(text, isBad) {
        said.textContent = visible(text);
        said.className = isBad ? "bad-text" : "muted";
        if (isBad) area.setAttribute("aria-invalid", "true");
        else area.removeAttribute("aria-invalid");
    }

    function showFault(sentence) {
        const byte = sentence.match(/at byte (\d+)$/);
        say(`Not saved: ${sentence}`, true);
        if (!byte) return;
        const place = placeOfByte(area.value, Number(byte[1]));
        area.focus();
        area.setSelectionRange(place, Math.min(place + 1, area.value.length));
    }

    area.addEventListener("change", () => onWritten(area.value));
    node.addEventListener("submit", async (event) => {
        event.preventDefault();
        button.disabled = true;
        say("Saving …", false);
        try {
            say(await save(area.value), false);
        } catch (problem) {
            if (!isAbort(problem)) showFault(problem.message);
        } finally {
            button.disabled = false;
        }
    });
    return { node, say, show: (definition) => { area.value = JSON.stringify(definition, null, 2); } };
}

/* What the server says of a dashboard or a monitor, and nobody writes. */
const SAID = ["id", "new_id", "url", "author_handle", "author_name", "created_at", "modified_at", "created", "modified", "created_by", "file",
    "org_id", "multi", "deleted", "assets", "restriction_policy", "restricted_roles", "draft_status", "overall_state", "overall_state_modified", "creator",
    "state", "matching_downtimes", "problem"];

export function withoutSaid(definition) {
    return Object.fromEntries(Object.entries(definition).filter(([name]) => !SAID.includes(name)));
}
