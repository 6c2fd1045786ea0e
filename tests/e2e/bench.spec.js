// The jobs of bench.html: PyTorch's losses, the same bits on any number of cores, and constant memory.

import { expect, test } from "./support/playground.js";

test.beforeEach(async ({ page, host }) => {
  await page.goto(`${host}/bench.html`);
  await page.waitForFunction(() => globalThis.__bench);
});

const bench = (page, host, config) =>
  page.evaluate((config) => globalThis.__bench(config), {
    dataUrl: `${host}/data/`, warmup: 1, latency: 0, evalCount: 0, maxSeconds: 3600, ...config,
  });

test("LeNet's losses are PyTorch's", async ({ page, host }) => {
  const { losses } = await bench(page, host, { steps: 60, batch: 64, seed: 1 });
  // PyTorch 2.15, from the same weights and batches.
  const expected = { 0: 2.2944, 20: 2.2964, 40: 2.292 };
  for (const [step, loss] of losses.slice(0, 3)) expect(loss, `step ${step}`).toBeCloseTo(expected[step], 4);
});

test("one, two, three and eight cores end in the same bits", async ({ page, host }) => {
  const hashes = [];
  for (const cores of [1, 2, 3, 8]) {
    const { hash, stepsDone } = await bench(page, host, { steps: 60, batch: 144, optimizer: "adam", cores });
    expect(stepsDone).toBe(60);
    hashes.push(hash);
  }
  expect(new Set(hashes).size, hashes.join(" ")).toBe(1);
  const other = await bench(page, host, { steps: 60, batch: 144, optimizer: "adam", seed: 2 });
  expect(other.hash).not.toBe(hashes[0]);
});

test("cores train without scheduler.postTask, by which they stay awake", async ({ page, host }) => {
  await page.context().route("**/worker.js", async (route) => {
    const response = await route.fetch();
    const forget = "for (let at = globalThis; at; at = Object.getPrototypeOf(at)) delete at.scheduler;\n";
    const prove = `if ("scheduler" in globalThis) throw new Error("there is a scheduler");\n`;
    await route.fulfill({ response, body: forget + prove + (await response.text()) });
  });
  const { losses, stepsDone } = await bench(page, host, { steps: 40, batch: 64, seed: 1, cores: 2 });
  expect(stepsDone).toBe(40);
  expect(losses[1][1]).toBeCloseTo(2.2964, 4);
});

test("memory is constant over three thousand steps", async ({ page, host }) => {
  const { memoryBytes, stepsDone } = await bench(page, host, { steps: 3_000, batch: 32, cores: 2 });
  expect(stepsDone).toBe(3_000);
  expect(memoryBytes[1]).toBe(memoryBytes[0]);
});
