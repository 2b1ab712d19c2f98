/* server/monitors/evaluator.h: each minute every monitor is looked at, and who is to be told is.
 *
 *   the minute ──► each monitor that is due ── inquiry ──► flusher, in slices
 *                  group_state_step() of each group ◄── value of each group
 *                  transition ── downtime holds: muted
 *                             ── template, receivers ──► notification, with the window's picture
 *                             ── kept first, where there is a path ──► notifier
 *
 * At the full minute the window that ended EVALUATOR_WAIT_S before is complete: the rollups have
 * the interval that it ends in. All monitors of a minute look at the same moment, however long it
 * takes to get to them. What is missed (a stop, a machine that slept) is not made up: the next
 * minute is evaluated.
 *
 * What is defined is in the definitions (server/api/definitions.h), of the kinds
 * DEFINITION_MONITOR and DEFINITION_DOWNTIME, and in the files of heeler_monitors_path; states
 * are here. With heeler_state_path each change of a state and each notification that waits is
 * written down before it is sent (struct evaluator_keeper); a successor gets all of it in
 * STATE_MONITORS. On the desk's thread, in slices of a few milliseconds; time is an argument of
 * all but the timer. Nothing is allocated and no thread starts until the first monitor exists. */
