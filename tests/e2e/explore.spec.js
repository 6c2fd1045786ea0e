// Mistakes and data: from the confusion matrix to its images, and from any image to the pad.

import { expect, test } from "./support/playground.js";

const panel = (page) => page.getByRole("region", { name: "Mistakes and data" });
const matrix = (page) => panel(page).getByRole("table");
const gallery = (page, name) => panel(page).getByRole("list", { name, exact: true });
const caption = (page) => matrix(page).locator("caption");

/** All counts, `[label][class]`, from the accessible names of the cells. */
async function counts(page) {
  const names = await matrix(page).locator("tbody").getByRole("button").evaluateAll((cells) => cells.map((cell) => cell.ariaLabel));
  expect(names).toHaveLength(100);
  const table = Array.from({ length: 10 }, () => Array(10).fill(0));
  for (const name of names) {
    const [, label, as, count] = name.match(/^(\d) read (?:as (\d)|right): ([\d,]+) images?$/);
    table[label][as ?? label] = Number(count.replaceAll(",", ""));
  }
  return table;
}

const sum = (numbers) => numbers.reduce((a, b) => a + b, 0);
const right = (table) => sum(table.map((row, label) => row[label]));

/** Label, class, confidence and number of the images, from the accessible names of their buttons. */
async function readings(list) {
  const tiles = await list.getByRole("button").all();
  return Promise.all(tiles.map(async (tile) => {
    const said = (await tile.textContent()).replace("→", "").replaceAll(/\s+/g, " ").trim();
    await expect(tile).toHaveAccessibleName(said);
    const name = /^Labelled (\d)(?: read as (\d))?(?: with ([\d.]+) %)? (test|training) image (\d+)$/;
    const [, label, as, sure, split, index] = said.match(name);
    return { split, index: Number(index), label, as, sure: Number(sure) };
  }));
}

async function open(page, playground, host) {
  await playground.open(`${host}/`);
  await playground.downloaded();
  await panel(page).getByRole("button", { name: "Mistakes", exact: true }).click();
  await expect(caption(page)).toContainText("of the 10,000 test images are misread.");
}

test("before training, the mistakes of the checkpoint add up, and a cell opens its images", async ({ page, playground, host }) => {
  await open(page, playground, host);
  await expect(panel(page)).toContainText(/read by: pretrained network \(9\d\.\d %\)/);
  const table = await counts(page);
  expect(table.map(sum), "MNIST's test set").toEqual([980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]);
  const wrong = 10_000 - right(table);
  await expect(caption(page)).toContainText(`${wrong} of the 10,000 test images are misread.`);
  const [, label, as, count] = (await caption(page).textContent()).match(/(\d) is most often taken for (\d): (\d+) of/);
  expect(table[label][as]).toBe(Number(count));
  expect(Math.max(...table.flatMap((row, i) => row.filter((_, j) => i !== j)))).toBe(Number(count));

  const most = await readings(gallery(page, "Most confident mistakes"));
  expect(most).toHaveLength(Math.min(20, wrong));
  expect(most.every((image) => image.label !== image.as)).toBe(true);
  expect(most.map(({ sure }) => sure)).toEqual(most.map(({ sure }) => sure).sort((a, b) => b - a));

  await matrix(page).getByRole("button", { name: new RegExp(`^${label} read as ${as}:`) }).click();
  const cell = await readings(gallery(page, `${label} read as ${as}`));
  expect(cell).toHaveLength(Number(count));
  expect(cell.every((image) => image.label === label && image.as === as)).toBe(true);

  // Correct images are sorted by confidence, the least first, page by page.
  await matrix(page).getByRole("button", { name: /^7 read right/ }).click();
  const list = gallery(page, "7 read right");
  const first = await readings(list);
  expect(first.map(({ sure }) => sure)).toEqual(first.map(({ sure }) => sure).sort((a, b) => a - b));
  const shown = panel(page).getByRole("status", { name: "Images shown" });
  await expect(shown).toHaveText(`1–20 of ${table[7][7].toLocaleString("en")}`);
  await panel(page).getByRole("button", { name: "Next images" }).click();
  await expect(shown).toHaveText(`21–40 of ${table[7][7].toLocaleString("en")}`);
  const second = await readings(list);
  expect(second[0].sure).toBeGreaterThanOrEqual(first.at(-1).sure);
  await panel(page).getByRole("button", { name: "All mistakes" }).click();
  await expect(gallery(page, "Most confident mistakes")).toBeVisible();
});

test("an image on the pad is classified as in the matrix, and undo, clear and pen still work", async ({ page, playground, host }) => {
  await open(page, playground, host);
  await playground.draw(7);
  await expect(playground.prediction).toHaveText(/^\s*7/);
  const drawn = await playground.ink();
  const pad = page.getByRole("region", { name: "Draw a digit" });
  const list = gallery(page, "Most confident mistakes");
  const all = await readings(list);
  for (const at of [0, 3, 7]) {
    const { index, label, as, sure } = all[at];
    await list.getByRole("button").nth(at).click();
    await expect(playground.prediction).toHaveText(new RegExp(`^\\s*${as}\\s*${sure.toFixed(1)} %$`));
    await expect(pad).toContainText(`Test image ${index}`);
    await expect(pad).toContainText(`✗ labelled ${label}`);
    await expect(list.locator("[aria-current=true]")).toHaveCount(1);
    await expect(pad.locator("[aria-live=polite]")).toHaveText(`Test image ${index}, labelled ${label}, reads as ${as}`);
    await expect(panel(page)).toContainText(`test image ${index}, labelled ${label}, read as ${as} (${sure.toFixed(1)} %)`);
  }
  // Pad and preview show the pixels of the image itself.
  const same = await page.evaluate(() => {
    const bytes = (canvas, step) => {
      const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
      return Array.from({ length: 784 }, (_, i) => data[4 * (Math.floor(i / 28) * step * canvas.width + (i % 28) * step)]);
    };
    const tile = document.querySelector("[aria-current] canvas");
    const paper = document.querySelector("[aria-label='Drawing pad']");
    const preview = document.querySelector("[aria-label^='The drawing as the network sees it']");
    return [paper, preview].map((canvas) => String(bytes(canvas, canvas.width / 28)) === String(bytes(tile, 1)));
  });
  expect(same).toEqual([true, true]);

  // Undo removes first the stroke on the image, then one image after the other, and restores the drawing.
  await playground.draw(1);
  await expect(pad).toContainText(`labelled ${all[7].label}, and drawn on`);
  await playground.undo.click();
  await expect(pad).toContainText(`✗ labelled ${all[7].label}`);
  await playground.undo.click();
  await expect(pad).toContainText(`Test image ${all[3].index}`);
  await playground.undo.click();
  await playground.undo.click();
  await expect(playground.prediction).toHaveText(/^\s*7/);
  expect(await playground.ink()).toBe(drawn);
  await list.getByRole("button").first().click();
  await playground.clear.click();
  await expect(playground.prediction).not.toHaveText(/\d/);
  await expect(pad).not.toContainText("labelled");
});

test("while it trains, the matrix follows each evaluation and agrees with it", async ({ page, playground, host }) => {
  await open(page, playground, host);
  // What the page shows after each prediction of the whole test set.
  await page.evaluate(() => {
    globalThis.shown = [];
    globalThis.pageLog.afterEach((entry) => {
      if (entry?.message !== "Predictions") return;
      const text = document.querySelector("[aria-labelledby=explore-title]").textContent;
      const number = (pattern) => Number(text.match(pattern)?.[1].replaceAll(",", ""));
      globalThis.shown.push({
        step: number(/your network, step ([\d,]+)/),
        misread: number(/([\d,]+) of the 10,000 test images are misread/),
        accuracy: document.querySelector("output[aria-label='Test accuracy']").textContent,
      });
    });
  });
  const from = await playground.log.length();
  await playground.train.click();
  await expect.poll(() => playground.log.events("Tested", from).then((events) => events.length)).toBeGreaterThanOrEqual(4);
  await playground.stop();
  const step = (await playground.steps()).toLocaleString("en");
  await expect(panel(page), "the network that training stopped with").toContainText(`read by: your network, step ${step}`);
  // Training may stop right after an evaluation, whose step is then measured twice.
  const tested = [...new Set((await playground.log.events("Tested", from)).map(({ step }) => step))];
  const shown = await page.evaluate(() => globalThis.shown);
  // The last predictions are of the network that training stopped with, which was not evaluated.
  const evaluated = shown.filter(({ step }) => tested.includes(step));
  expect([...new Set(evaluated.map(({ step }) => step))], "each evaluation updates the matrix").toEqual(tested);
  for (const { misread, accuracy } of evaluated) expect(accuracy).toBe(`${((10_000 - misread) / 100).toFixed(2)} %`);
  const table = await counts(page);
  expect(sum(table.map(sum))).toBe(10_000);
  await playground.reset.click();
  await expect(panel(page)).toContainText(/read by: pretrained network \(9\d\.\d %\)/);
});

test("the keyboard moves in the matrix, opens a cell, and puts an image on the pad", async ({ page, playground, host }) => {
  await playground.open(`${host}/`);
  await playground.downloaded();
  await page.keyboard.press("m");
  await expect(panel(page).getByRole("heading", { name: "Mistakes and data" })).toBeFocused();
  await expect(caption(page)).toContainText("misread");
  for (const name of ["Mistakes", "Browse the data"]) {
    await page.keyboard.press("Tab");
    await expect(panel(page).getByRole("button", { name, exact: true })).toBeFocused();
  }
  await page.keyboard.press("Tab");
  await expect(matrix(page).getByRole("button", { name: /^0 read right/ })).toBeFocused();
  for (const key of ["ArrowLeft", "ArrowUp", "ArrowDown", "ArrowDown", "ArrowRight", "ArrowRight"]) await page.keyboard.press(key);
  await expect(matrix(page).getByRole("button", { name: /^2 read right/ })).toBeFocused();
  await page.keyboard.press("End");
  await page.keyboard.press("ArrowRight");
  await expect(matrix(page).getByRole("button", { name: /^2 read as 9/ })).toBeFocused();
  await page.keyboard.press("Home");
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("Enter");
  const list = gallery(page, "2 read right");
  await expect(list).toBeVisible();
  await page.keyboard.press("Tab");
  await page.keyboard.press("Tab");
  await expect(list.getByRole("button").first()).toBeFocused();
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("ArrowLeft");
  await expect(list.getByRole("button").nth(1)).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(playground.prediction).toHaveText(/^\s*2/);
  expect(await playground.steps(), "arrow keys did not train").toBe(0);
  await page.keyboard.press("Escape");
  await expect(matrix(page)).toHaveCount(0);
  await expect(panel(page).getByRole("heading", { name: "Mistakes and data" })).toBeFocused();
});

test("the data is browsed by set, digit, number and mistake", async ({ page, playground, host }) => {
  await playground.open(`${host}/`);
  await playground.downloaded();
  await panel(page).getByRole("button", { name: "Browse the data" }).click();
  const all = gallery(page, "All test images");
  await expect(all.getByRole("button")).toHaveCount(50);
  await expect(all.getByRole("button").first()).toHaveAccessibleName("Labelled 7 read as 7 test image 0");
  const set = panel(page).getByRole("combobox", { name: "Set" });
  const digit = panel(page).getByRole("combobox", { name: "Digit" });
  const shown = panel(page).getByRole("status", { name: "Images shown" });
  await digit.selectOption({ label: "4 (982)" });
  await expect(shown).toHaveText("1–50 of 982");
  expect((await readings(gallery(page, "All test images labelled 4"))).every(({ label }) => label === "4")).toBe(true);
  await panel(page).getByRole("switch", { name: "Only misread" }).check();
  const misread = await readings(gallery(page, "Misread test images labelled 4"));
  expect(misread.length).toBeGreaterThan(0);
  expect(misread.every(({ label, as }) => label === "4" && as !== "4")).toBe(true);

  await set.selectOption("train");
  await expect(panel(page).getByRole("switch", { name: "Only misread" })).toHaveCount(0);
  await expect(shown).toHaveText("1–50 of 5,842");
  await digit.selectOption({ label: "all" });
  const training = gallery(page, "All training images");
  await expect(shown).toHaveText("1–50 of 60,000");
  await panel(page).getByRole("spinbutton", { name: "Go to number" }).fill("59999");
  await page.keyboard.press("Enter");
  await expect(shown).toHaveText("59,951–60,000 of 60,000");
  // The last training image of MNIST is an 8.
  const last = training.getByRole("button").last();
  await expect(last).toHaveAccessibleName("Labelled 8 training image 59999");
  await last.click();
  await expect(playground.prediction).toHaveText(/^\s*8/);
  await expect(page.getByRole("region", { name: "Draw a digit" })).toContainText("✓ labelled 8, too");
});

test("while the test set is downloaded, the panel says what is missing and follows", async ({ page, playground, host }) => {
  const held = [];
  let release = false;
  await page.route(/\/mnist\/test-[^/]*$/, (route) => {
    if (release) return route.continue();
    held.push(route);
  });
  await playground.open(`${host}/`);
  await page.getByRole("button", { name: "Test accuracy: see the mistakes" }).click();
  await expect(panel(page).getByRole("heading", { name: "Mistakes and data" })).toBeFocused();
  await expect(panel(page)).toContainText("The test images are still to come.");
  await expect.poll(() => held.length).toBe(1);
  await held.shift().continue();
  await expect(caption(page)).toContainText("of the 5,000 test images downloaded so far are misread.");
  release = true;
  await Promise.all(held.map((route) => route.continue()));
  await expect(caption(page)).toContainText("of the 10,000 test images are misread.");
  expect(sum((await counts(page)).map(sum))).toBe(10_000);
});

test.describe("on a phone", () => {
  test.use({ viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true });

  test("nothing is wider than the screen, and a button leads to the pad", async ({ page, playground, host }) => {
    await open(page, playground, host);
    const width = () => page.evaluate(() => document.documentElement.scrollWidth);
    expect(await width()).toBeLessThanOrEqual(390);
    await matrix(page).getByRole("button", { name: /^9 read as 4/ }).tap();
    const list = gallery(page, "9 read as 4");
    await expect(list.getByRole("button").first()).toBeInViewport();
    await list.getByRole("button").first().tap();
    await expect(panel(page)).toContainText(/labelled 9, read as 4 \(/);
    await panel(page).getByRole("button", { name: "Go to the pad" }).tap();
    await expect(playground.pad).toBeInViewport();
    await expect(playground.prediction).toHaveText(/^\s*4/);
    await panel(page).getByRole("button", { name: "Browse the data" }).click();
    await expect(gallery(page, "All test images")).toBeVisible();
    expect(await width()).toBeLessThanOrEqual(390);
  });
});
