// Keys that work wherever the focus is, except where they mean something else.

import { expect, test } from "./playground.js";

test.beforeEach(async ({ playground, host }) => playground.open(`${host}/`));

test("space trains and pauses, right steps, R resets", async ({ page, playground }) => {
  await page.keyboard.press("ArrowRight");
  await expect.poll(() => playground.steps()).toBe(1);
  await page.keyboard.press("Space");
  await expect(playground.pause).toBeVisible();
  await page.keyboard.press("Space");
  await expect(playground.train).toBeVisible();
  await page.keyboard.press("r");
  await expect.poll(() => playground.steps()).toBe(0);
});

test("they do nothing in a field, on the pad, or when they are switched off", async ({ page, playground }) => {
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
  await expect(playground.reset, "the focus is where it was").toBeFocused();
  await page.keyboard.press("ArrowRight");
  await page.waitForTimeout(300);
  expect(await playground.steps()).toBe(0);
  await expect(playground.train).toBeVisible();
  await expect.poll(() => new URL(page.url()).hash).toBe("#v=1&keys=0");
});
