/* page/cases/downtimes.js: a week of downtimes, in the zone of their rules. */

import { post } from "./boards.js";
import { until } from "../server.js";
import { holds, same, withPage } from "./with.js";

/* Those of the exercise: nights of weekdays, and weekends. */
const NIGHTS = { rrule: "FREQ=WEEKLY;INTERVAL=1;BYDAY=MO,TU,WE,TH,FR", duration: "14h", start: "2026-11-30T19:00:00" };
const WEEKEND = { rrule: "FREQ=WEEKLY;INTERVAL=1;BYDAY=SA,SU", duration: "1d", start: "2026-12-05T00:00:00" };

export function downtimeOf(message, recurrence, more = {}) {
    return { data: { type: "downtime", attributes: { monitor_identifier: { monitor_tags: ["*"] }, scope: "*", message,
        schedule: { timezone: "Europe/Paris", recurrences: [recurrence] }, ...more } } };
}

/* Per day what its blocks say. */
async function blocksOf(page) {
    return page.locator(".day").evaluateAll((days) => days.map((day) => [...day.querySelectorAll(".block b")].map((time) => time.textContent)));
}

async function drawsAWeek({ server, tab, page }) {
    await post(server, "/api/v2/downtime", downtimeOf("Nights", NIGHTS));
    await post(server, "/api/v2/downtime", downtimeOf("Weekends", WEEKEND));
    await tab.show(server.address("/#/downtimes?week=2026-11-30"));
    await tab.sees("Nights", ".week");
    same("the zone", await page.getByLabel("In the zone").inputValue(), "Europe/Paris");
    const [evening, morning] = ["19:00–24:00", "00:00–09:00"];
    same("the first week", await blocksOf(page), [[evening], [morning, evening], [morning, evening], [morning, evening], [morning, evening], [morning, "00:00–24:00"], ["00:00–24:00"]]);
    same("it is said from when to when", await page.locator(".day").nth(1).locator(".block").first().getAttribute("title"), "Nights: Mon 19:00 to Tue 09:00");
    await tab.sees("Mon to Fri from 19:00 to 09:00 (Europe/Paris)", "table");
    await tab.sees("Sat, Sun from 00:00 for 1d (Europe/Paris)", "table");
    await page.getByRole("button", { name: "Week after" }).click();
    holds("Monday is free until 19:00, for it is in neither", (await blocksOf(page))[0].join() === evening);
    await page.getByLabel("In the zone").selectOption("UTC");
    same("a Monday in UTC", (await blocksOf(page))[0], ["18:00–24:00"]);
    await page.getByRole("button", { name: "Week before" }).click();
    await page.getByRole("button", { name: "Week before" }).click();
    same("before the first there is none", (await blocksOf(page)).flat(), []);
}

/* A rule that the page does not work out is drawn by the server's word, in any week. */
async function drawsAnyRule({ server, tab, page }) {
    tab.expect(/status of 503/);
    const never = (await post(server, "/api/v2/downtime", downtimeOf("Never", { rrule: "FREQ=DAILY;BYWEEKNO=3", duration: "2h", start: "2026-11-02T10:00:00" }))).data;
    await post(server, "/api/v2/downtime", downtimeOf("First Mondays", { rrule: "FREQ=MONTHLY;BYDAY=1MO", duration: "2h", start: "2026-11-02T10:00:00" }));
    await tab.show(server.address("/#/downtimes?week=2026-12-07&zone=Europe/Paris"));
    await tab.sees("10:00–12:00", ".week");
    same("the first Monday of December", (await blocksOf(page))[0], ["10:00–12:00"]);
    await tab.sees("the rule never falls on any day", "main");
    await fetch(server.address(`/api/v2/downtime/${never.id}`), { method: "DELETE" });
    await page.reload();
    await tab.sees("10:00–12:00", ".week");
    await page.getByRole("button", { name: "Week after" }).click();
    await tab.sees("2026-12-14", "main");
    await until("the week without it is drawn whole", async () => (await page.getByRole("status").allTextContents()).join("").trim() === "");
    same("the second has none", (await blocksOf(page)).flat(), []);
}

async function areWritten({ server, tab, page }) {
    tab.expect(/status of 400/);
    const all = async () => (await (await fetch(server.address("/api/v2/downtime"))).json()).data;
    await tab.show(server.address("/#/downtimes"));
    await tab.sees("There is none", "main");
    await page.locator("summary", { hasText: "New downtime" }).click();
    await page.getByLabel("Zone", { exact: true }).fill("Europe/Paris");
    await page.getByLabel("Message").fill("made here");
    await page.getByRole("button", { name: "Save" }).click();
    await tab.sees("made here", "table");
    const [made] = await all();
    same("its rule", [made.attributes.schedule.recurrences[0].rrule, made.attributes.schedule.recurrences[0].duration],
        ["FREQ=WEEKLY;INTERVAL=1;BYDAY=MO,TU,WE,TH,FR", "14h"]);

    await page.getByRole("button", { name: "Edit made here" }).click();
    await page.getByLabel("To", { exact: true }).fill("08:30");
    await page.getByRole("button", { name: "Save" }).click();
    await tab.sees("from 19:00 to 08:30", "table");
    const area = page.getByLabel("Definition, as JSON"), text = await area.inputValue();
    await area.fill(text.replace("\"scope\": \"*\"", "\"scope\": \"nokey\""));
    await page.getByRole("button", { name: "Save" }).click();
    await tab.sees("Not saved: ", ".editor");
    same("there is one still", (await all()).length, 1);

    await page.getByRole("button", { name: "Cancel made here" }).click();
    await page.getByRole("button", { name: "Cancel for good" }).click();
    await tab.sees("There is none", "main");
    await page.getByLabel("Those that are over, too").check();
    await tab.sees("canceled", "table");
}

async function areTakenOver({ server, tab, page }) {
    const now_s = Math.floor(Date.now() / 1000);
    const { id } = await post(server, "/api/v1/downtime", { scope: "env:live", start: now_s, end: now_s + 7200, message: "of a script" });
    await tab.show(server.address("/#/downtimes"));
    await page.getByRole("button", { name: "Edit of a script" }).click();
    await page.getByLabel("Message").fill("of the page");
    await page.getByRole("button", { name: "Save" }).click();
    await tab.sees("of the page", "table");
    const kept = await (await fetch(server.address(`/api/v1/downtime/${id}`))).json();
    same("what is kept", [kept.message, kept.scope, kept.end - kept.start, kept.active], ["of the page", ["env:live"], 7200, true]);
}

/* Times of a zone, where its clock changes, and rules. */
async function worksOut({ server, tab, page }) {
    await tab.show(server.address());
    const found = await page.evaluate(async () => {
        const { instantOf, occurrencesOf, wallOf } = await import("/page/schedule.js");
        const at = (text) => Date.parse(text) / 1000, paris = "Europe/Paris";
        const starts = (rrule, duration, start, from, to) => {
            const { all, isWhole } = occurrencesOf({ created: "2026-01-01T00:00:00Z", schedule: { timezone: paris, recurrences: [{ rrule, duration, start }] } }, at(from), at(to));
            return isWhole ? all.map(({ from_s, to_s }) => `${new Date(from_s * 1000).toISOString().slice(0, 16)}+${(to_s - from_s) / 3600}h`) : "partly";
        };
        return {
            there: [wallOf(paris, at("2026-07-01T10:00:00Z")) - at("2026-07-01T12:00:00Z"), instantOf(paris, at("2026-12-01T12:00:00Z")) - at("2026-12-01T11:00:00Z")],
            changes: starts("FREQ=DAILY", "1d", "2026-03-01T00:00:00", "2026-03-28T12:00:00Z", "2026-03-30T12:00:00Z"),
            hours: starts("FREQ=WEEKLY;BYDAY=SA", "14h", "2026-10-03T19:00:00", "2026-10-24T00:00:00Z", "2026-10-26T00:00:00Z"),
            other: starts("FREQ=WEEKLY;INTERVAL=2;BYDAY=MO", "1h", "2026-11-30T10:00:00", "2026-11-30T00:00:00Z", "2026-12-20T00:00:00Z"),
            counted: starts("FREQ=DAILY;COUNT=3", "1h", "2026-11-30T10:00:00", "2026-12-01T00:00:00Z", "2026-12-20T00:00:00Z"),
            ended: starts("RRULE:FREQ=DAILY;UNTIL=20261201T120000Z", "1h", "2026-11-30T10:00:00", "2026-11-29T00:00:00Z", "2026-12-20T00:00:00Z"),
            monthly: starts("FREQ=MONTHLY;BYMONTHDAY=1", "2h", "2026-11-01T10:00:00", "2026-11-15T00:00:00Z", "2027-01-15T00:00:00Z"),
            more: starts("FREQ=MONTHLY;BYDAY=1MO", "2h", "2026-11-01T10:00:00", "2026-11-15T00:00:00Z", "2027-01-15T00:00:00Z"),
        };
    });
    same("there and back", found.there, [0, 0]);
    same("days of 24, 23 and 24 hours", found.changes, ["2026-03-27T23:00+24h", "2026-03-28T23:00+23h", "2026-03-29T22:00+24h"]);
    same("hours are exact", found.hours, ["2026-10-24T17:00+14h"]);
    same("every other week", found.other, ["2026-11-30T09:00+1h", "2026-12-14T09:00+1h"]);
    same("so many", found.counted, ["2026-12-01T09:00+1h", "2026-12-02T09:00+1h"]);
    same("until", found.ended, ["2026-11-30T09:00+1h", "2026-12-01T09:00+1h"]);
    same("by month", found.monthly, ["2026-12-01T09:00+2h", "2027-01-01T09:00+2h"]);
    same("what only the server works out", found.more, "partly");
}

export const downtimes = [
    ["a week has the nights and the weekend of the exercise as blocks", (given) => withPage(given, drawsAWeek)],
    ["a week shows what the server says of any rule", (given) => withPage(given, drawsAnyRule)],
    ["a downtime is made, changed and canceled", (given) => withPage(given, areWritten)],
    ["a downtime of a script is changed on the page", (given) => withPage(given, areTakenOver)],
    ["the page works out when downtimes are, over changes of the clock", (given) => withPage(given, worksOut)],
];
