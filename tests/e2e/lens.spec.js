// The Lens: how a layer computes one of its values, in the place of the picture.

import { expect, hash, test } from "./support/playground.js";

const opener = (page, name) => page.getByRole("button", { name: new RegExp(`^${name}\\b`) });
const arithmetic = (page) => page.getByRole("status", { name: "Arithmetic" });
const position = (page) => page.getByRole("status", { name: "Window", exact: true });
const size = (page) => page.getByRole("status", { name: "Output size" });
const input = (page) => page.getByRole("application", { name: /^Window over/ });
const output = (page) => page.getByRole("application", { name: /^Value of the map/ });
const menu = (page, name) => page.getByRole("combobox", { name, exact: true });
const picture = (page, name) => page.getByRole("img", { name, exact: true });
const square = (page, name) => page.getByRole("group", { name, exact: true });

/** Opens a layer, and waits until it stands still. */
async function open(page, name) {
  await opener(page, name).click();
  await page.locator(".lens").evaluate((lens) => Promise.all(lens.getAnimations().map(({ finished }) => finished)));
}

/** The numbers that a text shows. */
const read = (text) => [...text.matchAll(/[−-]?\d[\d.,]*/g)].map(([number]) => Number(number.replace("−", "-").replaceAll(",", "")));
/** The numbers in the cells of a square. */
const cells = async (page, name) => (await square(page, name).locator("span").allTextContents()).flatMap(read);

/** Presses the mouse on a value of maps that are `columns` values wide, and drags it to another value. */
async function drag(page, maps, side, ...places) {
  const box = await maps.boundingBox();
  const [first, ...rest] = places.map(([row, column]) => [box.x + ((column + 0.5) / side) * box.width, box.y + ((row + 0.5) / side) * box.height]);
  await page.mouse.move(...first);
  await page.mouse.down();
  for (const place of rest) await page.mouse.move(...place, { steps: 4 });
  await page.mouse.up();
}

test.beforeEach(async ({ playground, host }) => {
  await playground.open(`${host}/#v=1&image=0`);
  await expect(playground.prediction).toHaveText(/^\s*7/);
  await playground.downloaded();
});

test("the window is dragged and walked, and its products add up to the value of the map", async ({ page }) => {
  await open(page, "C1");
  await expect(position(page), "it begins where the answer is largest").toContainText("Window 291 of 784: row 11, column 11: 1.58");
  // The middle of the window is where the mouse is: two rows of zeros lie around the 28 of the image.
  await drag(page, input(page), 32, [12, 20], [9, 15], [7, 12]);
  await expect(position(page)).toContainText("Window 151 of 784: row 6, column 11");
  const values = await cells(page, "Values under the window");
  const weights = await cells(page, "Weights of the filter");
  expect([values.length, weights.length]).toEqual([25, 25]);
  const [line] = await arithmetic(page).locator("span").allTextContents();
  const [, bias, value] = line.match(/bias (\S+) = (\S+)$/);
  const sum = values.reduce((sum, value, at) => sum + value * weights[at], read(bias)[0]);
  expect(Math.abs(sum - read(value)[0]), "numbers are shown with two places").toBeLessThan(0.15);
  expect(Math.abs(read((await position(page).textContent()).split(": ")[2])[0] - read(value)[0])).toBeLessThan(0.006);
  await expect(arithmetic(page)).toContainText("ReLU: max(");

  await input(page).focus();
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("ArrowDown");
  await expect(position(page)).toContainText("row 7, column 12");
  await page.keyboard.press("Home");
  await expect(position(page)).toContainText("Window 1 of 784: row 1, column 1");
  await page.getByRole("button", { name: "Back", exact: true }).click();
  await expect(position(page), "before the first comes the last").toContainText("Window 784 of 784");
  await drag(page, output(page), 28, [3, 3], [27, 4]);
  await expect(position(page)).toContainText("row 28, column 5");
  await expect.poll(() => hash(page)).toContain("open=C1&window=28,5");
});

test("kernel, stride and padding are tried, and the network keeps its own", async ({ page }) => {
  await open(page, "C1");
  await expect(size(page)).toHaveText("(28 + 2·2 − 5) / 1 + 1 = 28");
  await menu(page, "Stride").selectOption("2");
  await menu(page, "Padding").selectOption("0");
  await expect(size(page)).toHaveText("⌊(28 + 2·0 − 5) / 2⌋ + 1 = 12");
  await expect(position(page)).toContainText("of 144");
  await menu(page, "Kernel").selectOption("3");
  await expect(size(page)).toHaveText("⌊(28 + 2·0 − 3) / 2⌋ + 1 = 13");
  expect((await cells(page, "Weights of the filter")).length).toBe(9);
  await expect(menu(page, "Padding").locator("option"), "no more zeros than the kernel reaches").toHaveText(["0", "1", "2"]);
  await expect.poll(() => hash(page)).toMatch(/kernel=3&stride=2&padding=0/);
  await expect(opener(page, "C1")).toContainText("6@28×28");
});

test("the window slides by itself and fills the map", async ({ page }) => {
  await open(page, "C1");
  await input(page).focus();
  await page.keyboard.press("Home");
  const map = picture(page, "The map that the window computes");
  const alpha = (row, column) => map.evaluate((canvas, [x, y]) => canvas.getContext("2d").getImageData(x, y, 1, 1).data[3], [column, row]);
  await expect.poll(() => alpha(27, 27), "all of the map").toBe(255);
  // A window every 66 ms, by a clock that only the test moves.
  await page.clock.install();
  await page.clock.pauseAt(Date.now() + 60_000);
  await page.getByRole("button", { name: "Slide", exact: true }).click();
  await page.clock.runFor(10 * 66);
  await expect(position(page)).toContainText("Window 11 of 784: row 1, column 11");
  await expect.poll(() => alpha(27, 27), "what is not computed yet").toBeLessThan(255);
  expect(await alpha(0, 10)).toBe(255);
  await page.getByRole("button", { name: "Stop sliding" }).click();
  await page.getByRole("button", { name: "Next" }).click();
  await expect(position(page)).toContainText("Window 12 of 784");
});

test.describe("without motion", () => {
  test("only buttons, keys and the pointer move the window", async ({ page }) => {
    await page.emulateMedia({ reducedMotion: "reduce" });
    await open(page, "S4");
    await expect(page.getByRole("button", { name: "Next" })).toBeVisible();
    await expect(page.getByRole("button", { name: "Slide", exact: true })).toHaveCount(0);
  });
});

test("pooling shows its four values with the winner, a later convolution one map of many, a dense unit its weights", async ({ page }) => {
  await open(page, "S2");
  const values = await cells(page, "Values under the window");
  expect(values.length).toBe(4);
  const framed = square(page, "Values under the window").locator(".framed");
  expect(read(await framed.textContent())).toEqual([Math.max(...values)]);
  await input(page).focus();
  await page.keyboard.press("Home");
  await expect(framed, "none wins in a black corner").toHaveCount(0);

  await open(page, "C3");
  await expect(arithmetic(page)).toContainText(/ \+ \d+ smaller terms/);
  const first = await cells(page, "Weights of the filter");
  // Maps of 14 rows, two side by side: the second one.
  await drag(page, input(page), 29, [6, 21], [6, 20]);
  expect(await cells(page, "Weights of the filter")).not.toEqual(first);
  await menu(page, "Map").selectOption("16");
  await expect(page.getByText("Filter 16")).toBeVisible();

  await open(page, "F6");
  for (const name of ["Inputs of the unit", "Weights of the unit", "Inputs times weights"]) await expect(picture(page, name)).toBeVisible();
  const line = await arithmetic(page).textContent();
  await page.getByRole("button", { name: "Next" }).click();
  await expect(arithmetic(page)).not.toHaveText(line);
  await expect(menu(page, "Unit")).toHaveValue("1");
  await expect.poll(() => hash(page)).toContain("open=F6&map=2");
});

test("the layer stands in the place of the picture, and Escape brings the picture back", async ({ page, playground, host }) => {
  await page.setViewportSize({ width: 1280, height: 720 });
  for (const name of ["C1", "S2", "C3", "S4", "F5", "F6", "Output"]) {
    await open(page, name);
    await expect(page.getByRole("application", { name: "Pixels of Input: arrow keys walk" })).toBeHidden();
    await expect(opener(page, name)).toHaveAttribute("aria-expanded", "true");
    await page.evaluate(() => scrollTo(0, 0));
    for (const part of [...(await page.locator(".lens canvas").all()), arithmetic(page)]) {
      const box = await part.boundingBox();
      expect(box.y + box.height, `${name}: in sight`).toBeLessThanOrEqual(720);
    }
    const width = await page.evaluate(() => document.documentElement.scrollWidth);
    expect(width).toBeLessThanOrEqual(1280);
  }
  await page.keyboard.press("Escape");
  await expect(page.getByRole("application", { name: "Pixels of Input: arrow keys walk" })).toBeVisible();
  await expect(opener(page, "Output")).toBeFocused();

  await playground.open(`${host}/#v=1&image=0&open=C1&map=3&window=4,5&stride=3&padding=1`);
  await expect(position(page)).toContainText("row 4, column 5");
  await expect(menu(page, "Map")).toHaveValue("2");
  await expect(size(page)).toHaveText("⌊(28 + 2·1 − 5) / 3⌋ + 1 = 9");
});

test("another network comes while a layer is open: the window lies where that one has a value, and the link is its own", async ({ page, playground, host }) => {
  await playground.open(`${host}/#v=1&image=0&open=C1&map=6&window=28,28&padding=1`);
  await expect(position(page)).toContainText("row 26, column 26");
  await page.getByRole("combobox", { name: "Preset", exact: true }).selectOption("one-conv");
  await expect(size(page)).toHaveText("(28 + 2·1 − 5) / 1 + 1 = 26");
  await menu(page, "Padding").selectOption("0");
  await expect(position(page)).toContainText("row 24, column 24");
  await expect.poll(() => hash(page)).toContain("open=C1&map=6&window=24,24");
  await page.reload();
  await expect(position(page)).toContainText("row 24, column 24");
  await expect(page.getByRole("alert")).toHaveCount(0);
});
