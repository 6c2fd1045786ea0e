// Training in the worker: train, pause, step, reset.

import { expect, test } from "./support/playground.js";

test("LeNet passes 97 % in one epoch, and its feature maps change while it learns", async ({ playground, host }) => {
  await playground.open(`${host}/`);
  await playground.draw(7);
  await expect(playground.prediction).toHaveText(/^\s*7/);
  const before = await playground.maps();

  await playground.train.click();
  await expect.poll(() => playground.number(playground.throughput)).toBeGreaterThan(0);
  await expect.poll(() => playground.maps()).not.toBe(before);
  const early = await playground.maps();

  await expect.poll(() => playground.number(playground.epoch), { timeout: 300_000 }).toBeGreaterThanOrEqual(1);
  await expect.poll(() => playground.number(playground.accuracy)).toBeGreaterThan(97);
  await playground.stop();
  const losses = (await playground.log.events("Progress")).map(({ loss }) => loss).filter((loss) => loss !== null);
  expect(losses.at(-1)).toBeLessThan(losses[0] / 2);
  expect(await playground.maps()).not.toBe(early);
  await expect(playground.prediction, "the trained network recognises the drawing too").toHaveText(/^\s*7/);
});

test("a screen reader announces training in words", async ({ page, playground, host }) => {
  await playground.open(`${host}/#v=1&images=5000`);
  const progress = page.getByRole("status", { name: "Progress", exact: true });
  await playground.downloaded();
  await playground.train.click();
  await expect(progress).toHaveText(/^Training\. After epoch \d+\.\d\d, \d+\.\d % of the test images are read right\.$/);
  await playground.pause.click();
  await expect(progress).toHaveText(/^Paused at step [\d,]+, epoch \d+\.\d\d\. Training loss \d\.\d+\. After epoch/);
});

test("pause stops training, and train resumes it at the next step", async ({ playground, host }) => {
  await playground.open(`${host}/`);
  await playground.train.click();
  await expect.poll(() => playground.steps()).toBeGreaterThan(5);
  await playground.stop();
  const paused = await playground.steps();
  const from = await playground.log.length();
  await playground.step.click();
  await expect.poll(() => playground.steps()).toBe(paused + 1);
  // A report may repeat the step at which it was paused, which is no step.
  const steps = (await playground.log.events("Progress", from)).map(({ step }) => step);
  expect([...new Set(steps)].filter((step) => step !== paused), "no step was taken while it was paused").toEqual([paused + 1]);
  await playground.train.click();
  await expect.poll(() => playground.steps()).toBeGreaterThan(paused + 1);
});

test("step trains on one batch, and reset returns to step 0", async ({ playground, host }) => {
  await playground.open(`${host}/`);
  expect(await playground.steps()).toBe(0);
  const from = await playground.log.length();
  await playground.takeSteps(3);
  await playground.log.settle();
  const steps = (await playground.log.events("Progress", from)).map(({ step }) => step);
  expect([...new Set(steps)].filter((step) => step > 0)).toEqual([1, 2, 3]);
  await expect(playground.loss).toHaveText(/\d/);
  await playground.reset.click();
  await expect.poll(() => playground.steps()).toBe(0);
  expect(await playground.number(playground.epoch)).toBe(0);
  await expect(playground.loss).not.toHaveText(/\d/);
});

test("the same seed gives the same loss, and another seed gives another", async ({ page, playground, host }) => {
  await playground.open(`${host}/`);
  const lossOfOneStep = async () => {
    await playground.reset.click();
    await expect.poll(() => playground.steps()).toBe(0);
    await expect(playground.loss).not.toHaveText(/\d/);
    await playground.step.click();
    await expect(playground.loss).toHaveText(/\d/);
    return playground.loss.textContent();
  };
  const first = await lossOfOneStep();
  expect(await lossOfOneStep()).toBe(first);
  const seed = page.getByRole("spinbutton", { name: "Seed" });
  await seed.fill("12345");
  await seed.press("Tab");
  expect(await lossOfOneStep()).not.toBe(first);
});
