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
