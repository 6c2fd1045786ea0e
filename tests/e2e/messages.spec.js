// What crosses between the page and its trainer while it trains, counted by steps and messages.

import { expect, test } from "./support/playground.js";

/** Numbers in the outputs of LeNet that the network picture shows, by layer. */
const SHOWN = [[1, 4704], [2, 1176], [4, 1600], [5, 400], [8, 120], [10, 84], [11, 10]];
/** Its filters: six of 5x5. */
const FILTERS = [0, 150];

const pairs = (layers) => layers.map(({ layer, values }) => [layer, values]);
const sum = (numbers) => numbers.reduce((a, b) => a + b, 0);

/** Trains until the page has got some more snapshots of what it asked for last; returns these. */
async function snapshots(playground) {
  await playground.log.settle();
  const from = await playground.log.length();
  const events = () => playground.log.events("Snapshot", from);
  await expect.poll(async () => (await events()).length).toBeGreaterThan(5);
  return events();
}

test("a snapshot holds the layers on screen and nothing else", async ({ page, playground, host }) => {
  await playground.open(`${host}/`);
  await playground.downloaded();
  await playground.draw(7);
  await playground.train.click();
  for (const { activations, weights, bytes } of await snapshots(playground)) {
    expect(pairs(activations)).toEqual(SHOWN);
    expect(pairs(weights)).toEqual([FILTERS]);
    // Four bytes a number; norms, probabilities and lengths take the rest.
    expect(bytes).toBeLessThan(4 * sum([...SHOWN, FILTERS].map(([, values]) => values)) + 200);
  }

  const opener = page.getByRole("button", { name: /^C3\b/ });
  await opener.click();
  await expect(page.getByRole("heading", { name: "C3: convolution" })).toBeVisible();
  const opened = [...SHOWN, [3, 1600]].toSorted(([a], [b]) => a - b);
  for (const { activations, weights, bytes } of await snapshots(playground)) {
    expect(pairs(activations), "the output of C3 before its activation, too").toEqual(opened);
    expect(pairs(weights)).toEqual([FILTERS]);
    // And its 2,416 weights and biases, with a histogram of their gradients.
    expect(bytes).toBeLessThan(4 * (sum([...opened, FILTERS].map(([, values]) => values)) + 2416) + 1000);
  }

  await opener.click();
  await expect(page.getByRole("heading", { name: "C3: convolution" })).toHaveCount(0);
  for (const { activations } of await snapshots(playground)) expect(pairs(activations)).toEqual(SHOWN);
});

test("predictions of the test set are sent only while the panel is open", async ({ page, playground, host }) => {
  await playground.open(`${host}/#v=1&images=5000`);
  await playground.downloaded();
  await playground.takeSteps(50);
  const tested = (await playground.log.events("Tested")).map(({ step }) => step);
  // Where the page is held up between two steps, the network there is measured, too.
  expect(tested, "the network was evaluated after 3,000 images, and where training stopped").toEqual(expect.arrayContaining([47, 50]));
  expect(await playground.log.events("Predictions")).toEqual([]);
  await page.getByRole("button", { name: "Mistakes", exact: true }).click();
  await expect.poll(async () => (await playground.log.events("Predictions")).map(({ source }) => source)).toEqual([50]);
});

test("while it trains, the page sends only what is to be stored and that it has painted, and each report comes with one snapshot", async ({ playground, host }) => {
  await playground.open(`${host}/`);
  await playground.downloaded();
  await playground.draw(7);
  await playground.log.settle();
  const from = await playground.log.length();
  await playground.train.click();
  await expect.poll(async () => (await playground.log.events("Snapshot", from)).length).toBeGreaterThan(20);
  await playground.stop();
  const entries = await playground.log.since(from);
  const sent = entries.filter((entry) => entry.from === "page").map(({ message }) => message);
  expect(sent.filter((message) => !/^(Keep(Record|View)|Painted)$/.test(message))).toEqual(["Train", "Pause"]);
  const painted = sent.filter((message) => message === "Painted");
  const snapshots = entries.filter(({ message }) => message === "Snapshot");
  expect(painted.length, "once a snapshot, and one that came before the test looked").toBeLessThanOrEqual(snapshots.length + 1);
  expect(painted.length).toBeGreaterThan(10);
  const kinds = entries.filter((entry) => entry.from === "trainer").map(({ message }) => message);
  const reports = entries.filter(({ message }) => message === "Progress" || message === "Snapshot");
  let alone = 0;
  reports.forEach(({ message, step }, i) => {
    if (message === "Snapshot") expect(reports[i - 1]?.message, `before entry ${i}`).toBe("Progress");
    // A report may repeat a step without a snapshot, as when another core gets ready.
    const isNew = message === "Progress" && step > 0 && reports.slice(0, i).every((report) => report.step !== step);
    if (isNew && reports[i + 1]?.message !== "Snapshot") alone += 1;
  });
  expect(alone, "a core that gets ready, is late, or answers again is reported at once, without a snapshot").toBeLessThanOrEqual(3);
  const others = new Set(kinds.filter((kind) => !["Progress", "Snapshot", "Tested", "Checkpoints", "Device"].includes(kind)));
  expect([...others]).toEqual(["State"]);
  const steps = reports.flatMap(({ step }) => step ?? []);
  expect(steps).toEqual(steps.toSorted((a, b) => a - b));
});
