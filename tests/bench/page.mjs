// `cargo xtask bench page`: how fast the page responds while it trains and while it opens, as rows of docs/speed.md.
//
// Each figure is the median of several windows or visits, because other processes of the machine disturb some of them. The
// instruments must also see a page that is slowed down on purpose; where one does not, the benchmark says so and fails.

import { availableParallelism, cpus } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { chromium, withWebGpu } from "../e2e/support/browser.js";
import { Playground } from "../e2e/support/playground.js";

const WINDOWS = 5;
const WINDOW_MS = 2000;
const VISITS = 5;
/** The artificial slow-down: tasks of this length, at this interval (ms). */
const SLOW = { task: 80, interval: 100 };
/** Delay of stylesheets and module on a visit that is slow on purpose (ms). */
const LATE_MS = 1500;

const sorted = (numbers) => numbers.toSorted((a, b) => a - b);
const median = (numbers) => sorted(numbers)[numbers.length >> 1];
const range = (numbers, digits = 0) => `${Math.min(...numbers).toFixed(digits)}-${Math.max(...numbers).toFixed(digits)}`;

/** Runs in the page from its start: counts tasks over 50 ms, frames, and times from pointer to picture; and hides the page. */
function observe() {
  const ask = globalThis.requestAnimationFrame;
  const held = [];
  let isHidden = false;
  globalThis.requestAnimationFrame = (callback) => (isHidden ? held.push(callback) : ask(callback));
  globalThis.hidePage = (hide) => {
    isHidden = hide;
    if (!hide) held.splice(0).forEach((callback) => ask(callback));
  };
  const noted = { tasks: [], frames: 0, latencies: [] };
  globalThis.noted = noted;
  new PerformanceObserver((list) => noted.tasks.push(...list.getEntries().map(({ duration }) => duration)))
    .observe({ type: "longtask" });
  const frame = () => {
    noted.frames += 1;
    requestAnimationFrame(frame);
  };
  let isCounting = false;
  let moved;
  addEventListener("pointermove", (event) => (moved = event.timeStamp), { capture: true });
  // A message posted in a frame arrives after the frame is painted.
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = ({ data }) => noted.latencies.push(performance.now() - data);
  globalThis.follow = (mark) => {
    if (!isCounting) requestAnimationFrame(frame);
    isCounting = true;
    new MutationObserver(() => {
      if (moved === undefined) return;
      const since = moved;
      moved = undefined;
      requestAnimationFrame(() => port2.postMessage(since));
    }).observe(mark, { attributes: true });
  };
}

/** Opens the page, which trains on some cores once MNIST is downloaded and a digit drawn. */
async function train(browser, host, cores, link = "") {
  const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
  await page.addInitScript(observe);
  await page.route("**/worker.js", async (route) => {
    const response = await route.fetch();
    const limit = `Object.defineProperty(navigator, "hardwareConcurrency", { value: ${cores} });\n`;
    await route.fulfill({ response, body: limit + (await response.text()) });
  });
  const playground = new Playground(page);
  await page.goto(`${host}/${link}`);
  await page.getByRole("combobox", { name: "Device", exact: true }).selectOption({ label: "CPU" });
  await playground.download.waitFor({ state: "detached" });
  await playground.draw(7);
  await playground.train.click();
  await page.waitForFunction(() => Number(document.querySelector("[data-step]").dataset.step) > 50, null, { timeout: 60_000 });
  return playground;
}

/** Windows of time in which the pointer moves over the maps of a stage. */
async function measure({ page }, stage, windows = WINDOWS) {
  const maps = page.getByRole("application", { name: new RegExp(`^Pixels of ${stage}:`) }).first();
  await maps.scrollIntoViewIfNeeded();
  const box = await maps.boundingBox();
  await page.mouse.move(box.x + 2, box.y + 2);
  await maps.locator("path.mark").evaluate((mark) => globalThis.follow(mark));
  const devtools = await page.context().newCDPSession(page);
  // Processor time of the main thread: other processes do not lengthen it.
  await devtools.send("Performance.enable", { timeDomain: "threadTicks" });
  const busy = async () => {
    const { metrics } = await devtools.send("Performance.getMetrics");
    return 1000 * metrics.find(({ name }) => name === "TaskDuration").value;
  };
  const all = [];
  for (let i = 0; i < windows; i += 1) {
    const worked = await busy();
    const start = await page.evaluate(() => {
      Object.assign(globalThis.noted, { tasks: [], frames: 0, latencies: [] });
      return performance.now();
    });
    for (let step = 0, now = start; now < start + WINDOW_MS; step += 1) {
      const [x, y] = [0.5 + 0.45 * Math.cos(step / 3), 0.5 + 0.45 * Math.sin(step / 5)];
      await page.mouse.move(box.x + x * box.width, box.y + y * box.height);
      await sleep(60);
      now = await page.evaluate(() => performance.now());
    }
    const { tasks, frames, latencies, ms } = await page.evaluate(
      (start) => ({ ...globalThis.noted, ms: performance.now() - start }), start,
    );
    all.push({
      longest: Math.max(0, ...tasks),
      frames: (1000 * frames) / ms,
      latency: sorted(latencies)[Math.floor(0.9 * latencies.length)] ?? Infinity,
      moves: latencies.length,
      work: (100 * ((await busy()) - worked)) / ms,
    });
  }
  const moves = all.reduce((sum, window) => sum + window.moves, 0);
  if (moves < 3 * windows) distrust(`only ${moves} moves of the pointer changed the picture`);
  const figure = (name) => median(all.map((window) => window[name]));
  return { longest: figure("longest"), frames: figure("frames"), latency: figure("latency"), work: figure("work") };
}

/** Reports an instrument that is blind to a slow-down. */
function distrust(what) {
  console.log(`**The instrument does not see an artificial slow-down: ${what}. Measure again on an idle machine.**\n`);
  process.exitCode = 1;
}

/** Slows the page down on purpose, and checks that each instrument sees it. */
async function checkInstruments(playground, stage, calm) {
  await playground.page.evaluate(({ task, interval }) => setInterval(() => {
    for (const end = performance.now() + task; performance.now() < end; );
  }, interval), SLOW);
  const slow = await measure(playground, stage, 3);
  for (const [name, seen] of Object.entries({
    longest: slow.longest > Math.max(50, calm.longest),
    frames: slow.frames < calm.frames,
    latency: slow.latency > calm.latency,
    work: slow.work > calm.work,
  })) {
    if (!seen) distrust(`${name} is ${calm[name].toFixed(1)}, and ${slow[name].toFixed(1)} with tasks of ${SLOW.task} ms`);
  }
}

/** Milliseconds from a visit's start until the first paint, and until the pad has an answer. */
async function visit(browser, host, late) {
  const context = await browser.newContext();
  const page = await context.newPage();
  if (late) await page.route(/\.(css|wasm)$/, (route) => sleep(LATE_MS).then(() => route.continue()));
  await page.addInitScript(() => {
    new MutationObserver((_, observer) => {
      if (!/\d/.test(document.querySelector("output[aria-label=Prediction]")?.textContent)) return;
      globalThis.answered = performance.now();
      observer.disconnect();
    }).observe(document, { subtree: true, childList: true, characterData: true });
  });
  const playground = new Playground(page);
  await page.goto(`${host}/`, { waitUntil: "commit" });
  await playground.draw(1);
  await page.waitForFunction(() => globalThis.answered !== undefined, null, { timeout: 60_000 });
  const times = await page.evaluate(() => ({
    paint: performance.getEntriesByName("first-contentful-paint")[0].startTime,
    pad: globalThis.answered,
  }));
  await context.close();
  return times;
}

/** Training images a second, as the page shows them, in windows in which it paints, and in others in which it gets no frame, as when it is hidden. */
async function throughput(browser, host, cores) {
  const playground = await train(browser, host, cores);
  const speeds = { painted: [], hidden: [] };
  for (let i = 0; i < 2 * WINDOWS; i += 1) {
    const [kind, isHidden] = i % 2 === 0 ? ["painted", false] : ["hidden", true];
    await playground.page.evaluate((isHidden) => globalThis.hidePage(isHidden), isHidden);
    // The page shows the speed of the last second.
    await sleep(WINDOW_MS + 1000);
    speeds[kind].push(await playground.number(playground.throughput));
  }
  await playground.page.close();
  return speeds;
}

async function inBrowser(job) {
  const browser = await chromium.launch(withWebGpu);
  try {
    return await job(browser);
  } finally {
    await browser.close();
  }
}

export async function page(host) {
  const version = await inBrowser((browser) => browser.version());
  console.log(`${cpus()[0].model}, ${availableParallelism()} cores, Chromium ${version}\n`);

  const rows = [];
  for (const [name, stage, link] of [
    ["the network in view", "C1", ""],
    ["layer C3 open", "C3", "#v=1&open=C3"],
    ["the mistakes open", "C1", "#v=1&panel=mistakes"],
  ]) {
    await inBrowser(async (browser) => {
      const playground = await train(browser, host, 1, link);
      const calm = await measure(playground, stage);
      await checkInstruments(playground, stage, calm);
      const longest = calm.longest === 0 ? "none" : `${calm.longest.toFixed(0)} ms`;
      rows.push(`| ${name} | ${longest} | ${calm.frames.toFixed(0)} | ${calm.latency.toFixed(0)} ms | ${calm.work.toFixed(0)} % |`);
    });
  }
  console.log("| while one core trains, with | longest task over 50 ms | frames/s | pointer to picture, 9 of 10 | main thread busy |");
  console.log(`|---|---:|---:|---:|---:|\n${rows.join("\n")}\n`);

  await inBrowser(async (browser) => {
    const visits = [];
    for (let i = 0; i < VISITS; i += 1) visits.push(await visit(browser, host, false));
    const late = await visit(browser, host, true);
    console.log(`| from the start of a visit until | median of ${VISITS} | least and most |\n|---|---:|---:|`);
    for (const [key, name] of [["paint", "the first paint"], ["pad", "the pad has an answer"]]) {
      const times = visits.map((times) => times[key]);
      if (late[key] < median(times) + LATE_MS / 2) {
        distrust(`${name} comes after ${median(times).toFixed(0)} ms, and ${late[key].toFixed(0)} with a delay of ${LATE_MS} ms`);
      }
      console.log(`| ${name} | ${median(times).toFixed(0)} ms | ${range(times)} |`);
    }
  });

  const cores = availableParallelism();
  console.log(`\n| cores | images/s in sight, median of ${WINDOWS} | least and most | images/s hidden, in turns | share |\n|---|---:|---:|---:|---:|`);
  for (const count of new Set([1, cores])) {
    const { painted, hidden } = await inBrowser((browser) => throughput(browser, host, count));
    const share = ((100 * median(painted)) / median(hidden)).toFixed(0);
    console.log(`| ${count} | ${median(painted).toLocaleString("en")} | ${range(painted)} | ${median(hidden).toLocaleString("en")} | ${share} % |`);
  }
}
