/* page/cases/units.js: how numbers of a unit are written, beside an axis and in a table. */

import { same, withPage } from "./with.js";

/* unit, per, the number, as it is read */
const TEXTS = [
    ["", "", 12345, "12.3 k"],
    ["byte", "", 2048, "2 KiB"],
    ["byte", "", 1010 * 2 ** 20, "1,010 MiB"],
    ["bit", "", 8192, "1 KiB"],
    ["millisecond", "", 1500, "1.5 s"],
    ["millisecond", "", 0, "0 s"],
    ["nanosecond", "", 20, "20 ns"],
    ["fraction", "", 0.25, "25 %"],
    ["request", "second", 3, "3"],
    ["constructor", "", 3, "3"], /* a name of JavaScript is no unit */
];

/* unit, from, to, the marks between */
const MARKS = [
    ["byte", 0, 3e9, "0 | 512 MiB | 1 GiB | 1.5 GiB | 2 GiB | 2.5 GiB"],
    ["byte", 1.98e9, 2.02e9, "1.85 GiB | 1.86 GiB | 1.87 GiB | 1.88 GiB"],
    ["byte", -5e6, 5e6, "-4 MiB | -2 MiB | 0 | 2 MiB | 4 MiB"],
    ["second", 0, 700, "0 s | 2 min | 4 min | 6 min | 8 min | 10 min"],
    ["second", 0, 1e-7, "0 s | 20 ns | 40 ns | 60 ns | 80 ns | 100 ns"],
    ["minute", 0, 200, "0 s | 1 h | 2 h | 3 h"],
    ["day", 0, 0.004, "0 s | 1 min | 2 min | 3 min | 4 min | 5 min"],
];

async function areRead({ server, tab, page }) {
    await tab.show(server.address());
    const [texts, marks] = await page.evaluate(async ([ofTexts, ofMarks]) => {
        const { makeUnit } = await import("/page/unit.js");
        return [ofTexts.map(([name, per, n]) => makeUnit(name, per).text(n)), ofMarks.map(([name, from, to]) => {
            const unit = makeUnit(name), all = unit.marks(from, to, 6);
            return all.map((n) => unit.tick(n, all[1] - all[0])).join(" | ");
        })];
    }, [TEXTS, MARKS]);
    TEXTS.forEach(([name, per, n, wanted], i) => same(`${n} ${name} ${per}`, texts[i], wanted));
    MARKS.forEach(([name, from, to, wanted], i) => same(`${from} to ${to} ${name}`, marks[i], wanted));
}

export const units = [["numbers of a unit are written as one reads them", (given) => withPage(given, areRead)]];
