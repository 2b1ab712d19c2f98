/* page/monitorform.js: a monitor as a form: its query, thresholds and window, with how it would have been over
 * the last day; and its JSON, to take away or to save.
 *
 *   makeMonitorForm({ definition, save(text), readOnly, signal })
 *
 * The JSON is what is saved: the fields write into it, and read it when somebody wrote there. What the fields
 * do not show stays as it is. */

import { isAbort, pulse } from "./api.js";
import { makeCompletion } from "./complete.js";
import { COMPARATORS, isAnomalies, readCondition, REDUCERS, writeCondition } from "./condition.js";
import { make, setText } from "./dom.js";
import { makeEditor, parsed } from "./editor.js";
import { makeEvaluated } from "./evaluated.js";
import { makeUnknown } from "./message.js";

const SPANS = ["5m", "10m", "15m", "30m", "1h", "2h", "4h", "1d", "1w"], TYPING_MS = 400, PREVIEW_S = 86400;

function makeField(label, input, className = "") {
    return make("label", { class: className }, label, input);
}

function makeSelect(values) {
    return make("select", null, values.map(([value, text]) => make("option", { value }, text)));
}

/* One that the list does not have stands behind it. */
function choose(select, value) {
    if (![...select.options].some((option) => option.value === value)) select.append(make("option", { value }, value));
    select.value = value;
}

function makeFields() {
    const number = () => make("input", { type: "number", step: "any" });
    const text = (more) => make("input", { type: "text", autocomplete: "off", spellcheck: "false", ...more });
    return { name: text(), reduce: makeSelect(Object.entries(REDUCERS)), span: makeSelect(SPANS.map((span) => [span, `last ${span}`])),
        expression: text({ class: "code", placeholder: "avg:metric{*} by {host}" }), comparator: makeSelect(COMPARATORS.map((one) => [one, one])),
        critical: number(), warning: number(), tags: text({ placeholder: "team:web, env:live" }),
        silence: make("input", { type: "checkbox" }), minutes: make("input", { type: "number", min: 1, step: 1 }),
        message: make("textarea", { rows: 5, placeholder: "{{#is_alert}}It is {{value}} on {{host.name}}.{{/is_alert}} @someone@example.org" }) };
}

/* A number of a field, or nothing. */
const numberIn = (input) => (input.value === "" ? undefined : Number(input.value));

/* The definition with what stands in the fields. */
function written(definition, fields, condition) {
    const thresholds = { ...definition.options?.thresholds, critical: numberIn(fields.critical), warning: numberIn(fields.warning) };
    const options = { ...definition.options, thresholds };
    const next = { ...definition, name: fields.name.value, message: fields.message.value, options,
        tags: fields.tags.value.split(",").map((tag) => tag.trim()).filter((tag) => tag !== "") };
    if (options.on_missing_data === undefined) {
        options.notify_no_data = fields.silence.checked;
        options.no_data_timeframe = fields.silence.checked ? numberIn(fields.minutes) : undefined;
    }
    if (condition) next.query = writeCondition({ ...condition, reduce: fields.reduce.value, span: fields.span.value, expression: fields.expression.value.trim(),
        comparator: fields.comparator.value, critical: fields.critical.value || 0 });
    return next;
}

function show(fields, definition, condition) {
    const options = definition.options ?? {}, thresholds = options.thresholds ?? {};
    for (const name of ["name", "message"]) fields[name].value = definition[name] ?? "";
    fields.tags.value = Array.isArray(definition.tags) ? definition.tags.join(", ") : "";
    fields.critical.value = thresholds.critical ?? condition?.critical ?? "";
    fields.warning.value = thresholds.warning ?? "";
    fields.silence.checked = options.notify_no_data === true;
    fields.silence.disabled = fields.minutes.disabled = options.on_missing_data !== undefined;
    fields.minutes.value = options.no_data_timeframe ?? "";
    for (const name of ["reduce", "span", "expression", "comparator"]) fields[name].disabled = !condition;
    if (!condition) return;
    fields.expression.value = condition.expression;
    for (const name of ["reduce", "span", "comparator"]) choose(fields[name], condition[name]);
}

function explain(condition) {
    if (!condition) return "A query of this kind is written in the JSON below.";
    if (condition.change) return `It looks at the ${condition.change === "change" ? "change" : "change in percent"} over ${condition.shift}, as the JSON below says.`;
    return isAnomalies(condition) ? "It looks at the share of points outside of a band: thresholds are from 0 to 1." : "";
}

export function makeMonitorForm({ definition: given, save, readOnly = null, signal }) {
    let definition = given, typing = 0, request = null;
    const fields = makeFields(), note = make("p", { class: "muted" }), unknown = make("div");
    const preview = makeEvaluated({ label: "The last day", signal });
    const editor = makeEditor({ save, readOnly, onWritten: read });
    const completion = makeCompletion(fields.expression, signal);
    const form = make("form", { class: "fields" },
        makeField("Name", fields.name, "whole"),
        makeField("Query", make("span", { class: "asked" }, fields.expression, completion.list), "whole"),
        makeField("Looked at", fields.reduce), makeField("Window", fields.span), makeField("Alert when", fields.comparator),
        makeField("Critical", fields.critical), makeField("Warning", fields.warning),
        make("label", { class: "check" }, fields.silence, "Tell when no data comes"), makeField("For so many minutes", fields.minutes),
        makeField("Tags", fields.tags, "whole"), makeField("Message", fields.message, "whole"));
    const node = make("div", null, form, unknown, note, make("h2", null, "Over the last day"), preview.node, editor.node);

    async function look() {
        request?.abort();
        request = new AbortController();
        unknown.replaceChildren(makeUnknown(definition));
        const to_s = Math.floor(pulse.now_s() / 60) * 60;
        try {
            await preview.update(definition, { from_s: to_s - PREVIEW_S, to_s }, AbortSignal.any([signal, request.signal]));
        } catch (problem) {
            if (!isAbort(problem)) setText(note, `No answer: ${problem.message}.`);
        }
    }

    /* Not for every letter, and not before it is opened. */
    function lookSoon() {
        clearTimeout(typing);
        typing = setTimeout(() => {
            if (!signal.aborted && node.isConnected && node.closest("details")?.open !== false) look();
        }, TYPING_MS);
    }

    function showAll() {
        const condition = readCondition(definition.query);
        show(fields, definition, condition);
        setText(note, explain(condition));
        lookSoon();
    }

    function read(text) {
        definition = parsed(text) ?? definition; /* a fault is said when it is saved */
        showAll();
    }

    form.addEventListener("submit", (event) => event.preventDefault());
    function write() {
        definition = written(definition, fields, readCondition(definition.query));
        editor.show(definition);
        lookSoon();
    }

    /* Somebody wrote all of a monitor's query there: its parts belong to the other fields. */
    function takeApart() {
        const all = readCondition(fields.expression.value);
        if (!all || all.change) return;
        fields.expression.value = all.expression;
        fields.critical.value = all.critical;
        for (const name of ["reduce", "span", "comparator"]) choose(fields[name], all[name]);
        write();
    }

    form.addEventListener("input", write);
    fields.expression.addEventListener("change", takeApart);
    for (const field of readOnly ? Object.values(fields) : []) field.readOnly = true;

    /* Another definition, as the server has it. */
    function showDefinition(next) {
        definition = next;
        editor.show(definition);
        showAll();
    }
    showDefinition(given);
    return { node, say: editor.say, show: showDefinition, look: lookSoon };
}
