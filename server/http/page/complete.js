/* page/complete.js: what may stand next in a question, and the list that offers it.
 *
 *   [agg:]metric{scope}[ by {key,...}][.rollup(method[, seconds])][.as_count()|.as_rate()]
 *
 * or such queries with functions around them and arithmetic between. The grammar is that of
 * flush/language/expression.h; names, keys, tags and functions are those that the server knows. The
 * list is a combobox: arrows choose, Enter takes, Escape closes; without a choice
 * Enter asks the question. */

import { canBeAsked } from "./answer.js";
import { ask } from "./api.js";
import { make, foreign } from "./dom.js";
import { many } from "./format.js";

const AGGREGATES = [["avg:", "the mean"], ["sum:", "the sum"], ["min:", "the least"], ["max:", "the most"],
    ["count:", "how many"], ["p50:", "the median, of distributions"], ["p95:", "a percentile, of distributions"],
    ["p99:", "a percentile, of distributions"]];
const METHODS = ["avg", "sum", "min", "max", "count", "last"];
const SECONDS = [["60", "a minute"], ["300", "5 minutes"], ["3600", "an hour"]];
const OFFERED_MAX = 12, FUNCTIONS_MAX = 5; /* of them, beside names */

/* ---- where the caret stands -------------------------------------------- */

/* Where the operand or the argument begins that is being written: behind the last operator,
 * parenthesis or comma that is not within braces or quotes. { from, name, index, whole }: of the function
 * around it the name ("" for parentheses alone) and which of its arguments it is. whole: it ended
 * with a parenthesis. */
function placeOf(before) {
    const around = [];
    let from = 0, name = "", index = 0, closing = "", whole = false;
    for (let i = 0; i < before.length; i++) {
        const letter = before[i];
        if (closing !== "") {
            if (letter === closing) closing = "";
        } else if (letter === "{" || letter === "'" || letter === '"') {
            closing = letter === "{" ? "}" : letter;
        } else if (letter === "(") {
            const word = before.slice(from, i).match(/\.?[a-z_0-9]*\s*$/)[0].trim();
            if (word.startsWith(".")) {
                closing = ")"; /* of .rollup( ), which belongs to the query */
                continue;
            }
            around.push({ name, index });
            [from, name, index, whole] = [i + 1, word, 0, false];
        } else if (letter === ")") {
            ({ name, index } = around.pop() ?? { name: "", index: 0 });
            whole = true;
        } else if (letter === ",") {
            [from, index, whole] = [i + 1, around.length > 0 ? index + 1 : 0, false];
        } else if ("+*/".includes(letter) || (letter === "-" && !/[a-z_0-9.]$/i.test(before.slice(from, i)))) {
            [from, whole] = [i + 1, false];
        }
    }
    return { from, name, index, whole };
}

/* { kind, word, metric, key }: what is being written, and word is what there is of it. */
function contextOf(text) {
    const { from, name, index, whole } = placeOf(text);
    const before = text.slice(from);
    if (whole) return { kind: "none", word: "" };
    if (index > 0) return { kind: "argument", word: before.trimStart(), name, index };
    const head = before.match(/^\s*(?:([a-z0-9.]+):)?([^{]*)$/s);
    if (head) return { kind: head[1] ? "metric" : "start", word: head[2] };

    const parts = before.match(/^\s*(?:[a-z0-9.]+:)?([^{]*)\{([^}]*)(.*)$/s);
    const [, metric, scope, behind] = parts;
    const last = (list) => list.replace(/^.*(?:[,(!]|\b(?:AND|OR|NOT|IN)\s)/s, "").trimStart();
    if (behind === "") {
        const word = last(scope), colon = word.indexOf(":");
        return colon < 0 ? { kind: "key", word, metric } : { kind: "tag", word, metric, key: word.slice(0, colon) };
    }
    return { ...tailContext(behind.slice(1), last), metric };
}

function tailContext(text, last) {
    const by = text.match(/^\s*by\s*\{([^}]*)$/s);
    if (by) return { kind: "by", word: last(by[1]) };
    const inside = text.match(/\.rollup\(([^)]*)$/s);
    if (inside) return { kind: inside[1].includes(",") ? "seconds" : "method", word: last(inside[1]) };
    const name = text.match(/(\.[a-z_]*)$/);
    if (name) return { kind: "function", word: name[1] };
    const grouped = /by\s*\{/.test(text) || text.includes(".");
    return { kind: grouped ? "function" : "behind", word: text.match(/\s*b?y?$/)[0] };
}

/* ---- what fits there --------------------------------------------------- */

const KEPT_MS = 20000;
const known = new Map(); /* what the server said of a metric, for a while */

async function tagsOf(metric, signal) {
    const kept = known.get(metric);
    if (kept && Date.now() - kept.at < KEPT_MS) return kept.keys;
    const said = await ask("/api/v1/catalogue/metric", { name: metric, limit: 1 }, signal);
    if (known.size > 50) known.clear();
    known.set(metric, { at: Date.now(), keys: said.keys });
    return said.keys;
}

async function names(word, signal) {
    const said = await ask("/api/v1/catalogue", { match: word, limit: OFFERED_MAX, sort: "name" }, signal);
    return said.metrics.filter((one) => canBeAsked(one.name)).map((one) => ({ text: one.name, hint: one.type, then: "{" }));
}

let asked = null; /* the functions, which stay as they are while the server does */

/* Whoever types on is not to end it: the next letter asks for the same. */
function functionsOf() {
    asked ??= ask("/api/v1/functions", {}).then(({ functions }) => functions).catch(() => {
        asked = null;
        return [];
    });
    return asked;
}

async function behindQuery(word) {
    return (await functionsOf()).filter(({ name }) => name.startsWith(".") && name.startsWith(word))
        .map(({ name, arguments: said, sentence }) => ({ text: name + (said === "" ? "()" : "("), hint: hintOf(sentence) }));
}

async function aroundQuery(word) {
    return (await functionsOf()).filter(({ name }) => !name.startsWith(".") && name.startsWith(word))
        .map(({ name, sentence }) => ({ text: name, hint: hintOf(sentence), then: "(" }));
}

/* The words that may stand there: of 'max'|'mean' both. What has a name stands behind the others, in any order. */
async function argumentsOf({ name, index, word }) {
    const all = (await functionsOf()).find((one) => one.name === name)?.arguments.split(", ") ?? [];
    const named = all.filter((one) => one.includes("="));
    const fitting = index < all.length - named.length ? [all[index]] : named;
    return fitting.flatMap(choicesOf).filter((text) => text.startsWith(word) && text !== word).map((text) => ({ text, hint: "" }));
}

/* Of direction='above'|'below' each whole, of interval=seconds what it begins with. */
function choicesOf(argument) {
    const [, name = "", choices] = argument.match(/^(?:([a-z_]+=))?(.*)$/);
    const words = choices.split("|").filter((text) => /^['0-9]/.test(text));
    return words.length > 0 ? words.map((text) => name + text) : name === "" ? [] : [name];
}

function hintOf(sentence) {
    return sentence.replace(/[`[\]]|\(#[a-z]*\)/g, "");
}

function plain(pairs, word) {
    return pairs.filter(([text]) => text.startsWith(word) && text !== word).map(([text, hint]) => ({ text, hint }));
}

/* What a tag in a question may not have, and a * stands for. */
const ODD = /["'$(){},]| (?=[a-z][^ :]*:)/gi;

function keysOf(keys, word, then) {
    return keys.filter(({ key }) => key !== "" && key.startsWith(word))
        .map(({ key, values }) => ({ text: key, hint: many(values, "value"), then }));
}

/* [{ text, hint, then }]: the word, what to say of it, and what must follow. */
export async function offers(context, signal) {
    const { kind, word, metric } = context;
    switch (kind) {
    case "start": {
        const first = plain(AGGREGATES, word);
        return word === "" ? first
            : [...first, ...(await aroundQuery(word)).slice(0, FUNCTIONS_MAX), ...await names(word, signal).catch(() => [])];
    }
    case "metric":
        return names(word, signal);
    case "key":
        return [...plain([["*", "everything"]], word), ...keysOf(await tagsOf(metric, signal), word, ":")];
    case "by":
        return keysOf(await tagsOf(metric, signal), word, "");
    case "tag": {
        const key = (await tagsOf(metric, signal)).find((one) => one.key === context.key);
        return (key?.examples ?? []).map((value) => `${context.key}:${value.replace(ODD, "*")}`)
            .filter((text) => text.startsWith(word) && text !== word).map((text) => ({ text, hint: "" }));
    }
    case "behind":
        return [...plain([[" by {", "a group for each value of a tag"]], word === "" ? "" : " by {".startsWith(word) ? word : "x"),
            ...(word === "" ? await behindQuery("") : [])];
    case "function":
        return behindQuery(word);
    case "argument":
        return argumentsOf(context);
    case "none":
        return [];
    case "method":
        return plain(METHODS.map((method) => [method, "of the points of a step"]), word);
    default:
        return plain(SECONDS, word);
    }
}

/* ---- the list ---------------------------------------------------------- */

/* Makes the input a combobox; the list is the caller's to place, behind the input. */
export function makeCompletion(input, signal) {
    const list = make("ul", { class: "offers", role: "listbox", id: "offers", "aria-label": "What may stand here", hidden: true });
    let shown = [], chosen = -1, context = null, request = null;

    for (const [name, value] of Object.entries({ role: "combobox", "aria-autocomplete": "list", "aria-expanded": "false",
        "aria-controls": "offers", autocomplete: "off", autocapitalize: "off", spellcheck: "false" }))
        input.setAttribute(name, value);

    /* While it is busy it is of what was written before. */
    function setBusy(isBusy) {
        list.setAttribute("aria-busy", String(isBusy));
    }

    function close() {
        request?.abort();
        setBusy(false);
        list.hidden = true;
        chosen = -1;
        input.setAttribute("aria-expanded", "false");
        input.removeAttribute("aria-activedescendant");
    }

    function take(i) {
        const { text, then = "" } = shown[i];
        const caret = input.selectionStart, rest = input.value.slice(caret);
        const before = input.value.slice(0, caret - context.word.length);
        const follows = then !== "" && !rest.startsWith(then) ? then : "";
        input.value = before + text + follows + rest;
        const at = before.length + text.length + (then === "" ? 0 : then.length);
        input.setSelectionRange(at, at);
        open();
    }

    function choose(i) {
        chosen = i;
        [...list.children].forEach((option, at) => option.setAttribute("aria-selected", String(at === i)));
        if (i < 0) input.removeAttribute("aria-activedescendant");
        else {
            input.setAttribute("aria-activedescendant", `offer-${i}`);
            list.children[i].scrollIntoView({ block: "nearest" });
        }
    }

    function makeOption({ text, hint }, i) {
        const option = make("li", { role: "option", id: `offer-${i}`, "aria-selected": "false" },
            foreign(text.trim()), make("span", { class: "muted" }, hint));
        option.addEventListener("mousedown", (event) => {
            event.preventDefault(); /* the input keeps the focus */
            take(i);
        });
        return option;
    }

    /* first: the first offer is chosen at once. */
    async function open(first = false) {
        request?.abort();
        request = new AbortController();
        const own = request;
        setBusy(true);
        const wanted = contextOf(input.value.slice(0, input.selectionStart));
        let found = [];
        try {
            found = (await offers(wanted, AbortSignal.any([signal, own.signal]))).slice(0, OFFERED_MAX);
        } catch {
            /* The question can be written without. */
        }
        if (own.signal.aborted || signal.aborted || document.activeElement !== input) return;
        close();
        context = wanted;
        shown = found;
        list.replaceChildren(...found.map(makeOption));
        list.hidden = found.length === 0;
        input.setAttribute("aria-expanded", String(!list.hidden));
        if (first && found.length > 0) choose(0);
    }

    function onKey(event) {
        const n = list.hidden ? 0 : shown.length;
        if (event.key === "ArrowDown" && n === 0) open(true);
        else if (event.key === "ArrowDown") choose((chosen + 1) % n);
        else if (event.key === "ArrowUp" && n > 0) choose((chosen + n - (chosen < 0 ? 0 : 1)) % n);
        else if (event.key === "Enter" && chosen >= 0) take(chosen);
        else if (event.key === "Escape" && n > 0) close();
        else return;
        event.preventDefault();
    }

    input.addEventListener("input", () => open(), { signal });
    input.addEventListener("keydown", onKey, { signal });
    input.addEventListener("blur", close, { signal });
    return { list, close };
}
