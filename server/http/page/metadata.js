/* page/metadata.js: what is written about a metric: its unit and what that is divided by, and a few
 * sentences. It is read, shown, and written by a form; nobody need have written any of it. */

import { ask, isAbort, send } from "./api.js";
import { make, setText } from "./dom.js";
import { visible } from "./format.js";
import { UNIT_NAMES } from "./unit.js";

function makeField(id, label, input) {
    return make("div", { class: "grow" }, make("label", { for: id }, label), input);
}

function makeInput(id, attributes) {
    return make("input", { type: "text", id, autocomplete: "off", autocapitalize: "off", spellcheck: "false", maxlength: 100, ...attributes });
}

function makeForm() {
    const unit = makeInput("unit", { list: "units", placeholder: "byte, request, …" });
    const per = makeInput("per-unit", { list: "units", placeholder: "second, or nothing" });
    const description = make("textarea", { id: "description", rows: 3, maxlength: 4000 });
    const problem = make("p", { class: "bad-text", role: "alert" });
    const cancel = make("button", { type: "button" }, "Cancel");
    const node = make("form", { class: "written panel", hidden: true, "aria-label": "What is written about it" },
        make("div", { class: "tools" }, makeField("unit", "Unit", unit), makeField("per-unit", "Per", per)),
        makeField("description", "Description", description),
        make("datalist", { id: "units" }, UNIT_NAMES.map((name) => make("option", { value: name }))), problem,
        make("div", { class: "tools" }, make("button", { type: "submit", class: "main" }, "Save"), cancel));
    return { node, unit, per, description, problem, cancel };
}

/* name: of the metric; onChange() when there is something new. written: { unit, per_unit,
 * description, … }, null until it is known. */
export function makeMetadata(name, onChange, signal) {
    const path = `/api/v1/metrics/${encodeURIComponent(name)}`;
    const text = make("p", { class: "description", hidden: true });
    const edit = make("button", { type: "button", "aria-expanded": "false", disabled: true }, "Edit unit and description");
    const form = makeForm();
    const self = { node: make("div", null, text, form.node), edit, written: null };

    function take(written) {
        self.written = written;
        edit.disabled = false;
        setText(text, (written.description ?? "").split("\n").map(visible).join("\n"));
        text.hidden = text.textContent === "";
        onChange();
    }

    function open(isOpen) {
        form.node.hidden = !isOpen;
        edit.setAttribute("aria-expanded", String(isOpen));
        setText(form.problem, "");
        if (!isOpen) {
            edit.focus();
            return;
        }
        form.unit.value = self.written.unit ?? "";
        form.per.value = self.written.per_unit ?? "";
        form.description.value = self.written.description ?? "";
        form.unit.focus();
    }

    const filled = (input) => input.value.trim() || null; /* null: it is forgotten */

    async function save() {
        try {
            const written = { unit: filled(form.unit), per_unit: filled(form.per), description: filled(form.description) };
            take(await send("PUT", path, JSON.stringify(written), signal));
            open(false);
        } catch (problem) {
            if (!isAbort(problem)) setText(form.problem, `It was not saved: ${visible(problem.message)}`);
        }
    }

    edit.addEventListener("click", () => open(form.node.hidden));
    form.cancel.addEventListener("click", () => open(false));
    form.node.addEventListener("submit", (event) => {
        event.preventDefault();
        save();
    });
    form.node.addEventListener("keydown", (event) => {
        if (event.key === "Escape") open(false);
    });
    ask(path, {}, signal).then(take).catch(() => { /* nothing can be written about it: the button stays off */ });
    return self;
}
