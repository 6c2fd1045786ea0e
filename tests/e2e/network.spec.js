// The picture of the network: opened layers, and the arithmetic behind every pixel.

import { expect, test } from "./support/playground.js";

const arithmetic = (page) => page.getByRole("status", { name: "Arithmetic" });
const pixels = (page, name) => page.getByRole("application", { name: new RegExp(`^Pixels of ${name}:`) });
const opener = (page, name) => page.getByRole("button", { name: new RegExp(`^${name}\\b`) });

/** Moves the mouse over the maps of a stage, to a share of their width and height. */
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
    ["C1", "6@28×28.*156 parameters"],
    ["S2", "6@14×14.*no parameters"],
    ["C3", "16@10×10.*2,416 parameters"],
    ["S4", "16@5×5"],
    ["F5", "120.*48,120 parameters"],
    ["F6", "84.*10,164 parameters"],
    ["Output", "10.*850 parameters"],
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

test("the opened output writes out the softmax, digit by digit", async ({ page, playground }) => {
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
    expect(e, "no share is rounded to nothing").toBeGreaterThan(0);
  }
  const { digit, sure } = (await playground.prediction.textContent()).match(/(?<digit>\d)\s+(?<sure>[\d.]+) %/).groups;
  expect((await cells(Number(digit)))[2]).toBeCloseTo(Number(sure), 0);
});

test("the pixel under the mouse is written out as the sum that computes it", async ({ page }) => {
  await point(page, "C1", 0.2, 0.4);
  await expect(arithmetic(page)).toContainText(/bias .* = .*ReLU: max\(/);
  // The result of the sum is the input of the ReLU.
  const text = await arithmetic(page).textContent();
  const [, sum, before] = text.match(/= (\S+?)ReLU: max\((\S+), 0\)/);
  expect(Math.abs(Number(sum.replace("−", "-")) - Number(before.replace("−", "-")))).toBeLessThan(0.02);

  await point(page, "S2", 0.2, 0.4);
  await expect(arithmetic(page)).toContainText(/the largest of .* is /);
  await point(page, "F6", 0.5, 0.5);
  await expect(arithmetic(page)).toContainText(/smaller terms .* bias/);
  await point(page, "Output", 0.5, 0.75);
  await expect(arithmetic(page)).toContainText(/softmax: e\^.* = (9\d\.\d+|100\.0) %/);
});

test("arrow keys move from pixel to pixel, and the receptive field lights up", async ({ page }) => {
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

test("an inspected pixel is announced, and the announcement goes, since training changes the value", async ({ page }) => {
  const announced = page.getByRole("region", { name: "Network picture" }).locator("[aria-live=polite]");
  // On a busy machine it may have come and gone before somebody looks.
  const said = await announced.evaluateHandle((region) => {
    const said = [];
    new MutationObserver(() => said.push(region.textContent)).observe(region, { childList: true, characterData: true, subtree: true });
    return said;
  });
  // The focus scrolls the page, and maps come under a mouse that stays.
  await page.mouse.move(1, 1);
  await pixels(page, "C3").first().focus();
  await expect.poll(() => said.jsonValue()).toEqual([
    expect.stringMatching(/^C3, map \d+, row \d+, column \d+: \d/), "",
  ]);
});

test("editing a filter updates its feature map", async ({ page }) => {
  await page.getByRole("button", { name: "Try a filter" }).click();
  const map = () => page.getByRole("img", { name: "Feature map of the filter" }).evaluate((c) => c.toDataURL());
  const edges = await map();
  await page.getByRole("button", { name: "Blur" }).click();
  await expect.poll(map).not.toBe(edges);
  const blurred = await map();
  await page.getByRole("button", { name: "Empty" }).click();
  await expect.poll(map).not.toBe(blurred);
  const empty = await map();
  // By keyboard: paints the cell to the right of the first.
  await page.getByRole("button", { name: "Row 1, column 1: 0" }).focus();
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("Space");
  await expect(page.getByRole("button", { name: "Row 1, column 2: 1" })).toBeFocused();
  await expect.poll(map).not.toBe(empty);
});

test("dropout strikes out units in training only, and batch normalisation shows its histograms", async ({ page, playground }) => {
  await page.getByRole("combobox", { name: "Preset" }).selectOption("lenet-tricks");
  await opener(page, "F5").click();
  await expect(page.getByRole("heading", { name: "F5: dense" })).toBeVisible();
  const struck = pixels(page, "F5").last().locator("path.struck");
  await expect(struck).toHaveAttribute("d", "");
  await playground.train.click();
  await expect(struck).toHaveAttribute("d", /^M/);
  for (const name of [/^Before batch normalisation, from/, /^After batch normalisation, from/]) {
    await expect(page.getByRole("img", { name })).toBeVisible();
  }
  await expect(page.getByRole("row", { name: /^Running mean / })).toBeVisible();
  await playground.stop();
  await expect(struck).toHaveAttribute("d", "");
});

test("batch normalisation shows the distribution of values before and after it, layer by layer", async ({ page, playground }) => {
  const table = page.getByRole("table", { name: "Before and after batch normalisation" });
  await expect(table).toHaveCount(0);
  await page.getByRole("switch", { name: "Batch normalisation" }).check();
  const rows = table.locator("tbody tr");
  await expect(rows.getByRole("rowheader")).toHaveText(["C1", "C3", "F5", "F6"]);
  await playground.train.click();
  await expect.poll(() => playground.steps()).toBeGreaterThan(20);
  await playground.stop();
  for (const name of [/^F5, before, from −/, /^F5, after, from −/]) {
    await expect(table.getByRole("img", { name })).toBeVisible();
  }
  // Mean and standard deviation of all values of each layer.
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

test("a link carries the inspected pixel", async ({ page, playground, host }) => {
  await playground.open(`${host}/#v=1&image=0`);
  await expect(playground.prediction).toHaveText(/^\s*7/);
  const maps = pixels(page, "C3").first();
  await maps.focus();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowDown");
  await expect(arithmetic(page)).toContainText("bias");
  const told = await arithmetic(page).textContent();
  await expect.poll(() => new URL(page.url()).hash).toMatch(/&pixel=C3,\d+,\d+,\d+&image=0$/);
  const link = new URL(page.url()).hash;
  await page.keyboard.press("Escape");
  await expect.poll(() => new URL(page.url()).hash).toBe("#v=1&image=0");
  const other = await page.context().newPage();
  await other.goto(`${host}/${link}`);
  await expect(arithmetic(other)).toHaveText(told);
  // Also where its layers come with the link.
  await other.evaluate(() => { location.hash = "#v=1&preset=mlp30&image=0&pixel=F1,3"; });
  await expect(arithmetic(other)).toContainText("bias");
  await expect.poll(() => new URL(other.url()).hash).toBe("#v=1&preset=mlp30&pixel=F1,3&image=0");
  // In an open layer, map and window take its place.
  await other.evaluate(() => { location.hash = "#v=1&image=0&open=C1&pixel=C3,1,1,1"; });
  await expect(other.getByRole("heading", { name: /^C1:/ })).toBeVisible();
  await expect.poll(() => new URL(other.url()).hash).toBe("#v=1&open=C1&image=0");
  await other.close();
});

test.describe("on a phone", () => {
  test.use({ viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true });

  test("touching a pixel does not open its layer, and the sum stays in view", async ({ page }) => {
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
