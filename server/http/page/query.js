/* page/query.js: a question, its answer as a chart and a table, and its fault at its column.
 *
 *   #/query?q=avg:load{*}&range=4h&live=off */

import { ask, isAbort, pulse, repeat, Refusal } from "./api.js";
import { canBeAsked, makeGroups, readAnswer } from "./answer.js";
import { makeChart } from "./chart.js";
import { makeCompletion } from "./complete.js";
import { make, makeNotice, makeTime, setText, foreign } from "./dom.js";
import { visible } from "./format.js";
import { makeRange } from "./range.js";
import { address, remember } from "./router.js";

/* ---- a fault at its column --------------------------------------------- */

/* "column 9: expected ..." below the question, with a mark under the ninth letter. */
function makeFault() {
    const node = make("div", { class: "fault", role: "alert", id: "fault" });

    function show(question, sentence) {
        const column = sentence.match(/^column (\d+): (.*)$/s);
        if (!column) {
            node.replaceChildren(make("p", { class: "bad-text" }, visible(sentence)));
            return null;
        }
        const at = Number(column[1]) - 1;
        const letters = Array.from(question), caret = letters.slice(0, at).join("").length;
        node.replaceChildren(
            make("p", { class: "bad-text" }, `Column ${at + 1}: ${visible(column[2])}`),
            make("pre", { "aria-hidden": "true" }, `${letters.map(oneWide).join("")}\n${" ".repeat(at)}^`));
        return caret;
    }
    return { node, show, clear: () => node.replaceChildren() };
}

function oneWide(letter) {
    return visible(letter) === letter ? letter : "·";
}

/* ---- before there is a question ---------------------------------------- */

async function makeExamples(signal) {
    const said = await ask("/api/v1/catalogue", { sort: "values", limit: 5 }, signal);
    const names = said.metrics.map(({ name }) => name).filter(canBeAsked);
    return make("div", { class: "examples" },
        make("p", { class: "muted" }, names.length > 0 ? "For example:" : "No metric has come yet."),
        make("ul", null, names.map((name) =>
            make("li", null, make("a", { href: address("query", { q: `avg:${name}{*}` }) }, foreign(`avg:${name}{*}`))))));
}

/* ---- the view ---------------------------------------------------------- */

function makeForm(parameters) {
    const input = make("input", { type: "text", id: "question", class: "code", value: parameters.q ?? "", maxlength: 4096,
        placeholder: "avg:metric{*} by {host}", "aria-describedby": "fault" });
    const run = make("button", { type: "submit", class: "main" }, "Ask");
    const box = make("div", { class: "asked" }, input);
    const form = make("form", { class: "question" }, make("label", { for: "question" }, "Question"), box, run);
    return { form, input, box };
}

export function openQuery(place, parameters, signal) {
    const { form, input, box } = makeForm(parameters);
    const completion = makeCompletion(input, signal);
    const fault = makeFault();
    const range = makeRange(parameters, () => changed());
    const live = make("input", { type: "checkbox", id: "live" });
    const note = make("p", { class: "muted", "aria-live": "polite" });
    const hint = make("div");
    const chart = makeChart({ label: "Answer", height: 320, legend: false, onRange: range.zoom, signal });
    const groups = makeGroups();
    const result = make("div", { class: "result", hidden: true }, make("div", { class: "panel" }, chart.node), groups.node);
    let question = (parameters.q ?? "").trim();
    let wasSubmitted = false;
    let request = null;

    live.checked = parameters.live !== "off";
    live.disabled = !range.endsNow();
    box.append(completion.list);
    place.append(make("h1", null, "Query"), form, fault.node,
        make("div", { class: "tools" }, range.nodes, make("label", { class: "check" }, live, "Live")), hint, result, note);

    function changed() {
        live.disabled = !range.endsNow();
        remember("query", { q: question, ...range.parameters(), live: live.checked ? "" : "off" });
        again();
    }

    function showFault(problem) {
        const caret = fault.show(question, problem.message);
        input.setAttribute("aria-invalid", "true");
        result.hidden = true;
        setText(note, "");
        if (caret !== null && wasSubmitted && input.value.trim() === question) {
            const lead = input.value.length - input.value.trimStart().length;
            input.focus();
            input.setSelectionRange(caret + lead, caret + lead);
        }
    }

    function showAnswer(answer, span) {
        const read = readAnswer(answer, [span.from_s, span.to_s]);
        fault.clear();
        input.removeAttribute("aria-invalid");
        result.hidden = read.groups.length === 0;
        note.replaceChildren();
        if (read.groups.length === 0) note.append("No series fits the question in this range.");
        else if (answer.message) note.append(visible(answer.message));
        else if (answer.open_from_date) note.append("The interval since ", makeTime(answer.open_from_date), " is not over, and is not shown yet.");
        if (read.groups.length === 0) return;
        chart.update(read);
        groups.update(read);
    }

    async function turn() {
        if (question === "") return;
        const span = range.span();
        request?.abort();
        request = new AbortController();
        const asked = question;
        try {
            if (result.hidden) setText(note, "Asking …");
            const answer = await ask("/api/v1/query", { from: span.from_s, to: span.to_s, query: asked },
                AbortSignal.any([signal, request.signal]));
            showAnswer(answer, span);
        } catch (problem) {
            if (isAbort(problem)) return;
            if (problem instanceof Refusal && problem.status >= 400 && problem.status < 500) showFault(problem);
            else if (problem instanceof Refusal) setText(note, `No answer: ${problem.message}. It is asked again.`);
            else throw problem;
        }
        wasSubmitted = false;
    }

    /* Without "live" once an hour is never again: the page asks when something is chosen. */
    const period = () => (live.checked && range.endsNow() ? (pulse.status?.interval_s ?? 10) * 1000 : 3600000);
    const again = repeat(turn, period, signal);

    form.addEventListener("submit", (event) => {
        event.preventDefault();
        completion.close();
        question = input.value.trim();
        wasSubmitted = true;
        hint.replaceChildren();
        if (question === "") fault.clear();
        request?.abort();
        changed();
    });
    live.addEventListener("change", changed);

    if (question === "")
        makeExamples(signal).then((examples) => {
            if (question === "") hint.append(examples);
        }).catch((problem) => {
            if (!isAbort(problem)) hint.append(makeNotice("Write a question, such as avg:metric{*}."));
        });
    return { title: "Query" };
}
