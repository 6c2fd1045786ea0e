// Training on WebGPU: in software where there is no GPU, so these tests are about what happens, not about how fast.

import { expect, test } from "./support/playground.js";

/** The trainer's worker, once it runs. */
const trainerOf = async (page) => {
  await expect.poll(() => page.workers().length).toBeGreaterThan(0);
  return page.workers()[0];
};

/** Chooses the device, and says what is in use. */
const device = (page) => ({
  choice: page.getByRole("combobox", { name: "Device", exact: true }),
  used: page.getByRole("status", { name: "Device in use", exact: true }),
});

test("WebGPU trains, and what it learned goes over to the CPU", async ({ page, playground, host }) => {
  test.setTimeout(120_000);
  const { choice, used } = device(page);
  await playground.open(`${host}/`);
  await playground.draw(7);
  await choice.selectOption("WebGPU");
  await playground.train.click();
  await expect(used).toHaveText(/^WebGPU \(.+\)/, { timeout: 60_000 });
  const before = await playground.maps();
  const from = await playground.steps();
  await expect.poll(() => playground.steps(), { timeout: 30_000 }).toBeGreaterThan(from + 20);
  await expect.poll(() => playground.maps(), "maps are drawn of what the GPU learned").not.toBe(before);
  await playground.pause.click();
  await expect(playground.train).toBeVisible();
  const paused = await playground.steps();
  await page.waitForTimeout(1000);
  expect(await playground.steps()).toBe(paused);
  await choice.selectOption("CPU");
  await expect(used).toHaveText(/^CPU/);
  await playground.train.click();
  await expect.poll(() => playground.steps()).toBeGreaterThan(paused + 100);
  expect(await playground.number(playground.loss), "the CPU goes on with what was learned").toBeLessThan(2);
});

test("by itself the page measures both, and takes the faster one", async ({ page, playground, host }) => {
  test.setTimeout(120_000);
  const { used } = device(page);
  await playground.open(`${host}/`);
  await playground.train.click();
  await expect(used).toHaveText(/[\d,]+ images\/s\. .*[\d,]+ images\/s\./, { timeout: 60_000 });
  const [first, second] = (await used.textContent()).match(/[\d,]+(?= images)/g).map((n) => Number(n.replace(/,/g, "")));
  expect(first).toBeGreaterThan(second);
});

test("a GPU that is lost in the middle of an epoch costs next to nothing", async ({ page, playground, host }) => {
  test.setTimeout(120_000);
  const { choice, used } = device(page);
  await playground.open(`${host}/`);
  const trainer = await trainerOf(page);
  await trainer.evaluate(() => {
    const request = GPUAdapter.prototype.requestDevice;
    GPUAdapter.prototype.requestDevice = async function (...options) {
      globalThis.device = await request.apply(this, options);
      return globalThis.device;
    };
  });
  await choice.selectOption("WebGPU");
  await playground.train.click();
  await expect(used).toHaveText(/^WebGPU/, { timeout: 60_000 });
  const begin = await playground.steps();
  await expect.poll(() => playground.steps(), { timeout: 30_000 }).toBeGreaterThan(begin + 10);
  const step = await playground.steps();
  await trainer.evaluate(() => globalThis.device.destroy());
  await expect(used).toHaveText(/The GPU was lost\. Training goes on from step [\d,]+ on the CPU/, { timeout: 2000 });
  const from = Number((await used.textContent()).match(/from step ([\d,]+)/)[1].replace(/,/g, ""));
  expect(from, "not more than a second is lost").toBeGreaterThanOrEqual(step - 10);
  await expect.poll(() => playground.steps(), { timeout: 2000 }).toBeGreaterThan(step);
  await expect(used, "a new one takes over").toHaveText(/^WebGPU \(.+\)\.$/, { timeout: 60_000 });
  const again = await playground.steps();
  await expect.poll(() => playground.steps(), { timeout: 30_000 }).toBeGreaterThan(again + 5);
});

test("without WebGPU the CPU trains, and the page says why", async ({ page, playground, host }) => {
  const { choice, used } = device(page);
  await playground.open(`${host}/`);
  await (await trainerOf(page)).evaluate(() => {
    GPU.prototype.requestAdapter = async () => null;
  });
  await choice.selectOption("WebGPU");
  await playground.train.click();
  await expect(used).toHaveText(/^CPU.* This browser offers no WebGPU adapter\. The CPU trains\./, { timeout: 15_000 });
  await expect.poll(() => playground.steps()).toBeGreaterThan(50);
});

test("a GPU that takes over when a helper answers is waited for", async ({ page, playground, host }) => {
  test.setTimeout(120_000);
  const { used } = device(page);
  await playground.open(`${host}/`);
  // A slow clock measures the cores for so long that the GPU is there before: the trial then begins as a helper's answer is heard.
  const trainer = await trainerOf(page);
  await trainer.evaluate(() => {
    const now = performance.now.bind(performance);
    performance.now = () => now() / 10;
  });
  await playground.train.click();
  await expect(used).toHaveText(/[\d,]+ images\/s\. .*[\d,]+ images\/s\./, { timeout: 60_000 });
});
