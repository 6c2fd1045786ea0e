// The frame of the table of unlucky situations: it makes tests of rows. See README.md.

import { test as base, expect, Playground } from "../support/playground.js";
import { serve } from "../support/server.js";

export { expect };

const test = base.extend({ forgiving: true });

/** What every row checks by itself: no exception, no panic, no crash, and no error in the console but those that it excuses. */
export class Watch {
  constructor() {
    this.errors = [];
  }

  follow(page) {
    page.on("pageerror", (error) => this.errors.push(`exception: ${error.message}`));
    page.on("crash", () => this.errors.push("the page crashed"));
    page.on("console", (message) => message.type() === "error" && this.errors.push(`console: ${message.text()}`));
  }

  check(excuses) {
    expect(this.errors.filter((error) => !excuses?.test(error))).toEqual([]);
    this.errors.length = 0;
  }
}

/** A host of the row's own where it asks for one, else the plain one of all tests. */
async function hostOf(row, origin) {
  if (!row.host) return { origin, stop: () => {} };
  return serve(0, row.host);
}

const excusesOf = (row) => row.excuses ?? (row.host?.faults ? /Failed to load resource/ : undefined);

/** What a row's functions get. */
function situation({ page, playground, context, browser, host, watch }) {
  /** Opens another tab of the same browser: as a Playground. */
  const another = async (link = "/") => {
    const tab = new Playground(await context.newPage());
    watch.follow(tab.page);
    await tab.log.start();
    await tab.open(host.origin + link);
    return tab;
  };
  return { page, playground, context, browser, host, another };
}

async function open({ page, playground, host }, { link = "/", opens = true, before }, all) {
  await before?.(all);
  if (opens) await playground.open(host.origin + link);
  else await page.goto(host.origin + link, { waitUntil: "commit" });
}

/** A test for each row, each on a page of its own. */
export function situations(part, rows) {
  test.describe(part, () => {
    for (const row of rows) {
      test(row.situation, async ({ page, playground, context, browser, host: origin }) => {
        const host = await hostOf(row, origin);
        const watch = new Watch();
        watch.follow(page);
        const all = situation({ page, playground, context, browser, host, watch });
        try {
          await open(all, row, all);
          await row.then?.(all);
          await row.holds(all);
          watch.check(excusesOf(row));
        } finally {
          await host.stop();
        }
      });
    }
  });
}

/** One test of several rows, one after another on one page, which opens as `first` says: each begins with what the last left. */
export function onOnePage(title, first, rows) {
  test(title, async ({ page, playground, context, browser, host: origin }) => {
    const host = await hostOf(first, origin);
    const watch = new Watch();
    watch.follow(page);
    const all = situation({ page, playground, context, browser, host, watch });
    try {
      await open(all, first, all);
      for (const row of rows) {
        await test.step(row.situation, async () => {
          await row.then?.(all);
          await row.holds(all);
          watch.check(excusesOf(row) ?? excusesOf(first));
        });
      }
    } finally {
      await host.stop();
    }
  });
}

/**
 * Follows a link on the page. The page writes its address a moment after a change: until then the browser takes a link to the old
 * address for one that leads nowhere, and this says that it was followed.
 */
export const follow = (page, link) =>
  page.evaluate((link) => {
    const newURL = new URL(link || "#", location.href).href;
    if (location.hash === link) dispatchEvent(new HashChangeEvent("hashchange", { newURL }));
    else location.hash = link;
  }, link);

/** The page says this, as something new: in an alert or a status. */
export async function says(page, text) {
  const told = page.getByRole("alert").or(page.getByRole("status")).filter({ hasText: text });
  await expect(told.first()).toBeVisible();
}

/** The page still trains. */
export async function trains(playground) {
  // What was changed just now may put the steps back to 0. The monkey's page keeps no log.
  await playground.page.evaluate(() => globalThis.pageLog?.settle());
  const before = await playground.steps();
  if (await playground.pause.isVisible()) {
    await expect.poll(() => playground.steps()).toBeGreaterThan(before);
  } else {
    await playground.step.click();
    await expect.poll(() => playground.steps()).toBe(before + 1);
  }
}

/** The pad still reads: a 7 is seen as a 7. To be called before training, which replaces the network that reads at first. */
export async function reads(playground) {
  if (await playground.clear.isEnabled()) await playground.clear.click();
  await playground.draw(7);
  await expect(playground.prediction).toHaveText(/^\s*7/);
}
