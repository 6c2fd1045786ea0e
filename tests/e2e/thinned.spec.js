// Dropout and batch normalisation in an open layer: thinned networks that stay and vote, and a whole batch by channel.

import { expect, test } from "./support/playground.js";

const pixels = (page, name) => page.getByRole("application", { name: new RegExp(`^Pixels of ${name}:`) });
const struck = (page, name) => pixels(page, name).last().locator("path.struck");
const panel = (page) => page.getByRole("region", { name: "F1: dense" });
const units = (page) => panel(page).getByRole("status", { name: "Units" });
const mask = (page, number) => panel(page).getByRole("button", { name: new RegExp(`^Mask ${number}\\b`) });
const press = (page, name) => panel(page).getByRole("button", { name, exact: true }).click();
const ANSWER = /^by: your network, step 20/;

/** The cells of a row of the answers. */
const row = (page, name) => panel(page).getByRole("row").filter({ has: page.getByRole("rowheader", { name, exact: true }) }).getByRole("cell").allTextContents();
/** The ten probabilities on the pad. */
const probabilities = (page) => page.getByRole("list", { name: "Probabilities" }).getByRole("listitem").allTextContents();
const numbers = (cells) => cells.map((text) => Number(text.replace("−", "-").replace(" %", "")));

test("a batch goes through batch normalisation channel by channel", async ({ page, playground, host }) => {
  await playground.open(`${host}/#v=1&preset=lenet-tricks&open=C1&map=2`);
  await playground.downloaded();
  const layer = page.getByRole("region", { name: "C1: convolution" });
  await expect(layer.getByText("Batch normalisation, channel 2 of 6, over 64 test images", { exact: false })).toBeVisible();
  const bars = (when) => layer.getByRole("img", { name: new RegExp(`^${when} batch normalisation, from`) });
  const shape = (when) => bars(when).locator("path").getAttribute("d");
  const second = [await shape("Before"), await shape("After")];
  expect(second[0]).not.toBe(second[1]);
  await layer.getByRole("combobox", { name: "Channel" }).selectOption({ label: "5" });
  await expect.poll(() => shape("Before")).not.toBe(second[0]);
  await expect(layer.getByText("Batch normalisation, channel 5 of 6", { exact: false })).toBeVisible();
  // One scale for both.
  const range = async (when) => (await bars(when).getAttribute("aria-label")).replace(/^\w+ /, "");
  expect(await range("Before")).toBe(await range("After"));
  const of = (name) => layer.getByRole("row", { name: new RegExp(`^${name} `) }).getByRole("cell").allTextContents();
  const means = await of("Mean of the batch");
  expect(means).toHaveLength(6);
  expect(await of("Running mean")).toEqual(Array(6).fill("0"));
  await playground.takeSteps(20);
  await expect.poll(() => of("Running mean")).not.toContain("0");
  await expect.poll(() => of("Mean of the batch")).not.toEqual(means);
});

test.describe("dropout", () => {
  /** A dense network with half of its hundred units dropped, after 20 steps. */
  test.beforeEach(async ({ playground, host }) => {
    await playground.open(`${host}/#v=1&layers=f,d100,r,o0.5,d10&open=F1`);
    await playground.downloaded();
    await playground.takeSteps(20);
    await expect(playground.page.getByText(ANSWER)).toBeVisible();
  });

  test("a mask stays: its units are off, the page shows what is left, and all units come back", async ({ page, playground }) => {
    await expect(units(page)).toHaveText("all units, as the network reads");
    await expect(struck(page, "F1")).toHaveAttribute("d", "");
    const whole = await probabilities(page);

    await press(page, "Another mask");
    await expect(page.getByText("by: your network, step 20, thinned by mask 1", { exact: true })).toBeVisible();
    await expect(mask(page, 1)).toHaveAttribute("aria-pressed", "true");
    const off = Number(/^mask 1: struck out are (\d+) of 100 in F1$/.exec(await units(page).textContent())[1]);
    expect(off).toBeGreaterThan(30);
    expect(off).toBeLessThan(70);
    // A cross for each, and the crossed units are 0 in what the next layer gets.
    const crosses = async () => ((await struck(page, "F1").getAttribute("d")).match(/M/g) ?? []).length;
    expect(await crosses()).toBe(off);
    await expect.poll(() => probabilities(page)).not.toEqual(whole);
    const thinned = await probabilities(page);
    // A crossed unit is 0 for the next layer, and the others are doubled.
    const [crossed, kept] = await struck(page, "F1").evaluate((path) => {
      const crosses = new Set(path.getAttribute("d").match(/M\d+\.2 \d+/g));
      const columns = 40;
      const at = (unit) => `M${unit % columns}.2 ${Math.floor(unit / columns)}`;
      const units = Array.from({ length: 100 }, (_, unit) => unit);
      return [units.filter((unit) => crosses.has(at(unit))), units.filter((unit) => !crosses.has(at(unit)))];
    });
    expect(crossed).toHaveLength(off);
    const arithmetic = panel(page).getByRole("status", { name: "Arithmetic" });
    const unit = panel(page).getByRole("combobox", { name: "Unit" });
    // A unit that is 0 without dropout says nothing.
    const lines = { crossed: [], kept: [] };
    for (const [name, units] of Object.entries({ crossed, kept })) {
      for (const at of units.slice(0, 8)) {
        await unit.selectOption({ label: String(at + 1) });
        await expect(panel(page).getByText(new RegExp(`^Unit ${at + 1}\\b`))).toBeVisible();
        lines[name].push((await arithmetic.locator("span").allTextContents()).find((line) => line.startsWith("dropout: ")));
      }
    }
    const said = (lines) => lines.filter(Boolean);
    expect(said(lines.crossed).length).toBeGreaterThan(0);
    for (const line of said(lines.crossed)) expect(line).toMatch(/^dropout: this mask drops /);
    expect(said(lines.kept).length).toBeGreaterThan(0);
    for (const line of said(lines.kept)) expect(line).toMatch(/^dropout: .* \/ \(1 − 0.50\) = /);

    await press(page, "Another mask");
    await expect(page.getByText(/thinned by mask 2$/).first()).toBeVisible();
    await expect.poll(() => probabilities(page)).not.toEqual(thinned);
    // With the layer closed the mask stays on the picture, and in the link.
    await page.keyboard.press("Escape");
    await expect(struck(page, "F1")).toHaveAttribute("d", /^M/);
    await expect.poll(() => page.url()).toContain("mask=2");
    await page.getByRole("region", { name: "Network picture" }).getByRole("button", { name: "Show all units again" }).click();
    await expect(struck(page, "F1")).toHaveAttribute("d", "");
    await expect(page.getByText("by: your network, step 20", { exact: true })).toBeVisible();
    await expect.poll(() => probabilities(page)).toEqual(whole);
  });

  test("twenty masks vote, and their mean is near what all units say", async ({ page, playground }) => {
    const buttons = panel(page).getByRole("list", { name: "Thinned networks" }).getByRole("button");
    await expect(buttons).toHaveCount(20);
    const votes = numbers(await row(page, "Votes of 20 masks"));
    expect(votes.reduce((a, b) => a + b)).toBe(20);
    const read = (await buttons.evaluateAll((all) => all.map((button) => button.textContent))).map((name) => Number(/: reads (\d)$/.exec(name)[1]));
    expect(votes).toEqual(Array.from({ length: 10 }, (_, digit) => read.filter((answer) => answer === digit).length));

    // A mask that is chosen answers on the page what it voted for.
    await mask(page, 17).click();
    await expect(page.getByText(/thinned by mask 17$/).first()).toBeVisible();
    await expect(playground.prediction).toHaveText(new RegExp(`^${read[16]} `));

    // The logits: the masks' mean is that of all units but for chance; all units as loud as the kept ones are twice as large, but for
    // the biases, which 20 steps leave small.
    const [all, mean, loud] = [await row(page, "Logits of all units"), await row(page, "Mean logits of the masks"), await row(page, "Logits of all, scaled up")].map(numbers);
    const largest = all.indexOf(Math.max(...all));
    expect(loud[largest] / all[largest]).toBeGreaterThan(1.9);
    expect(loud[largest] / all[largest]).toBeLessThan(2.1);
    expect(Math.abs(mean[largest] / all[largest] - 1)).toBeLessThan(0.3);
    await press(page, "All units, scaled up");
    await expect(page.getByText("by: your network, step 20, units scaled up", { exact: true })).toBeVisible();
  });

  test("a mask goes with the dropout that it is one of", async ({ page, playground }) => {
    await mask(page, 3).click();
    await expect(page.getByText(/thinned by mask 3$/).first()).toBeVisible();
    await playground.showSettings();
    await page.getByRole("switch", { name: "Dropout" }).uncheck();
    await expect(page.getByText(/thinned/)).toHaveCount(0);
    await expect(panel(page).getByRole("list", { name: "Thinned networks" })).toHaveCount(0);
    await expect(page.getByText(ANSWER)).toBeVisible();
  });
});
