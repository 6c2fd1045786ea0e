// A tab that the user leaves: hidden behind another one, or frozen by the browser. Training goes on as if nothing had happened.

import { Log, recorder } from "./support/log.js";
import { expect, test as base } from "./support/playground.js";
import { Tab } from "./support/tab.js";

/** Notes frames and changes of visibility. */
const OBSERVER = `
  globalThis.frames = 0;
  globalThis.changes = [];
  const frame = () => { globalThis.frames += 1; requestAnimationFrame(frame); };
  requestAnimationFrame(frame);
  document.addEventListener("visibilitychange", () => globalThis.changes.push(document.visibilityState));
  for (const change of ["freeze", "resume"]) document.addEventListener(change, () => globalThis.changes.push(change));
`;

/** The page in a tab, with test image 7 on the pad and all of MNIST. */
class HiddenPlayground {
  static async open(browser, host) {
    const page = new HiddenPlayground();
    page.browser = await browser.newBrowserCDPSession();
    const context = await page.browser.send("Target.createBrowserContext", { disposeOnDetach: true });
    page.context = context.browserContextId;
    page.tab = await Tab.open(page.browser, page.context, `${host}/#v=1&image=7`, recorder(false) + OBSERVER);
    page.log = new Log(page.tab);
    await expect.poll(() => page.ready()).toBe(true);
    return page;
  }

  close() {
    return this.browser.send("Target.disposeBrowserContext", { browserContextId: this.context });
  }

  ready() {
    return this.tab.evaluate(() => {
      const downloads = document.querySelector("[role=progressbar][aria-label='MNIST download']");
      const prediction = document.querySelector("output[aria-label=Prediction]");
      return Boolean(document.querySelector("[data-step]")) && !downloads && /\d/.test(prediction?.textContent);
    });
  }

  steps() {
    return this.tab.evaluate(() => Number(document.querySelector("[data-step]").dataset.step));
  }

  loss() {
    return this.tab.evaluate(() => document.querySelector("output[aria-label='Training loss']").textContent);
  }

  press(key) {
    return this.tab.evaluate((key) => {
      document.body.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
    }, key);
  }

  /** All pixels of all canvases of the network picture and of the charts. */
  pictures() {
    return this.tab.evaluate(() => {
      const canvases = [...document.querySelectorAll(".network canvas, .chart canvas")];
      return canvases.map((canvas) => [canvas.getAttribute("aria-label"), canvas.toDataURL()]);
    });
  }

  changes() {
    return this.tab.evaluate(() => globalThis.changes);
  }

  /** Opens another tab in front. */
  async hide() {
    await Tab.open(this.browser, this.context, "about:blank");
    await expect.poll(() => this.changes()).toEqual(["hidden"]);
  }

  /** Trains until this many more steps are shown. */
  async trainFor(steps) {
    const before = await this.steps();
    await this.press(" ");
    await expect.poll(() => this.steps()).toBeGreaterThan(before + steps);
  }

  async stop() {
    await this.press(" ");
    await expect.poll(async () => (await this.log.events("State")).at(-1).state).toBe(0);
    // What it stopped with is measured then, and the charts show that.
    await expect.poll(async () => {
      const events = await this.log.events();
      return events.slice(events.findLastIndex(({ message }) => message === "State")).some(({ message }) => message === "Tested");
    }).toBe(true);
    await this.log.settle();
  }
}

const test = base.extend({
  hidden: async ({ browser, host }, use) => {
    const page = await HiddenPlayground.open(browser, host);
    await use(page);
    await page.close();
  },
});

test("training goes on in a hidden tab, and the tab shows the current state when it returns", async ({ hidden: page }) => {
  await page.hide();
  const before = await page.tab.evaluate(() => globalThis.frames);
  await page.trainFor(50);
  await page.stop();
  expect(await page.changes(), "it was hidden all the time").toEqual(["hidden"]);
  // One frame may have begun before the tab was hidden.
  expect(await page.tab.evaluate(() => globalThis.frames), "the browser showed no frame").toBeLessThanOrEqual(before + 1);
  const trained = (await page.log.events("Progress")).at(-1);
  expect(trained.step).toBeGreaterThan(50);

  await page.tab.show();
  await expect.poll(() => page.changes()).toEqual(["hidden", "visible"]);
  expect(await page.steps()).toBe(trained.step);
  const shown = await page.pictures();
  expect(shown.length).toBeGreaterThan(8);
  // A change of the window's size draws everything anew.
  await page.tab.evaluate(() => dispatchEvent(new Event("resize")));
  expect(await page.pictures(), "nothing of it was out of date").toEqual(shown);
  await page.trainFor(20);
  await page.stop();
  expect(await page.pictures()).not.toEqual(shown);
});

test("a frozen tab resumes training at the same step with the same numbers", async ({ hidden: page, playground, host }) => {
  await page.trainFor(20);
  await page.hide();
  await page.tab.freeze(true);
  await expect.poll(() => page.changes()).toEqual(["hidden", "freeze"]);
  await page.tab.freeze(false);
  await expect.poll(() => page.changes()).toEqual(["hidden", "freeze", "resume"]);
  const resumed = await page.steps();
  await expect.poll(() => page.steps()).toBeGreaterThan(resumed + 20);
  await page.stop();
  const steps = (await page.log.events("Progress")).map(({ step }) => step);
  expect(steps, "no step is taken twice").toEqual(steps.toSorted((a, b) => a - b));
  const stopped = await page.steps();
  await page.press("ArrowRight");
  await expect.poll(() => page.steps()).toBe(stopped + 1);
  await page.log.settle();
  const loss = await page.loss();

  // The same steps in a tab that was never frozen.
  await playground.open(`${host}/`);
  await playground.downloaded();
  await playground.takeSteps(stopped + 1);
  expect(await playground.loss.textContent()).toBe(loss);
});
