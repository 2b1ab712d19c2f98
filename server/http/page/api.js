/* page/api.js: what the server is asked, and whether it is there.
 *
 *   ask()     one question, one JSON
 *   send()    something to keep, as JSON
 *   stream()  lines of JSON without an end
 *   repeat()  something again and again, while the page is seen
 *   pulse     the state of the server, once in a while; it notices when the server goes and
 *             when it is back
 *
 * Nobody asks while the page is hidden. */

/* What the server said; status 0: it said nothing. */
export class Refusal extends Error {
    constructor(status, sentence) {
        super(sentence);
        this.status = status;
    }
}

const SILENCE_MS = 8000;

function target(path, parameters) {
    const given = Object.entries(parameters ?? {}).filter(([, value]) => value !== "" && value != null && value !== false);
    const query = new URLSearchParams(given.map(([key, value]) => [key, String(value)])).toString();
    return query ? `${path}?${query}` : path;
}

async function sentenceOf(answer) {
    const text = (await answer.text()).trim();
    try {
        const said = JSON.parse(text);
        return said.error ?? said.errors?.[0] ?? text;
    } catch {
        return text || `status ${answer.status}`;
    }
}

async function fetchFrom(path, parameters, signal, more = {}) {
    let answer;
    try {
        answer = await fetch(target(path, parameters), { signal, cache: "no-store", ...more });
    } catch (problem) {
        if (signal?.aborted && signal.reason?.name !== "TimeoutError") throw problem;
        throw new Refusal(0, "the server does not answer");
    }
    if (answer.status === 401) pulse.lock();
    if (!answer.ok) throw new Refusal(answer.status, await sentenceOf(answer));
    return answer;
}

/* The JSON of a path. Throws a Refusal; when the signal ends, what the browser throws. */
export async function ask(path, parameters, signal) {
    const limit = AbortSignal.timeout(SILENCE_MS);
    const answer = await fetchFrom(path, parameters, signal ? AbortSignal.any([signal, limit]) : limit);
    try {
        return await answer.json();
    } catch (problem) {
        if (signal?.aborted) throw problem;
        throw new Refusal(0, "the answer broke off");
    }
}

/* The JSON that a text of JSON is answered with; undefined: with nothing. Throws as ask(). */
export async function send(method, path, text, signal) {
    const answer = await fetchFrom(path, {}, signal, { method, body: text, headers: { "Content-Type": "application/json" } });
    const said = await answer.text();
    return said === "" ? undefined : JSON.parse(said);
}

/* Calls take(object) for each line, until the stream ends. Throws as ask(). */
export async function stream(path, parameters, signal, take, begun = () => {}) {
    const answer = await fetchFrom(path, parameters, signal);
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";

    begun();
    for (;;) {
        const { value, done } = await reader.read();
        if (done) return;
        const lines = (rest + value).split("\n");
        rest = lines.pop();
        for (const line of lines) if (line !== "") take(JSON.parse(line));
    }
}

export function isAbort(problem) {
    return problem?.name === "AbortError";
}

/* ---- again and again --------------------------------------------------- */

/* Calls turn() now and then period_ms after each end, while the page is seen and until the signal
 * ends. Returns a function that calls it at once. */
export function repeat(turn, period_ms, signal) {
    let timer = 0;
    let running = false;
    let again = false;

    async function run() {
        clearTimeout(timer);
        if (signal.aborted || document.hidden) return;
        if (running) {
            again = true;
            return;
        }
        running = true;
        try {
            await turn();
        } finally {
            running = false;
        }
        if (signal.aborted) return;
        const wait = again ? 0 : typeof period_ms === "function" ? period_ms() : period_ms;
        again = false;
        timer = setTimeout(run, wait);
    }

    document.addEventListener("visibilitychange", run, { signal });
    pulse.addEventListener("back", run, { signal });
    signal.addEventListener("abort", () => clearTimeout(timer));
    run();
    return run;
}

/* ---- the pulse --------------------------------------------------------- */

/* Events: "status" (there is a new one), "gone", "back", "locked". */
class Pulse extends EventTarget {
    status = null;
    goneSince = 0;   /* ms; 0: it is there */
    isLocked = false;
    period_ms = 5000; /* a view that lives on it sets 1000 */
    #beat = () => {};
    #ahead_ms = 0;

    start() {
        const forever = new AbortController();
        this.#beat = repeat(() => this.#look(), () => (this.goneSince ? 1000 : this.period_ms), forever.signal);
    }

    async #look() {
        if (this.isLocked) return;
        try {
            this.status = await ask("/api/v1/status");
            this.#ahead_ms = this.status.now_ms - Date.now();
        } catch (problem) {
            this.#miss(problem);
            return;
        }
        const wasGone = this.goneSince !== 0;
        this.goneSince = 0;
        if (wasGone) this.dispatchEvent(new Event("back"));
        this.dispatchEvent(new Event("status"));
    }

    #miss(problem) {
        if (this.isLocked) return;
        this.goneSince ||= Date.now();
        this.problem = problem.message;
        this.dispatchEvent(new Event("gone"));
    }

    beat() {
        this.#beat();
    }

    /* The second that it is at the server; the reader's clock may be apart. */
    now_s() {
        return Math.floor((Date.now() + this.#ahead_ms) / 1000);
    }

    /* A key is asked for, and the cookie is none. */
    lock() {
        if (this.isLocked) return;
        this.isLocked = true;
        this.dispatchEvent(new Event("locked"));
    }
}

export const pulse = new Pulse();
