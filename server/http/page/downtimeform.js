/* page/downtimeform.js: a downtime as a small form, and its JSON, which is what is saved.
 *
 *   makeDowntimeForm({ zone, monitor, save(text) })
 *
 * One-off from a moment to another, or on weekdays from a time to another, in a zone. What else a schedule can
 * be is written in the JSON. */

import { pulse } from "./api.js";
import { make, makeChoice, setText } from "./dom.js";
import { makeEditor, parsed } from "./editor.js";
import { DAY_S, instantOf, mondayOf, readDuration, timeText, wallOf, wallText, WEEKDAYS, zoneOf } from "./schedule.js";

const NAMES = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"], USUAL = 5;

/* What is sent of what was read. */
const WRITTEN = ["monitor_identifier", "scope", "schedule", "display_timezone", "message", "mute_first_recovery_notification", "notify_end_states", "notify_end_types"];

function makeField(label, input, className = "") {
    return make("label", { class: className }, label, input);
}

function makeFields(zone, monitor) {
    const text = (value, more) => make("input", { type: "text", value, autocomplete: "off", spellcheck: "false", ...more });
    return { message: text(""), scope: text("*"), monitors: text(monitor, { placeholder: "12345, or team:web" }), zone: text(zone, { required: true }),
        days: WEEKDAYS.map((name, i) => make("input", { type: "checkbox", checked: i < USUAL })), from: make("input", { type: "time", value: "19:00" }), to: make("input", { type: "time", value: "09:00" }),
        begins: make("input", { type: "datetime-local" }), ends: make("input", { type: "datetime-local" }) };
}

const secondsOfTime = (text) => (Number(text.slice(0, 2)) * 60 + Number(text.slice(3, 5))) * 60;

/* The next of these days at that time, as the first occurrence. */
function firstOf(days, time_s, wall_s) {
    const monday_s = mondayOf(wall_s);
    const all = [0, 1].flatMap((week) => days.map((day) => monday_s + (7 * week + day) * DAY_S + time_s)).sort((a, b) => a - b);
    return all.find((one) => one + DAY_S > wall_s) ?? all[0];
}

/* To the time of the next day, unless it is later on the same. */
function weekly(fields, zone) {
    const days = WEEKDAYS.map((_, i) => i).filter((i) => fields.days[i].checked);
    const from_s = secondsOfTime(fields.from.value || "00:00"), to_s = secondsOfTime(fields.to.value || "00:00");
    const minutes = (to_s > from_s ? to_s - from_s : DAY_S + to_s - from_s) / 60;
    const duration = minutes === 1440 ? "1d" : minutes % 60 === 0 ? `${minutes / 60}h` : `${minutes}m`;
    return { timezone: zone, recurrences: [{ rrule: `FREQ=WEEKLY;INTERVAL=1;BYDAY=${days.map((i) => NAMES[i]).join(",")}`, duration,
        start: wallText(firstOf(days.length > 0 ? days : [0], from_s, wallOf(zone, pulse.now_s()))) }] };
}

function once(fields, zone) {
    const moment = (input) => (input.value === "" ? null : new Date(instantOf(zone, Date.parse(`${input.value}Z`) / 1000) * 1000).toISOString().replace(".000Z", "+00:00"));
    return { start: moment(fields.begins), end: moment(fields.ends) };
}

function monitorsOf(text) {
    const said = text.trim();
    return /^\d+$/.test(said) ? { monitor_id: Number(said) } : { monitor_tags: said.split(",").map((tag) => tag.trim()).filter(Boolean) };
}

/* A recurrence that the fields can say: { days, start_s, end_s }; null: it is more than that. */
function readWeekly(recurrences = []) {
    const [one] = recurrences, days = one?.rrule?.match(/^(?:RRULE:)?FREQ=WEEKLY(?:;INTERVAL=1)?;BYDAY=([A-Z,]+)$/)?.[1].split(",").map((name) => NAMES.indexOf(name));
    if (recurrences.length !== 1 || !days || days.includes(-1) || !one.start) return null;
    const { days: n, seconds } = readDuration(one.duration), start_s = Date.parse(`${one.start}Z`) / 1000;
    return n * DAY_S + seconds > DAY_S || Number.isNaN(start_s) ? null : { days, start_s, end_s: start_s + n * DAY_S + seconds };
}

/* What the server says of when it first is, where the rule does not. */
function withStart(attributes) {
    const { schedule } = attributes, current = schedule?.current_downtime?.start;
    if (!schedule?.recurrences) return attributes;
    const { current_downtime, ...own } = schedule;
    return { ...attributes, schedule: { ...own, recurrences: schedule.recurrences.map((one) => (
        { ...one, start: one.start ?? (current ? wallText(wallOf(zoneOf(attributes), Date.parse(current) / 1000)) : undefined) })) } };
}

export function makeDowntimeForm({ zone, monitor = "*", save }) {
    const fields = makeFields(zone, monitor), note = make("p", { class: "muted" });
    let kind = "weekly", data = { type: "downtime", attributes: {} };
    const editor = makeEditor({ save, onWritten: read });
    const choice = makeChoice("When", [["weekly", "On weekdays"], ["once", "Once"]], kind, (chosen) => {
        kind = chosen;
        showKind();
        write();
    });
    const ofWeek = make("div", { class: "fields whole" }, make("fieldset", { class: "whole" }, make("legend", null, "On"),
        WEEKDAYS.map((name, i) => make("label", { class: "check" }, fields.days[i], name))), makeField("From", fields.from), makeField("To", fields.to));
    const ofOnce = make("div", { class: "fields whole" }, makeField("Begins", fields.begins), makeField("Ends", fields.ends));
    const form = make("form", { class: "fields" }, make("div", { class: "whole" }, choice.node), ofWeek, ofOnce, makeField("Zone", fields.zone),
        makeField("Of groups with", fields.scope), makeField("Of monitors: a number, tags, or *", fields.monitors), makeField("Message", fields.message, "whole"));
    const node = make("div", null, form, note, editor.node);

    function showKind() {
        ofWeek.hidden = kind !== "weekly";
        ofOnce.hidden = kind !== "once";
        choice.set(kind);
    }

    function write() {
        const own = fields.zone.value.trim() || "UTC";
        data = { ...data, attributes: { ...data.attributes, monitor_identifier: monitorsOf(fields.monitors.value), scope: fields.scope.value.trim(),
            schedule: kind === "weekly" ? weekly(fields, own) : once(fields, own), display_timezone: own, message: fields.message.value } };
        setText(note, "");
        editor.show({ data });
    }

    function showTimes(attributes) {
        const own = zoneOf(attributes), found = readWeekly(attributes.schedule?.recurrences);
        if (found) {
            fields.days.forEach((input, i) => { input.checked = found.days.includes(i); });
            fields.from.value = timeText(found.start_s);
            fields.to.value = timeText(found.end_s);
        }
        kind = attributes.schedule?.recurrences ? "weekly" : "once";
        for (const [name, at] of [["begins", attributes.schedule?.start], ["ends", attributes.schedule?.end]])
            fields[name].value = at ? wallText(wallOf(own, Date.parse(at) / 1000)).slice(0, 16) : "";
    }

    function showFields({ attributes }) {
        const { monitor_id, monitor_tags } = attributes.monitor_identifier ?? {};
        fields.message.value = attributes.message ?? "";
        fields.scope.value = attributes.scope ?? "*";
        fields.monitors.value = monitor_id ?? (monitor_tags ?? ["*"]).join(", ");
        fields.zone.value = zoneOf(attributes);
        showTimes(attributes);
        showKind();
        setText(note, attributes.schedule?.recurrences && !readWeekly(attributes.schedule.recurrences)
            ? "Its times are more than these fields can say: they are written in the JSON below." : "");
    }

    function read(text) {
        const said = parsed(text)?.data;
        if (!said?.attributes) return; /* whose fault is said when it is saved */
        data = said;
        showFields(data);
    }

    /* Another one, as the server has it. */
    function show({ id, attributes }) {
        const own = withStart(attributes);
        data = { type: "downtime", id, attributes: Object.fromEntries(Object.entries(own).filter(([name]) => WRITTEN.includes(name))) };
        showFields(data);
        editor.show({ data });
    }

    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("input", write);
    showKind();
    write();
    return { node, show };
}
