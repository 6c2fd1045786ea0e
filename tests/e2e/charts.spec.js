// The charts: reading values, zooming, and saving as CSV and PNG.

import { readFile } from "node:fs/promises";
import { chart, expect, test } from "./support/playground.js";

test.beforeEach(async ({ page, playground, host }, info) => {
  await playground.open(`${host}/${info.title.startsWith("large type") ? "#v=1&present=1&images=1000" : "#v=1&images=1000"}`);
  // The network is evaluated on the whole test set only.
  await playground.downloaded();
  // Epochs of 1,000 images have 16 steps.
  await playground.takeSteps(52);
  await readOut(page).scrollIntoViewIfNeeded();
});

const readOut = (page, title = "Loss") => page.getByRole("slider", { name: `Read-out of ${title}` });
const pixels = (page, title) => chart(page, title).evaluate((canvas) => canvas.toDataURL());

/** The range, the value and the text of a read-out. */
async function read(slider) {
  const number = async (name) => Number(await slider.getAttribute(`aria-value${name}`));
  const [least, most, now] = [await number("min"), await number("max"), await number("now")];
  return { least, most, now, text: await slider.getAttribute("aria-valuetext") };
}

async function download(page, name) {
  const [file] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name }).click()]);
  return { name: file.suggestedFilename(), bytes: await readFile(await file.path()) };
}

test("the pointer and the keyboard read the values of all curves at an epoch", async ({ page }) => {
  const slider = readOut(page);
  const box = await slider.boundingBox();
  // The test set is evaluated after 3,000 images, which are three epochs here.
  const share = 3 / (await read(slider)).most;
  await page.mouse.move(box.x + 46 + share * (box.width - 66), box.y + box.height / 2);
  const pointed = await read(slider);
  expect(pointed.now).toBeCloseTo(3, 1);
  expect(pointed.text).toMatch(/^epoch \d\.\d\d; present run: training \d\.\d{4}, test \d\.\d{4}$/);
  expect((await read(readOut(page, "Accuracy"))).text, "the same epoch in the other chart").toContain(`epoch ${pointed.now.toFixed(2)}; present run: training`);
  const shown = page.locator(".reading").first();
  await expect(shown).toContainText(`epoch ${pointed.now.toFixed(2)}`);
  const reading = await shown.boundingBox();
  expect(reading.x).toBeGreaterThanOrEqual(box.x);
  expect(reading.x + reading.width, "within the chart").toBeLessThanOrEqual(box.x + box.width + 1);
  await page.mouse.move(5, 5);
  await expect(page.locator(".reading")).toHaveCount(0);

  await slider.focus();
  const end = await read(slider);
  expect(end.now).toBeCloseTo(end.most);
  await slider.press("ArrowLeft");
  expect((await read(slider)).now).toBeLessThan(end.now);
  await slider.press("Home");
  expect((await read(slider)).now).toBe(0);
});

test("dragging, buttons and keys zoom, and a double click shows all epochs", async ({ page, playground }) => {
  const slider = readOut(page);
  const whole = await read(slider);
  const before = await pixels(page, "Accuracy");
  const box = await slider.boundingBox();
  const at = (share) => [box.x + 46 + share * (box.width - 66), box.y + box.height / 2];
  await page.mouse.move(...at(0.25));
  await page.mouse.down();
  await page.mouse.move(...at(0.4));
  await expect(page.locator(".selection")).toBeVisible();
  await page.mouse.move(...at(0.5));
  await page.mouse.up();
  const dragged = await read(slider);
  expect(dragged.least / whole.most).toBeCloseTo(0.25, 1);
  expect(dragged.most / whole.most).toBeCloseTo(0.5, 1);
  expect(await read(readOut(page, "Accuracy")).then((r) => [r.least, r.most])).toEqual([dragged.least, dragged.most]);
  expect(await pixels(page, "Accuracy")).not.toBe(before);
  await page.mouse.dblclick(...at(0.5));
  expect((await read(slider)).most).toBe(whole.most);

  await page.getByRole("button", { name: "Zoom in" }).click();
  const closer = await read(slider);
  expect(closer.most - closer.least).toBeCloseTo(whole.most / 2, 1);
  await page.getByRole("button", { name: "All epochs" }).click();
  await slider.focus();
  await slider.press("+");
  await slider.press("+");
  const close = await read(slider);
  expect(close.most - close.least).toBeCloseTo(whole.most / 4, 1);
  await slider.press("Shift+ArrowLeft");
  expect((await read(slider)).least).toBeLessThan(close.least);
  await slider.press("-");
  await slider.press("0");
  expect(await read(slider).then((r) => [r.least, r.most])).toEqual([0, whole.most]);
  // Arrow keys in a chart do not train.
  const from = await playground.log.length();
  await slider.press("ArrowRight");
  expect(await playground.log.commands(from)).toEqual([]);
});

test("losses are drawn on a logarithmic scale, and curves are hidden and smoothed", async ({ page }) => {
  const [loss, accuracy] = [await pixels(page, "Loss"), await pixels(page, "Accuracy")];
  await page.getByRole("switch", { name: "Log scale" }).check();
  expect(await pixels(page, "Loss")).not.toBe(loss);
  expect(await pixels(page, "Accuracy")).toBe(accuracy);
  await page.getByRole("switch", { name: "Log scale" }).uncheck();
  expect(await pixels(page, "Loss")).toBe(loss);
  await page.getByRole("switch", { name: "Error scale" }).check();
  expect(await pixels(page, "Accuracy")).not.toBe(accuracy);
  expect(await pixels(page, "Loss")).toBe(loss);
  await page.getByRole("switch", { name: "Error scale" }).uncheck();
  expect(await pixels(page, "Accuracy")).toBe(accuracy);

  const shown = page.getByRole("group", { name: "Curves shown" });
  await shown.getByRole("button", { name: "test" }).click();
  await expect(shown.getByRole("button", { name: "test" })).toHaveAttribute("aria-pressed", "false");
  const slider = readOut(page);
  await slider.focus();
  await expect(slider).toHaveAttribute("aria-valuetext", /present run: training [\d.]+$/);
  await shown.getByRole("button", { name: "test" }).click();

  // Without smoothing, the chart shows the values of the CSV.
  const smoothing = page.getByRole("slider", { name: "Smoothing", exact: true });
  await expect(smoothing).toHaveAttribute("aria-valuetext", "12 points");
  await smoothing.fill("1");
  await expect(smoothing).toHaveAttribute("aria-valuetext", "off");
  const lines = (await download(page, "CSV of Loss")).bytes.toString().trim().split("\n").map((line) => line.split(","));
  const last = lines.filter(([, , curve]) => curve === "training loss").at(-1);
  const unsmoothed = new RegExp(`training ${Number(last[4]).toFixed(4)}`);
  await slider.focus();
  await slider.press("End");
  await expect(slider).toHaveAttribute("aria-valuetext", unsmoothed);
  await smoothing.fill("100");
  await slider.focus();
  await expect(slider).not.toHaveAttribute("aria-valuetext", unsmoothed);
});

test("the points of all visible curves are saved as CSV", async ({ page, playground }) => {
  await page.getByRole("button", { name: "Pin this run" }).click();
  await page.getByRole("combobox", { name: "Training images" }).selectOption("500");
  const { name, bytes } = await download(page, "CSV of Accuracy");
  expect(name).toBe("accuracy.csv");
  const text = bytes.toString();
  const [head, ...lines] = text.trimEnd().split("\n");
  expect(head).toBe("run,settings,curve,epoch,value");
  expect(lines.filter((line) => line.startsWith('A,"Training images 1,000 (now 500)",training accuracy,'))).toHaveLength(52);
  const test = lines.filter((line) => line.startsWith("present,,test accuracy,"));
  expect((100 * Number(test.at(-1).split(",")[4])).toFixed(2)).toBe((await playground.accuracy.textContent()).split(" ")[0]);
  for (const line of lines) expect(line).toMatch(/,\d+(\.\d+)?(e-\d+)?,[01](\.\d+)?$/);
  await page.getByRole("checkbox", { name: "Show run A" }).uncheck();
  expect((await download(page, "CSV of Loss")).bytes.toString()).not.toContain("\nA,");
});

test("a new network begins a new run: none of its curves, figures and checkpoints are of the one before", async ({ page, playground }) => {
  /** The epochs of the points of the present run's training loss. */
  const epochs = async () => {
    const text = (await download(page, "CSV of Loss")).bytes.toString();
    const lines = text.split("\n").filter((line) => line.startsWith("present,,training loss,"));
    return lines.map((line) => Number(line.split(",")[3]));
  };
  const checkpoints = page.getByRole("slider", { name: "Checkpoint" });
  expect(await epochs()).toHaveLength(52);
  // Dropout comes and goes within a run.
  await page.getByRole("switch", { name: "Dropout" }).check();
  await playground.takeSteps(1);
  expect(await epochs()).toHaveLength(53);
  await expect(checkpoints).toBeVisible();

  const change = {
    activation: () => page.getByRole("combobox", { name: "Activation", exact: true }).selectOption({ label: "tanh" }),
    preset: () => page.getByRole("combobox", { name: "Preset", exact: true }).selectOption({ label: "MLP 784-30-10" }),
    link: () => page.evaluate(() => { location.hash = "#v=1&images=1000&layers=c4,r,m2,f,d10"; }),
  };
  for (const [name, changed] of Object.entries(change)) {
    const from = await playground.log.length();
    await changed();
    await expect.poll(async () => (await playground.log.events("Network", from)).length, name).toBe(1);
    await playground.log.settle();
    await expect(playground.loss, name).toHaveText("—");
    expect(await epochs(), name).toEqual([]);
    // It is measured as it has taken over, and has this one checkpoint.
    await playground.measured();
    await expect(checkpoints, name).toHaveAttribute("max", "1");
    const before = Number(await playground.epoch.textContent());
    await playground.takeSteps(3);
    const own = await epochs();
    expect(own, name).toHaveLength(3);
    expect(own[0], name).toBeGreaterThan(before);
  }
  // The first run was long enough to be brought back, with its curves.
  const offer = page.locator(".toast").filter({ hasText: "Another network took the place of" });
  await offer.getByRole("button", { name: "Undo", exact: true }).click();
  await expect.poll(async () => (await epochs()).length).toBe(53);
});

test("the chart is saved as PNG with twice the resolution of the page", async ({ page }) => {
  await page.getByRole("button", { name: "Pin this run" }).click();
  const { name, bytes } = await download(page, "PNG of Loss");
  expect(name).toBe("loss.png");
  expect(bytes.subarray(1, 4).toString()).toBe("PNG");
  const size = [bytes.readUInt32BE(16), bytes.readUInt32BE(20)];
  const shown = await chart(page).evaluate((canvas) => [canvas.clientWidth, canvas.clientHeight]);
  // A title and one line for each of the two runs.
  expect(size).toEqual([2 * shown[0], 2 * (shown[1] + 30 + 2 * 20)]);
  // Curves are drawn on an opaque background.
  const colors = await page.evaluate(async (base64) => {
    // Not by `fetch`, which the page's policy forbids for data.
    const picture = await createImageBitmap(new Blob([Uint8Array.from(atob(base64), (char) => char.charCodeAt(0))]));
    const canvas = new OffscreenCanvas(picture.width, picture.height);
    const context = canvas.getContext("2d");
    context.drawImage(picture, 0, 0);
    const { data } = context.getImageData(0, 0, picture.width, picture.height);
    const seen = new Set();
    for (let i = 0; i < data.length; i += 4) seen.add(data.subarray(i, i + 4).join(" "));
    return { corner: data.subarray(0, 4).join(" "), seen: seen.size, orange: seen.has("179 84 30 255") };
  }, bytes.toString("base64"));
  expect(colors.corner).toBe("255 255 255 255");
  expect(colors.orange, "the colour of training").toBe(true);
  expect(colors.seen).toBeGreaterThan(20);
});

test("large type: the canvas has one pixel for each pixel of the screen", async ({ page }) => {
  const sizes = await chart(page).evaluate(
    (canvas) =>
      new Promise((done) => {
        new ResizeObserver(([entry]) => {
          const [{ inlineSize, blockSize }] = entry.devicePixelContentBoxSize;
          done({ screen: [inlineSize, blockSize], canvas: [canvas.width, canvas.height] });
        }).observe(canvas, { box: "device-pixel-content-box" });
      }),
  );
  for (const i of [0, 1]) expect(Math.abs(sizes.canvas[i] - sizes.screen[i]), JSON.stringify(sizes)).toBeLessThanOrEqual(1);
  const box = await readOut(page).boundingBox();
  await page.mouse.move(box.x + 46 * 1.2 + 0.5 * (box.width - 66 * 1.2), box.y + 40);
  const { now, most } = await read(readOut(page));
  expect(now / most, "the value under the pointer is read").toBeCloseTo(0.5, 1);
});
