// What browsers, screens and readers do to the page as a whole: focus, translation, missing features, projectors.

import { painted } from "../support/pointers.js";
import { gone } from "../support/faults.js";
import { expect, onOnePage, reads, says, situations, trains } from "./situations.js";

/** The element that has the focus is one that is there, can have it, and is not the whole page. */
async function hasFocus(page) {
  await painted(page);
  await expect.poll(() => page.evaluate(() => {
    const { activeElement } = document;
    const lost = !activeElement || activeElement === document.body || activeElement.matches(":disabled");
    return lost || activeElement.getClientRects().length === 0 ? "lost" : "kept";
  })).toBe("kept");
}

/** Presses a button by the keyboard as often as it can be pressed; the focus stays on the page. */
async function pressUntilDisabled(page, button) {
  for (let press = 0; press < 12 && (await button.isVisible()) && (await button.isEnabled()); press += 1) {
    await button.focus();
    await page.keyboard.press("Enter");
    await hasFocus(page);
  }
}

const button = (page, name, options = { exact: true }) => page.getByRole("button", { name, ...options });

/** Buttons that are gone or disabled once they are pressed: how each comes about, and its name. */
const vanishing = [
  ["Undo, Redo and Clear of the pad", async ({ page, playground }) => {
    await playground.draw(3);
    await pressUntilDisabled(page, playground.undo);
    await pressUntilDisabled(page, button(page, "Redo"));
    await pressUntilDisabled(page, playground.clear);
  }],
  ["Pin this run, and Remove run", async ({ page, playground }) => {
    await playground.takeSteps(2);
    await pressUntilDisabled(page, button(page, "Pin this run"));
    await expect(button(page, "Pin this run")).toBeDisabled();
    for (const run of "ABCD") {
      await button(page, `Remove run ${run}`).press("Enter");
      await hasFocus(page);
    }
  }],
  ["Undo of a reset, and its dismissal", async ({ page, playground }) => {
    for (const name of ["Undo", "Dismiss"]) {
      await playground.reset.press("Enter");
      await page.locator(".toast").getByRole("button", { name, exact: true }).press("Enter");
      await hasFocus(page);
    }
    await playground.takeSteps(1);
  }],
  ["the end of a comparison, and Keep of its runs", async ({ page, playground }) => {
    await playground.downloaded();
    await button(page, "With and without Dropout").press("Enter");
    await hasFocus(page);
    await button(page, "End comparison").press("Enter");
    await expect(button(page, "With and without Dropout")).toBeVisible();
    await hasFocus(page);
    await button(page, "Keep run A").press("Enter");
    await hasFocus(page);
    await button(page, "Keep run B").press("Enter");
    await hasFocus(page);
  }],
  ["moves of a layer to the ends of the list, and the removal of all layers", async ({ page }) => {
    await page.locator("summary", { hasText: "Layers" }).press("Enter");
    await page.locator("#layer-1").press("Enter");
    await pressUntilDisabled(page, button(page, "Move layer up"));
    await pressUntilDisabled(page, button(page, "Move layer down"));
    const remove = button(page, "Remove layer");
    for (let layer = 0; layer < 20 && (await remove.isVisible()); layer += 1) {
      await remove.press("Enter");
      await hasFocus(page);
    }
    await page.getByRole("combobox", { name: "Preset" }).selectOption("lenet5");
  }],
  ["the last and the first page of images, and All mistakes", async ({ page }) => {
    await button(page, "Mistakes").press("Enter");
    await button(page, /^\d read as \d: [1-9]/, {}).first().press("Enter");
    await button(page, "All mistakes").press("Enter");
    await hasFocus(page);
    await pressUntilDisabled(page, button(page, "Next images"));
    await pressUntilDisabled(page, button(page, "Previous images"));
    await button(page, "Mistakes").press("Enter");
    await hasFocus(page);
  }],
  ["a panel closes by its button", async ({ page }) => {
    await page.getByRole("button", { name: /^C1\b/, expanded: false }).press("Enter");
    await expect(page.getByRole("heading", { name: "C1: convolution" })).toBeFocused();
    await button(page, "Close").press("Enter");
    await hasFocus(page);
  }],
  ["a notice is dismissed", async ({ page }) => {
    await page.evaluate(() => { location.hash = "#v=1&lr=fast"; });
    await says(page, "lr=fast");
    await pressUntilDisabled(page, button(page, "Dismiss").first());
  }],
  ["large type turns the settings, of which one has the focus, into a drawer that is closed", async ({ page }) => {
    await page.getByRole("combobox", { name: "Batch size" }).focus();
    await page.evaluate(() => { location.hash = "#v=1&present=1"; });
    await expect(page.getByRole("combobox", { name: "Batch size" })).toBeHidden();
  }],
];

onOnePage("the focus stays on the page when what has it is gone or disabled", {}, vanishing.map(([situation, then]) => ({
  situation,
  then,
  holds: ({ page }) => hasFocus(page),
})));

situations("the focus", [
  {
    situation: "Retry is pressed when the download has failed",
    host: { faults: [[/train-\d+/, gone]] },
    then: async ({ page, playground }) => {
      await playground.retry.press("Enter");
      await hasFocus(page);
    },
    holds: ({ page }) => hasFocus(page),
  },
  {
    situation: "training diverges, and the way back is taken",
    link: "/#v=1&activation=none&optimiser=sgd&lr=3",
    then: async ({ page, playground }) => {
      await playground.train.click();
      await button(page, /^Back to step/, {}).press("Enter");
    },
    holds: ({ page }) => hasFocus(page),
  },
  {
    situation: "the mouse takes away what it pressed: Space trains after that",
    then: async ({ page, playground }) => {
      await playground.draw(1);
      await playground.undo.click();
      await hasFocus(page);
      await page.keyboard.press("Space");
    },
    holds: ({ playground }) => expect(playground.pause).toBeVisible(),
  },
  {
    situation: "every control of the settings gets the focus by Tab: none lies below the help",
    link: "/#v=1&unfolded=network,layers,training,tricks,augmentation",
    holds: async ({ page }) => {
      await page.setViewportSize({ width: 1440, height: 700 });
      const settings = page.getByRole("region", { name: "Settings" });
      await settings.locator("summary").first().focus();
      const covered = [];
      for (let stop = 0; stop < 90; stop += 1) {
        const at = await page.evaluate(() => {
          const { activeElement } = document;
          if (!activeElement.closest(".controls")) return null;
          const help = document.querySelector(".help").getBoundingClientRect();
          const { top, bottom } = activeElement.getBoundingClientRect();
          const name = activeElement.id || activeElement.textContent || activeElement.closest("label")?.textContent;
          return { name, covered: bottom > help.top + 1 && top < help.bottom };
        });
        if (!at) break;
        if (at.covered) covered.push(at.name);
        await page.keyboard.press("Tab");
      }
      expect(covered).toEqual([]);
    },
  },
]);

/** Replaces the text nodes of a page as translators do; `way` is how they take the place of the text. */
function translate(way) {
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const texts = [];
  while (walker.nextNode()) texts.push(walker.currentNode);
  for (const text of texts) {
    if (!text.data.trim()) continue;
    const outer = document.createElement("font");
    const inner = outer.appendChild(document.createElement("font"));
    inner.textContent = text.data;
    if (way === "replace") {
      text.parentNode.replaceChild(outer, text);
    } else {
      text.parentNode.insertBefore(outer, text);
      text.remove();
    }
  }
}

/** All that the page says, without what depends on the clock. */
const words = (page) => page.evaluate(() => {
  const said = document.body.innerText.replace(/[\d,]+ (img|images)\/s/g, "rate").replace(/\b([\d.,]+ (h|min|s)\b ?)+/g, "time ");
  return said.split(/\s*\n\s*/).filter((line) => line && !/^([\d,]+|—)$/.test(line));
});

/** Steps of which each is shown: how many of several at once are depends on the clock, and so do averages over what is shown. */
async function takeStepByStep(playground, count) {
  for (let step = 0; step < count; step += 1) await playground.takeSteps(1);
}

/** What is done to two pages, of which one is translated; both must say the same after each. */
const operations = [
  ["steps are taken", (playground) => takeStepByStep(playground, 3)],
  ["a digit is drawn", async (playground) => {
    await playground.draw(7);
    await expect(playground.prediction).toHaveText(/\d/);
    await playground.log.settle();
  }],
  ["a layer is opened, its network trains on", async (playground) => {
    await button(playground.page, /^C1\b/, {}).click();
    await takeStepByStep(playground, 2);
  }],
  ["the layer is closed, and a pixel is pointed at", async (playground) => {
    await playground.page.keyboard.press("Escape");
    await playground.page.getByRole("application", { name: /^Pixels of S2:/ }).focus();
    await playground.page.keyboard.press("ArrowRight");
    await playground.log.settle();
  }],
  ["the run is pinned, another preset is chosen, tricks are switched", async (playground) => {
    const { page } = playground;
    await button(page, "Pin this run").click();
    await page.getByRole("combobox", { name: "Preset" }).selectOption("mlp30");
    await page.getByRole("switch", { name: "Batch normalisation" }).check();
    await page.getByRole("combobox", { name: "Optimiser" }).selectOption("sgd");
    await takeStepByStep(playground, 2);
  }],
  ["the run is reset", async (playground) => {
    await playground.reset.click();
    await expect.poll(() => playground.steps()).toBe(0);
    await playground.log.settle();
  }],
  ["mistakes are looked at, page by page", async (playground) => {
    const { page } = playground;
    await button(page, "Mistakes").click();
    await expect(page.getByRole("list", { name: "Most confident mistakes" }).getByRole("button").first()).toBeVisible();
    await button(page, "Next images").click();
    // A press on an image that has not come does nothing.
    await playground.log.settle();
    await page.getByRole("list", { name: "Most confident mistakes" }).getByRole("button").nth(3).click();
    await playground.log.settle();
  }],
];

situations("translation", ["replace", "insert and remove"].map((way) => ({
  situation: `the browser translates the page (${way}), before and between all that happens: figures and sentences stay live`,
  then: async (all) => {
    const { page, playground, another } = all;
    const plain = await another();
    await plain.downloaded();
    await playground.downloaded();
    for (const [name, operate] of operations) {
      await page.evaluate(translate, way);
      for (const tab of [plain, playground]) {
        await tab.page.bringToFront();
        await operate(tab);
        // The help is about what the pointer was over last, which depends on how far the settings were scrolled.
        await tab.page.getByRole("switch", { name: "Dropout" }).hover();
        await painted(tab.page);
      }
      // What is said to screen readers comes a moment later.
      await expect(async () => expect(await words(page), name).toEqual(await words(plain.page))).toPass();
    }
  },
  holds: async ({ page, playground }) => {
    await page.evaluate(translate, way);
    await playground.train.click();
    await expect(playground.pause).toBeVisible();
    await expect.poll(() => playground.number(playground.epoch)).toBeGreaterThan(0);
    await playground.stop();
    await trains(playground);
  },
})));

/** Takes from a page, before its scripts run, what old browsers and plain http hosts lack. */
const deprive = ({ page }) => page.addInitScript(() => {
  delete PointerEvent.prototype.getCoalescedEvents;
  for (const name of ["clipboard", "wakeLock", "storage", "locks", "gpu"]) delete Navigator.prototype[name];
  for (const name of ["show", "showModal", "close"]) delete HTMLDialogElement.prototype[name];
  for (const name of ["addEventListener", "removeEventListener"]) MediaQueryList.prototype[name] = undefined;
  delete Crypto.prototype.randomUUID;
  delete globalThis.caches;
  delete globalThis.scheduler;
  delete globalThis.ResizeObserver;
  Object.defineProperty(globalThis, "isSecureContext", { value: false });
  // Nor can anything be copied by selecting it.
  document.execCommand = undefined;
});

onOnePage("an old browser, or a page from plain http", { before: deprive }, [
  {
    situation: "digits are drawn and read",
    holds: ({ playground }) => reads(playground),
  },
  {
    situation: "it trains",
    holds: ({ playground }) => trains(playground),
  },
  {
    situation: "the list of keys is opened and closed",
    then: ({ page }) => page.keyboard.press("?"),
    holds: async ({ page, playground }) => {
      const keys = page.getByRole("dialog", { name: "Keys" });
      await expect(keys).toBeVisible();
      await expect(keys.getByRole("button", { name: "Close" })).toBeFocused();
      await page.keyboard.press("Escape");
      await expect(keys).toBeHidden();
      await hasFocus(page);
      await button(page, "Keys").press("Enter");
      await expect(keys).toBeVisible();
      await keys.getByRole("button", { name: "Close" }).press("Enter");
      await expect(keys).toBeHidden();
      await hasFocus(page);
      await trains(playground);
    },
  },
  {
    situation: "the link is to be copied",
    then: async ({ page }) => {
      await button(page, "Share").click();
      await button(page, "Copy link").click();
    },
    holds: async ({ page }) => {
      await says(page, "select the address above");
      await expect(page.getByRole("dialog", { name: "Share" })).toContainText(/http:\/\/127\.0\.0\.1:\d+\//);
    },
  },
]);

situations("the screen", [
  {
    situation: "it is to stay awake while it trains, also after the page was hidden",
    before: ({ page }) => page.addInitScript(() => {
      globalThis.held = 0;
      globalThis.hides = false;
      Object.defineProperty(Document.prototype, "hidden", { get: () => globalThis.hides });
      const request = async () => {
        const sentinel = new EventTarget();
        let released = false;
        globalThis.held += 1;
        sentinel.release = async () => {
          globalThis.held -= released ? 0 : 1;
          released = true;
          sentinel.dispatchEvent(new Event("release"));
        };
        globalThis.addEventListener("visibilitychange", () => globalThis.hides && sentinel.release());
        return sentinel;
      };
      Object.defineProperty(Navigator.prototype, "wakeLock", { get: () => ({ request }) });
    }),
    holds: async ({ page, playground }) => {
      const held = () => page.evaluate(() => globalThis.held);
      const hide = (hides) => page.evaluate((hides) => {
        globalThis.hides = hides;
        document.dispatchEvent(new Event("visibilitychange", { bubbles: true }));
      }, hides);
      expect(await held()).toBe(0);
      await playground.train.click();
      await expect.poll(held).toBe(1);
      await hide(true);
      await expect.poll(held).toBe(0);
      await hide(false);
      await expect.poll(held).toBe(1);
      await playground.stop();
      await expect.poll(held).toBe(0);
      await hide(true);
      await hide(false);
      await painted(page);
      expect(await held()).toBe(0);
    },
  },
  {
    situation: "the system refuses to keep it awake",
    before: ({ page }) => page.addInitScript(() => {
      const request = () => Promise.reject(new DOMException("The battery is low.", "NotAllowedError"));
      Object.defineProperty(Navigator.prototype, "wakeLock", { get: () => ({ request }) });
    }),
    then: ({ playground }) => playground.train.click(),
    holds: ({ playground }) => trains(playground),
  },
  {
    situation: "it belongs to somebody who wants no motion: nothing is animated",
    before: ({ page }) => page.emulateMedia({ reducedMotion: "reduce" }),
    link: "/#v=1&unfolded=network,layers,training,tricks,augmentation&open=C1&panel=data",
    then: async ({ playground }) => {
      await playground.draw(7);
      await playground.train.click();
      await expect.poll(() => playground.steps()).toBeGreaterThan(5);
    },
    holds: ({ page }) => page.evaluate(() => document.getAnimations().map((animation) => animation.animationName ?? animation.transitionProperty))
      .then((animations) => expect(animations).toEqual([])),
  },
  {
    situation: "the window moves to projectors of other pixels, and back: charts are drawn anew",
    // Chromium emulates screens, but does not tell pages of them: the test does.
    before: ({ page }) => page.addInitScript(() => {
      const { matchMedia } = window;
      globalThis.resolutions = [];
      window.matchMedia = (query) => {
        const list = matchMedia(query);
        if (query.includes("resolution")) globalThis.resolutions.push(list);
        return list;
      };
    }),
    holds: async ({ page, playground, context }) => {
      await playground.takeSteps(3);
      const chart = page.getByRole("img", { name: /^Loss over epochs/ });
      const pixels = () => chart.evaluate((canvas) => canvas.width / canvas.getBoundingClientRect().width);
      await expect.poll(pixels).toBeCloseTo(1, 1);
      const devtools = await context.newCDPSession(page);
      for (const scale of [2, 3, 1]) {
        await devtools.send("Emulation.setDeviceMetricsOverride", { width: 1440, height: 900, deviceScaleFactor: scale, mobile: false });
        await expect.poll(() => page.evaluate(() => devicePixelRatio)).toBe(scale);
        await page.evaluate(() => globalThis.resolutions.at(-1).dispatchEvent(new Event("change")));
        await expect.poll(pixels, `${scale} pixels for one`).toBeCloseTo(scale, 1);
      }
      await trains(playground);
    },
  },
  {
    situation: "the page is pulled down beyond its top on a phone: the browser does not load it again",
    holds: ({ page }) => page.evaluate(() => getComputedStyle(document.documentElement).overscrollBehaviorY)
      .then((behaviour) => expect(behaviour).toBe("none")),
  },
]);
