// Pad and network picture are side by side in the first view of every screen but a phone's.

import { expect, test } from "../support/playground.js";

for (const [width, height, link] of [[1440, 900, ""], [1440, 900, "#v=1&present=1"], [1181, 700, ""], [1024, 768, ""], [1024, 768, "#v=1&hide=settings"], [768, 1024, ""]]) {
  test.describe(() => {
    test.use({ viewport: { width, height } });

    test(`pad and network picture are in view at ${width}x${height} ${link}`, async ({ page, playground, host }) => {
      await playground.open(`${host}/${link}`);
      const network = page.getByRole("region", { name: "Network picture" });
      const [pad, picture] = [await playground.pad.boundingBox(), await network.boundingBox()];
      expect(pad.y + pad.height).toBeLessThan(height);
      expect(picture.y).toBeLessThan(height);
      const beside = pad.x >= picture.x + picture.width || pad.y + pad.height <= picture.y;
      expect(beside, "neither covers the other").toBe(true);
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width);
    });
  });
}

test("on a laptop nothing folds, whatever a phone's link says", async ({ page, playground, host }) => {
  await playground.open(`${host}/#v=1&sections=`);
  await expect(page.getByRole("img", { name: /^Loss over epochs/ })).toBeVisible();
  await expect(page.getByRole("table", { name: "Runs" })).toBeVisible();
  await expect(page.getByRole("combobox", { name: "Preset", exact: true })).toBeVisible();
  await expect(page.getByRole("button", { name: "Runs", exact: true })).toHaveCount(0);
  await expect(page.getByRole("button", { name: "Picture", exact: true })).toHaveCount(0);
});

test.describe("on a phone", () => {
  test.use({ viewport: { width: 390, height: 844 } });

  test("the pad scrolls away with the page", async ({ page, playground, host }) => {
    await playground.open(`${host}/`);
    await page.evaluate(() => scrollTo(0, 2500));
    await expect.poll(async () => (await playground.pad.boundingBox()).y).toBeLessThan(-844);
  });
});
