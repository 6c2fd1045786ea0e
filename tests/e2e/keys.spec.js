// Keyboard shortcuts, which work wherever the focus is, except where the focused element uses the key itself.

import { chart, expect, test } from "./support/playground.js";

test.beforeEach(async ({ playground, host }) => playground.open(`${host}/`));

test("space trains and pauses, the right arrow takes a step, R resets", async ({ page, playground }) => {
  await page.keyboard.press("ArrowRight");
  await expect.poll(() => playground.steps()).toBe(1);
  await page.keyboard.press("Space");
  await expect(playground.pause).toBeVisible();
  await page.keyboard.press("Space");
  await expect(playground.train).toBeVisible();
  await page.keyboard.press("r");
  await expect.poll(() => playground.steps()).toBe(0);
});

test("D focuses the pad, S the settings", async ({ page, playground }) => {
  await page.keyboard.press("d");
  await expect(playground.pad).toBeFocused();
  await page.keyboard.press("Tab");
  await page.keyboard.press("s");
  await expect(page.locator("summary", { hasText: "Network" })).toBeFocused();
  // So does a button.
  const button = page.getByRole("button", { name: "Settings", exact: true });
  await page.setViewportSize({ width: 390, height: 844 });
  await page.evaluate(() => scrollTo(0, 0));
  await expect(page.getByRole("combobox", { name: "Preset" })).not.toBeInViewport();
  await button.click();
  await expect(page.getByRole("combobox", { name: "Preset" })).toBeInViewport();
});

test("N goes to the network, C to the curves, U to the runs", async ({ page, playground }) => {
  await page.keyboard.press("n");
  await expect(page.getByRole("button", { name: /^C1\b/ })).toBeFocused();
  await page.keyboard.press("c");
  await expect(page.getByRole("button", { name: "training", exact: true })).toBeFocused();
  await expect(page.getByRole("button", { name: "training", exact: true })).toBeInViewport();
  await page.keyboard.press("u");
  await expect(page.getByRole("region", { name: "Runs" }).locator(":focus")).toBeInViewport();
  await playground.pad.focus();
});

test("PageDown and PageUp lead from section to section, and Space still trains", async ({ page, playground }) => {
  const [network, curves, runs] = ["Network picture", "Curves", "Runs"].map((name) => page.getByRole("region", { name }));
  const top = async (region) => (await region.boundingBox()).y;
  await page.keyboard.press("PageDown");
  await expect(curves).toBeFocused();
  expect(await top(curves)).toBeCloseTo(14, 0);
  await page.keyboard.press("PageDown");
  await expect(runs).toBeFocused();
  // As far up as the end of the page allows.
  const isAtEnd = () => page.evaluate(() => scrollY + innerHeight >= document.documentElement.scrollHeight - 1);
  expect(Math.abs((await top(runs)) - 14) < 1 || (await isAtEnd())).toBe(true);
  await page.keyboard.press("PageUp");
  await expect(curves).toBeFocused();
  await page.keyboard.press("Space");
  await expect(playground.pause).toBeVisible();
  await playground.stop();
  // The last section is the last, though it cannot come to the top.
  for (const _ of [1, 2, 3, 4]) await page.keyboard.press("PageDown");
  await expect(page.getByRole("region", { name: "Mistakes and data" })).toBeInViewport();
  await curves.evaluate((curves) => curves.scrollIntoView());
  await curves.focus();
  // The page goes to the beginning of a section first.
  await page.evaluate(() => scrollBy(0, 100));
  await page.keyboard.press("PageUp");
  expect(await top(curves)).toBeCloseTo(14, 0);
  await page.keyboard.press("PageUp");
  await expect(network).toBeFocused();
  await expect(network).toBeInViewport({ ratio: 0.9 });
  await expect(playground.train, "with the header").toBeInViewport();
});

test("with a layer open, PageDown and PageUp lead from layer to layer", async ({ page }) => {
  const layer = (name) => page.getByRole("heading", { name: new RegExp(`^${name}: `) });
  await page.getByRole("button", { name: /^F6\b/ }).click();
  await expect(layer("F6")).toBeFocused();
  await page.keyboard.press("PageUp");
  await expect(layer("F5")).toBeFocused();
  for (const name of ["F6", "Output"]) {
    await page.keyboard.press("PageDown");
    await expect(layer(name)).toBeFocused();
  }
  // Behind the last layer is the next section.
  const isFocused = () => page.getByRole("region", { name: "Curves" }).evaluate((curves) => curves === document.activeElement);
  await expect(async () => {
    await page.keyboard.press("PageDown");
    expect(await isFocused()).toBe(true);
  }).toPass();
  await expect(layer("Output"), "it stays open").toHaveCount(1);
});

test("PageDown scrolls what scrolls by itself, and does nothing in fields and when single keys are off", async ({ page, host, playground }) => {
  const watch = () => page.evaluate(() => addEventListener("keydown", (event) => { globalThis.isLeft = !event.defaultPrevented; }));
  /** Whether the page leaves a press of the key to the browser. */
  const isLeft = async () => {
    await page.keyboard.press("PageDown");
    return page.evaluate(() => globalThis.isLeft);
  };
  await watch();
  await page.getByRole("slider", { name: "Smoothing", exact: true }).focus();
  expect(await isLeft()).toBe(true);
  await page.getByRole("spinbutton", { name: "Seed" }).focus();
  expect(await isLeft()).toBe(true);
  const settings = page.getByRole("region", { name: "Settings" });
  await settings.locator("summary", { hasText: "Network" }).focus();
  const before = await settings.evaluate((settings) => settings.scrollTop);
  expect(await isLeft()).toBe(true);
  await expect.poll(() => settings.evaluate((settings) => settings.scrollTop)).toBeGreaterThan(before);
  await playground.reset.focus();
  expect(await isLeft()).toBe(false);
  await playground.open(`${host}/#v=1&keys=0`);
  await page.reload();
  await expect(playground.train).toBeVisible();
  await watch();
  await playground.reset.focus();
  expect(await isLeft()).toBe(true);
});

test("the first stops of Tab lead past what is not wanted", async ({ page, playground }) => {
  const skip = (name) => page.getByRole("navigation", { name: "Skip links" }).getByRole("button", { name: `Skip to the ${name}` });
  await page.keyboard.press("Tab");
  await expect(skip("drawing pad")).toBeFocused();
  await expect(skip("drawing pad")).toBeInViewport({ ratio: 1 });
  await page.keyboard.press("Tab");
  await expect(skip("network")).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(page.getByRole("button", { name: /^C1\b/ })).toBeFocused();
  await expect(playground.train).toBeVisible();
});

test("J shows the link and its QR code, with the drawing, and Escape closes it", async ({ page, playground }) => {
  await playground.draw(7);
  await expect(playground.undo).toBeEnabled();
  await page.keyboard.press("j");
  const dialog = page.getByRole("dialog", { name: "Share" });
  await expect(dialog.getByRole("img", { name: "QR code of the link" })).toBeInViewport({ ratio: 1 });
  await expect(dialog).toContainText(/#v=1&strokes=s[a-z0-9.]+/);
  await expect(dialog).toContainText("leads to this computer only");
  // Single keys wait until it is closed.
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("Escape");
  await expect(dialog).toBeHidden();
  await playground.takeSteps(1);
  expect(await playground.steps(), "no other step was taken").toBe(1);
  await page.getByRole("button", { name: "Share", exact: true }).click();
  await expect(dialog).toBeVisible();
  await dialog.getByRole("button", { name: "Close" }).click();
  await expect(dialog).toBeHidden();
  await expect(page.getByRole("button", { name: "Share", exact: true })).toBeFocused();
});

test("in large type the settings are a drawer, which Escape, its button and the focus elsewhere close", async ({ page, playground, host }) => {
  await playground.open(`${host}/#v=1&present=1`);
  const preset = page.getByRole("combobox", { name: "Preset", exact: true });
  const open = page.getByRole("button", { name: "Settings", exact: true });
  await expect(preset).toBeHidden();
  await open.click();
  await expect(preset).toBeInViewport();
  await expect(page.locator("summary", { hasText: "Network" })).toBeFocused();
  await page.keyboard.press("Escape");
  await expect(preset).toBeHidden();
  await page.keyboard.press("s");
  await page.getByRole("button", { name: "Close", exact: true }).click();
  await expect(preset).toBeHidden();
  await page.keyboard.press("s");
  await expect(preset).toBeVisible();
  await playground.pad.focus();
  await expect(preset).toBeHidden();
});

test("closing a panel returns the focus to its opener", async ({ page, playground }) => {
  const opener = page.getByRole("button", { name: /^C3\b/ });
  await opener.focus();
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { name: "C3: convolution" })).toBeFocused();
  await page.keyboard.press("Escape");
  await expect(opener).toBeFocused();
  const filter = page.getByRole("button", { name: "Try a filter" });
  await filter.press("Enter");
  await expect(page.getByRole("heading", { name: "Try a filter" })).toBeFocused();
  await page.keyboard.press("Tab");
  await expect(page.getByRole("button", { name: "Close" })).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(filter).toBeFocused();
  // Pixels keep the focus.
  const pixels = page.getByRole("application", { name: /^Pixels of S2:/ });
  await pixels.focus();
  await page.keyboard.press("Escape");
  await expect(pixels).toBeFocused();

  await playground.downloaded();
  await page.getByRole("combobox", { name: "Length of a comparison" }).selectOption({ label: "600,000 images (10 epochs)" });
  await page.getByRole("button", { name: "With and without Dropout" }).press("Enter");
  const end = page.getByRole("button", { name: "End comparison" });
  await expect(end).toBeFocused();
  await expect.poll(() => playground.steps()).toBeGreaterThan(0);
  await page.keyboard.press("Enter");
  await expect(page.getByRole("button", { name: "With and without Batch normalisation" })).toBeFocused();
  await page.getByRole("button", { name: "Remove run A" }).press("Enter");
  await expect(page.getByRole("group", { name: "Table of runs" })).toBeFocused();
});

test("a reset can be undone, with its curves, also after further steps and changes of settings", async ({ page, playground }) => {
  const curve = chart(page);
  await page.keyboard.press("Space");
  await expect.poll(() => playground.steps()).toBeGreaterThan(20);
  await page.keyboard.press("Space");
  await expect(playground.train).toBeVisible();
  await playground.log.settle();
  await playground.measured();
  const [steps, loss, drawn] = [await playground.steps(), await playground.loss.textContent(), await curve.getAttribute("aria-label")];
  await page.keyboard.press("r");
  await expect.poll(() => playground.steps()).toBe(0);
  await expect(page.getByRole("status").filter({ hasText: /^The run was reset at epoch \d\.\d\d\.$/ })).toBeVisible();
  await page.keyboard.press("r");
  const undo = page.locator(".toast").getByRole("button", { name: "Undo", exact: true });
  await undo.click();
  await expect.poll(() => playground.steps()).toBe(steps);
  await expect(playground.loss).toHaveText(loss);
  await expect(curve).toHaveAttribute("aria-label", drawn);
  await expect(undo).toHaveCount(0);
  await page.keyboard.press("ArrowRight");
  await expect.poll(() => playground.steps(), "training continues from there").toBe(steps + 1);

  await page.keyboard.press("r");
  await expect(undo).toBeVisible();
  await page.getByRole("switch", { name: "Dropout" }).check();
  await page.keyboard.press("ArrowRight");
  await expect.poll(() => playground.steps()).toBe(1);
  await undo.click();
  await expect.poll(() => playground.steps()).toBe(steps + 1);
  await expect(page.getByRole("switch", { name: "Dropout" }), "with its settings").not.toBeChecked();
  await page.keyboard.press("r");
  await page.locator(".toast").filter({ has: page.getByRole("button", { name: "Undo", exact: true }) }).getByRole("button", { name: "Dismiss" }).click();
  await expect(undo).toHaveCount(0);
});

test("shortcuts do nothing in a field, on the pad, or when they are switched off", async ({ page, playground }) => {
  const from = await playground.log.length();
  await page.getByRole("spinbutton", { name: "Seed" }).focus();
  await page.keyboard.press("ArrowRight");
  await playground.pad.focus();
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("Space");
  await playground.reset.focus();
  await page.keyboard.press("?");
  const keys = page.getByRole("dialog", { name: "Keys" });
  await expect(keys).toBeVisible();
  await expect(keys).toContainText("Train on one batch");
  await page.keyboard.press("ArrowRight");
  await keys.getByRole("switch", { name: "Single keys work" }).uncheck();
  await page.keyboard.press("Escape");
  await expect(keys).toBeHidden();
  await expect(playground.reset, "the focus returns").toBeFocused();
  await page.keyboard.press("ArrowRight");
  const commands = await playground.log.commands(from);
  expect(commands.filter((command) => ["Train", "Step", "Reset"].includes(command))).toEqual([]);
  await expect.poll(() => new URL(page.url()).hash).toBe("#v=1&keys=0");
});
