#include "flush/rollups/monitor_step.h"

#include "flush/rollups/query.h"

enum { POINTS_STANDARD = 300, LOOKED_POINTS = 5 };

static const int64_t usual_steps[] = {
    1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600
};

enum { USUAL_STEPS = sizeof usual_steps / sizeof *usual_steps };

static int64_t length_of(const struct coverage_window *window)
{
    return window->to_s - window->from_s;
}

/* Whether the window is made of such steps, and not of too many. */
static bool fits(const struct coverage_window *window, int64_t step_s)
{
    return window->from_s % step_s == 0 && length_of(window) % step_s == 0 &&
           length_of(window) / step_s <= QUERY_POINTS_MAX;
}

int64_t monitor_step(const struct coverage_window *window, int64_t looked_s, int64_t period_s)
{
    size_t i = 0;

    while (i < USUAL_STEPS - 1 && length_of(window) / usual_steps[i] > POINTS_STANDARD)
        i++;
    while (i > 0 &&
           (looked_s / usual_steps[i] < LOOKED_POINTS || period_s % usual_steps[i] != 0))
        i--;
    return monitor_step_near(window, usual_steps[i]);
}

int64_t monitor_step_longer(const struct coverage_window *window, int64_t step_s)
{
    for (size_t i = 0; i < USUAL_STEPS; i++)
        if (usual_steps[i] > step_s && fits(window, usual_steps[i]))
            return usual_steps[i];
    return 0;
}

int64_t monitor_step_near(const struct coverage_window *window, int64_t step_s)
{
    int64_t least_s = length_of(window) / QUERY_POINTS_MAX + 1, longer_s;

    if (fits(window, step_s))
        return step_s;
    for (size_t i = USUAL_STEPS; i-- > 0;)
        if (usual_steps[i] < step_s && fits(window, usual_steps[i]))
            return usual_steps[i];
    longer_s = monitor_step_longer(window, step_s);
    if (longer_s > 0)
        return longer_s;
    return step_s > least_s ? step_s : least_s;
}
