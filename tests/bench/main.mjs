// `cargo xtask bench`: runs benchmarks of the built page in a real Chromium and prints their results as Markdown tables.

import { availableParallelism } from "node:os";
import { chromium, withWebGpu } from "../e2e/support/browser.js";
import { serve } from "../e2e/support/server.js";
import { page } from "./page.mjs";

const host = await serve();
/** Runs a job of bench.html, in a browser of its own: nothing of one job slows down the next. */
const bench = async (config) => {
  const browser = await chromium.launch(withWebGpu);
  try {
    const page = await browser.newPage();
    await page.goto(`${host.origin}/bench.html`);
    await page.waitForFunction(() => globalThis.__bench);
    return await page.evaluate((config) => globalThis.__bench(config), { dataUrl: `${host.origin}/data/`, ...config });
  } finally {
    await browser.close();
  }
};
const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1];

const jobs = {
  async kernels() {
    const { peak, rows } = await bench({ job: "kernels" });
    console.log(`${peak.toFixed(1)} G multiply-adds/s in registers, four lanes at a time\n`);
    console.log("| kernel | multiply-adds | µs a sample | share of the peak |\n|---|---:|---:|---:|");
    for (const { name, multiply_adds, microseconds, share } of rows) {
      const known = multiply_adds > 0;
      const cells = [known ? multiply_adds.toLocaleString("en") : "-", microseconds.toFixed(2), known ? `${(100 * share).toFixed(0)} %` : "-"];
      console.log(`| ${name} | ${cells.join(" | ")} |`);
    }
  },

  async throughput() {
    const cores = [1, availableParallelism()].filter((n, i, all) => all.indexOf(n) === i);
    const runs = ["lenet", "mlp"].flatMap((job) => cores.map((n) => ({ job, cores: n, speeds: [] })));
    for (let round = 0; round < 3; round += 1) {
      for (const run of runs) {
        const { samplesPerSecond } = await bench({ job: run.job, cores: run.cores, steps: run.job === "mlp" ? 2000 : 400 });
        run.speeds.push(samplesPerSecond);
      }
    }
    console.log("| job | cores | images/s (median of 3) |\n|---|---:|---:|");
    for (const { job, cores, speeds } of runs) console.log(`| ${job} | ${cores} | ${median(speeds).toFixed(0)} |`);
  },

  page: () => page(host.origin),
};

try {
  for (const name of process.argv.length > 2 ? process.argv.slice(2) : Object.keys(jobs)) {
    if (!jobs[name]) throw new Error(`There is no benchmark ${name}: there are ${Object.keys(jobs).join(", ")}.`);
    await jobs[name]();
    console.log();
  }
} finally {
  await host.stop();
}
