// The button Example puts test images on the pad.

import { expect, hash, test } from "./support/playground.js";

/** Withholds the test set; returns a function that releases it. */
async function withhold(page) {
  let release;
  const released = new Promise((resolve) => { release = resolve; });
  await page.route(/\/test-\d+/, (route) => released.then(() => route.continue()));
  return release;
}

test("Example puts one test image after another on the pad, by button and by key", async ({ page, playground, host }) => {
  const release = await withhold(page);
  await playground.open(`${host}/`);
  const example = page.getByRole("button", { name: "Example", exact: true });
  const pad = page.getByRole("region", { name: "Draw a digit" });
  await expect(example, "there is no test image yet").toBeDisabled();
  await page.keyboard.press("e");
  release();
  await expect(example).toBeEnabled();
  await expect(playground.undo, "the key is not remembered").toBeDisabled();

  // MNIST's test set begins with 7, 2, 1, 0. The page opens with the first.
  await expect(pad).toContainText("Test image 0");
  await expect(playground.prediction).toHaveText(/^\s*7/);
  await example.click();
  await expect(pad).toContainText("Test image 1");
  await expect(playground.prediction).toHaveText(/^\s*2/);
  await page.keyboard.press("e");
  await expect(pad).toContainText("Test image 2");
  await expect(playground.prediction).toHaveText(/^\s*1/);
  await playground.undo.click();
  await expect(pad).toContainText("Test image 1");
  await playground.clear.click();
  await expect(playground.prediction).toHaveText("—");
  await example.click();
  await expect(pad).toContainText("Test image 3");
  await expect(playground.prediction).toHaveText(/^\s*0/);
  await expect(page.getByRole("img", { name: /^C1\b/ }), "the network picture shows it").toBeVisible();

  // Images that the gallery loads do not go to the pad.
  await playground.draw(7);
  const drawn = await playground.ink();
  await page.getByRole("button", { name: "Test accuracy: see the mistakes" }).click();
  await expect(page.getByRole("list", { name: "Most confident mistakes" }).getByRole("button").first()).toBeVisible();
  expect(await playground.ink()).toBe(drawn);
});

test("the page opens with a digit that the pretrained network reads, and the first stroke replaces it", async ({ page, playground, host }) => {
  await playground.open(`${host}/`);
  const pad = page.getByRole("region", { name: "Draw a digit" });
  await expect(pad).toContainText("Test image 0");
  await expect(pad).toContainText("labelled 7, too");
  await expect(pad).toContainText(/by: pretrained/i);
  await expect(playground.prediction).toHaveText(/^\s*7/);
  await expect(page.getByText("Draw your own here")).toBeVisible();
  await playground.downloaded();
  await expect(playground.accuracy, "named with its accuracy").toHaveText(/^99\.\d+ %/);
  // It is nobody's: nothing to take back, nothing in the address.
  await expect(playground.undo).toBeDisabled();
  expect(hash(page)).toBe("");
  const opened = await playground.ink();
  await playground.draw(1);
  await expect(pad).not.toContainText("Test image");
  await expect(playground.prediction).toHaveText(/^\s*1/);
  await playground.undo.click();
  await expect.poll(() => playground.ink()).toBe(opened);
  await playground.clear.click();
  await expect(playground.prediction).toHaveText("—");
  await page.reload();
  await expect(playground.undo, "an empty pad stays empty").toBeEnabled();
  await expect(playground.prediction).toHaveText("—");
});

test("a link puts a test image on the pad until the user draws", async ({ page, playground, host }) => {
  await playground.open(`${host}/#v=1&image=7`);
  const pad = page.getByRole("region", { name: "Draw a digit" });
  await expect(pad).toContainText("Test image 7");
  await page.getByRole("button", { name: "Example", exact: true }).click();
  await expect(pad).toContainText("Test image 8");
  await expect.poll(() => hash(page)).toBe("#v=1&image=8");
  await playground.undo.click();
  await expect.poll(() => hash(page)).toBe("#v=1&image=7");
  await page.evaluate(() => { location.hash = "#v=1&image=3"; });
  await expect(pad).toContainText("Test image 3");
  await playground.draw(1);
  await expect.poll(() => hash(page)).toBe("");
});

test("a drawing made before the image of a link arrives is kept", async ({ page, playground, host }) => {
  const release = await withhold(page);
  await playground.open(`${host}/#v=1&image=7`);
  await playground.draw(1);
  await expect.poll(() => hash(page)).toBe("");
  release();
  await expect(page.getByRole("button", { name: "Example", exact: true })).toBeEnabled();
  await expect(playground.prediction).toHaveText(/^\s*1/);
  await expect(page.getByRole("region", { name: "Draw a digit" })).not.toContainText("Test image");
});
