// The first steps of a visitor: open the page, draw, undo, clear. The network is untrained, so the shipped checkpoint
// classifies the drawings.

import { expect, test } from "./support/playground.js";

test.beforeEach(async ({ playground, host }) => playground.open(`${host}/`));

test("the page loads without an error and shows its controls", async ({ page, playground }) => {
  for (const name of ["Train", "Step", "Reset", "Clear", "Undo"]) {
    await expect(playground[name.toLowerCase()]).toBeVisible();
  }
  for (const name of ["prediction", "accuracy", "loss", "epoch", "throughput"]) {
    await expect(playground[name]).toBeVisible();
  }
  for (const name of ["Preset", "Optimiser"]) {
    await expect(page.getByRole("combobox", { name })).toBeVisible();
  }
  for (const name of ["Learning rate", "Batch size", "Seed"]) {
    const either = page.getByRole("combobox", { name }).or(page.getByRole("spinbutton", { name }));
    await expect(either).toBeVisible();
  }
  await playground.downloaded();
});

for (const digit of [7, 1, 0, 3]) {
  test(`a ${digit} drawn with the mouse is classified as ${digit}`, async ({ page, playground }) => {
    await playground.draw(digit);
    await expect(page.getByRole("region", { name: "Draw a digit" })).not.toContainText("Test image");
    await expect(playground.prediction).toHaveText(new RegExp(`^\\s*${digit}`));
  });
}

test("clear empties the pad", async ({ playground }) => {
  await playground.draw(1);
  // Its answer goes with the ink: only then does no answer say that the pad is painted empty.
  await expect(playground.prediction).toHaveText(/^\s*1/);
  await playground.clear.click();
  await expect(playground.prediction).not.toHaveText(/\d/);
  const blank = await playground.ink();
  await playground.draw(3);
  await expect(playground.prediction).toHaveText(/^\s*3/);
  expect(await playground.ink()).not.toBe(blank);
  await playground.clear.click();
  await expect.poll(() => playground.ink()).toBe(blank);
  await expect(playground.prediction).not.toHaveText(/\d/);
  await playground.draw(1);
  await expect(playground.prediction).toHaveText(/^\s*1/);
});

test("undo removes the last stroke", async ({ playground }) => {
  await playground.draw(1);
  await expect(playground.prediction).toHaveText(/^\s*1/);
  const one = await playground.ink();
  await playground.draw(0);
  await expect.poll(() => playground.ink()).not.toBe(one);
  await playground.undo.click();
  await expect.poll(() => playground.ink()).toBe(one);
  await expect(playground.prediction).toHaveText(/^\s*1/);
});
