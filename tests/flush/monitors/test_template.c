#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "flush/monitors/template.h"
#include "tests/support/guard.h"

/* What the listener was told, with spaces between. */
struct told {
    char receivers[512], unknown[512];
    int priority;
};

static void add_receiver(void *self, struct slice handle, bool has_variable)
{
    struct told *told = self;
    size_t len = strlen(told->receivers);

    snprintf(told->receivers + len, sizeof told->receivers - len, "%s%s%.*s",
             len > 0 ? " " : "", has_variable ? "!" : "", (int)handle.len, handle.at);
}

static void add_unknown(void *self, struct slice name)
{
    struct told *told = self;
    size_t len = strlen(told->unknown);

    snprintf(told->unknown + len, sizeof told->unknown - len, "%s%.*s", len > 0 ? " " : "",
             (int)name.len, name.at);
}

static void add_priority(void *self, int priority)
{
    struct told *told = self;

    told->priority = told->priority * 10 + priority;
}

/* Tokyo, and the Marquesas. */
static bool offset(const char *zone, int64_t at_s, int32_t *offset_s)
{
    (void)at_s;
    *offset_s = strcmp(zone, "Asia/Tokyo") == 0 ? 9 * 3600 : -(9 * 3600 + 30 * 60);
    return strchr(zone, '/') != NULL;
}

static const struct alert_rules rules = { .comparator = ABOVE,
                                          .critical = { true, 800 },
                                          .warning = { true, 500 } };

static const struct slice tags[] = {
    { "env:prod", 8 }, { "host:web1", 9 }, { "team.x:a", 8 }, { "team.x:b", 8 }
};
static const struct template_pair host[] = { { { "name", 4 }, { "web1", 4 } },
                                             { { "ip", 2 }, { "10.0.0.7", 8 } } };

static struct template_facts facts_of(enum monitor_state from, enum monitor_state to)
{
    return (struct template_facts){
        .transition = { .from = from, .to = to, .at_s = 1796061600, .is_told = true },
        .value = 812.3456,
        .has_value = true,
        .rules = &rules,
        .priority = 2,
        .tags = tags,
        .n_tags = 4,
        .host = host,
        .n_host = 2,
        .check_message = SLICE("connection refused"),
        .first_triggered_s = 1796061600,
        .last_triggered_s = 1796061660,
        .now_s = 1796061720,
        .offset = offset,
    };
}

static void renders_to(const char *text, const struct template_facts *facts, const char *wanted,
                       const char *receivers, const char *unknown)
{
    struct told told = { "", "", 0 };
    struct template_listener listener = { add_receiver, add_unknown, &told, add_priority };
    struct bytes out = { 0 };

    assert_true(template_render(guarded_text(text), facts, &listener, &out));
    assert_int_equal(out.len, strlen(wanted));
    if (out.len > 0)
        assert_memory_equal(out.at, wanted, out.len);
    assert_string_equal(told.receivers, receivers);
    assert_string_equal(told.unknown, unknown);
    bytes_free(&out);
}

static void alerts_to(const char *text, const char *wanted)
{
    struct template_facts facts = facts_of(MONITOR_OK, MONITOR_ALERT);

    renders_to(text, &facts, wanted, "", "");
}

static void fills_in_variables(void **state)
{
    (void)state;
    alerts_to("plain } text { of } all", "plain } text { of } all");
    alerts_to("", "");
    alerts_to("{{value}} {{ comparator }} {{threshold}}, {{warn_threshold}}",
              "812.346 > 800, 500");
    alerts_to("{{{value}}}", "812.346");
    alerts_to("{{host.name}} ({{host.ip}}) in {{env.name}}", "web1 (10.0.0.7) in prod");
    alerts_to("{{[team.x].name}} {{team.x.name}}", "a,b a,b");
    alerts_to("{{check_message}}{{ok_threshold}}", "connection refused");
    alerts_to("{{first_triggered_at}} {{first_triggered_at_epoch}}",
              "2026-11-30 18:00:00 UTC 1796061600000");
    alerts_to("{{last_triggered_at}} {{last_triggered_at_epoch}}",
              "2026-11-30 18:01:00 UTC 1796061660000");
    alerts_to("{{triggered_duration_sec}}", "120");
    alerts_to("a{{!-- {{value}} --}}b{{! note }}c", "abc");
    alerts_to("{{{{raw}}}}{{value}} @nobody{{{{/raw}}}}", "{{value}} @nobody");
}

static void knows_states(void **state)
{
    static const char text[] =
        "{{#is_alert}}A{{/is_alert}}{{#is_warning}}W{{/is_warning}}{{#is_no_data}}N{{/"
        "is_no_data}}"
        "{{#is_recovery}}R{{/is_recovery}}{{#is_alert_recovery}}ar{{/is_alert_recovery}}"
        "{{#is_warning_recovery}}wr{{/is_warning_recovery}}"
        "{{#is_no_data_recovery}}nr{{/is_no_data_recovery}}"
        "{{#is_alert_to_warning}}aw{{/is_alert_to_warning}}"
        "{{#is_warning_to_alert}}wa{{/is_warning_to_alert}}"
        "{{#is_renotify}}again{{/is_renotify}}{{^is_alert}}-{{/is_alert}}";
    static const struct {
        enum monitor_state from, to;
        uint32_t again;
        const char *wanted;
    } cases[] = {
        { MONITOR_OK, MONITOR_ALERT, 0, "A" },
        { MONITOR_OK, MONITOR_WARN, 0, "W-" },
        { MONITOR_WARN, MONITOR_ALERT, 0, "Awa" },
        { MONITOR_ALERT, MONITOR_WARN, 0, "Waw-" },
        { MONITOR_OK, MONITOR_NO_DATA, 0, "N-" },
        { MONITOR_ALERT, MONITOR_OK, 0, "Rar-" },
        { MONITOR_WARN, MONITOR_OK, 0, "Rwr-" },
        { MONITOR_NO_DATA, MONITOR_OK, 0, "Rnr-" },
        { MONITOR_ALERT, MONITOR_ALERT, 1, "Aagain" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct template_facts facts = facts_of(cases[i].from, cases[i].to);

        facts.transition.again = cases[i].again;
        renders_to(text, &facts, cases[i].wanted, "", "");
    }
}

static void nests_and_turns(void **state)
{
    (void)state;
    alerts_to("{{#is_alert}}a{{else}}b{{/is_alert}}", "a");
    alerts_to("{{#is_warning}}a{{else}}b{{/is_warning}}", "b");
    alerts_to("{{^is_alert}}a{{else}}b{{/is_alert}}", "b");
    alerts_to("{{#is_alert}}{{#is_match \"host.name\" \"web\" \"db\"}}x{{else}}y{{/is_match}}z"
              "{{/is_alert}}",
              "xz");
    alerts_to("{{#is_warning}}{{#is_alert}}x{{else}}y{{/is_alert}}z{{/is_warning}}", "");
    alerts_to("{{#is_exact_match \"host.name\" \"web\"}}x{{else}}y{{/is_exact_match}}", "y");
    alerts_to("{{#is_exact_match \"host.name\" \"a\" \"web1\"}}x{{/is_exact_match}}", "x");
    alerts_to("{{#is_match \"value\" \"812\"}}x{{/is_match}}", "x");
    alerts_to("{{#is_match \"host.name\" \"\"}}empty{{/is_match}}", "");
    alerts_to("{{#is_priority 'P2'}}x{{/is_priority}}{{#is_priority 'P1'}}y{{/is_priority}}",
              "x");
}

static void takes_receivers_of_what_holds(void **state)
{
    struct template_facts alert = facts_of(MONITOR_OK, MONITOR_ALERT);
    struct template_facts over = facts_of(MONITOR_ALERT, MONITOR_OK);
    static const char text[] = "{{#is_alert}}@night@example.org{{/is_alert}}"
                               "{{#is_recovery}}@day@example.org{{/is_recovery}} @webhook-x.";

    (void)state;
    renders_to(text, &alert, "@night@example.org @webhook-x.", "night@example.org webhook-x",
               "");
    renders_to(text, &over, "@day@example.org @webhook-x.", "day@example.org webhook-x", "");
    renders_to("mail me@example.org (@a@b.c) x\n@d@e.f, @ and @", &alert,
               "mail me@example.org (@a@b.c) x\n@d@e.f, @ and @", "d@e.f", "");
    renders_to("@slack-{{env.name}} x", &alert, "@slack-prod x", "!slack-{{env.name}}", "");
    renders_to("@{{env.name}}@x.org", &alert, "@prod@x.org", "!{{env.name}}@x.org", "");
}

/* What a tag says names nobody, opens nothing and has no line ends. */
static void values_are_text(void **state)
{
    static const struct slice evil[] = {
        { "host:@victim@example.org", 24 },
        { "k: @victim@example.org", 22 },
        { "n:a\r\nBcc: x\x1b[1m", 15 },
        { "o:{{value}}{{#is_alert}}", 24 },
    };
    struct template_facts facts = facts_of(MONITOR_OK, MONITOR_ALERT);

    (void)state;
    facts.tags = evil;
    facts.n_tags = 4;
    facts.n_host = 0;
    renders_to("{{host.name}} {{k.name}}", &facts, "@victim@example.org  @victim@example.org",
               "", "");
    renders_to("{{n.name}}", &facts, "a  Bcc: x [1m", "", "");
    renders_to("{{o.name}}", &facts, "{{value}}{{#is_alert}}", "", "");
}

static void tells_what_it_does_not_know(void **state)
{
    struct template_facts facts = facts_of(MONITOR_OK, MONITOR_ALERT);

    (void)state;
    renders_to("a{{nope}}b{{env}}{{x.name}}c", &facts, "abc", "", "nope env x.name");
    renders_to("{{#is_bad}}a{{else}}b{{/is_bad}}{{#is_warning}}{{nope}}{{/is_warning}}", &facts,
               "b", "", "is_bad");
    renders_to("{{#is_match \"nothing.name\" \"\"}}empty{{/is_match}}", &facts, "empty", "",
               "nothing.name");
    renders_to(
        "{{#is_match \"host.name\"}}x{{/is_match}}{{#is_exact_match}}x{{/is_exact_match}}"
        "{{#is_priority 'P9'}}x{{/is_priority}}{{#is_priority 2}}x{{/is_priority}}",
        &facts, "", "", "is_match is_exact_match is_priority is_priority");
    facts.has_value = false;
    renders_to("{{value}}", &facts, "", "", "");
}

static void says_what_is_malformed(void **state)
{
    static const struct {
        const char *text, *sentence;
    } cases[] = {
        { "ab {{value", "byte 4: it does not end" },
        { "{{#is_alert}}x", "byte 1: this block does not end: #is_alert" },
        { "x{{/is_alert}}", "byte 2: no block is open that ends with /is_alert" },
        { "{{#is_alert}}{{#is_match \"a\" \"b\"}}{{/is_alert}}",
          "byte 35: the block that is open here is #is_match" },
        { "{{else}}", "byte 1: this else belongs to no block" },
        { "{{#a}}{{else}}{{else}}{{/a}}", "byte 15: this else belongs to no block" },
        { "{{#a}}{{#a}}{{#a}}{{#a}}{{#a}}{{#a}}{{#a}}{{#a}}{{#a}}{{#a}}{{#a}}{{#a}}{{#a}}{{#a}}"
          "{{#a}}{{#a}}{{#a}}",
          "byte 97: blocks are too deep in each other" },
        { "{{!-- x", "byte 1: it does not end" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char problem[256] = "taken";
        struct bytes out = { 0 };
        struct template_facts facts = facts_of(MONITOR_OK, MONITOR_ALERT);

        assert_false(template_check(guarded_text(cases[i].text), problem, sizeof problem));
        assert_string_equal(problem, cases[i].sentence);
        assert_true(template_render(guarded_text(cases[i].text), &facts, NULL, &out));
        bytes_free(&out);
    }
    assert_true(template_check(SLICE("{{#a}}{{x}}{{else}}{{!-- y --}}{{/a}} }}"), NULL, 0));
}

static void cuts_what_is_too_long(void **state)
{
    struct template_facts facts = facts_of(MONITOR_OK, MONITOR_ALERT);
    size_t size = TEMPLATE_OUT_MAX + 100;
    char *text = malloc(size);
    struct bytes out = { 0 };

    (void)state;
    assert_non_null(text);
    for (size_t i = 0; i + 1 < size; i += 2)
        memcpy(text + i, "\xc3\xa9", 2);
    bytes_add(&out, "x", 1);
    assert_false(template_render((struct slice){ text, size }, &facts, NULL, &out));
    assert_int_equal(out.len, 1 + TEMPLATE_OUT_MAX);
    text[0] = 'x';
    memmove(text + 1, text + 2, size - 2);
    bytes_clear(&out);
    assert_false(template_render((struct slice){ text, size - 1 }, &facts, NULL, &out));
    assert_int_equal(out.len, TEMPLATE_OUT_MAX - 1); /* and no half of a character */
    bytes_free(&out);
    free(text);
}

static void writes_numbers_for_people(void **state)
{
    static const struct {
        double value;
        const char *text;
    } cases[] = {
        { 0, "0" },
        { 800, "800" },
        { 0.25, "0.25" },
        { -1.5, "-1.5" },
        { 1234567, "1234567" },
        { 1234567.89, "1234568" },
        { 99.99999, "100" },
        { 812.3456, "812.346" },
        { 1e15, "1e+15" },
        { 0.00001, "1e-05" },
        { 120, "120" },
        { INFINITY, "inf" },
        { -INFINITY, "-inf" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[32];

        assert_int_equal(template_number(cases[i].value, text), strlen(cases[i].text));
        assert_string_equal(text, cases[i].text);
    }
}

/* Of blocks within blocks, on both sides of an else, and at the begin of a block. */
static void a_survey_tells_of_blocks_that_do_not_hold(void **state)
{
    static const char text[] =
        "{{#is_alert}}high{{^is_match \"env.name\" \"prod\"}}@a@example.org{{else}} @webhook-b "
        "{{vaule}}{{/is_match}}{{else}}@c@example.org{{/is_alert}}{{{{raw}}}} @raw "
        "{{{{/raw}}}}{{!-- @comment {{gone}} --}}{{#is_alarm}}{{/is_alarm}} @d-{{host.name}} "
        "no@mail";
    struct template_facts facts = facts_of(MONITOR_ALERT, MONITOR_OK);
    struct told told = { "", "", 0 };
    struct template_listener listener = { add_receiver, add_unknown, &told, add_priority };
    (void)state;

    assert_true(template_survey(guarded_text(text), &facts, &listener));
    assert_string_equal(told.receivers,
                        "a@example.org webhook-b c@example.org !d-{{host.name}}");
    assert_string_equal(told.unknown, "vaule is_alarm");
}

/* Those that all of its series have, under host alone. */
static void a_host_has_tags(void **state)
{
    static const struct slice of_host[] = {
        { "db", 2 }, { "name:other", 10 }, { "role:db", 7 }, { "role:web", 8 }
    };
    struct template_facts facts = facts_of(MONITOR_OK, MONITOR_ALERT);

    (void)state;
    facts.host_tags = of_host;
    facts.n_host_tags = 4;
    renders_to("{{host.role}} {{host.name}} {{env.name}}", &facts, "db,web web1 prod", "", "");
    renders_to("{{#is_match \"host.role\" \"web\"}}a{{/is_match}}", &facts, "a", "", "");
    renders_to("{{host.rack}}{{role.name}}{{host.db}}", &facts, "", "",
               "host.rack role.name host.db");
}

static void times_are_local(void **state)
{
    struct template_facts facts = facts_of(MONITOR_OK, MONITOR_ALERT);

    (void)state;
    alerts_to("{{local_time 'last_triggered_at' 'Asia/Tokyo'}}", "2026-12-01 03:01:00+09:00");
    alerts_to("{{local_time \"first_triggered_at\"  \"Pacific/Marquesas\"}}",
              "2026-11-30 08:30:00-09:30");
    renders_to("{{local_time 'last_triggered_at' 'Nowhere'}}", &facts, "", "",
               "local_time 'last_triggered_at' 'Nowhere'");
    renders_to("{{local_time 'value' 'Asia/Tokyo'}}{{local_time}}", &facts, "", "",
               "local_time 'value' 'Asia/Tokyo' local_time");
    facts.offset = NULL; /* no zones are known */
    renders_to("{{local_time 'last_triggered_at' 'Asia/Tokyo'}}", &facts, "", "", "");
    facts = facts_of(MONITOR_OK, MONITOR_ALERT);
    facts.last_triggered_s = 0;
    renders_to("{{local_time 'last_triggered_at' 'Asia/Tokyo'}}", &facts, "", "", "");
}

/* value 812.3456, threshold 800, warn_threshold 500, 1796061660 s, 120 s, port 8080. */
static void expressions_are_computed(void **state)
{
    static const struct {
        const char *text, *wanted; /* NULL: it is told as unknown */
    } cases[] = {
        { "1+1-2*3/4", "0.5" },
        { "(1+2)*3 % 5", "4" },
        { "2^3^2", "512" },
        { "-2^2", "-4" },
        { "2^-1", "0.5" },
        { "- - 3", "3" },
        { "value", "812.346" },
        { "value*1000", "812346" },
        { " value - threshold ", "12.3456" },
        { "warn_threshold/threshold", "0.625" },
        { "last_triggered_at_epoch-15*60*1000", "1796060760000" },
        { "int(last_triggered_at_epoch / 3600000 % 24)", "18" },
        { "triggered_duration_sec/60", "2" },
        { "first_triggered_at_epoch", "1796061600000" },
        { "port.name + 1", "8081" },
        { "[port].name+1", "8081" },
        { "[team.x].name", "" }, /* a text is no number */
        { "env.name", "" },
        { "round(value)", "812" },
        { "round(value, 1)", "812.3" },
        { "round(value,-2)", "800" },
        { "abs(500-value)", "312.346" },
        { "int(12.9)+trunc(0.5)+float(1)", "13" },
        { "dec(12.25)", "0.25" },
        { "pow(2,10)", "1024" },
        { "log10(1000)+log2(8)+log(1)", "6" },
        { "1e3+.5", "1000.5" },
        { "1/0", "" },
        { "0/0", "" },
        { "log(0)", "" },
        { "1%0", "" },
        { "", NULL },
        { "1+", NULL },
        { "1 1", NULL },
        { "(1", NULL },
        { "1)", NULL },
        { "vaule+1", NULL },
        { "role.name*2", NULL },
        { "system(1)", NULL },
        { "round()", NULL },
        { "round(1,2,3)", NULL },
        { "pow(2)", NULL },
        { "1.2.3", NULL },
        { "[port", NULL },
        { "0x10", NULL },
        { "1_000", NULL },
        { "((((((((((((((((((((((((((((((((((((((((1))))))))))))))))))))))))))))))))))))))))",
          NULL },
    };
    static const struct slice more[] = { { "env:prod", 8 },
                                         { "port:8080", 9 },
                                         { "team.x:a", 8 } };
    struct template_facts facts = facts_of(MONITOR_OK, MONITOR_ALERT);

    (void)state;
    facts.tags = more;
    facts.n_tags = 3;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[256], unknown[256];

        snprintf(text, sizeof text, "<{{eval \"%s\"}}>", cases[i].text);
        snprintf(unknown, sizeof unknown, "eval \"%s\"", cases[i].text);
        char wanted[64];

        snprintf(wanted, sizeof wanted, "<%s>", cases[i].wanted != NULL ? cases[i].wanted : "");
        renders_to(text, &facts, wanted, "", cases[i].wanted == NULL ? unknown : "");
    }
    renders_to("{{eval value}} {{eval 'value' 1}}{{eval}}", &facts, "812.346 ", "",
               "eval 'value' 1 eval");
    facts.has_value = false; /* of No Data */
    facts.last_triggered_s = 0;
    renders_to("<{{eval \"value*2\"}}{{eval \"last_triggered_at_epoch\"}}>", &facts, "<>", "",
               "");
}

/* As Datadog's documentation has it: to whom, by the hour. */
static void blocks_compare_expressions(void **state)
{
    static const char text[] =
        "{{#is_exact_match (eval \"int(last_triggered_at_epoch / 3600000 "
        "% 24)\") \"17\" \"18\"}}@day@x.org{{else}}@night@x.org"
        "{{/is_exact_match}}";
    struct template_facts facts = facts_of(MONITOR_OK, MONITOR_ALERT);

    (void)state;
    renders_to(text, &facts, "@day@x.org", "day@x.org", "");
    facts.last_triggered_s += 3600;
    renders_to(text, &facts, "@night@x.org", "night@x.org", "");
    renders_to("{{#is_match (eval \"1\"}}a{{else}}b{{/is_match}}", &facts, "b", "", "is_match");
}

static void a_message_has_its_own_priority(void **state)
{
    static const char text[] = "{{#is_warning}}{{override_priority 'P4'}}{{/is_warning}}"
                               "{{#is_alert}}a{{override_priority \"p1\"}}b{{/is_alert}}";
    struct template_facts facts = facts_of(MONITOR_OK, MONITOR_ALERT);
    struct told told = { "", "", 0 };
    struct template_listener listener = { add_receiver, add_unknown, &told, add_priority };
    struct bytes out = { 0 };

    (void)state;
    assert_true(template_render(guarded_text(text), &facts, &listener, &out));
    assert_int_equal(out.len, 2);
    assert_int_equal(told.priority, 1);
    bytes_free(&out);
    renders_to("{{override_priority 'P6'}}", &facts, "", "", "override_priority 'P6'");
}

/* Who is told is told, and not shown. */
static void handles_can_be_hidden(void **state)
{
    struct template_facts facts = facts_of(MONITOR_OK, MONITOR_ALERT);

    (void)state;
    facts.hides_handles = true;
    renders_to("It is high. @a@x.org, @webhook-b!\n@c@x.org", &facts, "It is high. , !\n",
               "a@x.org webhook-b c@x.org", "");
    renders_to("mail a@x.org or 7 @ 3", &facts, "mail a@x.org or 7 @ 3", "", "");
    renders_to("@slack-{{env.name}} @{{env.name}}@x.org", &facts, "@slack-prod @prod@x.org",
               "!slack-{{env.name}} !{{env.name}}@x.org", "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_host_has_tags),
        cmocka_unit_test(times_are_local),
        cmocka_unit_test(expressions_are_computed),
        cmocka_unit_test(blocks_compare_expressions),
        cmocka_unit_test(a_message_has_its_own_priority),
        cmocka_unit_test(handles_can_be_hidden),
        cmocka_unit_test(fills_in_variables),
        cmocka_unit_test(knows_states),
        cmocka_unit_test(nests_and_turns),
        cmocka_unit_test(takes_receivers_of_what_holds),
        cmocka_unit_test(values_are_text),
        cmocka_unit_test(tells_what_it_does_not_know),
        cmocka_unit_test(a_survey_tells_of_blocks_that_do_not_hold),
        cmocka_unit_test(says_what_is_malformed),
        cmocka_unit_test(cuts_what_is_too_long),
        cmocka_unit_test(writes_numbers_for_people),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
