// The digit is moved, turned and scaled as the network gets it, and links carry that and the drawing.

import { expect, hash, test } from "./support/playground.js";

/** The controls of the pose. */
const pose = (page) => ({
  summary: page.getByText("Move and turn", { exact: true }),
  digit: page.getByRole("application", { name: /^The digit as the network gets it/ }),
  slider: (name) => page.getByRole("slider", { name, exact: true }),
  reset: page.getByRole("button", { name: "As it was", exact: true }),
});

/** The pixels of the input in the network picture. */
const input = (playground) => playground.network.getByRole("img", { name: /^Input\b/ }).evaluate((canvas) => canvas.toDataURL());

/** The share of the values of a layer that changed, in percent; none while the digit is as it was. */
async function changed(page, layer) {
  const name = await page.getByRole("button", { name: new RegExp(`^${layer} `) }).textContent();
  return Number(name.match(/(\d+) % of its values changed/)?.[1] ?? Number.NaN);
}

test("the digit is dragged by whole pixels, and every layer counts what changed", async ({ page, playground, host }) => {
  await playground.open(`${host}/#v=1&image=0`);
  // The accuracy of the network that reads takes a line, and moves the handle, when it is known.
  await playground.downloaded();
  await expect(playground.prediction).toHaveText(/^\s*7/);
  const { summary, digit, slider, reset } = pose(page);
  await summary.click();
  const [before, maps] = [await input(playground), await playground.maps()];
  expect(await changed(page, "C1")).toBeNaN();
  await expect(reset).toBeDisabled();

  await digit.evaluate((digit) => digit.scrollIntoView({ block: "center" }));
  const box = await digit.boundingBox();
  const middle = [box.x + box.width / 2, box.y + box.height / 2];
  await page.mouse.move(...middle);
  await page.mouse.down();
  await page.mouse.move(middle[0] + (3.2 * box.width) / 28, middle[1] - (1.9 * box.width) / 28, { steps: 4 });
  await page.mouse.up();
  await expect(slider("Right")).toHaveValue("3");
  await expect(slider("Down")).toHaveValue("-2");
  await expect.poll(() => hash(page)).toBe("#v=1&image=0&pose=3,-2,0,1");
  await expect.poll(() => playground.maps()).not.toBe(maps);
  await expect.poll(() => changed(page, "C1")).toBeGreaterThan(3);
  await expect(playground.network).toContainText(/\d+ % of the values changed/);

  // The pointer has let go of it.
  await page.mouse.move(...middle);
  await expect(slider("Right")).toHaveValue("3");
  await digit.press("ArrowLeft");
  await digit.press("ArrowDown");
  await expect.poll(() => hash(page)).toBe("#v=1&image=0&pose=2,-1,0,1");

  await reset.click();
  await expect.poll(() => input(playground), "exactly as it was").toBe(before);
  await expect.poll(() => playground.maps()).toBe(maps);
  await expect.poll(() => hash(page)).toBe("#v=1&image=0");
  await expect(playground.network).toContainText("61,706 parameters in all");
});

test("the knob turns the digit, and sliders turn and scale it", async ({ page, playground, host }) => {
  await playground.open(`${host}/#v=1&image=8`);
  await playground.downloaded();
  await expect(playground.prediction).toHaveText(/^\s*5/);
  const { summary, digit, slider } = pose(page);
  await summary.click();
  await digit.evaluate((digit) => digit.scrollIntoView({ block: "center" }));
  const box = await digit.boundingBox();
  const [x, y, radius] = [box.x + box.width / 2, box.y + box.height / 2, box.height / 2 + 13];
  await page.mouse.move(x, y - radius);
  await page.mouse.down();
  await page.mouse.move(x + radius, y, { steps: 6 });
  await page.mouse.up();
  await expect(slider("Turn")).toHaveValue("90");
  await slider("Turn").fill("15");
  await slider("Size").fill("80");
  await expect.poll(() => hash(page)).toBe("#v=1&image=8&pose=0,0,15,0.8");
  await expect(slider("Turn")).toHaveAttribute("aria-valuetext", "15°");
  await expect(playground.network).toContainText(/\d+ % of the values changed/);
});

test("a link opens with the pose: the maps change, the answer does not", async ({ page, playground, host }) => {
  await playground.open(`${host}/#v=1&image=0&pose=1,0,0,1`);
  const { slider } = pose(page);
  await expect(slider("Right")).toHaveValue("1");
  await expect.poll(() => changed(page, "C1")).toBeGreaterThan(0);
  expect(await changed(page, "Output"), "the pretrained network does not mind a pixel").toBeLessThan(await changed(page, "C1"));
  await expect(playground.prediction).toHaveText(/^\s*7/);
});

test("a copied link carries the drawing in less than 200 bytes", async ({ page, playground, host, context }) => {
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  await playground.open(`${host}/`);
  await playground.draw(3);
  await expect(playground.prediction).toHaveText(/^\s*3/);
  await page.getByRole("button", { name: "Share", exact: true }).click();
  await page.getByRole("button", { name: "Copy link", exact: true }).click();
  await expect(page.getByText("The link is copied.")).toBeVisible();
  const link = await page.evaluate(() => navigator.clipboard.readText());
  expect(link).toMatch(/#v=1&strokes=s[a-z0-9.]+$/);
  expect(link.length - link.indexOf("strokes=")).toBeLessThan(200);
  const other = await context.newPage();
  await other.goto(link);
  const { pad, prediction, undo } = new playground.constructor(other);
  await expect(other.getByRole("region", { name: "Draw a digit" })).not.toContainText("Test image");
  await expect(prediction).toHaveText(/^\s*3/);
  await expect(undo).toBeEnabled();
  await expect.poll(() => hash(other), "the address has no drawing, which would soon be an old one").toBe("");
  // All of the ink is where it was, but for the edges of lines.
  const levels = (pad) => pad.evaluate((canvas) => [...canvas.getContext("2d").getImageData(0, 0, 420, 420).data.filter((_, at) => at % 4 === 0)]);
  const [drawn, opened] = [await levels(playground.pad), await levels(pad)];
  const different = drawn.filter((level, at) => Math.abs(level - opened[at]) > 100).length;
  expect(different / drawn.filter((level) => level > 100).length).toBeLessThan(0.25);
});
