// A run outlives everything but its owner's wish: reloads, closed and duplicated tabs, full and broken storages, other presets.

import { hash, Playground } from "../support/playground.js";
import { failing, inWorkers, storedRuns } from "../support/storage.js";
import { expect, says, situations, trains } from "./situations.js";

const FEW = "/#v=1&schedule=constant&images=200";
const back = (page) => page.getByRole("status").filter({ hasText: /^Your last run is back, paused: / });
const undo = (page) => page.locator(".toast").getByRole("button", { name: "Undo", exact: true });
const preset = (page) => page.getByRole("combobox", { name: "Preset" });
const pinned = (page) => page.getByRole("rowheader", { name: /^Run [A-F]/ });
const pin = (page) => page.getByRole("button", { name: "Pin this run" });

/** The settings are those of the link FEW: no preset, since its schedule is another one. */
const hasOldSettings = (page) => expect.poll(() => hash(page)).toBe(FEW.slice(1));

/** Trains for a while, draws, and waits until the session is stored as it is. */
async function work({ page, playground }, steps = 30) {
  await playground.takeSteps(steps);
  await playground.draw(7);
  await expect.poll(async () => (await storedRuns(page))[0]?.steps).toBe(steps);
}

/** The session is there as `work` left it. */
async function isBack({ page, playground }, steps = 30) {
  await expect(back(page)).toBeVisible();
  await expect.poll(() => playground.steps()).toBe(steps);
  await expect(playground.train, "paused").toBeVisible();
  await expect(page.getByRole("img", { name: /^Loss over epochs/ })).toHaveAttribute("aria-label", /\d/);
  await expect(playground.prediction).toHaveText(/\d/);
  // The image with which a page opens cannot be taken back.
  await expect(playground.undo, "the drawing is back").toBeEnabled();
  await expect(page.getByRole("region", { name: "Draw a digit" })).not.toContainText("Test image");
}

/** Closes a tab as its owner does, and waits until it is gone. */
async function close(page) {
  const closed = page.waitForEvent("close");
  await page.close({ runBeforeUnload: true });
  await closed;
}

/** The name under which the tab's session is stored. */
const sessionOf = (page) => page.evaluate(() => JSON.parse(sessionStorage["lenet-playground-session"] ?? "{}").session);

/** Opens a tab that a browser restores with these entries of its storage. */
async function restored({ context, host }, entries) {
  const page = await context.newPage();
  await page.goto(`${host.origin}/worker.js`);
  await page.evaluate((entries) => entries.forEach(([key, value]) => sessionStorage.setItem(key, value)), entries);
  const tab = new Playground(page);
  await tab.open(host.origin + FEW);
  return tab;
}

/** A page that could keep nothing says so in one line, and does everything else. */
const keepsNothing = (script, text) => ({
  link: FEW,
  before: ({ page }) => inWorkers(page, script),
  then: async ({ playground }) => playground.takeSteps(3),
  holds: async ({ page, playground }) => {
    await says(page, text);
    await page.getByRole("button", { name: "Dismiss" }).last().click();
    await trains(playground);
    await playground.draw(7);
    await expect(playground.prediction).toHaveText(/\d/);
    await pin(page).click();
    await expect(pinned(page)).toHaveCount(1);
    await expect(page.getByRole("alert"), "it is said once").toHaveCount(0);
  },
});

situations("session", [
  {
    situation: "the page is reloaded after a training and a drawing",
    link: FEW,
    then: async (all) => {
      await work(all);
      await all.page.reload();
    },
    holds: async (all) => {
      await isBack(all);
      await trains(all.playground);
      await expect(back(all.page), "the line goes once training goes on").toHaveCount(0);
    },
  },
  {
    situation: "the page is reloaded in the middle of training",
    link: "/",
    then: async ({ page, playground }) => {
      await playground.train.click();
      await expect.poll(() => playground.steps()).toBeGreaterThan(30);
      await expect.poll(async () => (await storedRuns(page))[0]?.steps).toBeGreaterThan(0);
      await page.reload();
    },
    holds: async ({ page, playground }) => {
      await expect(back(page)).toBeVisible();
      await expect.poll(() => playground.steps()).toBeGreaterThan(0);
      await expect(playground.train).toBeVisible();
      await trains(playground);
    },
  },
  {
    situation: "another page is visited, and Back is pressed",
    link: FEW,
    then: async (all) => {
      await work(all);
      await all.page.goto("about:blank");
      await all.page.goBack();
    },
    holds: async (all) => {
      // A browser that kept the page as it was has nothing to bring back.
      await expect.poll(() => all.playground.steps()).toBe(30);
      await trains(all.playground);
    },
  },
  {
    situation: "the tab is closed, and the page is opened in a new one",
    link: FEW,
    then: async (all) => {
      await work(all);
      await close(all.page);
      all.next = await all.another("/");
    },
    holds: async (all) => {
      await isBack({ page: all.next.page, playground: all.next });
      // Its settings came with it, though the address named none.
      await expect.poll(() => hash(all.next.page)).toContain("images=200");
    },
  },
  {
    situation: "the tab is closed before its drawing is stored, and the page is opened in a new one",
    link: FEW,
    then: async (all) => {
      await all.playground.takeSteps(30);
      await expect.poll(async () => (await storedRuns(all.page))[0]?.steps).toBe(30);
      // The storage takes nothing from now on, as if the worker had been stopped.
      await all.page.workers()[0].evaluate(() => {
        IDBDatabase.prototype.transaction = () => {
          throw new Error("The worker has been stopped.");
        };
      });
      await all.playground.draw(7);
      await close(all.page);
      all.next = await all.another("/");
    },
    holds: async (all) => isBack({ page: all.next.page, playground: all.next }),
  },
  {
    situation: "a preset is chosen, and the page is left at once",
    link: "/",
    then: async ({ page }) => {
      await preset(page).selectOption("mlp30");
      await page.reload();
    },
    holds: async ({ page }) => expect(preset(page)).toHaveValue("mlp30"),
  },
  {
    situation: "after training a preset is chosen, and the page is left at once",
    link: FEW,
    then: async (all) => {
      await work(all);
      await preset(all.page).selectOption("one-conv");
      await all.page.reload();
    },
    holds: async ({ page, playground }) => {
      await expect(preset(page)).toHaveValue("one-conv");
      await undo(page).click();
      await hasOldSettings(page);
      await expect.poll(() => playground.steps()).toBe(30);
    },
  },
  {
    situation: "a run is pinned, and the page is left at once",
    link: FEW,
    then: async ({ page, playground }) => {
      await playground.takeSteps(5);
      await pin(page).click();
      await page.reload();
    },
    holds: ({ page }) => expect(pinned(page)).toHaveCount(1),
  },
  {
    situation: "two tabs pin a run each, and are reloaded; then one of them removes one",
    link: FEW,
    then: async (all) => {
      all.other = await all.another(FEW);
      for (const tab of [all.playground, all.other]) {
        await tab.takeSteps(4);
        await pin(tab.page).click();
      }
      await all.page.reload();
      await all.other.page.reload();
    },
    holds: async ({ page, other }) => {
      await expect(pinned(page)).toHaveCount(2);
      await expect(pinned(other.page)).toHaveCount(2);
      await page.getByRole("button", { name: "Remove run A" }).click();
      await expect(pinned(other.page)).toHaveCount(1);
      // What the other tab changes does not bring it back.
      await other.page.getByRole("checkbox", { name: /^Show run/ }).last().uncheck();
      await page.reload();
      await expect(pinned(page)).toHaveCount(1);
    },
  },
  {
    situation: "two tabs train, and are reloaded",
    link: FEW,
    then: async (all) => {
      await work(all, 6);
      all.other = await all.another(FEW);
      expect(await all.other.steps(), "a new tab beside an open one begins anew").toBe(0);
      await all.other.takeSteps(9);
      await expect.poll(async () => (await storedRuns(all.page)).map((run) => run.steps).sort()).toEqual([6, 9]);
      await all.page.reload();
      await all.other.page.reload();
    },
    holds: async (all) => {
      await isBack(all, 6);
      await expect.poll(() => all.other.steps()).toBe(9);
    },
  },
  {
    situation: "a tab is duplicated with its storage, and both train on",
    link: FEW,
    then: async (all) => {
      await work(all, 6);
      const entries = await all.page.evaluate(() => Object.entries(sessionStorage));
      await all.context.addInitScript((entries) => {
        if (sessionStorage.length === 0) for (const [key, value] of entries) sessionStorage.setItem(key, value);
      }, entries);
      all.other = await all.another(FEW);
      await expect.poll(() => all.other.steps()).toBe(6);
      await all.other.takeSteps(5);
      await all.playground.takeSteps(2);
      await expect.poll(async () => (await storedRuns(all.page)).map((run) => run.steps).sort((a, b) => a - b)).toEqual([8, 11]);
      await all.page.reload();
      await all.other.page.reload();
    },
    holds: async (all) => {
      await expect.poll(() => all.playground.steps()).toBe(8);
      await expect.poll(() => all.other.steps()).toBe(11);
    },
  },
  {
    situation: "a link to another preset is opened after a training: it wins, and the old run stays among the runs",
    link: FEW,
    then: async (all) => {
      await work(all);
      await close(all.page);
      all.next = await all.another("/#v=1&preset=mlp30");
    },
    holds: async ({ next: { page }, next }) => {
      await says(page, "The link begins a new run.");
      await expect(preset(page)).toHaveValue("mlp30");
      expect(await next.steps()).toBe(0);
      await expect(pinned(page)).toHaveCount(1);
      await next.takeSteps(3);
      await undo(page).click();
      await hasOldSettings(page);
      await expect.poll(() => next.steps()).toBe(30);
    },
  },
  {
    situation: "the page is reloaded, and its storage answers after six seconds",
    link: FEW,
    then: async (all) => {
      await work(all);
      await inWorkers(all.page, failing.late);
      await all.page.reload();
    },
    holds: isBack,
  },
  {
    situation: "the page is reloaded twice before its storage answers, and another tab was closed later",
    link: FEW,
    then: async (all) => {
      await work(all, 6);
      const other = await all.another(FEW);
      await other.takeSteps(9);
      await expect.poll(async () => (await storedRuns(all.page)).map((run) => run.steps).sort()).toEqual([6, 9]);
      await close(other.page);
      await inWorkers(all.page, failing.silent);
      for (let count = 0; count < 2; count += 1) {
        const before = await sessionOf(all.page);
        await all.page.reload();
        await expect.poll(() => sessionOf(all.page)).not.toBe(before);
      }
      // A script that is under way to a worker comes there first.
      await all.page.unrouteAll({ behavior: "wait" });
      await all.page.reload();
    },
    holds: (all) => isBack(all, 6),
  },
  {
    situation: "six tabs are closed, the page is opened, and each of the six is restored",
    link: FEW,
    then: async (all) => {
      all.tabs = [];
      for (let steps = 1; steps <= 6; steps += 1) {
        const tab = await all.another(FEW);
        await tab.takeSteps(steps);
        await expect.poll(async () => (await storedRuns(all.page)).length).toBe(steps);
        all.tabs.push({ tab, steps, entries: await tab.page.evaluate(() => Object.entries(sessionStorage)) });
      }
      for (const { tab } of all.tabs) await close(tab.page);
      await all.page.reload();
      await expect(all.playground.train).toBeVisible();
    },
    holds: async (all) => {
      for (const { steps, entries } of all.tabs) {
        const tab = await restored(all, entries);
        await expect.poll(() => tab.steps()).toBe(steps);
        await tab.page.close();
      }
    },
  },
  {
    situation: "a link that names an image is opened after a drawing: the image is on the pad",
    link: FEW,
    then: async (all) => {
      await work(all);
      await close(all.page);
      all.next = await all.another(`${FEW}&image=7`);
    },
    holds: async ({ next }) => {
      await expect(back(next.page)).toBeVisible();
      await expect.poll(() => next.steps()).toBe(30);
      await expect(next.page.getByRole("region", { name: "Draw a digit" })).toContainText("Test image 7");
    },
  },
  {
    situation: "a run of many epochs of few images is followed by another preset and ten steps",
    link: "/#v=1&images=50",
    then: async ({ page, playground }) => {
      await playground.draw(7);
      await expect(page.getByText("pretrained").first()).toBeVisible();
      await playground.takeSteps(20);
      await says(page, "in place of the pretrained one");
      await preset(page).selectOption("mlp30");
      await expect(undo(page)).toBeVisible();
      await playground.takeSteps(10);
    },
    holds: async ({ page, playground }) => {
      await undo(page).click();
      await expect.poll(() => hash(page)).toBe("#v=1&images=50");
      await expect.poll(() => playground.steps()).toBe(20);
    },
  },
  {
    situation: "the page is reloaded during a comparison",
    link: FEW,
    then: async (all) => {
      await work(all);
      await all.page.getByRole("combobox", { name: "Length of a comparison" }).selectOption({ index: 6 });
      await all.page.getByRole("button", { name: "With and without Dropout" }).click();
      const progress = all.page.getByRole("progressbar", { name: "Progress of the comparison" });
      await expect.poll(async () => Number(await progress.getAttribute("value"))).toBeGreaterThan(0);
      await all.page.reload();
    },
    holds: async (all) => {
      await isBack(all);
      await says(all.page, "The comparison that was under way ended");
      await expect(pinned(all.page), "its curves are back").toHaveCount(2);
    },
  },
  {
    situation: "a link to another preset is opened after a training, with four runs pinned: the old one has no place, but an Undo",
    link: FEW,
    then: async (all) => {
      for (let count = 0; count < 4; count += 1) {
        await all.playground.takeSteps(1);
        await pin(all.page).click();
      }
      await all.playground.takeSteps(30);
      await expect.poll(async () => (await storedRuns(all.page))[0]?.steps).toBe(34);
      await close(all.page);
      all.next = await all.another("/#v=1&preset=mlp30");
    },
    holds: async ({ next: { page }, next }) => {
      await says(page, "can be brought back");
      await expect(page.getByText("stays among the runs")).toHaveCount(0);
      await expect(pinned(page)).toHaveCount(4);
      await undo(page).click();
      await expect.poll(() => next.steps()).toBe(34);
    },
  },
  {
    situation: "a link with the same settings is opened after a training: the run is back, with the view of the link",
    link: FEW,
    then: async (all) => {
      await work(all);
      await close(all.page);
      all.next = await all.another(`${FEW}&open=C1`);
    },
    holds: async (all) => {
      await isBack({ page: all.next.page, playground: all.next });
      await expect.poll(() => hash(all.next.page)).toContain("open=C1");
    },
  },
  {
    situation: "a run that is back is not wanted",
    link: FEW,
    then: async (all) => {
      await work(all);
      await all.page.reload();
      await isBack(all);
      await all.page.getByRole("button", { name: "Start afresh" }).click();
    },
    holds: async ({ page, playground }) => {
      await expect.poll(() => playground.steps()).toBe(0);
      await expect(playground.clear, "the pad is empty").toBeDisabled();
      await expect(back(page)).toHaveCount(0);
      await undo(page).click();
      await expect.poll(() => playground.steps()).toBe(30);
    },
  },
  {
    situation: "a run is reset, another preset is chosen, and a step is taken",
    link: FEW,
    then: async ({ page, playground }) => {
      await playground.takeSteps(20);
      await playground.reset.click();
      await preset(page).selectOption("mlp30");
      await playground.step.click();
      await expect.poll(() => playground.steps()).toBe(1);
    },
    holds: async ({ page, playground }) => {
      await undo(page).click();
      await expect.poll(() => playground.steps()).toBe(20);
      await hasOldSettings(page);
      await trains(playground);
    },
  },
  {
    situation: "a run is reset, and the page is reloaded before Undo",
    link: FEW,
    then: async ({ page, playground }) => {
      await playground.takeSteps(20);
      await playground.reset.click();
      await expect.poll(async () => (await storedRuns(page))[0]?.steps).toBe(0);
      await page.reload();
    },
    holds: async ({ page, playground }) => {
      await undo(page).click();
      await expect.poll(() => playground.steps()).toBe(20);
    },
  },
  {
    situation: "Train is pressed while the pretrained network reads the pad",
    link: "/",
    then: async ({ page, playground }) => {
      await playground.draw(7);
      await expect(page.getByText("pretrained").first()).toBeVisible();
      await playground.train.click();
      await expect.poll(() => playground.steps()).toBeGreaterThan(2);
      await playground.stop();
    },
    holds: async ({ page, playground }) => {
      await says(page, "in place of the pretrained one");
      await page.getByRole("button", { name: "Undo: the pretrained network reads the pad again" }).click();
      await expect.poll(() => playground.steps()).toBe(0);
      await expect(playground.prediction).toHaveText(/^\s*7/);
      await undo(page).click();
      await expect.poll(() => playground.steps(), "nor is the new one lost").toBeGreaterThan(2);
    },
  },
  {
    situation: "a link to another preset is followed in mid-training",
    link: FEW,
    then: async ({ page, playground }) => {
      await playground.train.click();
      await expect.poll(() => playground.steps()).toBeGreaterThan(60);
      // Paused right behind the link: the offer ends when the new network has been trained as long as the old one.
      await playground.pause.evaluate((pause) => new Promise((done) => {
        const pauses = () => {
          pause.click();
          done();
        };
        addEventListener("hashchange", pauses, { once: true });
        location.hash = "#v=1&preset=one-conv";
      }));
      await expect(playground.train).toBeVisible();
      await playground.log.settle();
      await expect(undo(page)).toBeVisible();
    },
    holds: async ({ page, playground }) => {
      await undo(page).click();
      await hasOldSettings(page);
      await expect.poll(() => playground.steps()).toBeGreaterThan(60);
      await trains(playground);
    },
  },
  {
    situation: "the stored run is damaged",
    // worker.js, seen as a page, has no icon.
    excuses: /Failed to load resource/,
    link: FEW,
    then: async (all) => {
      await work(all);
      await all.page.goto("about:blank");
      await all.page.goto(`${all.host.origin}/worker.js`);
      await all.page.evaluate(async () => {
        const answer = (request) => new Promise((done, failed) => Object.assign(request, { onsuccess: () => done(request.result), onerror: failed }));
        const database = await answer(indexedDB.open("lenet-playground"));
        const runs = database.transaction("runs", "readwrite").objectStore("runs");
        for (const key of await answer(runs.getAllKeys())) await answer(runs.put(new Uint8Array([1, 2, 3]), key));
        database.close();
      });
      await all.playground.open(all.host.origin + FEW);
    },
    holds: async ({ page, playground }) => {
      await says(page, "The run of your last visit could not be brought back.");
      await trains(playground);
    },
  },
  {
    situation: "a newer version of the page owns the storage",
    // worker.js, seen as a page, has no icon.
    excuses: /Failed to load resource/,
    link: FEW,
    before: async ({ page, host }) => {
      await page.goto(`${host.origin}/worker.js`);
      await page.evaluate(() => new Promise((done) => Object.assign(indexedDB.open("lenet-playground", 9), {
        onsuccess: ({ target }) => done(target.result.close()),
      })));
    },
    then: async ({ playground }) => playground.takeSteps(3),
    holds: async ({ page, playground }) => {
      await says(page, "A newer version of this page");
      await trains(playground);
    },
  },
  { situation: "the browser forbids IndexedDB", ...keepsNothing(failing.forbidden, "does not let the page keep") },
  { situation: "the browser has no IndexedDB", ...keepsNothing(failing.missing, "does not let the page keep") },
  { situation: "the disk is full", ...keepsNothing(failing.full, "has no room to keep") },
  { situation: "the disk runs full while a run is written", ...keepsNothing(failing.aborting, "has no room to keep") },
  { situation: "IndexedDB never answers", ...keepsNothing(failing.silent, "does not answer") },
  { situation: "no transaction of IndexedDB ever ends", ...keepsNothing(failing.hanging, "does not answer") },
  {
    situation: "the browser closes the database in the middle of the visit",
    link: FEW,
    before: ({ page }) => inWorkers(page, failing.closing),
    then: async ({ playground }) => {
      for (let count = 0; count < 8; count += 1) {
        await playground.takeSteps(1);
        await playground.page.waitForTimeout(300);
      }
    },
    holds: async ({ playground }) => trains(playground),
  },
  {
    situation: "localStorage and sessionStorage are forbidden",
    link: FEW,
    before: ({ page }) =>
      page.addInitScript(() => {
        for (const name of ["localStorage", "sessionStorage"]) {
          Object.defineProperty(globalThis, name, { get() { throw new DOMException("no", "SecurityError"); } });
        }
      }),
    then: async ({ page, playground }) => {
      await playground.takeSteps(5);
      await pin(page).click();
    },
    holds: async ({ page, playground }) => {
      await says(page, "pinned runs");
      await expect(pinned(page)).toHaveCount(1);
      await trains(playground);
    },
  },
]);
