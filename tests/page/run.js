/* page/run.js: the page in a browser, beside the real server.
 *
 *   node tests/page/run.js PROGRAM [WORD]
 *
 * Each case of cases/ is a sentence and a function; those with the WORD are run. Closes with
 * "N passed, M failed". */

import { openBrowser } from "./browser.js";
import { access } from "./cases/access.js";
import { arriving } from "./cases/arriving.js";
import { bands } from "./cases/bands.js";
import { boards } from "./cases/boards.js";
import { checks } from "./cases/checks.js";
import { downtimes } from "./cases/downtimes.js";
import { going } from "./cases/going.js";
import { hosts } from "./cases/hosts.js";
import { keyboard } from "./cases/keyboard.js";
import { lines } from "./cases/lines.js";
import { looks } from "./cases/looks.js";
import { monitors } from "./cases/monitors.js";
import { strangers } from "./cases/strangers.js";
import { traces } from "./cases/traces.js";
import { troubles } from "./cases/troubles.js";
import { units } from "./cases/units.js";

const [program, word = ""] = process.argv.slice(2);
const cases = [...arriving, ...lines, ...troubles, ...strangers, ...going, ...hosts, ...keyboard, ...bands, ...boards, ...monitors, ...downtimes, ...checks, ...units, ...traces, ...access, ...looks].filter(([sentence]) => sentence.includes(word));
const AT_ONCE = 4;
let passed = 0, failed = 0;

const browser = await openBrowser();

async function runOne([sentence, run]) {
    const begun = Date.now();
    try {
        await run({ browser, program });
        passed++;
        console.log(`  ok    ${sentence} (${((Date.now() - begun) / 1000).toFixed(1)} s)`);
    } catch (problem) {
        failed++;
        console.log(`  FAIL  ${sentence}\n${String(problem?.stack ?? problem).replace(/^/gm, "        ")}`);
    }
}

/* Most of what a case does is wait. */
await Promise.all(Array.from({ length: AT_ONCE }, async () => {
    for (let next = cases.shift(); next; next = cases.shift()) await runOne(next);
}));
await browser.close();
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;
