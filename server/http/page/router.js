/* page/router.js: the address says which view is shown and what it shows.
 *
 *   #/query?q=avg:load{*}&range=1h   ->   view "query", { q: "avg:load{*}", range: "1h" }
 *
 * A view is opened with its parameters and a signal. The signal ends when another view comes, and
 * with it every request, timer and listener of the view. */

let views = {};
let place = null;
let current = null; /* { name, view, controller } */
let onShow = () => {};

export function read(hash) {
    const [path, query = ""] = hash.replace(/^#\/?/, "").split(/\?(.*)/s);
    return { name: path || "now", parameters: Object.fromEntries(new URLSearchParams(query)) };
}

/* The address of a view; what is empty is left out. */
export function address(name, parameters = {}) {
    const given = Object.entries(parameters).filter(([, value]) => value !== "" && value != null && value !== false);
    const query = new URLSearchParams(given.map(([key, value]) => [key, String(value)])).toString();
    return `#/${name}${query ? `?${query}` : ""}`;
}

/* What the reader chose goes into the address; there is no new step to go back. */
export function remember(name, parameters) {
    history.replaceState(null, "", address(name, parameters));
}

export function go(name, parameters) {
    location.hash = address(name, parameters);
}

function show() {
    if (location.hash !== "" && !location.hash.startsWith("#/")) return;
    const { name, parameters } = read(location.hash);
    const known = Object.hasOwn(views, name) ? name : "now";
    const first = current === null;

    current?.controller.abort();
    const controller = new AbortController();
    place.replaceChildren();
    current = { name: known, controller };
    current.view = views[known](place, parameters, controller.signal) ?? {};
    onShow(known, current.view.title, first);
}

/* Calls what a view offers under a name, as onStatus(). */
export function tell(method, ...values) {
    current?.view?.[method]?.(...values);
}

/* opens: { name: (place, parameters, signal) => { title, onStatus } }; shown(name, title, first)
 * is told each time. */
export function start(main, opens, shown) {
    place = main;
    views = opens;
    onShow = shown;
    addEventListener("hashchange", show);
    show();
}
