// Training stops by itself where the setting Stop says so.

import { expect, hash, test } from "./support/playground.js";

const toast = (page) => page.getByRole("status").filter({ hasText: /^Training stopped/ });

test("training stops at the epoch that is set, says so, and goes on when it is told to", async ({ page, playground, host }) => {
  await playground.open(`${host}/#v=1&images=2000&stop=epoch&stop-epoch=2`);
  await playground.downloaded();
  const choice = page.getByRole("combobox", { name: "Stop", exact: true });
  await expect(choice).toHaveValue("epoch");
  await playground.train.click();
  await expect(toast(page)).toHaveText("Training stopped at epoch 2.00: it is set to stop at 2.");
  await expect(playground.train).toBeVisible();
  await playground.log.settle();
  await expect(playground.epoch).toHaveText("2.00");
  expect(await playground.steps(), "two epochs of 32 batches").toBe(64);
  const tested = (await playground.log.events("Tested")).at(-1);
  expect(tested).toMatchObject({ step: 64, epoch: 2 });
  await expect(playground.accuracy).toHaveText(`${(100 * tested.accuracy).toFixed(2)} %`);
  await playground.train.click();
  await expect.poll(() => playground.steps()).toBeGreaterThan(64);
  await expect(toast(page)).toHaveCount(0);
  await playground.stop();
});

test("training stops at an accuracy; another preset keeps that, and the link carries it", async ({ page, playground, host }) => {
  await playground.open(`${host}/#v=1`);
  await playground.downloaded();
  await page.getByRole("combobox", { name: "Stop", exact: true }).selectOption({ label: "At a test accuracy" });
  await page.getByRole("combobox", { name: "Accuracy to stop at" }).selectOption({ label: "0.9" });
  await page.getByRole("combobox", { name: "Preset", exact: true }).selectOption({ label: "MLP 784-30-10" });
  await expect.poll(() => hash(page)).toMatch(/&stop=accuracy&stop-accuracy=0\.9(&|$)/);
  await playground.train.click();
  await expect(toast(page)).toHaveText(/^Training stopped: 9\d\.\d\d % of the test images are read right, and it is set to stop at 90 %\.$/);
  await playground.log.settle();
  expect(await playground.number(playground.accuracy)).toBeGreaterThanOrEqual(90);
  // The evaluation that reached it is the only one that did.
  const reached = (await playground.log.events("Tested")).filter(({ accuracy }) => accuracy >= 0.9);
  expect([...new Set(reached.map(({ step }) => step))]).toEqual([await playground.steps()]);
  await page.getByRole("button", { name: "Dismiss", exact: true }).last().click();
  await expect(toast(page)).toHaveCount(0);
});
