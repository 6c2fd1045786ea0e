// The settings: every control takes effect at once and has a description.

import { expect, test } from "./support/playground.js";

test.beforeEach(async ({ playground, host }) => playground.open(`${host}/`));

test("a preset sets layers and training, and an edited one is called custom", async ({ page, playground }) => {
  const preset = page.getByRole("combobox", { name: "Preset" });
  const rate = page.getByRole("combobox", { name: "Learning rate" });
  await expect(rate).toHaveValue("0.003");
  await preset.selectOption({ label: "LeNet with all tricks" });
  await expect(rate).toHaveValue("0.004");
  await expect(page.getByRole("switch", { name: "Batch normalisation" })).toBeChecked();
  await page.getByRole("switch", { name: "Batch normalisation" }).uncheck();
  await expect(preset.locator("option:checked")).toHaveText("Custom");
  // The preset can be chosen again.
  await preset.selectOption({ label: "LeNet with all tricks" });
  await expect(page.getByRole("switch", { name: "Batch normalisation" })).toBeChecked();
  await preset.selectOption({ label: "MLP 784-30-10" });
  await expect(page.getByRole("combobox", { name: "Pooling" })).toHaveCount(0);
  await playground.step.click();
  await expect.poll(() => playground.steps()).toBe(1);
});

test("only the numbers of the chosen optimiser are shown, with its usual learning rate", async ({ page }) => {
  const optimiser = page.getByRole("combobox", { name: "Optimiser" });
  await expect(page.getByRole("combobox", { name: "Beta 1" })).toBeVisible();
  await expect(page.getByRole("slider", { name: "Momentum" })).toHaveCount(0);
  await optimiser.selectOption({ label: "Nesterov momentum" });
  await expect(page.getByRole("slider", { name: "Momentum" })).toHaveValue("0.9");
  await expect(page.getByRole("combobox", { name: "Learning rate" })).toHaveValue("0.02");
  await expect(page.getByRole("combobox", { name: "Beta 1" })).toHaveCount(0);
});

test("tricks can be switched on while training, and training continues", async ({ page, playground }) => {
  await playground.train.click();
  await expect.poll(() => playground.steps()).toBeGreaterThan(20);
  await page.getByRole("switch", { name: "Batch normalisation" }).check();
  await page.getByRole("switch", { name: "Dropout" }).check();
  await page.getByRole("slider", { name: "Dropout share" }).fill("0.2");
  const then = await playground.steps();
  expect(then).toBeGreaterThan(20);
  await expect.poll(() => playground.steps()).toBeGreaterThan(then + 5);
  await expect.poll(() => playground.number(playground.loss)).toBeLessThan(2);
});

test("an invalid seed is replaced by the previous one", async ({ page }) => {
  const seed = page.getByRole("spinbutton", { name: "Seed" });
  for (const wrong of ["-3", "1.5", "99999999999", ""]) {
    await seed.fill(wrong);
    await seed.press("Tab");
    await expect(seed).toHaveValue("1");
  }
});

test("every control has a description, shown while it has the focus", async ({ page }) => {
  for (const name of ["Layers", "Augmentation"]) await page.locator("summary", { hasText: name }).click();
  const settings = page.getByRole("region", { name: "Settings" });
  const undescribed = await settings.locator("select, input").evaluateAll((all) =>
    all.filter((e) => !document.getElementById(e.getAttribute("aria-describedby"))?.textContent.endsWith("."))
      .map((e) => e.labels[0]?.textContent).filter((name) => !name.startsWith("New layer")));
  expect(undescribed).toEqual([]);
  await page.getByRole("slider", { name: "Rotation" }).focus();
  await expect(settings.locator(".help")).toContainText("Rotation Turns every training image");
});

test("the augmentation preview follows the settings", async ({ page, playground }) => {
  await page.locator("summary", { hasText: "Augmentation" }).click();
  const copies = page.getByRole("img", { name: "Eight copies" });
  // The page opens with an image.
  await expect(page.getByRole("region", { name: "Draw a digit" })).toContainText("Test image 0");
  await playground.clear.click();
  await expect(copies).toHaveCount(0);
  await playground.draw(7);
  await expect(copies).toBeVisible();
  const pixels = () => copies.evaluate((canvas) => canvas.toDataURL());
  const plain = await pixels();
  await page.getByRole("slider", { name: "Rotation" }).fill("30");
  await expect.poll(pixels).not.toBe(plain);
  const turned = await pixels();
  await page.getByRole("slider", { name: "Elastic" }).fill("2");
  await expect.poll(pixels).not.toBe(turned);
  await expect(page.locator("summary", { hasText: "Augmentation" })).toContainText("rotation, elastic");
});
