// The picture of the network: layers open, and every number tells what it is made of.

import { expect, test } from "./support/playground.js";

const arithmetic = (page) => page.getByRole("status", { name: "Arithmetic" });
const pixels = (page, name) => page.getByRole("application", { name: new RegExp(`^Pixels of ${name}:`) });
const opener = (page, name) => page.getByRole("button", { name: new RegExp(`^${name}\\b`) });

/** Points at a part of some maps. */
async function point(page, name, x, y) {
  const maps = pixels(page, name).first();
  await maps.scrollIntoViewIfNeeded();
  const box = await maps.boundingBox();
  await page.mouse.move(box.x + x * box.width, box.y + y * box.height);
}

test.beforeEach(async ({ playground, host }) => {
  await playground.open(`${host}/`);
  await playground.draw(7);
  await expect(playground.prediction).toHaveText(/^\s*7/);
});

test("every layer has its name, shape and number of parameters", async ({ page }) => {
  for (const [name, text] of [
    ["C1", "6@28×28.*156 params"],
    ["S2", "6@14×14.*no params"],
    ["C3", "16@10×10.*2,416 params"],
    ["S4", "16@5×5"],
    ["F5", "120.*48,120 params"],
    ["F6", "84.*10,164 params"],
    ["Output", "10.*850 params"],
  ]) {
    await expect(opener(page, name)).toHaveText(new RegExp(text));
  }
});

test("a layer opens with click and Enter, and Escape closes it", async ({ page }) => {
  const heading = page.getByRole("heading", { name: "C3: convolution" });
  await opener(page, "C3").click();
  await expect(heading).toBeVisible();
  await expect(opener(page, "C3")).toHaveAttribute("aria-expanded", "true");
  for (const name of ["All filters of C3", "After convolution, before activation", "After ReLU", /^Histogram of weights, from/]) {
    await expect(page.getByRole("img", { name }).last()).toBeVisible();
  }
  await page.keyboard.press("Escape");
  await expect(heading).toHaveCount(0);

  await pixels(page, "S2").focus();
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { name: "S2: max pooling" })).toBeVisible();
  await expect(page.getByRole("img", { name: /winning pixel/ })).toBeVisible();
  await page.getByRole("button", { name: "Close" }).click();
  await expect(page.getByRole("heading", { name: "S2: max pooling" })).toHaveCount(0);
});

test("the opened output writes out softmax, digit by digit", async ({ page, playground }) => {
  await opener(page, "Output").click();
  const rows = page.getByRole("table", { name: "Softmax" }).locator("tbody tr");
  await expect(rows).toHaveCount(10);
  const cells = async (digit) => (await rows.nth(digit).getByRole("cell").allTextContents()).slice(0, 3).map((text) => Number.parseFloat(text.replace("−", "-").replace("< ", "")));
  const all = await Promise.all([0, 1, 2, 3, 4, 5, 6, 7, 8, 9].map(cells));
  const largest = Math.max(...all.map(([z]) => z));
  const sum = all.reduce((sum, [, e]) => sum + e, 0);
  for (const [z, e, share] of all) {
    expect(Math.abs(Math.exp(z - largest) - e)).toBeLessThan(0.02);
    expect(Math.abs((100 * e) / sum - share)).toBeLessThan(0.05);
    expect(e, "even the smallest is written out").toBeGreaterThan(0);
  }
  const { digit, sure } = (await playground.prediction.textContent()).match(/(?<digit>\d)\s+(?<sure>[\d.]+) %/).groups;
  expect((await cells(Number(digit)))[2]).toBeCloseTo(Number(sure), 0);
});

test("a pixel under the mouse is written out as the sum that made it", async ({ page }) => {
  await point(page, "C1", 0.2, 0.4);
  await expect(arithmetic(page)).toContainText(/bias .* = .*ReLU: max\(/);
  // The number behind the equals sign is what goes into the ReLU.
  const text = await arithmetic(page).textContent();
  const [, sum, before] = text.match(/= (\S+?)ReLU: max\((\S+), 0\)/);
  expect(Math.abs(Number(sum.replace("−", "-")) - Number(before.replace("−", "-")))).toBeLessThan(0.02);

  await point(page, "S2", 0.2, 0.4);
  await expect(arithmetic(page)).toContainText(/the largest of .* is /);
  await point(page, "F6", 0.5, 0.5);
  await expect(arithmetic(page)).toContainText(/smaller terms .* bias/);
  await point(page, "Output", 0.5, 0.75);
  await expect(arithmetic(page)).toContainText(/softmax: e\^.* = (9\d\.\d|100\.0) %/);
});

test("arrow keys walk from pixel to pixel, and the field behind lights up", async ({ page }) => {
  const map = pixels(page, "C3").first();
  const lit = (name) => pixels(page, name).first().locator("path.mark");
  await map.focus();
  await expect(arithmetic(page)).toContainText("bias");
  const place = () => page.locator(".place span").textContent();
  const before = await place();
  await page.keyboard.press("ArrowLeft");
  expect(await place()).not.toBe(before);
  // Five columns of each of the six maps of S2, fourteen of the input.
  await expect(lit("S2")).toHaveAttribute("d", /^(M\d+ \d+h5v5h-5z){6}$/);
  await expect(lit("Input")).toHaveAttribute("d", /^M\d+ \d+h\d+v\d+h-\d+z$/);
  await page.keyboard.press("Escape");
  await expect(lit("S2")).toHaveAttribute("d", "");
});

test("the window slides, and its size is computed", async ({ page }) => {
  await opener(page, "C1").click();
  const size = page.getByRole("status", { name: "Output size" });
  const at = page.getByRole("status", { name: "Window" });
  await expect(size).toHaveText("(28 + 2·2 − 5) / 1 + 1 = 28");
  await page.getByRole("combobox", { name: "Stride" }).selectOption("2");
  await page.getByRole("combobox", { name: "Padding" }).selectOption("0");
  await expect(size).toHaveText("⌊(28 + 2·0 − 5) / 2⌋ + 1 = 12");
  await expect(at).toContainText("Window 1 of 144");
  await page.getByRole("button", { name: "Next" }).click();
  await expect(at).toContainText(/Window 2 of 144: row 1, column 2: \S+/);
  await page.getByRole("button", { name: "Slide", exact: true }).click();
  await expect(at).toContainText("row 2");
  await page.getByRole("button", { name: "Stop sliding" }).click();
});

test.describe("without motion", () => {
  test.use({ reducedMotion: "reduce" });
  test("the window walks by buttons only", async ({ page }) => {
    await page.emulateMedia({ reducedMotion: "reduce" });
    await opener(page, "S4").click();
    await expect(page.getByRole("button", { name: "Next" })).toBeVisible();
    await expect(page.getByRole("button", { name: "Slide", exact: true })).toHaveCount(0);
  });
});

test("a filter made by hand answers at once", async ({ page }) => {
  await page.getByRole("button", { name: "Try a filter" }).click();
  const map = () => page.getByRole("img", { name: "Feature map of the filter" }).evaluate((c) => c.toDataURL());
  const edges = await map();
  await page.getByRole("button", { name: "Blur" }).click();
  await expect.poll(map).not.toBe(edges);
  const blurred = await map();
  await page.getByRole("button", { name: "Empty" }).click();
  await expect.poll(map).not.toBe(blurred);
  const empty = await map();
  // By keyboard: the cell to the right of the first, painted.
  await page.getByRole("button", { name: "Row 1, column 1: 0" }).focus();
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("Space");
  await expect(page.getByRole("button", { name: "Row 1, column 2: 1" })).toBeFocused();
  await expect.poll(map).not.toBe(empty);
});

test("dropout strikes units out in training only, and normalisation shows what it does", async ({ page, playground }) => {
  await page.getByRole("combobox", { name: "Preset" }).selectOption("lenet-tricks");
  await opener(page, "F5").click();
  await expect(page.getByRole("heading", { name: "F5: dense" })).toBeVisible();
  const struck = pixels(page, "F5").first().locator("path.struck");
  await expect(struck).toHaveAttribute("d", "");
  await playground.train.click();
  await expect(struck).toHaveAttribute("d", /^M/);
  for (const name of [/^Before batch normalisation, from/, /^After batch normalisation, from/]) {
    await expect(page.getByRole("img", { name })).toBeVisible();
  }
  await expect(page.getByRole("row", { name: /^Running mean / })).toBeVisible();
  await playground.pause.click();
  await expect(struck).toHaveAttribute("d", "");
});

test("batch normalisation shows how values lie before and after it, layer by layer", async ({ page, playground }) => {
  const table = page.getByRole("table", { name: "Before and after batch normalisation" });
  await expect(table).toHaveCount(0);
  await page.getByRole("switch", { name: "Batch normalisation" }).check();
  const rows = table.locator("tbody tr");
  await expect(rows.getByRole("rowheader")).toHaveText(["C1", "C3", "F5", "F6"]);
  await playground.train.click();
  await expect.poll(() => playground.steps(), { timeout: 40_000 }).toBeGreaterThan(20);
  await playground.pause.click();
  for (const name of [/^F5, before, from −/, /^F5, after, from −/]) {
    await expect(table.getByRole("img", { name })).toBeVisible();
  }
  // Mean and deviation of all values of each layer.
  const numbers = async (row) => (await row.locator(".number").allTextContents()).map((text) => text.split(", ").map((n) => Number(n.replace("−", "-"))));
  for (const row of await rows.all()) {
    const [, [mean, deviation]] = await numbers(row);
    expect(Math.abs(mean)).toBeLessThan(1);
    expect(deviation).toBeGreaterThan(0.3);
    expect(deviation).toBeLessThan(3);
  }
  await page.getByRole("switch", { name: "Batch normalisation" }).uncheck();
  await expect(table).toHaveCount(0);
});

test("training with a layer open and a pixel touched leaves the page at rest", async ({ page, playground }) => {
  await opener(page, "F5").click();
  await point(page, "F5", 0.5, 0.5);
  const browser = await page.context().newCDPSession(page);
  // In time of the thread: how long a task lasts by the clock depends on who else uses the cores.
  await browser.send("Performance.enable", { timeDomain: "threadTicks" });
  const busy = async () => {
    const { metrics } = await browser.send("Performance.getMetrics");
    return 1000 * metrics.find(({ name }) => name === "TaskDuration").value;
  };
  await page.evaluate(() => {
    globalThis.told = 0;
    new MutationObserver(() => (globalThis.told += 1)).observe(document.querySelector("[data-step]"), { attributes: true });
  });
  const before = await busy();
  await playground.train.click();
  await expect.poll(() => page.evaluate(() => globalThis.told), { timeout: 30_000 }).toBeGreaterThan(40);
  const each = ((await busy()) - before) / (await page.evaluate(() => globalThis.told));
  console.log(`    ${each.toFixed(1)} ms for each snapshot`);
  expect(each, "milliseconds of the main thread for each snapshot").toBeLessThan(25);
});

test.describe("on a phone", () => {
  test.use({ viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true });

  test("a finger touches a pixel without opening its layer, and the sum stays in sight", async ({ page }) => {
    const maps = pixels(page, "C3").first();
    await maps.scrollIntoViewIfNeeded();
    await maps.tap({ position: { x: 20, y: 20 } });
    await expect(arithmetic(page)).toContainText("bias");
    await expect(arithmetic(page)).toBeInViewport();
    await expect(page.getByRole("heading", { name: /^C3:/ })).toHaveCount(0);
    await opener(page, "C3").tap();
    await expect(page.getByRole("heading", { name: /^C3:/ })).toBeInViewport();
    const width = await page.evaluate(() => document.documentElement.scrollWidth);
    expect(width).toBeLessThanOrEqual(390);
  });
});
