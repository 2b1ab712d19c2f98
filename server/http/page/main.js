/* page/main.js: the frame around the views: names, navigation, and whether the server is there. */

import { pulse } from "./api.js";
import { make, makeTime, setText } from "./dom.js";
import { clock, duration, stamp, utc, zone } from "./format.js";
import { start, tell } from "./router.js";
import { openChecks } from "./checks.js";
import { openDashboard } from "./dashboard.js";
import { openDashboards } from "./dashboards.js";
import { openDowntimes } from "./downtimes.js";
import { openEvents } from "./events.js";
import { openHost } from "./host.js";
import { openHostmap } from "./hostmap.js";
import { openHosts } from "./hosts.js";
import { openLines } from "./lines.js";
import { openMetric } from "./metric.js";
import { openMetrics } from "./metrics.js";
import { openMonitor } from "./monitor.js";
import { openMonitors } from "./monitors.js";
import { openNow } from "./now.js";
import { openQuery } from "./query.js";
import { openService } from "./service.js";
import { openServices } from "./services.js";
import { openTrace } from "./trace.js";
import { hasTraced, takesTraces } from "./traced.js";

const main = document.getElementById("main");
const banner = document.getElementById("banner");
const views = document.getElementById("views");

/* Views of one thing belong to that of all of them. */
const ONE_OF = { metric: "metrics", host: "hosts", hostmap: "hosts", dashboard: "dashboards", monitor: "monitors", service: "services", trace: "services" };

function shown(name, title, first) {
    for (const link of views.querySelectorAll("a")) {
        const own = link.dataset.view === (ONE_OF[name] ?? name);
        if (own) link.setAttribute("aria-current", "page");
        else link.removeAttribute("aria-current");
    }
    pulse.period_ms = name === "now" ? 1000 : 5000;
    document.title = `${title} · Heeler${pulse.status ? ` · ${pulse.status.host}` : ""}`;
    if (!first) {
        scrollTo(0, 0);
        main.focus({ preventScroll: true });
    }
    if (pulse.status) tell("onStatus", pulse.status);
    pulse.beat();
}

/* ---- the frame --------------------------------------------------------- */

function showFrame(status) {
    setText(document.getElementById("host"), status.host);
    setText(document.getElementById("build"),
        `Heeler ${status.version}, process ${status.pid}, up ${duration(status.uptime_s)}`);
    setText(document.getElementById("zone"),
        `Times are of ${zone(status.now_ms)}. The server says ${stamp(status.now_ms)}, which is ${utc(status.now_ms)}.`);
}

function say(kind, ...children) {
    banner.className = `banner ${kind}`;
    banner.replaceChildren(...children);
    banner.hidden = false;
}

/* Who traces nothing, and has not, has no link to it. */
async function showServices() {
    const link = views.querySelector("[data-view=services]").parentElement;
    link.hidden = !takesTraces() && !(await hasTraced().catch(() => false));
}

pulse.addEventListener("status", () => void showServices(), { once: true });

pulse.addEventListener("status", () => {
    showFrame(pulse.status);
    tell("onStatus", pulse.status);
});

pulse.addEventListener("gone", () => {
    if (banner.hidden || !banner.classList.contains("bad"))
        say("bad", make("strong", null, "The server does not answer"), " since ", makeTime(pulse.goneSince),
            ". What is shown is from before. It is asked again every second.");
    document.body.classList.add("stale");
});

pulse.addEventListener("back", () => {
    document.body.classList.remove("stale");
    say("good", `The server is back: it answers since ${clock(Date.now())}.`);
    setTimeout(() => {
        if (pulse.goneSince === 0 && !pulse.isLocked) banner.hidden = true;
    }, 6000);
});

pulse.addEventListener("locked", () => {
    say("bad", make("strong", null, "A key is asked for."), " ", make("a", { href: "/" }, "Enter it"),
        " to go on; it is remembered for 12 hours.");
});

document.getElementById("skip").addEventListener("click", (event) => {
    event.preventDefault();
    main.focus();
});

start(main, {
    now: openNow, metrics: openMetrics, metric: openMetric, hosts: openHosts, host: openHost, hostmap: openHostmap,
    query: openQuery, dashboards: openDashboards, dashboard: openDashboard, monitors: openMonitors, monitor: openMonitor, downtimes: openDowntimes,
    checks: openChecks, services: openServices, service: openService, trace: openTrace, lines: openLines, events: openEvents,
}, shown);
pulse.start();
