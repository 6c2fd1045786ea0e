// Time: the page is wound back to the checkpoints of the run and forward again, replayed, and trained on from one of them.

import { chart, expect, test } from "./support/playground.js";

const slider = (page) => page.getByRole("slider", { name: "Checkpoint" });
const button = (page, name) => page.getByRole("group", { name: "Time" }).getByRole("button", { name, exact: true });
/** The words of a moment: `now`, or a step with its epoch and accuracy. */
const moment = (page) => slider(page).getAttribute("aria-valuetext");
const filters = (page) => page.getByRole("img", { name: "The 6 filters of C1" }).evaluate((canvas) => canvas.toDataURL());
const LINK = "#v=1&images=1000";

/** The figures of the header, the name of the network and its answer, the filters and the maps. */
async function shown(playground) {
  const { page, epoch, loss, accuracy } = playground;
  const texts = await Promise.all([epoch, loss, accuracy].map((output) => output.textContent()));
  const by = await page.getByText(/^by: /).textContent();
  const answer = await page.getByRole("list", { name: "Probabilities" }).getByRole("listitem").allTextContents();
  return { texts, by, answer, filters: await filters(page), maps: await playground.maps() };
}

/** Moves the slider to a place, 0 for the beginning, and waits until the page shows it. */
async function windTo(playground, place) {
  await slider(playground.page).fill(String(place));
  await playground.log.settle();
}

/** Winds to the checkpoint of a step. */
async function windToStep(playground, step) {
  const last = Number(await slider(playground.page).getAttribute("max"));
  for (let place = 0; place < last; place += 1) {
    await windTo(playground, place);
    if ((await playground.steps()) === step) return;
  }
  throw new Error(`there is no checkpoint of step ${step}`);
}

/** A page that has taken 3 and then 4 more steps, and was measured after both. */
async function open(playground, host, more = "") {
  await playground.open(`${host}/${LINK}${more}`);
  await playground.downloaded();
  await expect(slider(playground.page), "nothing is trained yet").toHaveCount(0);
  await playground.takeSteps(3);
  const then = await shown(playground);
  await playground.takeSteps(4);
  return { then, now: await shown(playground) };
}

test("the whole page is wound back, and forward again", async ({ page, playground, host }) => {
  const { then, now } = await open(playground, host);
  expect(now.filters).not.toBe(then.filters);
  const last = Number(await slider(page).getAttribute("max"));
  await expect(slider(page)).toHaveValue(String(last));
  expect(await moment(page)).toBe("now");
  await expect(button(page, "Back to now"), "it is now").toBeHidden();

  await windTo(playground, 0);
  expect(await moment(page)).toBe("step 0, epoch 0.00");
  await expect(page.getByText("by: your network, untrained", { exact: true })).toBeVisible();
  await expect(playground.epoch).toHaveText("0.00");
  await expect(playground.accuracy, "it was not measured").toHaveText("—");
  const beginning = await shown(playground);

  const steps = [];
  for (let place = 0; place < last; place += 1) {
    await windTo(playground, place);
    steps.push(await playground.steps());
    if (steps.at(-1) === 3) expect(await shown(playground)).toEqual(then);
  }
  expect(steps[0]).toBe(0);
  expect(steps, "an evaluation is a checkpoint").toEqual(expect.arrayContaining([3, 7]));
  expect(steps.toSorted((a, b) => a - b)).toEqual(steps);

  await button(page, "Back to now").click();
  await playground.log.settle();
  expect(await moment(page)).toBe("now");
  expect(await shown(playground)).toEqual(now);
  await slider(page).focus();
  await page.keyboard.press("Home");
  await playground.log.settle();
  expect(await shown(playground)).toEqual(beginning);
  await page.keyboard.press("End");
  await playground.log.settle();
  expect(await shown(playground)).toEqual(now);
});

test("keys go from checkpoint to checkpoint, and training shows the network as it is now", async ({ page, playground, host }) => {
  const { now } = await open(playground, host);
  await page.keyboard.press(",");
  await playground.log.settle();
  expect(await moment(page)).toMatch(/^step 7, epoch 0\.44, test accuracy \d+\.\d\d %$/);
  await page.keyboard.press(",");
  await playground.log.settle();
  expect(await playground.steps()).toBeLessThan(7);
  await page.keyboard.press(".");
  await page.keyboard.press(".");
  await playground.log.settle();
  expect(await shown(playground)).toEqual(now);
  await page.keyboard.press(".");
  expect(await moment(page)).toBe("now");
  await windTo(playground, 0);
  await playground.step.click();
  await expect.poll(() => playground.steps(), "the step comes after the last one").toBe(8);
  expect(await moment(page)).toBe("now");
});

test("mistakes, gradients and an open layer are those of the checkpoint", async ({ page, playground, host }) => {
  await playground.open(`${host}/${LINK}&panel=mistakes&open=C1`);
  await playground.downloaded();
  // The first step: later ones are shown with the average of those before.
  await playground.takeSteps(1);
  const mistakes = page.getByRole("region", { name: "Mistakes and data" });
  const gradients = page.getByRole("region", { name: "Gradients and weights" }).getByRole("table");
  const layer = page.getByRole("region", { name: "C1: convolution" });
  const read = async () => {
    await expect(mistakes.getByText("your network, step ", { exact: false }).first()).toBeVisible();
    return { mistakes: await mistakes.innerText(), gradients: await gradients.innerText(), layer: await layer.innerText() };
  };
  const then = await read();
  await playground.takeSteps(5);
  const now = await read();
  for (const part of ["mistakes", "gradients", "layer"]) expect(now[part], part).not.toBe(then[part]);
  const last = Number(await slider(page).getAttribute("max"));
  await windToStep(playground, 1);
  await expect.poll(read).toEqual(then);
  await windTo(playground, last);
  await expect.poll(read).toEqual(now);
});

test("a layer stays open while the run is wound back past a change of its layers, and the slider keeps the focus", async ({ page, playground, host }) => {
  await playground.open(`${host}/${LINK}`);
  await playground.downloaded();
  await playground.takeSteps(2);
  // The same run goes on with other layers.
  await page.evaluate((link) => { location.hash = `${link}&batchnorm=on`; }, LINK);
  await expect(page.getByRole("switch", { name: "Batch normalisation" })).toBeChecked();
  await playground.takeSteps(2);
  await page.getByRole("button", { name: /^C3\b/ }).click();
  const heading = page.getByRole("heading", { name: /^C3: / });
  const statistics = page.getByRole("region", { name: "Statistics of the batch normalisation" });
  await expect(statistics).toBeVisible();
  await slider(page).focus();
  await page.keyboard.press("Home");
  await playground.log.settle();
  await expect(statistics, "there is none yet").toHaveCount(0);
  await expect(heading).toBeVisible();
  await page.keyboard.press("End");
  await playground.log.settle();
  await expect(statistics).toBeVisible();
  await expect(slider(page)).toBeFocused();
});

test("a replay goes from the beginning to now", async ({ page, playground, host }) => {
  const { now } = await open(playground, host);
  const before = await playground.log.length();
  await button(page, "Replay").click();
  await expect(button(page, "Stop")).toBeVisible();
  await expect(button(page, "Replay")).toBeVisible({ timeout: 30_000 });
  await playground.log.settle();
  expect(await shown(playground)).toEqual(now);
  const seen = (await playground.log.events("Snapshot", before)).map(({ source }) => source);
  const steps = seen.filter((step, at) => step !== seen[at - 1]);
  expect(steps[0]).toBe(0);
  expect(steps, "each checkpoint once, in its order").toEqual(steps.toSorted((a, b) => a - b));
  expect(steps).toEqual(expect.arrayContaining([3, 7]));
  // It stops where it is told to.
  await button(page, "Replay").click();
  await expect.poll(() => playground.steps()).toBe(0);
  await button(page, "Stop").click();
  await playground.log.settle();
  const place = await slider(page).inputValue();
  await page.waitForTimeout(1_200);
  await expect(slider(page)).toHaveValue(place);
});

test("a new run goes on from a checkpoint, and the run before comes back", async ({ page, playground, host }) => {
  // Each step takes a while: the offer to bring the run back ends when the new one is long.
  const { now } = await open(playground, host, "&batch=1000");
  const last = Number(await slider(page).getAttribute("max"));
  await windToStep(playground, 3);
  await button(page, "Train on from here").click();
  await expect.poll(() => playground.steps()).toBeGreaterThan(3);
  await playground.stop();
  expect(await moment(page)).toBe("now");
  const run = page.getByRole("region", { name: "Runs" }).getByRole("row").filter({ hasText: "7 steps" });
  await expect(run, "the run before stays among the runs").toBeVisible();
  await expect(chart(page)).toHaveAttribute("aria-label", /run A/);
  await page.getByRole("button", { name: "Undo", exact: true }).last().click();
  await expect.poll(() => playground.steps()).toBe(7);
  await playground.measured();
  expect(await shown(playground)).toEqual(now);
  await expect(slider(page), "with its checkpoints").toHaveAttribute("max", String(last));
});

test("checkpoints outlive the page", async ({ page, playground, host }) => {
  const { then, now } = await open(playground, host);
  const last = await slider(page).getAttribute("max");
  await page.reload();
  await expect(page.getByRole("status").filter({ hasText: /^Your last run is back, paused: / })).toBeVisible();
  await playground.measured();
  await expect(slider(page)).toHaveAttribute("max", last);
  expect((await shown(playground)).filters).toBe(now.filters);
  await windToStep(playground, 3);
  expect(await shown(playground)).toEqual(then);
});

test("the worker is asked for one checkpoint at a time, however fast the slider is dragged", async ({ page, playground, host }) => {
  await open(playground, host);
  const before = await playground.log.length();
  await slider(page).evaluate((slider) => {
    for (let round = 0; round < 30; round += 1) {
      slider.value = String(round % Number(slider.max));
      slider.dispatchEvent(new Event("input", { bubbles: true }));
    }
    slider.value = "1";
    slider.dispatchEvent(new Event("input", { bubbles: true }));
  });
  // The answer to the first question is followed by the second one.
  for (let turn = 0; turn < 2; turn += 1) await playground.log.settle();
  const messages = (await playground.log.since(before)).map(({ message }) => message);
  const turns = messages.filter((message) => message === "ShowCheckpoint" || message === "Shown");
  expect(turns).toEqual(["ShowCheckpoint", "Shown", "ShowCheckpoint", "Shown"]);
  await expect(slider(page)).toHaveValue("1");
  expect(await moment(page)).toContain(`step ${await playground.steps()},`);
});

test("Train in the middle of a replay trains, and the replay is over", async ({ page, playground, host }) => {
  await open(playground, host);
  await button(page, "Replay").click();
  await expect.poll(() => playground.steps()).toBe(3);
  await playground.train.click();
  await expect.poll(() => playground.steps()).toBeGreaterThan(7);
  await expect(button(page, "Replay")).toBeVisible();
  expect(await moment(page)).toBe("now");
  await playground.stop();
  const asked = await playground.log.commands();
  expect(asked.slice(asked.lastIndexOf("Train")), "nothing winds back what trains").not.toContain("ShowCheckpoint");
});

test("a comparison is not wound back", async ({ page, playground, host }) => {
  await open(playground, host);
  await page.getByRole("button", { name: "With and without Dropout", exact: true }).click();
  await expect(page.getByRole("progressbar", { name: "Progress of the comparison" })).toBeVisible();
  await expect(slider(page)).toHaveCount(0);
  const before = await playground.log.length();
  await page.keyboard.press(",");
  for (let turn = 0; turn < 3; turn += 1) await playground.log.settle();
  expect((await playground.log.since(before, { message: "ShowCheckpoint" })).length, "it is asked for once at most").toBeLessThanOrEqual(1);
  await playground.reset.click();
  await expect(slider(page)).toBeVisible();
  await playground.log.settle();
  expect(await moment(page)).toBe("now");
  expect(await playground.steps()).toBe(7);
});

test("a page that is reloaded twice has all checkpoints", async ({ page, playground, host }) => {
  await open(playground, host);
  await playground.takeSteps(3);
  await page.waitForTimeout(600);
  const last = await slider(page).getAttribute("max");
  for (let time = 0; time < 2; time += 1) {
    await page.reload();
    await expect(page.getByRole("status").filter({ hasText: /^Your last run is back, paused: / })).toBeVisible();
    await expect(slider(page)).toHaveAttribute("max", last);
  }
});
