// What the page draws, when, and in what order, counted by messages. How fast it draws is measured by `cargo xtask bench page`.

import { chart, expect, test } from "./support/playground.js";

const MAPS = ["The 6 filters of C1", "C1", "S2", "C3", "S4", "F5", "F6"];
const CHARTS = ["Loss", "Accuracy"];
/** The Lens on a dense layer. */
const LENS = ["Inputs of the unit", "Weights of the unit", "Inputs times weights", "Sums of all units"];

/** The name of a canvas without the numbers in it. */
const short = (name) => name.replace(/(:| over epochs| walk).*/, "");

/** What the trainer said in one message or several, and what followed: what was drawn, and what was read of the layout. */
function responses(entries) {
  const all = [];
  let isSaying = false;
  for (const entry of entries) {
    if (entry.from === "trainer") {
      if (!isSaying) all.push({ messages: [], draws: [], reads: [] });
      all.at(-1).messages.push(entry.message);
    } else if (entry.draws) all.at(-1)?.draws.push(short(entry.draws));
    else if (entry.reads) all.at(-1)?.reads.push(entry.reads);
    isSaying = entry.from === "trainer" || (isSaying && entry.from === "page");
  }
  return all;
}

/** Trains for some snapshots, and returns what followed each message. */
async function train(playground) {
  const snapshots = (from) => async () => (await playground.log.events("Snapshot", from)).length;
  const start = await playground.log.length();
  await playground.train.click();
  // What appears with the first reports, the norms of gradients for instance, takes room from the charts.
  await expect.poll(snapshots(start)).toBeGreaterThan(5);
  const from = await playground.log.length();
  await expect.poll(snapshots(from)).toBeGreaterThan(20);
  const entries = await playground.log.since(from);
  await playground.stop();
  return responses(entries);
}

/** Lets the page show two frames. */
const frames = (page) => page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));

test.use({ recordsDrawing: true });

test.beforeEach(async ({ playground, host }) => {
  await playground.open(`${host}/`);
  await playground.downloaded();
  await playground.draw(7);
  await expect(playground.prediction).toHaveText(/^\s*7/);
});

test("a report and its snapshot draw each map and each chart once, and nothing else draws", async ({ page, playground }) => {
  await page.setViewportSize({ width: 1440, height: 1800 });
  for (const title of CHARTS) await expect(chart(page, title)).toBeInViewport({ ratio: 1 });
  await frames(page);
  let count = 0;
  for (const { messages, draws, reads } of await train(playground)) {
    expect(reads, "nothing waits for the layout").toEqual([]);
    if (messages.includes("Snapshot")) {
      expect(draws.toSorted(), messages.join()).toEqual([...MAPS, ...CHARTS].toSorted());
      count += 1;
    } else if (messages.includes("Tested") || messages.includes("Progress")) {
      // A core that gets ready, is late, or answers again is reported at once, without a snapshot.
      expect(CHARTS, messages.join()).toEqual(expect.arrayContaining(draws));
    } else {
      expect(draws, messages.join()).toEqual([]);
    }
  }
  expect(count, "the log sees snapshots").toBeGreaterThan(20);
});

test("a chart that is not on the screen is drawn for one report of eight, and at once when it comes there", async ({ page, playground }) => {
  await page.setViewportSize({ width: 390, height: 844 });
  await playground.unfold();
  await playground.pad.scrollIntoViewIfNeeded();
  await expect(chart(page)).not.toBeInViewport();
  await frames(page);
  const draws = (await train(playground)).flatMap(({ draws }) => draws);
  const count = (name) => draws.filter((drawn) => drawn === name).length;
  expect(count("C1")).toBeGreaterThan(20);
  await expect(chart(page), "it was out of sight all the time").not.toBeInViewport();
  // Evaluations are changes of a chart, too.
  for (const name of CHARTS) expect(count(name), name).toBeLessThan(count("C1") / 4 + 5);
  const from = await playground.log.length();
  await chart(page, "Accuracy").scrollIntoViewIfNeeded();
  const drawn = async () => (await playground.log.since(from)).filter(({ draws }) => draws).map(({ draws }) => short(draws));
  await expect.poll(drawn).toContain("Accuracy");
});

test("nothing is drawn while nothing changes", async ({ page, playground }) => {
  await playground.takeSteps(3);
  await frames(page);
  const from = await playground.log.length();
  await playground.log.settle();
  await frames(page);
  expect((await playground.log.since(from)).filter(({ draws, reads }) => draws || reads)).toEqual([]);
});

test("with a layer open and a pixel inspected, a snapshot draws each canvas once", async ({ page, playground }) => {
  await page.getByRole("button", { name: /^F5\b/ }).click();
  const pixels = page.getByRole("application", { name: /^Pixels of F5:/ }).first();
  await pixels.focus();
  await expect(page.getByRole("status", { name: "Arithmetic" })).toHaveText(/\d/);
  const opened = ["All weights of F5", "After dense, before activation", "After ReLU"];
  // The images of each step are drawn with it, unless they are folded.
  await playground.takeSteps(1);
  await page.getByText("One batch", { exact: true }).click();
  await pixels.focus();
  await playground.log.settle();
  const from = await playground.log.length();
  await playground.takeSteps(10);
  await expect(pixels, "the pixel is still inspected").toBeFocused();
  const snapshots = responses(await playground.log.since(from)).filter(({ messages }) => messages.includes("Snapshot"));
  expect(snapshots.length).toBeGreaterThanOrEqual(10);
  for (const { draws, reads } of snapshots) {
    expect(draws.toSorted(), "the picture, whose place the layer takes, is not drawn").toEqual([...CHARTS, ...opened, ...LENS].toSorted());
    expect(reads).toEqual([]);
  }
});

test("predictions draw one page of mistakes", async ({ page, playground }) => {
  await page.getByRole("button", { name: "Mistakes", exact: true }).click();
  await expect(page.getByRole("list", { name: "Most confident mistakes" }).getByRole("button")).toHaveCount(20);
  await playground.log.settle();
  const from = await playground.log.length();
  // The test set is evaluated after 3,000 images, which are 47 steps.
  await playground.takeSteps(48);
  const all = responses(await playground.log.since(from));
  const predictions = all.filter(({ messages }) => messages.includes("Predictions"));
  expect(predictions.length).toBeGreaterThan(0);
  for (const { draws, reads } of predictions) {
    const tiles = draws.filter((name) => ![...MAPS, ...CHARTS].includes(name));
    expect(tiles.length).toBeLessThanOrEqual(20);
    expect(new Set(tiles).size).toBeLessThanOrEqual(1);
    expect(reads).toEqual([]);
  }
});

test("the pointer marks a pixel at once and draws only its arithmetic", async ({ page, playground }) => {
  const maps = page.getByRole("application", { name: /^Pixels of C1:/ }).first();
  await maps.scrollIntoViewIfNeeded();
  await maps.hover({ position: { x: 5, y: 5 } });
  const from = await playground.log.length();
  // The marks before and after the event, in the same task.
  const marks = await maps.evaluate(async (maps) => {
    const { left, top, width, height } = maps.getBoundingClientRect();
    const mark = () => maps.querySelector("path.mark").getAttribute("d");
    const before = mark();
    const target = document.elementFromPoint(left + 0.7 * width, top + 0.7 * height);
    target.dispatchEvent(new PointerEvent("pointermove", {
      bubbles: true, clientX: left + 0.7 * width, clientY: top + 0.7 * height, pointerType: "mouse",
    }));
    for (let i = 0; i < 100; i += 1) await null;
    return [before, mark()];
  });
  expect(marks[0]).toMatch(/^M/);
  expect(marks[1]).toMatch(/^M/);
  expect(marks[1]).not.toBe(marks[0]);
  expect((await playground.log.since(from)).flatMap(({ draws }) => draws ?? [])).toEqual(["Its inputs", "Their weights"]);
});
