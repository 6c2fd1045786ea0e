// Pictures of opened layers and of a pixel that is pointed at, for people to look at: results/layer-*.png.

import { expect, test } from "./playground.js";

for (const [width, height, colorScheme] of [[1440, 900, "light"], [1920, 1080, "dark"], [390, 844, "light"]]) {
  test.describe(() => {
    test.use({ viewport: { width, height }, colorScheme });

    for (const [stage, x, y] of [["C1", 0.3, 0.5], ["S2", 0.3, 0.5], ["C3", 0.4, 0.6], ["F5", 0.5, 0.5], ["Output", 0.5, 0.75]]) {
      test(`${stage} at ${width}x${height}, ${colorScheme}`, async ({ page, playground, host }) => {
        await playground.open(`${host}/`);
        await playground.draw(7);
        await playground.train.click();
        await expect.poll(() => playground.number(playground.epoch), { timeout: 40_000 }).toBeGreaterThan(0.05);
        await page.getByRole("button", { name: new RegExp(`^${stage}\\b`) }).click();
        await expect(page.getByRole("heading", { name: new RegExp(`^${stage}:`) })).toBeVisible();
        const maps = page.getByRole("application", { name: new RegExp(`^Pixels of ${stage}:`) }).first();
        await maps.scrollIntoViewIfNeeded();
        const box = await maps.boundingBox();
        await page.mouse.move(box.x + x * box.width, box.y + y * box.height);
        await page.waitForTimeout(300);
        await page.screenshot({ path: `results/layer-${width}-${stage}.png`, fullPage: width > 1000 });
      });
    }
  });
}
