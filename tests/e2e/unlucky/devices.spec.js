// Devices, workers, memory and downloads that fail.

import { readdir, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { edited, gone, silent, stalled } from "../support/faults.js";
import { expect, onOnePage, says, situations, trains } from "./situations.js";

/** Code that runs in the trainer's worker before anything else. */
const inWorker = (code) => [/\/worker\.js$/, edited((text) => `${code};\n${text}`)];
/** Other content under the name of a shard. */
const content = (make) => async (response, { file }) => response.writeHead(200).end(await make(file));
const MANIFEST = /\/manifest\.json$/;
const SECOND_SHARD = /\/train-01-/;

/** The first shard: as many images, but others. */
const first = async (file) => {
  const name = (await readdir(dirname(file))).find((name) => name.startsWith("train-00-"));
  return readFile(join(dirname(file), name));
};

const asJson = (change) => edited((text) => JSON.stringify(change(JSON.parse(text))));

situations("downloads", [
  {
    situation: "the browser's cache never answers",
    host: { faults: [inWorker("CacheStorage.prototype.open = CacheStorage.prototype.match = () => new Promise(() => {})")] },
    holds: ({ playground }) => playground.downloaded(),
  },
  {
    situation: "the browser's cache opens, and answers nothing then",
    host: { faults: [inWorker("Cache.prototype.match = Cache.prototype.put = () => new Promise(() => {})")] },
    holds: ({ playground }) => playground.downloaded(),
  },
  {
    situation: "a shard stalls after a kilobyte, and comes when it is asked for again",
    host: { faults: [[SECOND_SHARD, stalled]] },
    then: async ({ page, playground, host }) => {
      await says(page, "could not be downloaded");
      await trains(playground);
      host.faults.length = 0;
      await playground.retry.click();
    },
    holds: ({ playground }) => playground.downloaded(),
  },
  {
    situation: "a shard never begins to come",
    host: { faults: [[SECOND_SHARD, silent]] },
    holds: ({ page }) => says(page, "could not be downloaded"),
  },
  {
    situation: "the pretrained network never comes",
    host: { faults: [[/\.safetensors$/, silent]] },
    holds: ({ page }) => says(page, "The pretrained network could not be loaded"),
  },
]);

onOnePage(
  "lists and shards that are not MNIST",
  { host: { faults: [[MANIFEST, gone]] } },
  [
    { situation: "the list is not there", faults: [[MANIFEST, gone]], sentence: "MNIST could not be downloaded" },
    {
      situation: "the list lists nothing",
      faults: [[MANIFEST, asJson(() => ({ train: [], test: [] }))]],
      sentence: "has 0 training and 0 test images",
    },
    {
      situation: "the list has a shard twice",
      faults: [[MANIFEST, asJson(({ train, test }) => ({ train: [...train.slice(0, 11), train[0]], test }))]],
      sentence: "has a part twice",
    },
    {
      situation: "the list promises a terabyte",
      faults: [[MANIFEST, asJson(({ train, test }) => ({ train: [{ ...train[0], raw_bytes: 2 ** 40 }, ...train.slice(1)], test }))]],
      sentence: /The list of MNIST's parts/,
    },
    {
      situation: "a shard is a gzip bomb",
      faults: [[SECOND_SHARD, content(() => gzipSync(Buffer.alloc(200_000_000)))]],
      sentence: "could not be downloaded",
    },
    {
      situation: "a shard unzipped is larger than it should be",
      faults: [[SECOND_SHARD, content(() => Buffer.alloc(20_000_000))]],
      sentence: "could not be downloaded",
    },
    {
      situation: "a shard is another one than its name tells",
      faults: [[SECOND_SHARD, content(first)]],
      sentence: "could not be downloaded",
    },
  ].map(({ situation, faults, sentence }) => ({
    situation,
    excuses: /Failed to load resource/,
    then: async ({ playground, host }) => {
      await expect(playground.retry).toBeVisible();
      host.faults.splice(0, Infinity, ...faults);
      await playground.retry.click();
    },
    holds: ({ page }) => says(page, sentence),
  })),
);

const used = (page) => page.getByRole("status", { name: "Device in use", exact: true });

/** A worker of the trainer's pool: all workers but the trainer. */
const helper = async (page) => {
  await expect.poll(() => page.workers().length).toBeGreaterThan(1);
  return page.workers()[1];
};

situations("workers", [
  {
    situation: "a worker of the pool closes without a word in mid-training",
    link: "/#v=1&batch=256",
    then: async ({ page, playground }) => {
      await playground.train.click();
      await expect(used(page)).toHaveText(/CPU, 2 cores/);
      await (await helper(page)).evaluate(() => globalThis.close());
      await expect(used(page)).toHaveText(/A worker has not answered in time: training goes on with one core\./);
    },
    holds: ({ playground }) => trains(playground),
  },
  {
    situation: "a worker of the pool hangs for ever, and Pause works at once",
    link: "/#v=1&batch=256",
    then: async ({ page, playground }) => {
      await playground.train.click();
      await expect(used(page)).toHaveText(/CPU, 2 cores/);
      (await helper(page)).evaluate(() => setTimeout(() => { for (;;); })).catch(() => {});
      await playground.stop();
      await playground.train.click();
    },
    holds: ({ playground }) => trains(playground),
  },
  {
    situation: "a worker of the pool dies of an error",
    link: "/#v=1&batch=256",
    excuses: /it dies/,
    then: async ({ page, playground }) => {
      await playground.train.click();
      await expect(used(page)).toHaveText(/CPU, 2 cores/);
      await (await helper(page)).evaluate(() => void setTimeout(() => { throw new Error("it dies"); }));
      await expect(used(page)).toHaveText(/A worker has stopped: training goes on with one core\./);
    },
    holds: ({ playground }) => trains(playground),
  },
]);

const BLOCK = "c64k3p1,b,r";

situations("memory", [
  {
    situation: "a link asks for more memory than there is",
    link: `/#v=1&layers=${BLOCK},${BLOCK},${BLOCK},m2,f,d10&batch=1024`,
    holds: ({ page }) => says(page, "lower the batch size to"),
  },
  {
    situation: "the batch is raised beyond the memory, and what trains stays",
    link: `/#v=1&layers=${BLOCK},${BLOCK},m2,f,d10&batch=16`,
    then: async ({ page }) => {
      await page.getByRole("combobox", { name: "Batch size", exact: true }).selectOption("1,024");
      await says(page, "lower the batch size to");
    },
    holds: ({ playground }) => trains(playground),
  },
  {
    situation: "a step takes minutes, and Pause and another preset take effect in the middle of it",
    link: "/#v=1&layers=c64k15p7,r,c64k15p7,r,m2,f,d10&batch=1024",
    then: async ({ page, playground }) => {
      await playground.train.click();
      await expect(playground.pause).toBeVisible();
      await playground.stop();
      expect(await playground.steps()).toBe(0);
      await playground.train.click();
      await page.getByRole("combobox", { name: "Preset", exact: true }).selectOption({ index: 1 });
    },
    holds: ({ playground }) => expect.poll(() => playground.steps()).toBeGreaterThan(3),
  },
]);
