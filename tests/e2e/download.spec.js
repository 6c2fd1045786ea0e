// The download of MNIST in shards: failures, retries, and the cache.

import { expect, test } from "./support/playground.js";

const SHARDS = /\/mnist\/(train|test)-[^/]*$/;
const SECOND_SHARD = /\/mnist\/train-0*1\b[^/]*$/;

test.describe("with failing requests", () => {
  test.use({ forgiving: true });

  test("a shard that fails twice is fetched again without a message", async ({ page, playground, host }) => {
    let tries = 0;
    await page.route(SECOND_SHARD, (route) => {
      tries += 1;
      if (tries === 1) return route.abort("connectionreset");
      if (tries === 2) return route.fulfill({ status: 503 });
      return route.continue();
    });
    const words = [];
    await page.exposeFunction("alerted", (text) => words.push(text));
    await page.addInitScript(() => {
      new MutationObserver(() => {
        for (const alert of document.querySelectorAll("[role=alert]")) globalThis.alerted(alert.textContent);
      }).observe(document, { childList: true, subtree: true });
    });
    await playground.open(`${host}/`);
    await expect.poll(() => tries).toBe(3);
    await playground.downloaded();
    await expect(playground.retry).toHaveCount(0);
    // A busy machine may be late with the worker.
    expect(words.filter((text) => !text.startsWith("Still loading worker.js"))).toEqual([]);
  });

  test("a shard that always fails shows a message, and retry fetches it", async ({ page, playground, host }) => {
    await page.route(SECOND_SHARD, (route) => route.fulfill({ status: 404 }));
    await playground.open(`${host}/`);
    await expect(playground.retry).toBeVisible();
    await expect(page.getByRole("alert")).toHaveText(/\w+ .*\./);
    // Training works on the shards that have arrived.
    await playground.step.click();
    await expect.poll(() => playground.steps()).toBe(1);

    await page.unroute(SECOND_SHARD);
    await playground.retry.click();
    await expect(page.getByRole("alert")).toHaveCount(0);
    await expect(playground.retry).toHaveCount(0);
    await playground.downloaded();
    expect(await playground.steps(), "the session is unchanged").toBe(1);
  });
});

test("the second visit does not download MNIST again", async ({ page, playground, host }) => {
  let shards = 0;
  page.on("request", (request) => SHARDS.test(request.url()) && (shards += 1));
  await playground.open(`${host}/`);
  await expect.poll(() => shards, "shards are downloaded").toBeGreaterThan(1);
  await playground.downloaded();
  const first = shards;
  await page.reload();
  await expect(playground.train).toBeVisible();
  await playground.step.click();
  await expect.poll(() => playground.steps()).toBe(1);
  await playground.downloaded();
  expect(shards).toBe(first);
});
