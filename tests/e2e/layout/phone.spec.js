// The page on a phone, used by touch.

import { DIGITS, expect, test } from "../support/playground.js";

test.use({ viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true });

test("a finger draws on the pad and does not scroll the page", async ({ page, playground, host }) => {
  await playground.open(`${host}/`);
  await playground.pad.scrollIntoViewIfNeeded();
  const box = await playground.pad.boundingBox();
  const scroll = () => page.evaluate(() => [scrollX, scrollY]);
  const before = await scroll();

  const browser = await page.context().newCDPSession(page);
  const touch = (type, touchPoints) => browser.send("Input.dispatchTouchEvent", { type, touchPoints });
  const swipe = async ([start, ...corners]) => {
    await touch("touchStart", [start]);
    let last = start;
    for (const corner of corners) {
      for (let i = 1; i <= 10; i += 1) {
        const part = (a, b) => a + ((b - a) * i) / 10;
        await touch("touchMove", [{ x: part(last.x, corner.x), y: part(last.y, corner.y) }]);
      }
      last = corner;
    }
    await touch("touchEnd", []);
  };
  await swipe(DIGITS[7][0].map(([x, y]) => ({ x: box.x + x * box.width, y: box.y + y * box.height })));
  await expect(playground.prediction).toHaveText(/^\s*7/);
  expect(await scroll()).toEqual(before);

  // A swipe beside the pad scrolls.
  await swipe([{ x: 4, y: 600 }, { x: 4, y: 300 }]);
  await swipe([{ x: 4, y: 300 }, { x: 4, y: 450 }]);
  await expect.poll(scroll).not.toEqual(before);
});

test("nothing is wider than the screen", async ({ page, playground, host }) => {
  await playground.open(`${host}/`);
  await playground.draw(3);
  await expect(playground.prediction).toHaveText(/^\s*3/);
  const width = await page.evaluate(() => document.documentElement.scrollWidth);
  expect(width).toBeLessThanOrEqual(390);
  await page.evaluate(() => scrollTo(1000, 0));
  expect(await page.evaluate(() => scrollX)).toBe(0);
});
