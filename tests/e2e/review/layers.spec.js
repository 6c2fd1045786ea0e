// Screenshots of opened layers with an inspected pixel, for review by people: results/layer-*.png.

import { expect, test } from "../support/playground.js";

const CASES = [
  { width: 1440, height: 900, colorScheme: "light", preset: "lenet5", stage: "C1" },
  { width: 1440, height: 900, colorScheme: "dark", preset: "lenet5", stage: "S2" },
  { width: 1920, height: 1080, colorScheme: "light", preset: "lenet-tricks", stage: "F5" },
  { width: 1920, height: 1080, colorScheme: "dark", preset: "lenet5", stage: "C3" },
  { width: 390, height: 844, colorScheme: "light", preset: "lenet5", stage: "C3" },
  { width: 390, height: 844, colorScheme: "dark", preset: "lenet5", stage: "Try a filter" },
  { width: 1440, height: 900, colorScheme: "light", preset: "lenet5", stage: "Try a filter" },
  { width: 1440, height: 900, colorScheme: "light", preset: "mlp30", stage: "F1" },
];

for (const { width, height, colorScheme, preset, stage } of CASES) {
  test.describe(() => {
    test.use({ viewport: { width, height }, colorScheme });

    test(`${stage} of ${preset} at ${width}x${height}, ${colorScheme}`, async ({ page, playground, host }) => {
      await playground.open(`${host}/`);
      await page.getByRole("combobox", { name: "Preset" }).selectOption(preset);
      await playground.draw(7);
      await playground.train.click();
      await expect.poll(() => playground.number(playground.epoch)).toBeGreaterThan(0.05);
      await page.getByRole("button", { name: new RegExp(`^${stage}\\b`) }).click();
      const maps = page.getByRole("application", { name: new RegExp(`^Pixels of ${stage}:`) }).first();
      if (await maps.count()) {
        await maps.scrollIntoViewIfNeeded();
        const box = await maps.boundingBox();
        await page.mouse.move(box.x + 0.4 * box.width, box.y + 0.6 * box.height);
        await expect(page.getByRole("status", { name: "Arithmetic" })).toHaveText(/\d/);
      }
      const path = `results/layer-${width}-${colorScheme}-${stage.replaceAll(" ", "-")}.png`;
      await page.screenshot({ path, fullPage: true });
    });
  });
}
