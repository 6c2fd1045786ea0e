// No violation of WCAG 2.2 AA that a machine can find, in each of the main views.

import AxeBuilder from "@axe-core/playwright";
import { expect, test } from "./playground.js";

const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];

async function check(page) {
  const { violations } = await new AxeBuilder({ page }).withTags(TAGS).analyze();
  const found = violations.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.html} ${node.failureSummary}`));
  expect(found).toEqual([]);
}

for (const [name, options] of [
  ["light", { colorScheme: "light" }],
  ["dark", { colorScheme: "dark" }],
  ["on a phone", { viewport: { width: 390, height: 844 } }],
]) {
  test.describe(() => {
    test.use(options);

    test(`nothing stands in the way of anyone, ${name}`, async ({ page, playground, host }) => {
      await playground.open(`${host}/`);
      await expect(playground.download).toHaveCount(0, { timeout: 30_000 });
      await playground.draw(7);
      await playground.step.click();
      await expect.poll(() => playground.steps()).toBe(1);
      await check(page);
      for (const group of ["Layers", "Augmentation"]) await page.locator("summary", { hasText: group }).click();
      // A stack that does not fit shows its sentence.
      await page.getByRole("button", { name: "flatten", exact: true }).click();
      await page.getByRole("button", { name: "Remove layer" }).click();
      await check(page);
      await page.getByRole("button", { name: "Mistakes", exact: true }).click();
      await expect(page.getByRole("table").locator("caption")).toContainText("misread");
      await page.getByRole("button", { name: /^\d read as \d: [1-9]/ }).first().click();
      await page.getByRole("list", { name: /^\d read as \d$/ }).getByRole("button").first().click();
      await check(page);
      await page.getByRole("button", { name: "Browse the data" }).click();
      await page.getByRole("switch", { name: "Only misread" }).check();
      await expect(page.getByRole("list", { name: "Misread test images" })).toBeVisible();
      await check(page);
      // A run beside the present one, what is read off the curves, and a comparison under way.
      await page.getByRole("button", { name: "Pin this run" }).click();
      await page.getByRole("slider", { name: "Read-out of Loss" }).focus();
      await expect(page.locator(".reading").first()).toBeVisible();
      await check(page);
      await page.getByRole("button", { name: "With and without Rotation" }).click();
      await expect(page.getByRole("progressbar", { name: "Progress of the comparison" })).toBeVisible();
      await check(page);
      await page.getByRole("heading", { name: "LeNet Playground" }).click();
      await page.keyboard.press("?");
      await expect(page.getByRole("dialog", { name: "Keys" })).toBeVisible();
      await check(page);
    });
  });
}
