// A monkey at the page: it clicks, draws, types, scrolls, opens tabs and changes settings at random while the page trains. It must find
// no error, no panic, and no growth of memory. MONKEY_SEED chooses another monkey, MONKEY_ACTIONS another number of actions.

import { test } from "@playwright/test";
import { Memory } from "../support/memory.js";
import { Playground } from "../support/playground.js";
import { serve } from "../support/server.js";
import { expect, follow, reads, trains, Watch } from "./situations.js";

const SEED = Number(process.env.MONKEY_SEED ?? 1);
const ACTIONS = Number(process.env.MONKEY_ACTIONS ?? 400);
/** How often it does the same. What is lost is lost each time; the first time fills caches. */
const ROUNDS = 4;
/** What the last round may hold more than the first (bytes): a leak of 27 KB an action is more. */
const HEAP_GROWTH = 8e6;
/**
 * What each round but the first may hold more than the one before (bytes): a leak of 40 KB an action is more. The memory of WebAssembly
 * never shrinks, and its peak depends on what trains while the monkey changes something, so one round without growth is enough.
 */
const WASM_GROWTH = 40_000 * (ACTIONS / ROUNDS);

const KEYS = [
  " ", " ", "ArrowRight", "ArrowRight", "ArrowLeft", "ArrowUp", "ArrowDown", "r", "d", "e", "e", "s", "m", "p", "?", "Escape", "Escape",
  "Tab", "Tab", "Shift+Tab", "Enter", "Home", "End", "PageDown", "Control+z", "Control+Shift+z", "Alt+ArrowUp", "Alt+ArrowDown", "Delete", "+", "-", "0", "x",
];
const VALUES = ["", "0", "-1", "1", "0.5", "7", "50", "1e9", "1e-9", "NaN", "∞", "03", "999999999999999999999"];
const LINKS = [
  "#v=1", "", "#v=1&preset=mlp30", "#v=1&preset=one-conv&batch=16", "#v=1&open=C3&map=5", "#v=1&panel=mistakes", "#v=1&image=7&images=50",
  "#v=1&hide=settings", "#v=1&present=1", "#v=1&theme=dark", "#v=9", "#v=1&batch=-3", "#%F0%9F%90%92",
];
const SIZES = [[1440, 900], [1024, 768], [390, 844], [844, 390], [1920, 1080]];

/** Numbers from 0 to 1 (mulberry32). */
function generator(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Runs in the page: the middle of a control chosen at random, in view; null if there is none. */
function chooseControl([kinds, chance]) {
  const root = document.querySelector("dialog[open]") ?? document.body;
  const usable = (element) => {
    const { width, height } = element.getBoundingClientRect();
    return width > 0 && height > 0 && element.checkVisibility() && !element.disabled && !/^https?:/.test(element.getAttribute("href") ?? "");
  };
  const all = [...root.querySelectorAll(kinds)].filter(usable);
  const chosen = all[Math.floor(chance * all.length)];
  if (!chosen) return null;
  chosen.scrollIntoView({ block: "center" });
  const box = chosen.getBoundingClientRect();
  const name = chosen.ariaLabel || chosen.textContent || chosen.id || chosen.tagName;
  return { x: box.x + box.width / 2, y: box.y + box.height / 2, box: { x: box.x, y: box.y, width: box.width, height: box.height }, name: name.trim().slice(0, 40) };
}

/** Runs in the page: gives a field or a menu chosen at random a value, as typing or choosing does. */
function changeField([values, chance, which]) {
  const root = document.querySelector("dialog[open]") ?? document.body;
  const fields = [...root.querySelectorAll("select, input:not([type=checkbox], [type=file])")].filter((field) => field.offsetParent && !field.disabled);
  const field = fields[Math.floor(chance * fields.length)];
  if (!field) return null;
  const options = field.options ? [...field.options].filter((option) => !option.disabled).map((option) => option.value) : values;
  const value = options[Math.floor(which * options.length)];
  field.focus();
  field.value = value;
  for (const type of ["input", "change"]) field.dispatchEvent(new Event(type, { bubbles: true }));
  return `${field.ariaLabel || field.labels?.[0]?.textContent || field.id} = ${value}`.trim().slice(0, 60);
}

class Monkey {
  constructor(page, host, seed) {
    this.page = page;
    this.host = host;
    this.random = generator(seed);
    /** What it did, in words. */
    this.trail = [];
    this.tabs = [];
  }

  pick(list) {
    return list[Math.floor(this.random() * list.length)];
  }

  async control(kinds) {
    return this.page.evaluate(chooseControl, [kinds, this.random()]);
  }

  /** Does one thing, and says what. */
  async act() {
    const dice = this.random();
    const doing = [
      [0.34, this.click], [0.5, this.change], [0.68, this.key], [0.8, this.drag], [0.86, this.hover], [0.9, this.wheel],
      [0.93, this.follow], [0.955, this.resize], [0.97, this.tab], [1, this.train],
    ].find(([share]) => dice < share)[1];
    this.trail.push(`${doing.name}: ${await doing.call(this)}`);
  }

  async click() {
    const control = await this.control("button, summary, a[href], input[type=checkbox], [tabindex='0'], canvas, [role=application]");
    if (!control) return "nothing";
    const button = this.random() < 0.08 ? "right" : "left";
    await this.page.mouse.click(control.x, control.y, { button, clickCount: this.random() < 0.1 ? 2 : 1 });
    return control.name;
  }

  async change() {
    return this.page.evaluate(changeField, [VALUES, this.random(), this.random()]);
  }

  async key() {
    const key = this.pick(KEYS);
    await this.page.keyboard.press(key);
    return key;
  }

  /** A stroke on the pad, a map, a chart, a slider, or anywhere. */
  async drag() {
    const control = await this.control("[role=application], canvas, input[type=range], .chart");
    if (!control) return "nothing";
    const { mouse } = this.page;
    const point = () => [control.box.x + (this.random() * 1.2 - 0.1) * control.box.width, control.box.y + (this.random() * 1.2 - 0.1) * control.box.height];
    await mouse.move(...point());
    await mouse.down();
    for (let i = 0; i < 3; i += 1) await mouse.move(...point(), { steps: 2 });
    if (this.random() < 0.1) await this.key();
    await mouse.up();
    return control.name;
  }

  async hover() {
    const { width, height } = this.page.viewportSize();
    await this.page.mouse.move(this.random() * width, this.random() * height, { steps: 3 });
    return "";
  }

  async wheel() {
    const by = Math.round((this.random() - 0.5) * 2000);
    await this.page.mouse.wheel(0, by);
    return by;
  }

  async follow() {
    const link = this.pick(LINKS);
    await follow(this.page, link);
    return link;
  }

  async resize() {
    const [width, height] = this.pick(SIZES);
    await this.page.setViewportSize({ width, height });
    await this.page.emulateMedia({ colorScheme: this.pick(["light", "dark"]), reducedMotion: this.pick(["reduce", "no-preference"]) });
    return `${width}x${height}`;
  }

  /** Another tab with the page, in front; or the last one goes. */
  async tab() {
    const last = this.tabs.pop();
    if (last) {
      await last.close();
      return "closed";
    }
    const tab = await this.page.context().newPage();
    this.tabs.push(tab);
    this.watch.follow(tab);
    await tab.goto(this.host.origin + "/" + this.pick(LINKS), { waitUntil: "commit" });
    await this.page.bringToFront();
    return "opened";
  }

  /** Training goes on most of the time. */
  async train() {
    await this.page.evaluate(() => {
      const train = [...document.querySelectorAll("button")].find((button) => button.textContent.trim() === "Train");
      train?.click();
    });
    return "";
  }

  /** Puts everything back as a first visit has it. */
  async tidy(playground) {
    for (const tab of this.tabs.splice(0)) await tab.close();
    await this.page.setViewportSize({ width: 1440, height: 900 });
    await this.page.emulateMedia({ colorScheme: "light", reducedMotion: "no-preference" });
    for (let i = 0; i < 3; i += 1) await this.page.keyboard.press("Escape");
    await follow(this.page, "#v=1");
    await expect(playground.train.or(playground.pause)).toBeVisible();
    // Training may end by itself meanwhile.
    await this.page.evaluate(() => [...document.querySelectorAll("button")].find((button) => button.textContent.endsWith("Pause"))?.click());
    await expect(playground.train).toBeVisible();
    // During a comparison, the first Reset only ends that.
    await expect(async () => {
      await playground.reset.click();
      await expect.poll(() => playground.steps(), { timeout: 5_000 }).toBe(0);
    }).toPass();
    if (await playground.clear.isEnabled()) await playground.clear.click();
    // The page writes its address and what it keeps a moment after a change.
    await this.page.waitForTimeout(500);
  }
}

test(`a monkey does ${ACTIONS} things and finds no error and no leak (seed ${SEED})`, async ({ page }) => {
  test.setTimeout(300_000 + ACTIONS * 2_000);
  const host = await serve();
  const watch = new Watch();
  watch.follow(page);
  page.on("dialog", (dialog) => dialog.accept().catch(() => {}));
  const memory = await Memory.watch(page, host);
  const playground = new Playground(page);
  await playground.open(host.origin);
  await expect(playground.download).toHaveCount(0);

  const measured = [];
  for (let round = 1; round <= ROUNDS; round += 1) {
    const monkey = Object.assign(new Monkey(page, host, SEED), { watch });
    for (let i = 0; i < ACTIONS / ROUNDS; i += 1) {
      await monkey.act();
      expect(watch.errors, `seed ${SEED}, round ${round}, after ${monkey.trail.length} actions:\n${monkey.trail.slice(-25).join("\n")}`).toEqual([]);
    }
    await monkey.tidy(playground);
    expect(watch.errors, `seed ${SEED}, round ${round}, at its end`).toEqual([]);
    measured.push(await memory.measure());
  }
  console.log(`    monkey ${SEED}: ${JSON.stringify(measured)}`);
  const growth = measured.slice(1).map(({ wasm }, before) => wasm - measured[before].wasm);
  expect(Math.min(...growth), `WebAssembly, ${JSON.stringify(measured)}`).toBeLessThan(WASM_GROWTH);
  expect(measured.at(-1).heap - measured[0].heap, `JavaScript, ${JSON.stringify(measured)}`).toBeLessThan(HEAP_GROWTH);
  await reads(playground);
  await trains(playground);
  await host.stop();
});
