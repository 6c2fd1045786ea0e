// Training in the worker, as a lecturer would show it.

import { expect, test } from "./support/playground.js";

test("one epoch of LeNet passes 97 %, while the page stays responsive", async ({ page, playground, host }) => {
  test.setTimeout(180_000);
  await page.addInitScript(() => {
    globalThis.longTasks = [];
    new PerformanceObserver((list) => {
      for (const { startTime, duration } of list.getEntries()) globalThis.longTasks.push({ startTime, duration });
    }).observe({ type: "longtask", buffered: true });
  });
  await playground.open(`${host}/`);
  await playground.draw(7);
  await expect(playground.prediction).toHaveText(/^\s*7/);
  const loaded = await page.evaluate(() => performance.now());
  const before = await playground.maps();

  await playground.train.click();
  await expect.poll(() => playground.number(playground.loss), { timeout: 30_000 }).toBeGreaterThan(0);
  const firstLoss = await playground.number(playground.loss);
  await expect.poll(() => playground.number(playground.throughput)).toBeGreaterThan(0);
  await expect.poll(() => playground.maps()).not.toBe(before);
  const early = await playground.maps();

  await expect
    .poll(() => playground.number(playground.epoch), { timeout: 120_000, intervals: [250] })
    .toBeGreaterThanOrEqual(1);
  const speed = await playground.throughput.textContent();
  await expect.poll(() => playground.number(playground.accuracy), { timeout: 10_000 }).toBeGreaterThan(97);
  console.log(`    ${await playground.accuracy.textContent()} at epoch ${await playground.epoch.textContent()}, ${speed}`);
  expect(await playground.number(playground.loss)).toBeLessThan(firstLoss / 2);
  expect(await playground.maps(), "the feature maps change while it learns").not.toBe(early);
  await expect(playground.prediction, "the trained network reads the drawing too").toHaveText(/^\s*7/);

  const longTasks = await page.evaluate(() => [...globalThis.longTasks]);
  const tooLong = longTasks.filter(({ startTime, duration }) => startTime > loaded && duration > 100);
  expect(tooLong, "main-thread tasks over 100 ms").toEqual([]);
  // Would it have been seen?
  await page.evaluate(() => setTimeout(() => { for (const end = Date.now() + 150; Date.now() < end; ); }));
  await expect.poll(() => page.evaluate(() => globalThis.longTasks.at(-1)?.duration)).toBeGreaterThan(100);
});

test("a screen reader hears how training goes, in words", async ({ page, playground, host }) => {
  await playground.open(`${host}/#v=1&images=5000`);
  const said = page.getByRole("status", { name: "Progress", exact: true });
  await expect(playground.download).toHaveCount(0, { timeout: 30_000 });
  await playground.train.click();
  await expect(said).toHaveText(/^Training\. After epoch \d\.\d\d, \d+\.\d % of the test images are read right\.$/, { timeout: 30_000 });
  await playground.pause.click();
  await expect(said).toHaveText(/^Paused at step [\d,]+, epoch \d+\.\d\d\. Training loss \d\.\d\d\. After epoch/);
});

test("pause stops, train goes on", async ({ page, playground, host }) => {
  await playground.open(`${host}/`);
  await playground.train.click();
  await expect.poll(() => playground.steps()).toBeGreaterThan(5);
  await playground.pause.click();
  await expect(playground.train).toBeVisible();
  const paused = await playground.steps();
  await page.waitForTimeout(1000);
  expect(await playground.steps()).toBe(paused);
  await playground.train.click();
  await expect.poll(() => playground.steps()).toBeGreaterThan(paused);
});

test("step advances by one batch, reset goes back to nothing", async ({ page, playground, host }) => {
  await playground.open(`${host}/`);
  expect(await playground.steps()).toBe(0);
  for (const step of [1, 2, 3]) {
    await playground.step.click();
    await expect.poll(() => playground.steps()).toBe(step);
  }
  await page.waitForTimeout(300);
  expect(await playground.steps()).toBe(3);
  await expect(playground.loss).toHaveText(/\d/);
  await playground.reset.click();
  await expect.poll(() => playground.steps()).toBe(0);
  expect(await playground.number(playground.epoch)).toBe(0);
  await expect(playground.loss).not.toHaveText(/\d/);
});

test("the same seed gives the same loss, another seed another", async ({ page, playground, host }) => {
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
