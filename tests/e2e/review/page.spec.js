// Screenshots of the page while it trains, for review by people: results/*.png.

import { expect, test } from "../support/playground.js";

for (const [width, height] of [[1440, 900], [1920, 1080], [390, 844]]) {
  for (const colorScheme of ["light", "dark"]) {
    test.describe(() => {
      test.use({ viewport: { width, height }, colorScheme });

      test(`${width}x${height}, ${colorScheme}`, async ({ page, playground, host }) => {
        await playground.open(`${host}/`);
        await playground.draw(7);
        await playground.train.click();
        await expect.poll(() => playground.number(playground.epoch)).toBeGreaterThan(0.05);
        await page.evaluate(() => scrollTo(0, 0));
        await page.screenshot({ path: `results/${width}x${height}-${colorScheme}.png` });
        if (width < 1000) {
          await page.screenshot({ path: `results/${width}-whole-${colorScheme}.png`, fullPage: true });
        }
      });
    });
  }
}
