// Datadog's own client for its API, with its typed models, against a Heeler: no answer may be an
// error, or of a shape that the models do not know.
//   node api_datadog.js PORT
const assert = require("node:assert");
const { client, v1, v2 } = require("@datadog/datadog-api-client");

const port = Number(process.argv[2]);
const configuration = client.createConfiguration({
    authMethods: { apiKeyAuth: "0123456789abcdef0123456789abcdef", appKeyAuth: "application-key" },
    enableRetry: false,
});
configuration.servers = [new client.ServerConfiguration(`http://127.0.0.1:${port}`, {})];

const now = () => Math.floor(Date.now() / 1000);
const until = async (what, ask) => {
    for (let i = 0; i < 600; i++) {
        const answer = await ask();
        if (answer) return answer;
        await new Promise((resolve) => setTimeout(resolve, 100));
    }
    throw new Error(`${what} did not come`);
};

// Whatever a model does not know ends up in one of these members.
const assertTyped = (value, path = "") => {
    if (value === null || typeof value !== "object") return;
    assert(!value.unparsedObject, `${path} is not of its type: ${JSON.stringify(value)}`);
    assert(!value._unparsed, `${path} has a value that is not of its enumeration: ${JSON.stringify(value)}`);
    for (const [name, member] of Object.entries(value)) assertTyped(member, `${path}.${name}`);
};
const typed = async (promise) => {
    const value = await promise;
    assertTyped(value);
    return value;
};

const validation = async () => {
    const api = new v1.AuthenticationApi(configuration);
    assert.equal((await typed(api.validate())).valid, true);
};

const dashboards = async () => {
    const api = new v1.DashboardsApi(configuration);
    const body = {
        title: "made by a client",
        description: "with every kind of widget that it needs",
        layoutType: "ordered",
        templateVariables: [{ name: "host", prefix: "host", defaults: ["*"] }],
        widgets: [
            {
                definition: {
                    type: "timeseries",
                    title: "a line",
                    requests: [{ q: "avg:client.gauge{*}", displayType: "line", style: { palette: "dog_classic", lineType: "solid", lineWidth: "normal" } }],
                },
            },
            {
                definition: {
                    type: "query_value",
                    requests: [{ q: "sum:client.count{*}.as_count()", aggregator: "avg", conditionalFormats: [{ comparator: ">", value: 1, palette: "white_on_red" }] }],
                },
            },
            { definition: { type: "note", content: "a note" } },
            { definition: { type: "group", layoutType: "ordered", widgets: [{ definition: { type: "toplist", requests: [{ q: "top(avg:client.gauge{*} by {host}, 10, 'mean', 'desc')" }] } }] } },
        ],
    };
    const made = await typed(api.createDashboard({ body }));
    assert.equal(made.widgets.length, 4);
    assert(made.createdAt instanceof Date && made.widgets.every(({ id }) => Number.isInteger(id)));
    assert.deepEqual(await typed(api.getDashboard({ dashboardId: made.id })), made);
    const changed = await typed(api.updateDashboard({ dashboardId: made.id, body: { ...body, title: "changed" } }));
    assert.equal(changed.title, "changed");
    const list = await typed(api.listDashboards());
    assert(list.dashboards.some(({ id }) => id === made.id));
    const gone = await typed(api.deleteDashboard({ dashboardId: made.id }));
    assert.equal(gone.deletedDashboardId, made.id);
    await assert.rejects(api.getDashboard({ dashboardId: made.id }), ({ code }) => code === 404);
    await assert.rejects(api.createDashboard({ body: { ...body, widgets: [{ definition: { type: "timeseries", requests: [{ q: "avg:" }] } }] } }), ({ code }) => code === 400);
};

const submitting = async () => {
    const points = (value) => [{ timestamp: now(), value }];
    const metrics = new v2.MetricsApi(configuration);
    for (const contentEncoding of [undefined, "deflate", "gzip"]) {
        const answer = await typed(metrics.submitMetrics({ contentEncoding, body: { series: [
            { metric: "client.count", type: 1, interval: 10, points: points(5), tags: ["a:1"], resources: [{ name: "box", type: "host" }], unit: "byte" },
            { metric: "client.gauge", type: 3, points: points(0.5) },
        ] } }));
        assert.deepEqual(answer.errors, []);
    }
    const old = new v1.MetricsApi(configuration);
    await typed(old.submitMetrics({ body: { series: [{ metric: "client.old", type: "gauge", points: [[now(), 1.5]], host: "box", tags: ["a:1"] }] } }));
    await typed(old.submitDistributionPoints({ body: { series: [{ metric: "client.distribution", points: [[now(), [1, 2, 3]]], host: "box" }] } }));
    const checks = new v1.ServiceChecksApi(configuration);
    await typed(checks.submitServiceCheck({ body: [{ check: "client.check", hostName: "box", status: 0, tags: ["a:1"], message: "fine" }] }));
};

const events = async () => {
    const api = new v1.EventsApi(configuration);
    const made = await typed(api.createEvent({ body: { title: "from a client", text: "text", tags: ["client:1"], priority: "low", alertType: "info", sourceTypeName: "client" } }));
    assert(Number.isInteger(made.event.id));
    const found = await until("the event", async () =>
        (await typed(api.listEvents({ start: now() - 60, end: now() + 60, tags: "client:1" }))).events.find(({ id }) => id === made.event.id));
    assert.equal(found.title, "from a client");
    const of = { start: now() - 60, end: now() + 60, sources: "client,other", priority: "low", unaggregated: true, excludeAggregate: true };
    assert.equal((await typed(api.listEvents(of))).events[0].id, made.event.id);
    assert.equal((await typed(api.listEvents({ ...of, page: 1 }))).events.length, 0);
    assert.equal((await typed(api.getEvent({ eventId: made.event.id }))).event.text, "text");
};

const questions = async () => {
    const api = new v1.MetricsApi(configuration);
    const answer = await until("a point", async () => {
        const asked = await typed(api.queryMetrics({ from: now() - 300, to: now() + 60, query: "avg:client.line{*}" }));
        return asked.series.length > 0 && asked;
    });
    assert.equal(answer.status, "ok");
    const list = await typed(api.queryMetrics({ from: now() - 300, to: now() + 60, query: "avg:client.line{*}, max:client.line{*}" }));
    assert.deepEqual(list.series.map(({ queryIndex }) => queryIndex), [0, 1]);
    assert((await typed(api.listActiveMetrics({ from: now() - 300 }))).metrics.includes("client.line"));
    assert((await typed(api.listMetrics({ q: "metrics:client" }))).results.metrics.includes("client.line"));
    const metadata = await typed(api.updateMetricMetadata({ metricName: "client.line", body: { type: "gauge", unit: "byte", description: "what it is" } }));
    assert.equal(metadata.unit, "byte");
    const [one] = (await typed(api.queryMetrics({ from: now() - 300, to: now() + 60, query: "max:client.line{*}" }))).series;
    assert.equal(one.unit[0].shortName, "B");
    assert.equal(one.unit[1], null);
    assert.equal((await typed(api.getMetricMetadata({ metricName: "client.line" }))).description, "what it is");
    const hosts = new v1.HostsApi(configuration);
    assert((await typed(hosts.listHosts({ from: now() - 3600 }))).hostList.length > 0);
    assert.equal((await typed(hosts.listHosts({ from: now() + 3600 }))).hostList.length, 0);
    assert((await typed(hosts.getHostTotals())).totalUp > 0);
    const tags = new v1.TagsApi(configuration);
    await typed(tags.listHostTags());
};

const monitor = {
    type: "query alert",
    name: "from a client",
    query: "avg(last_5m):avg:client.gauge{*} by {host} > 800",
    message: "{{#is_alert}}{{value}} on {{host.name}}{{/is_alert}} @someone@example.org",
    tags: ["team:client"],
    priority: 3,
    options: {
        thresholds: { critical: 800, warning: 500 }, notifyNoData: true, noDataTimeframe: 10, renotifyInterval: 60,
        renotifyStatuses: ["alert", "no data"], evaluationDelay: 0, newGroupDelay: 60, includeTags: true, requireFullWindow: false,
    },
};

const monitors = async () => {
    const api = new v1.MonitorsApi(configuration);
    await typed(api.validateMonitor({ body: monitor }));
    const made = await typed(api.createMonitor({ body: monitor }));
    const { id: monitorId } = made;
    assert(Number.isInteger(monitorId) && made.created instanceof Date && made.multi);
    assert.deepEqual([made.options.thresholds.critical, made.options.thresholds.warning], [800, 500]);
    await typed(api.validateExistingMonitor({ monitorId, body: monitor }));
    const got = await typed(api.getMonitor({ monitorId, groupStates: "all", withDowntimes: true }));
    assert.equal(got.query, monitor.query);
    assert(["No Data", "OK", "Alert", "Warn"].includes(got.overallState));
    const changed = await typed(api.updateMonitor({ monitorId, body: { message: "changed @someone@example.org", options: { renotifyInterval: 30 } } }));
    assert.equal(changed.options.renotifyInterval, 30);
    assert.equal(changed.options.noDataTimeframe, 10);
    for (const question of [{}, { name: "from a client" }, { monitorTags: "team:client", pageSize: 10, page: 0 }, { idOffset: 0, groupStates: "all" }])
        assert((await typed(api.listMonitors(question))).some(({ id }) => id === monitorId));
    const found = await typed(api.searchMonitors({ query: "tag:team:client", perPage: 10 }));
    assert.equal(found.monitors.find(({ id }) => id === monitorId).notifications[0].handle, "someone@example.org");
    await typed(api.searchMonitorGroups({ query: "status:alert" }));
    assert.deepEqual((await typed(api.checkCanDeleteMonitor({ monitorIds: [monitorId] }))).data.ok, [monitorId]);
    const both = await typed(api.createMonitor({ body: { type: "composite", name: "both", query: `${monitorId} && ${monitorId}` } }));
    assert((await typed(api.checkCanDeleteMonitor({ monitorIds: [monitorId] }))).errors);
    for (const id of [both.id, monitorId])
        assert.equal((await typed(api.deleteMonitor({ monitorId: id }))).deletedMonitorId, id);
    await assert.rejects(api.getMonitor({ monitorId }), ({ code }) => code === 404);
    await assert.rejects(api.createMonitor({ body: { ...monitor, query: "avg(last_5m):avg:" } }), ({ code }) => code === 400);
    await assert.rejects(api.validateMonitor({ body: { ...monitor, options: { thresholds: { critical: 1 } } } }), ({ code }) => code === 400);
};

const downtimes = async () => {
    const api = new v1.DowntimesApi(configuration);
    const { id: monitorId } = await typed(new v1.MonitorsApi(configuration).createMonitor({ body: monitor }));
    const night = {
        scope: ["*"], monitorId, timezone: "Europe/Paris", start: 1796061600, end: 1796112000, message: "at night",
        recurrence: { type: "weeks", period: 1, weekDays: ["Mon", "Tue", "Wed", "Thu", "Fri"] },
    };
    const made = await typed(api.createDowntime({ body: night }));
    assert.deepEqual(made.recurrence.weekDays, night.recurrence.weekDays);
    const once = await typed(api.createDowntime({ body: { scope: ["env:client", "host:a"], end: now() + 3600 } }));
    assert.equal(once.active, true);
    assert.equal((await typed(api.getDowntime({ downtimeId: made.id }))).message, "at night");
    assert.equal((await typed(api.updateDowntime({ downtimeId: made.id, body: { ...night, message: "changed" } }))).message, "changed");
    assert((await typed(api.listDowntimes())).length >= 2);
    assert((await typed(api.listDowntimes({ currentOnly: true }))).some(({ id }) => id === once.id));
    assert((await typed(api.listMonitorDowntimes({ monitorId }))).some(({ id }) => id === made.id));
    assert.deepEqual((await typed(api.cancelDowntimesByScope({ body: { scope: "env:client,host:a" } }))).cancelledIds, [once.id]);
    await api.cancelDowntime({ downtimeId: made.id });
    assert.equal((await typed(api.getDowntime({ downtimeId: made.id }))).disabled, true);
    await assert.rejects(api.getDowntime({ downtimeId: 1 }), ({ code }) => code === 404);
};

const downtimesOfV2 = async () => {
    const api = new v2.DowntimesApi(configuration);
    const { id: monitorId } = await typed(new v1.MonitorsApi(configuration).createMonitor({ body: monitor }));
    const request = (attributes, more) => ({ body: { data: { type: "downtime", attributes, ...more } } });
    const weekend = await typed(api.createDowntime(request({
        monitorIdentifier: { monitorId }, scope: "env:(staging OR prod) AND host:a", message: "weekend", displayTimezone: "Europe/Paris",
        notifyEndStates: ["alert", "warn"], notifyEndTypes: ["canceled", "expired"], muteFirstRecoveryNotification: true,
        schedule: { timezone: "Europe/Paris", recurrences: [{ rrule: "FREQ=WEEKLY;INTERVAL=1;BYDAY=SA,SU", duration: "1d", start: "2026-11-28T00:00:00" }] },
    })));
    assert.equal(weekend.data.attributes.schedule.recurrences[0].duration, "1d");
    const once = await typed(api.createDowntime(request({
        monitorIdentifier: { monitorTags: ["team:client"] }, scope: "*", schedule: { end: new Date(Date.now() + 3600e3) },
    })));
    assert.equal(once.data.attributes.status, "active");
    assert(once.data.attributes.schedule.start instanceof Date);
    const downtimeId = once.data.id;
    assert.equal((await typed(api.getDowntime({ downtimeId }))).data.id, downtimeId);
    const changed = await typed(api.updateDowntime({ downtimeId, ...request({ message: "changed" }, { id: downtimeId }) }));
    assert.equal(changed.data.attributes.message, "changed");
    const list = await typed(api.listDowntimes({ pageLimit: 100 }));
    assert(list.data.some(({ id }) => id === weekend.data.id) && list.meta.page.totalFilteredCount >= 2);
    const matches = await typed(api.listMonitorDowntimes({ monitorId }));
    assert(matches.data.some(({ id }) => id === downtimeId));
    for (const id of [downtimeId, weekend.data.id]) await api.cancelDowntime({ downtimeId: id });
    assert.equal((await typed(api.getDowntime({ downtimeId }))).data.attributes.status, "canceled");
    // Each version shows what the other one made.
    await typed(api.listDowntimes({ pageLimit: 100, currentOnly: false }));
    await typed(new v1.DowntimesApi(configuration).listDowntimes());
};

(async () => {
    for (const part of [validation, dashboards, submitting, events, questions, monitors, downtimes, downtimesOfV2]) {
        await part();
        console.log(part.name);
    }
})().catch((problem) => {
    console.error(problem);
    process.exit(1);
});
