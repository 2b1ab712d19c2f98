/* server/http/page_table.h: the files of the page; included again and again, each time with
 * another meaning of its macro.
 *
 *   PAGE_FILE(symbol, path, type, use)
 *
 * The symbol is the path of a file below server/http/page/ with '_' for every other byte than
 * letters and digits. The Makefile compresses all of that folder into the program: a row
 * without a file does not link, and a file without a row fails tests/server/http/test_page.c.
 */

/* clang-format off */

PAGE_FILE(index_html, "/", "text/html; charset=utf-8", HTTP_USE_PAGE)
PAGE_FILE(icon_svg, "/page/icon.svg", "image/svg+xml", HTTP_USE_READING)
PAGE_FILE(style_css, "/page/style.css", "text/css; charset=utf-8", HTTP_USE_READING)
PAGE_FILE(answer_js, "/page/answer.js", "text/javascript; charset=utf-8", HTTP_USE_READING)
PAGE_FILE(api_js, "/page/api.js", "text/javascript; charset=utf-8", HTTP_USE_READING)
PAGE_FILE(board_js, "/page/board.js", "text/javascript; charset=utf-8", HTTP_USE_READING)
PAGE_FILE(chart_js, "/page/chart.js", "text/javascript; charset=utf-8", HTTP_USE_READING)
PAGE_FILE(checks_js, "/page/checks.js", "text/javascript; charset=utf-8", HTTP_USE_READING)
PAGE_FILE(complete_js, "/page/complete.js", "text/javascript; charset=utf-8", HTTP_USE_READING)
PAGE_FILE(condition_js, "/page/condition.js", "text/javascript; charset=utf-8", HTTP_USE_READING)
PAGE_FILE(dashboard_js, "/page/dashboard.js", "text/javascript; charset=utf-8", HTTP_USE_READING)
PAGE_FILE(dashboards_js, "/page/dashboards.js", "text/javascript; charset=utf-8", HTTP_USE_READING)
PAGE_FILE(dom_js, "/page/dom.js", "text/javascript; charset=utf-8", HTTP_USE_READING)
PAGE_FILE(downtimeform_js, "/page/downtimeform.js", "text/javascript; charset=utf-8", HTTP_USE_READING)
PAGE_FILE(downtimes_js, "/page/downtimes.js", "text/javascript; charset=utf-8", HTTP_USE_READING)
PAGE_FILE(editor_js, "/page/editor.js", "text/javascript; charset=utf-8", HTTP_USE_READING)
PAGE_FILE(evaluated_js, "/page/evaluated.js", "text/javascript; charset=utf-8", HTTP_USE_READING)
PAGE_FILE(events_js, "/page/events.js", "text/javascript; charset=utf-8", HTTP_USE_READING)
PAGE_FILE(flow_js, "/page/flow.js", "text/javascript; charset=utf-8", HTTP_USE_READING)
PAGE_FILE(flame_js, "/page/flame.js", "text/javascript; charset=utf-8", HTTP_USE_READING)
PAGE_FILE(format_js, "/page/format.js", "text/javascript; charset=utf-8", HTTP_USE_READING)
PAGE_FILE(graph_js, "/page/graph.js", "text/javascript; charset=utf-8", HTTP_USE_READING)
PAGE_FILE(host_js, "/page/host.js", "text/javascript; charset=utf-8", HTTP_USE_READING)
PAGE_FILE(hostmap_js, "/page/hostmap.js", "text/javascript; charset=utf-8", HTTP_USE_READING)
PAGE_FILE(hosts_js, "/page/hosts.js", "text/javascript; charset=utf-8", HTTP_USE_READING)
PAGE_FILE(lines_js, "/page/lines.js", "text/javascript; charset=utf-8", HTTP_USE_READING)
PAGE_FILE(main_js, "/page/main.js", "text/javascript; charset=utf-8", HTTP_USE_READING)
PAGE_FILE(message_js, "/page/message.js", "text/javascript; charset=utf-8", HTTP_USE_READING)
PAGE_FILE(metadata_js, "/page/metadata.js", "text/javascript; charset=utf-8", HTTP_USE_READING)
PAGE_FILE(metric_js, "/page/metric.js", "text/javascript; charset=utf-8", HTTP_USE_READING)
PAGE_FILE(metrics_js, "/page/metrics.js", "text/javascript; charset=utf-8", HTTP_USE_READING)
PAGE_FILE(monitor_js, "/page/monitor.js", "text/javascript; charset=utf-8", HTTP_USE_READING)
PAGE_FILE(monitorform_js, "/page/monitorform.js", "text/javascript; charset=utf-8", HTTP_USE_READING)
PAGE_FILE(monitors_js, "/page/monitors.js", "text/javascript; charset=utf-8", HTTP_USE_READING)
PAGE_FILE(note_js, "/page/note.js", "text/javascript; charset=utf-8", HTTP_USE_READING)
PAGE_FILE(now_js, "/page/now.js", "text/javascript; charset=utf-8", HTTP_USE_READING)
PAGE_FILE(numbers_js, "/page/numbers.js", "text/javascript; charset=utf-8", HTTP_USE_READING)
PAGE_FILE(pager_js, "/page/pager.js", "text/javascript; charset=utf-8", HTTP_USE_READING)
PAGE_FILE(query_js, "/page/query.js", "text/javascript; charset=utf-8", HTTP_USE_READING)
PAGE_FILE(range_js, "/page/range.js", "text/javascript; charset=utf-8", HTTP_USE_READING)
PAGE_FILE(router_js, "/page/router.js", "text/javascript; charset=utf-8", HTTP_USE_READING)
PAGE_FILE(schedule_js, "/page/schedule.js", "text/javascript; charset=utf-8", HTTP_USE_READING)
PAGE_FILE(search_js, "/page/search.js", "text/javascript; charset=utf-8", HTTP_USE_READING)
PAGE_FILE(service_js, "/page/service.js", "text/javascript; charset=utf-8", HTTP_USE_READING)
PAGE_FILE(services_js, "/page/services.js", "text/javascript; charset=utf-8", HTTP_USE_READING)
PAGE_FILE(table_js, "/page/table.js", "text/javascript; charset=utf-8", HTTP_USE_READING)
PAGE_FILE(tail_js, "/page/tail.js", "text/javascript; charset=utf-8", HTTP_USE_READING)
PAGE_FILE(told_js, "/page/told.js", "text/javascript; charset=utf-8", HTTP_USE_READING)
PAGE_FILE(trace_js, "/page/trace.js", "text/javascript; charset=utf-8", HTTP_USE_READING)
PAGE_FILE(traced_js, "/page/traced.js", "text/javascript; charset=utf-8", HTTP_USE_READING)
PAGE_FILE(unit_js, "/page/unit.js", "text/javascript; charset=utf-8", HTTP_USE_READING)
PAGE_FILE(week_js, "/page/week.js", "text/javascript; charset=utf-8", HTTP_USE_READING)
PAGE_FILE(widgets_js, "/page/widgets.js", "text/javascript; charset=utf-8", HTTP_USE_READING)
PAGE_FILE(vendor_uPlot_iife_min_js, "/page/vendor/uPlot.iife.min.js", "text/javascript; charset=utf-8", HTTP_USE_READING)
PAGE_FILE(vendor_uPlot_min_css, "/page/vendor/uPlot.min.css", "text/css; charset=utf-8", HTTP_USE_READING)
PAGE_FILE(vendor_LICENSE_txt, "/page/vendor/LICENSE.txt", "text/plain; charset=utf-8", HTTP_USE_READING)

/* clang-format on */

#undef PAGE_FILE
