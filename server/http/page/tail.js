/* page/tail.js: lines as they arrive, for a view that shows some of them.
 *
 *   stream ──► at most 200 lines, four times a second ──► newest first, 500 are kept
 *
 * What comes faster is counted, not shown; what the server itself did not look at, it says. The
 * stream ends while the page is hidden or paused, and is taken up again. */

import { isAbort, pulse, stream } from "./api.js";
import { make, makeTime, setText, foreign } from "./dom.js";
import { count, visible } from "./format.js";

const KEPT = 500, SHOWN_AT_ONCE = 200, SHOW_MS = 250, AGAIN_MS = 2000, REFUSED_MS = 10000, SEEN_MS = 2500;

/* ---- one line ---------------------------------------------------------- */

const bytesOf = (letter) => (letter === "\ufffd" ? 1 : new TextEncoder().encode(letter).length);

/* The letters before a byte of the line as it came, the one there, and the rest. A byte that was
 * no UTF-8 has become U+FFFD. */
function splitAt(line, at) {
    const letters = Array.from(line);
    let i = 0, bytes = 0;
    while (i < letters.length && bytes + bytesOf(letters[i]) <= at) bytes += bytesOf(letters[i++]);
    return [letters.slice(0, i).join(""), letters[i] ?? "", letters.slice(i + 1).join("")];
}

function makeText(item) {
    const text = make("bdi", { class: "text" });
    if (item.kind !== "bad" || !(item.at >= 0)) {
        text.append(visible(item.line));
        return text;
    }
    const [before, here, after] = splitAt(item.line, item.at);
    text.append(visible(before), make("mark", { title: `byte ${item.at + 1}` }, here === "" ? "\u00a0" : visible(here)), visible(after));
    return text;
}

function makeLine(item) {
    return make("li", { class: `line ${item.kind === "bad" ? "bad" : ""}` },
        make("span", { class: "muted" }, makeTime(item.time_ms)),
        make("span", { class: "kind" }, visible(item.kind)),
        make("span", { class: "sender muted" }, foreign(item.sender || "unknown")),
        make("span", { class: "what" }, makeText(item),
            item.kind === "bad" && make("span", { class: "reason" }, item.at >= 0 ? `${visible(item.reason)}, at byte ${item.at + 1}` : visible(item.reason))));
}

/* ---- the list ---------------------------------------------------------- */

/* kept: how many are shown. wants(item): others are left out. onLine(item): of each, shown or not. */
export function makeTail({ label, kept = KEPT, wants = () => true, onLine = () => {}, signal }) {
    const list = make("ol", { class: "lines", "aria-label": label });
    const said = make("p", { class: "muted" });
    const node = make("div", null, said, list);
    let waiting = [], skipped = 0, lost = 0, seen = null, seenAt = 0, request = null, state = "", parameters = {}, isPaused = false, timer = 0;

    function words() {
        const parts = [state];
        if (Date.now() - seenAt < SEEN_MS) parts.push(`in the last second the server looked at ${count(seen.seen)} of ${count(seen.of)} lines`);
        if (lost > 0) parts.push(`${count(lost)} were lost on the way here`);
        if (skipped > 0) parts.push(`${count(skipped)} came too fast to be shown`);
        return parts.filter(Boolean).join("; ");
    }

    function show() {
        if (isPaused) return;
        const next = waiting.splice(0).reverse();
        skipped += Math.max(0, next.length - SHOWN_AT_ONCE);
        list.prepend(...next.slice(0, Math.min(SHOWN_AT_ONCE, kept)).map(makeLine));
        while (list.children.length > kept) list.lastChild.remove();
        if (list.children.length > 0 && state === "Waiting for lines …") state = "Live";
        setText(said, words());
    }

    function take(item) {
        if (item.seen !== undefined && item.line === undefined) {
            seen = item;
            seenAt = Date.now();
            lost += item.lost ?? 0;
            return;
        }
        if (!wants(item)) return;
        onLine(item);
        waiting.push(item);
        if (waiting.length > 2 * KEPT) skipped += waiting.splice(0, KEPT).length;
    }

    async function run() {
        clearTimeout(timer);
        request?.abort();
        if (signal.aborted || isPaused || document.hidden) return;
        request = new AbortController();
        const own = request;
        let wait_ms = AGAIN_MS;
        try {
            state = "Connecting …";
            await stream("/api/v1/tail", parameters, AbortSignal.any([signal, own.signal]), take, () => { state = "Waiting for lines …"; });
            state = "The server ended the stream; it is asked again";
        } catch (problem) {
            if (isAbort(problem) || own.signal.aborted) return;
            state = `No lines: ${visible(problem.message)}. It is asked again`;
            if (problem.status >= 400 && problem.status < 500) wait_ms = REFUSED_MS;
        }
        if (!own.signal.aborted && !signal.aborted) timer = setTimeout(run, wait_ms);
    }

    function pause(now) {
        isPaused = now;
        if (now) {
            request?.abort();
            state = "Paused";
            setText(said, words());
        } else run();
    }

    function clear() {
        list.replaceChildren();
        waiting = [];
        skipped = lost = seenAt = 0;
    }

    const shower = setInterval(show, SHOW_MS);
    signal.addEventListener("abort", () => {
        clearInterval(shower);
        clearTimeout(timer);
    });
    document.addEventListener("visibilitychange", run, { signal });
    pulse.addEventListener("back", run, { signal });

    return { node, pause, clear, start(next) {
        parameters = next;
        clear();
        if (!isPaused) run();
    } };
}
