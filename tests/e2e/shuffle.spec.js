// Shuffled pixels: what the network gets, in the picture and in the link, and undone.

import { expect, hash, test } from "./support/playground.js";

const input = (page) => page.getByRole("img", { name: "Input, 28 by 28 pixels" });
const pixels = (page) => input(page).evaluate((canvas) => [...canvas.getContext("2d").getImageData(0, 0, 28, 28).data]);
/** The shades of the pixels, in ascending order. */
const shades = (data) => Array.from({ length: 784 }, (_, i) => data[4 * i]).toSorted((a, b) => a - b);

test("pixels are shuffled for the drawing and the test set, and in order again to the last bit", async ({ page, playground, host }) => {
  await playground.open(`${host}/#v=1&unfolded=data`);
  await playground.downloaded();
  await playground.draw(7);
  await playground.takeSteps(60);
  const state = async () => {
    await playground.measured();
    return [await playground.accuracy.textContent(), await playground.prediction.textContent(), await pixels(page)];
  };
  const [accuracy, prediction, drawn] = await state();

  const shuffle = page.getByRole("switch", { name: "Shuffle pixels" });
  await shuffle.check();
  await expect(playground.network).toContainText("28×28, shuffled");
  await expect.poll(() => hash(page)).toContain("pixel-shuffle=on");
  await expect(playground.accuracy).not.toHaveText(accuracy);
  const [, , shuffled] = await state();
  expect(shuffled).not.toEqual(drawn);
  expect(shades(shuffled), "the same pixels").toEqual(shades(drawn));
  await input(page).hover({ position: { x: 5, y: 5 } });
  await expect(page.getByRole("status", { name: "Arithmetic" })).toHaveText(/a pixel of the drawing: \d+ of 255/);

  await shuffle.uncheck();
  await expect(playground.network).not.toContainText("shuffled");
  await expect(playground.accuracy).toHaveText(accuracy);
  expect(await state()).toEqual([accuracy, prediction, drawn]);
  await expect.poll(() => hash(page)).not.toContain("pixel-shuffle");
});

test("a link shuffles pixels and gives wrong labels, which the training set shows, and trains", async ({ page, playground, host }) => {
  await playground.open(`${host}/#v=1&pixel-shuffle=on&wrong-labels=0.5&unfolded=data&panel=data&set=training`);
  await playground.downloaded();
  const wrong = page.getByRole("list", { name: "All training images" }).getByRole("button", { name: /^Labelled (\d).*with the wrong label (?!\1)\d/ });
  await expect.poll(() => wrong.count(), "about half of the fifty images of the page").toBeGreaterThan(10);
  expect(await wrong.count()).toBeLessThan(40);
  await expect(page.getByRole("slider", { name: "Wrong labels" })).toHaveValue("0.5");
  await expect(playground.network).toContainText("28×28, shuffled");
  await playground.takeSteps(40);
  await expect(playground.loss).toHaveText(/\d/);
  await playground.measured();
  await expect(playground.accuracy).toHaveText(/\d/);
});
