// Runs: pinning, storing, and comparing two of them side by side.

import { readFile } from "node:fs/promises";
import { expect, hash, test } from "./support/playground.js";

const FEW = "#v=1&images=5000";
/** How the keys of stored runs begin. */
const RUNS = "lenet-playground-run";

class Runs {
  constructor(page) {
    this.page = page;
    this.table = page.getByRole("table", { name: "Runs" });
    this.pin = page.getByRole("button", { name: "Pin this run" });
    this.length = page.getByRole("combobox", { name: "Length of a comparison" });
    this.end = page.getByRole("button", { name: "End comparison" });
  }

  /** The cells of a run, by the heading of their column. */
  async row(name) {
    const heads = await this.table.getByRole("columnheader").allTextContents();
    const row = this.table.getByRole("row").filter({ has: this.page.getByRole("rowheader", { name, exact: true }) });
    const cells = await row.getByRole("cell").allTextContents();
    return Object.fromEntries(heads.slice(1).map((head, i) => [head, cells[i]]));
  }

  button(what, name) {
    return this.page.getByRole("button", { name: `${what} run ${name}` });
  }

  withAndWithout(name) {
    return this.page.getByRole("button", { name: `With and without ${name}` });
  }
}

test("a pinned run keeps its figures, names the settings that differ, and restores its settings", async ({ page, playground, host }) => {
  await playground.open(`${host}/${FEW}`);
  const runs = new Runs(page);
  await playground.downloaded();
  await expect(runs.pin, "there is no run to pin").toBeDisabled();
  await playground.takeSteps(80);
  await runs.pin.click();
  const pinned = await runs.row("Run A");
  expect(pinned["What differs"]).toBe("same settings");
  expect(pinned["Test accuracy"]).toContain(await playground.accuracy.textContent());
  expect(pinned["Training loss"]).toBe(await playground.loss.textContent());
  expect(pinned.Epochs).toContain(await playground.epoch.textContent());
  expect(pinned.Epochs).toContain(`${await playground.steps()} steps`);

  await page.getByRole("switch", { name: "Dropout" }).check();
  await page.getByRole("combobox", { name: "Learning rate" }).selectOption("0.01");
  expect((await runs.row("Run A"))["What differs"]).toBe("Learning rate 0.003 (now 0.01), Dropout off (now on)");
  await playground.reset.click();
  await expect.poll(() => playground.steps()).toBe(0);
  await playground.takeSteps(24);
  const { "What differs": _, ...figures } = pinned;
  expect(await runs.row("Run A"), "the pinned figures stay").toMatchObject(figures);
  const present = await runs.row("Present run");
  expect(present.Epochs).not.toBe(pinned.Epochs);

  // Hidden curves are left out of the read-out.
  const readOut = page.getByRole("slider", { name: "Read-out of Loss" });
  await readOut.focus();
  await readOut.press("Home");
  await readOut.press("ArrowRight");
  await expect(readOut).toHaveAttribute("aria-valuetext", /present run: .*run A: training/);
  await page.getByRole("checkbox", { name: "Show run A" }).uncheck();
  await readOut.focus();
  await expect(readOut).toHaveAttribute("aria-valuetext", /present run: [^;]*$/);

  await runs.button("Load settings of", "A").click();
  await expect(page.getByRole("switch", { name: "Dropout" })).not.toBeChecked();
  await expect(page.getByRole("combobox", { name: "Learning rate" })).toHaveValue("0.003");
  await runs.button("Remove", "A").click();
  await expect(page.getByRole("rowheader", { name: "Run A" })).toHaveCount(0);
});

test("pinned runs survive a reload until they are removed", async ({ page, playground, host }) => {
  await playground.open(`${host}/${FEW}&batch=16`);
  const runs = new Runs(page);
  await playground.takeSteps(160);
  await runs.pin.click();
  const pinned = await runs.row("Run A");
  // The page stores runs a moment after the last change.
  const stored = () => page.evaluate((runs) => Object.keys(localStorage).filter((key) => key.startsWith(runs)).length, RUNS);
  await expect.poll(stored).toBe(1);
  await page.goto("about:blank");
  await playground.open(`${host}/${FEW}`);
  expect(await runs.row("Run A")).toEqual({ ...pinned, "What differs": "Batch size 16 (now 64)" });
  const readOut = page.getByRole("slider", { name: "Read-out of Loss" });
  await readOut.focus();
  await readOut.press("End");
  await expect(readOut).toHaveAttribute("aria-valuetext", /run A: training \d/);
  await runs.button("Load settings of", "A").click();
  await expect(page.getByRole("combobox", { name: "Batch size" })).toHaveValue("16");
  await runs.button("Remove", "A").click();
  await expect.poll(stored).toBe(0);
});

test("where storing fails, a pinned run stays for the visit, and one sentence says so", async ({ page, playground, host }) => {
  await page.addInitScript(() => {
    globalThis.tries = 0;
    Storage.prototype.setItem = () => {
      globalThis.tries += 1;
      throw new DOMException("full", "QuotaExceededError");
    };
  });
  await playground.open(`${host}/${FEW}`);
  const runs = new Runs(page);
  await playground.takeSteps(10);
  await runs.pin.click();
  await expect(page.getByRole("alert")).toHaveText(/no room for pinned runs.*gone when the page is closed/);
  // A second toast may offer the pretrained network.
  await page.locator(".toast").filter({ has: page.getByRole("alert") }).getByRole("button", { name: "Dismiss" }).click();
  const tries = () => page.evaluate(() => globalThis.tries);
  const before = await tries();
  await page.getByRole("checkbox", { name: "Show run A" }).uncheck();
  await expect.poll(tries, "it is tried again").toBeGreaterThan(before);
  await expect(page.getByRole("alert"), "the sentence is shown once").toHaveCount(0);
  await expect(page.getByRole("rowheader", { name: "Run A" })).toBeVisible();
});

test("one press compares with and without a trick from the same seed, and restores the run before it", async ({ page, playground, host }) => {
  await playground.open(`${host}/${FEW}`);
  await playground.downloaded();
  await playground.takeSteps(3);
  const loss = await playground.loss.textContent();
  const runs = new Runs(page);
  await runs.length.selectOption({ label: "15,000 images (3 epochs)" });
  const compared = async () => {
    // The comparison may end sooner than the test looks.
    await playground.log.hold();
    await runs.withAndWithout("Dropout").click();
    await expect(page.getByRole("progressbar", { name: "Progress of the comparison" })).toBeVisible();
    await playground.log.release();
    await expect(runs.end).toHaveCount(0);
    return [await runs.row("Run A"), await runs.row("Run B")];
  };
  const [plain, dropout] = await compared();
  expect([plain, dropout].map((run) => run["What differs"])).toEqual(["same settings", "Dropout on (now off)"]);
  for (const run of [plain, dropout]) {
    expect(run["Training time"]).toMatch(/^\d+\.\d s/);
    expect(run["Multiply-adds"]).toBe("416,520per image");
    expect(run.Epochs).toBe("3.00237 steps");
    expect(Number.parseFloat(run["Test accuracy"].replace("★", ""))).toBeGreaterThan(60);
  }
  expect(plain["Training loss"]).not.toBe(dropout["Training loss"]);
  expect(await playground.steps(), "the network before the comparison is back").toBe(3);
  expect(await playground.loss.textContent()).toBe(loss);
  await expect(page.getByRole("switch", { name: "Dropout" })).not.toBeChecked();

  // The same seed gives the same figures again, and the new runs replace the last comparison.
  // (The training loss is the mean since the last report, and reports follow the clock, as the training time does.)
  const figures = ({ "Training time": _, "Training loss": __, ...others }) => others;
  expect((await compared()).map(figures)).toEqual([plain, dropout].map(figures));
  await expect(runs.table.getByRole("rowheader")).toHaveCount(3);

  // A kept run is not replaced.
  await runs.button("Keep", "B").click();
  await runs.withAndWithout("Batch normalisation").click();
  await expect(runs.end).toHaveCount(0);
  expect((await runs.row("Run B"))["What differs"]).toBe("Dropout on (now off)");
  expect((await runs.row("Run C"))["What differs"]).toBe("Batch normalisation on (now off)");
});

test("a trick is compared from its setting, for the length that is chosen, and what will be done is said before", async ({ page, playground, host }) => {
  await playground.open(`${host}/${FEW}`);
  await playground.downloaded();
  const runs = new Runs(page);
  const words = page.getByRole("group", { name: "Compare", exact: true });
  await runs.length.selectOption({ label: "15,000 images (3 epochs)" });
  await expect(words).toContainText("Both networks train for 15,000 images (3 epochs), with the settings as they are.");
  const dropout = page.getByRole("button", { name: "Compare dropout on and off" });
  await dropout.focus();
  await expect(dropout, "it is seen where it has the focus").toHaveCSS("opacity", "1");
  await playground.log.hold();
  await page.keyboard.press("Enter");
  await expect(runs.end).toBeFocused();
  await expect(dropout).toBeDisabled();
  await expect(words).toContainText("Comparing Dropout: A is at epoch 0.00");
  await playground.log.release();
  await expect(runs.end).toHaveCount(0);
  expect((await runs.row("Run B"))["What differs"]).toBe("Dropout on (now off)");

  // One press for the place where a penalty matters, and one back.
  const matters = page.getByRole("button", { name: "Where it matters" });
  await matters.click();
  await expect(words).toContainText("Both networks train on 200 training images, 150 epochs, at a constant learning rate of 0.001.");
  await expect(page.getByRole("combobox", { name: "Training images" }), "the settings stay").toHaveValue("5000");
  await expect(matters).toHaveAttribute("title", /^Both networks train on 200 training images, 150 epochs/);
  await runs.length.selectOption({ label: "1,000 training images, 100 epochs" });
  await expect(matters).toHaveAttribute("title", /^Both networks train on 1,000 training images, 100 epochs/);
  await runs.length.selectOption({ label: "200 training images, 150 epochs" });
  await playground.log.hold();
  await page.getByRole("button", { name: "Compare L2 penalty on and off" }).click();
  await expect(runs.end, "it is shown where it is under way").toBeFocused();
  await expect(runs.end).toBeInViewport();
  const row = await runs.row("Run B");
  expect(row["What differs"]).toContain("Training images 200 (now 5,000)");
  expect(row["What differs"]).toContain("L2 penalty 0.01 (now off)");
  await runs.end.click();
  await playground.log.release();
  await expect(runs.end).toHaveCount(0);
  await matters.click();
  await expect(words).toContainText("Both networks train for 60,000 images (12 epochs), with the settings as they are.");
  // What is no trick has no such button.
  await expect(page.getByRole("button", { name: "Compare learning rate on and off" })).toHaveCount(0);
});

test("both runs grow together, pause and resume, and changing a setting ends the comparison", async ({ page, playground, host }) => {
  await playground.open(`${host}/`);
  const runs = new Runs(page);
  await runs.length.selectOption({ label: "600,000 images (10 epochs)" });
  await page.getByRole("combobox", { name: "Setting to compare" }).selectOption({ label: "Optimiser" });
  await page.getByRole("combobox", { name: "Value to compare with" }).selectOption({ label: "Nesterov momentum" });
  await page.getByRole("button", { name: "Compare", exact: true }).click();
  const epochs = async () => [await runs.row("Run A"), await runs.row("Run B")].map((run) => Number.parseFloat(run.Epochs));
  await expect.poll(async () => Math.min(...(await epochs()))).toBeGreaterThan(0.1);
  // Run A recognises drawings, whichever run trains, and the page says so.
  await playground.draw(7);
  await expect(page.getByRole("region", { name: "Draw a digit" })).toContainText(/by: run A, step [\d,]+/);
  await expect(page.getByRole("group", { name: "Compare" })).toContainText("The picture and the answers are those of A.");
  // Runs take turns of a twentieth of an epoch.
  const at = [0, 0];
  let active = null;
  for (const entry of await playground.log.events()) {
    if (entry.message === "ActiveRun") active = entry.run;
    if (entry.message === "Progress" && active !== null) at[active] = entry.epoch;
    if (entry.message === "ActiveRun") expect(Math.abs(at[0] - at[1]), `at epochs ${at}`).toBeLessThan(0.06);
  }
  expect((await runs.row("Run B"))["What differs"]).toBe("Optimiser Nesterov momentum (now Adam)");

  await playground.stop();
  const paused = await epochs();
  const stopped = await playground.log.length();
  const last = (await playground.log.events("Progress")).at(-1);
  await playground.log.settle();
  // A report may repeat the step at which it was paused, as when another core gets ready.
  expect((await playground.log.events("Progress", stopped)).filter(({ step }) => step !== last.step)).toEqual([]);
  expect(await epochs()).toEqual(paused);
  await playground.train.click();
  await expect.poll(async () => (await epochs())[0]).toBeGreaterThan(paused[0]);

  await page.getByRole("switch", { name: "Dropout" }).check();
  await expect(runs.end).toHaveCount(0);
  await expect.poll(() => playground.steps()).toBe(0);
  await expect(playground.train).toBeVisible();
  expect((await epochs())[0], "the curves of the comparison stay").toBeGreaterThan(0.1);
});

test("a run that diverges is reported, and the other one continues", async ({ page, playground, host }) => {
  await playground.open(`${host}/${FEW}&activation=none&optimiser=sgd&lr=0.02`);
  await page.getByRole("combobox", { name: "Value to compare with" }).selectOption("3");
  const runs = new Runs(page);
  await page.getByRole("button", { name: "Compare", exact: true }).click();
  await expect(runs.end).toHaveCount(0);
  await expect(runs.table).toContainText(/diverged after step \d+/);
  expect((await runs.row("Run A")).Epochs).toBe("12.00948 steps");
  await expect(page.getByRole("alert")).toHaveCount(0);
});

test("a sweep trains every value from every seed, one after the other, and says mean and spread", async ({ page, playground, host }) => {
  await playground.open(`${host}/#v=1&preset=mlp30&images=1000&sweep=lr,0.0001,0.004&sweep-seeds=2`);
  await playground.downloaded();
  await playground.takeSteps(3);
  const runs = new Runs(page);
  const sweep = page.getByRole("group", { name: "Sweep" });
  await expect(sweep.getByRole("combobox", { name: "Setting to sweep" })).toHaveValue("lr");
  await expect(sweep.getByRole("button", { name: "0.004", exact: true })).toHaveAttribute("aria-pressed", "true");
  await expect(sweep.getByRole("button", { name: "0.01", exact: true })).toHaveAttribute("aria-pressed", "false");
  await runs.length.selectOption({ label: "15,000 images (15 epochs)" });
  const results = page.getByRole("table", { name: "Sweep" });
  await expect(results).toHaveCount(0);

  const from = await playground.log.length();
  await playground.log.hold();
  await sweep.getByRole("button", { name: "Train 4 networks" }).click();
  await expect(page.getByRole("group", { name: "Compare", exact: true })).toContainText(/^Sweep of Learning rate: network 1 of 4 \(0\.0001, seed 1\) is at epoch 0\.00 of 15\. It is run A/);
  await expect(runs.end).toBeFocused();
  await expect(page.getByRole("progressbar", { name: "Progress of the sweep" })).toBeVisible();
  await playground.log.release();
  await expect(runs.end).toHaveCount(0);
  await expect(page.getByRole("status", { name: "End of the sweep" })).toHaveText("The sweep of Learning rate has ended, with the results of 4 of 4 networks.");
  const active = (await playground.log.events("ActiveRun", from)).map(({ run }) => run);
  expect(active, "one after the other").toEqual([0, 1, 2, 3, null]);

  // What the page says is what the trainer measured.
  const tested = [[], [], [], []];
  let run = null;
  for (const entry of (await playground.log.events(undefined, from)).filter(({ message }) => ["ActiveRun", "Tested"].includes(message))) {
    if (entry.message === "ActiveRun") run = entry.run;
    else if (run !== null) tested[run].push(entry);
  }
  const last = tested.map((all) => all.at(-1));
  expect(last.map(({ epoch }) => epoch)).toEqual([15, 15, 15, 15]);
  for (const [row, value, of] of [[1, "0.0001", [0, 2]], [2, "0.004", [1, 3]]]) {
    const [a, b] = of.map((at) => 100 * last[at].accuracy);
    const texts = await results.getByRole("row").nth(row).getByRole("cell").allTextContents();
    await expect(results.getByRole("row").nth(row).getByRole("rowheader")).toHaveText(value);
    expect(Number.parseFloat(texts[0])).toBeCloseTo((a + b) / 2, 1);
    expect(Number.parseFloat(texts[1].replace("± ", ""))).toBeCloseTo(Math.abs(a - b) / Math.SQRT2, 1);
    expect(texts[2]).toBe("2");
  }
  const [file] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "CSV of the sweep" }).click()]);
  const lines = (await readFile(await file.path())).toString().trimEnd().split("\n").map((line) => line.split(","));
  expect(lines[0]).toEqual(["learning rate", "seed", "epochs", "test accuracy", "test loss", "training seconds"]);
  expect(lines.slice(1).map(([value, seed]) => [value, seed])).toEqual([["0.0001", "1"], ["0.004", "1"], ["0.0001", "2"], ["0.004", "2"]]);

  expect(await playground.steps(), "the network before the sweep is back").toBe(3);
  await expect(page.getByRole("rowheader", { name: "Run A" }), "no network of it stays among the runs").toHaveCount(0);

  // A sweep that is ended before its first result leaves those of the sweep before: a part of a run does not count.
  await sweep.getByRole("button", { name: "0.0001", exact: true }).click();
  await expect.poll(() => hash(page)).toMatch(/&sweep=lr,0\.004&sweep-seeds=2$/);
  await runs.length.selectOption({ label: "600,000 images (600 epochs)" });
  await playground.log.hold();
  await sweep.getByRole("button", { name: "Train 2 networks" }).click();
  await expect(page.getByRole("group", { name: "Compare", exact: true }), "two networks are no comparison").toContainText(/^Sweep of Learning rate: network 1 of 2 \(0\.004, seed 1\)/);
  await runs.end.click();
  await playground.log.release();
  await expect(runs.end).toHaveCount(0);
  await expect(results.getByRole("rowheader")).toHaveText(["0.0001", "0.004"]);
});

test("a sweep that is ended keeps what came out", async ({ page, playground, host }) => {
  // The second network would train on 300 times as many images.
  await playground.open(`${host}/#v=1&images=1000&sweep=images,200,60000`);
  await playground.downloaded();
  const runs = new Runs(page);
  await page.getByRole("combobox", { name: "Seeds of the sweep" }).selectOption({ label: "1 seed" });
  await runs.length.selectOption({ label: "15,000 images (15 epochs)" });
  await page.getByRole("button", { name: "Train 2 networks" }).click();
  const results = page.getByRole("table", { name: "Sweep" });
  await expect(results).toBeVisible();
  await expect(page.getByRole("group", { name: "Compare", exact: true })).toContainText(/^Sweep of Training images: network 2 of 2/);
  await runs.end.click();
  await expect(runs.end).toHaveCount(0);
  await expect(page.getByRole("status", { name: "End of the sweep" })).toHaveText("The sweep of Training images has ended, with the results of 1 of 2 networks.");
  const networks = await results.locator("[data-name='Networks']").allTextContents();
  expect(networks).toEqual(["1", "0"]);
  expect(await results.locator("[data-name='Mean']").allTextContents()).toEqual([expect.stringMatching(/^\d+\.\d\d\s%$/), "—"]);
});

test("a sweep of networks that differ leaves the present run as it was, and shows each of them", async ({ page, playground, host }) => {
  await playground.open(`${host}/#v=1&preset=mlp30&images=1000&sweep=preset,lenet5&sweep-seeds=1`);
  await playground.downloaded();
  await playground.takeSteps(3);
  const runs = new Runs(page);
  const csv = async () => {
    const [file] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "CSV of Loss" }).click()]);
    return (await readFile(await file.path())).toString();
  };
  const before = { csv: await csv(), row: await runs.row("Present run") };
  expect(before.csv.split("\n").length, "it has points").toBeGreaterThan(3);
  await runs.length.selectOption({ label: "600,000 images (600 epochs)" });
  const maps = playground.network.getByRole("img", { name: /^C1\b/ });
  await expect(maps, "there are no maps in the present network").toHaveCount(0);
  await page.getByRole("button", { name: "Train 1 network" }).click();
  await expect(maps).toBeVisible();
  await runs.end.click();
  await expect(runs.end).toHaveCount(0);
  await expect(maps).toHaveCount(0);
  expect({ csv: await csv(), row: await runs.row("Present run") }).toEqual(before);
  expect(await playground.steps()).toBe(3);

  // All the way through, the network before comes back at the end by itself.
  await page.getByRole("combobox", { name: "Setting to sweep" }).selectOption({ label: "Activation" });
  await runs.length.selectOption({ label: "15,000 images (15 epochs)" });
  await page.getByRole("button", { name: "Train 3 networks" }).click();
  await expect(runs.end).toHaveCount(0);
  await expect(page.getByRole("status", { name: "End of the sweep" })).toHaveText(/ 3 of 3 networks\.$/);
  expect({ csv: await csv(), row: await runs.row("Present run") }).toEqual(before);
});

test("sweeps are folded at first, and what cannot be swept now is not named", async ({ page, playground, host }) => {
  await playground.open(`${host}/#v=1&hide=lr`);
  const sweep = page.getByRole("group", { name: "Sweep", exact: true });
  const setting = page.getByRole("combobox", { name: "Setting to sweep" });
  await expect(sweep).toBeHidden();
  await page.locator("summary", { hasText: "Sweep: several values and seeds" }).focus();
  await page.keyboard.press("Enter");
  await expect(sweep).toBeVisible();
  await expect(setting.locator("option[value='lr']"), "it is hidden").toHaveCount(0);
  await expect(setting).not.toHaveValue("lr");
  const pressed = page.getByRole("group", { name: "Values of the sweep" }).getByRole("button", { pressed: true });
  await expect(pressed).toHaveCount(0);
  await expect(sweep.getByRole("button", { name: "Train 0 networks" })).toBeDisabled();

  // Adam has no momentum.
  await page.goto("about:blank");
  await playground.open(`${host}/#v=1&sweep=momentum,0.5`);
  await expect(sweep).toBeVisible();
  await expect(setting).not.toHaveValue("momentum");
  await expect(pressed).toHaveCount(0);
  await expect(sweep.getByRole("button", { name: "Train 0 networks" })).toBeDisabled();
  await page.getByRole("combobox", { name: "Optimiser", exact: true }).selectOption({ label: "Nesterov momentum" });
  await expect(setting).toHaveValue("momentum");
  await expect(sweep.getByRole("button", { name: "Train 3 networks" })).toBeEnabled();
});

test.describe("on a phone", () => {
  test.use({ viewport: { width: 390, height: 844 } });

  test("a comparison that is started at a setting is shown, also where the runs are folded", async ({ page, playground, host }) => {
    await playground.open(`${host}/${FEW}&sections=settings`);
    await playground.downloaded();
    const runs = new Runs(page);
    await expect(runs.length).toBeHidden();
    await playground.log.hold();
    await page.getByRole("button", { name: "Compare dropout on and off" }).click();
    await expect(runs.end).toBeFocused();
    await expect(runs.end).toBeInViewport();
    await runs.end.click();
    await playground.log.release();
    await expect(runs.end).toHaveCount(0);
  });

  test("runs are no wider than the screen", async ({ page, playground, host }) => {
    await playground.open(`${host}/${FEW}&sections=runs`);
    await new Runs(page).length.selectOption({ label: "15,000 images (3 epochs)" });
    await new Runs(page).withAndWithout("Dropout").click();
    await expect(new Runs(page).end).toHaveCount(0);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
    // Every figure and button is visible without scrolling sideways.
    const frame = page.getByRole("group", { name: "Table of runs" });
    expect(await frame.evaluate((frame) => frame.scrollWidth - frame.clientWidth)).toBe(0);
    for (const cell of await new Runs(page).table.locator("tbody :is(td, button):visible").all()) {
      const { x, width } = await cell.boundingBox();
      expect(x, await cell.textContent()).toBeGreaterThanOrEqual(0);
      expect(x + width, await cell.textContent()).toBeLessThanOrEqual(390);
    }
    const row = await new Runs(page).row("Run B");
    expect(row["What differs"]).toBe("Dropout on (now off)");
    await new Runs(page).table.screenshot({ path: "results/390-runs.png" });
  });
});
