// The page magnified to 400 %, and in the forced colours of a system with high contrast.

import { expect, test } from "../support/playground.js";

/** Elements that reach beyond the right edge of the screen, outside of containers that scroll. */
const tooWide = (page) => page.evaluate(() => {
  const sticksOut = (element) => {
    const { width, right } = element.getBoundingClientRect();
    return width > 0 && right > innerWidth + 1 && !element.closest(".scrolls, .visually-hidden");
  };
  const all = [...document.querySelectorAll("body *")].filter(sticksOut);
  return all.map(({ tagName, className, textContent }) => `${tagName} ${className} ${textContent.slice(0, 30)}`);
});

test.describe("at 400 %", () => {
  // 1280x1024, magnified four times.
  test.use({ viewport: { width: 320, height: 256 } });

  test("nothing is wider than the screen, and the inspected maps are not covered", async ({ page, playground, host }) => {
    await playground.open(`${host}/`);
    await playground.downloaded();
    await playground.draw(7);
    await playground.step.click();
    await expect.poll(() => playground.steps()).toBe(1);
    for (const [link, sign] of [
      ["batchnorm=on&open=C3&panel=mistakes", page.getByRole("heading", { name: "C3: convolution" })],
      ["open=Output&panel=data", page.getByRole("table", { name: "Softmax" })],
      ["open=filter&unfolded=network,layers,training,tricks,augmentation", page.getByRole("table", { name: "Layers" })],
      // Large type is ignored on narrow screens.
      ["present=1&open=S2", page.getByRole("heading", { name: "S2: max pooling" })],
      ["", page.getByRole("region", { name: "Runs" })],
    ]) {
      await page.evaluate((link) => { location.hash = `#v=1&${link}`; }, link);
      await expect(sign).toBeVisible();
      expect(await tooWide(page), link).toEqual([]);
    }
    const maps = page.getByRole("application", { name: /^Pixels of S2:/ });
    await maps.focus();
    await expect(page.getByRole("status", { name: "Arithmetic" })).toHaveText(/\d/);
    const uncovered = await maps.evaluate((maps) => {
      maps.scrollIntoView({ block: "end" });
      const { left, bottom } = maps.getBoundingClientRect();
      return maps.contains(document.elementFromPoint(left + 5, bottom - 5));
    });
    expect(uncovered).toBe(true);
  });
});

test.describe("in forced colours", () => {
  test.use({ forcedColors: "active" });

  test("bars, switches and chosen buttons keep distinct colours", async ({ page, playground, host }) => {
    await playground.open(`${host}/`);
    await page.emulateMedia({ forcedColors: "active" });
    await playground.draw(7);
    await expect(playground.prediction).toHaveText(/^\s*7/);
    const color = (element) => element.evaluate((element) => getComputedStyle(element).backgroundColor);
    const bars = page.getByRole("list", { name: "Probabilities" }).locator(".fill");
    expect(await color(bars.nth(7))).not.toBe(await color(bars.nth(1)));
    const knob = (name) => page.getByRole("switch", { name }).evaluate((element) => getComputedStyle(element).backgroundColor);
    const off = await knob("Dropout");
    await page.getByRole("switch", { name: "Dropout" }).check();
    expect(await knob("Dropout")).not.toBe(off);
    await page.getByRole("button", { name: "Try a filter" }).click();
    const [edges, blur] = ["Horizontal edges", "Blur"].map((name) => page.getByRole("button", { name, exact: true }));
    expect(await color(edges)).not.toBe(await color(blur));
  });
});
