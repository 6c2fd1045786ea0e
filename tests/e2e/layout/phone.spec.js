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

test("the page is four screens long at most: as it opens, while it trains, and afterwards", async ({ page, playground, host }) => {
  await playground.open(`${host}/`);
  await playground.downloaded();
  const screens = () => page.evaluate(() => document.documentElement.scrollHeight / innerHeight);
  expect(await screens()).toBeLessThanOrEqual(4);
  await playground.train.tap();
  await expect.poll(() => playground.steps()).toBeGreaterThan(20);
  expect(await screens()).toBeLessThanOrEqual(4);
  await playground.stop();
  await expect(page.getByRole("slider", { name: "Checkpoint" })).toBeVisible();
  expect(await screens()).toBeLessThanOrEqual(4);
});

test("training, the answer and the picture are in reach of the thumb, wherever the page is", async ({ page, playground, host }) => {
  await playground.open(`${host}/#v=1&image=0`);
  await expect(playground.prediction).toHaveText(/^\s*7/);
  const answer = page.getByRole("button", { name: /^7 9\d\.\d %.*the answer/ });
  const picture = page.getByRole("button", { name: "Picture", exact: true });
  for (const y of [0, 900, 9000]) {
    await page.evaluate((y) => scrollTo(0, y), y);
    for (const button of [playground.train, playground.step, answer, picture]) {
      await expect(button).toBeInViewport({ ratio: 1 });
      expect((await button.boundingBox()).y).toBeGreaterThan(700);
    }
  }
  await answer.tap();
  await expect(playground.pad).toBeInViewport({ ratio: 1 });
  await picture.tap();
  await expect(page.getByRole("button", { name: /^C1\b/ })).toBeInViewport();
  expect((await page.getByRole("region", { name: "Network picture" }).boundingBox()).y).toBeCloseTo(12, 0);
  // The last line of the page is not covered.
  await page.evaluate(() => scrollTo(0, 9000));
  const bottom = await page.locator("footer").evaluate((footer) => {
    const range = document.createRange();
    range.selectNodeContents(footer);
    return range.getBoundingClientRect().bottom;
  });
  expect(bottom).toBeLessThan((await playground.train.boundingBox()).y);
});

/** The sections that fold, and something in each. */
const SECTIONS = [
  ["Curves", (page) => page.getByRole("img", { name: /^Loss over epochs/ })],
  ["Runs", (page) => page.getByRole("table", { name: "Runs" })],
  ["Gradients and weights", (page) => page.getByText(/^Train, and see how large/)],
  ["All settings", (page) => page.getByRole("combobox", { name: "Preset", exact: true })],
];

test("sections open and close by their headings, and the link keeps which are open", async ({ page, playground, host }) => {
  await playground.open(`${host}/`);
  for (const [name, content] of SECTIONS) {
    const heading = page.getByRole("heading", { name, exact: true }).getByRole("button");
    await expect(heading).toHaveAttribute("aria-expanded", "false");
    await expect(content(page)).toBeHidden();
    await heading.tap();
    await expect(heading).toHaveAttribute("aria-expanded", "true");
    await expect(content(page)).toBeVisible();
  }
  await page.getByRole("heading", { name: "Runs", exact: true }).getByRole("button").tap();
  await expect(SECTIONS[1][1](page)).toBeHidden();
  await expect.poll(() => new URL(page.url()).hash).toBe("#v=1&sections=curves,gradients,settings");
  await page.reload();
  await expect(SECTIONS[0][1](page)).toBeVisible();
  await expect(SECTIONS[1][1](page)).toBeHidden();
});

test("what leads into a folded section opens it: the skip links, Settings, links, words that are searched, and paper", async ({ page, playground, host }) => {
  await playground.open(`${host}/`);
  const [curves, runs, gradients, preset] = SECTIONS.map(([, content]) => content(page));
  await page.getByRole("button", { name: "Skip to the curves" }).press("Enter");
  await expect(curves).toBeVisible();
  await expect(page.getByRole("button", { name: "training", exact: true })).toBeFocused();
  await page.getByRole("button", { name: "Skip to the runs" }).press("Enter");
  await expect(runs).toBeVisible();
  await page.getByRole("button", { name: "Settings", exact: true }).tap();
  await expect(preset).toBeInViewport();
  // Browsers find words in what is hidden until it is found, and tell it by this event.
  const fold = page.locator("#section-gradients");
  await expect(fold).toHaveAttribute("hidden", "until-found");
  await fold.dispatchEvent("beforematch");
  await expect(gradients).toBeVisible();

  await page.evaluate(() => { location.hash = "#v=1&unfolded=layers"; });
  await expect(runs).toBeHidden();
  await expect(page.getByRole("table", { name: "Layers" })).toBeVisible();
  await page.emulateMedia({ media: "print" });
  await expect(runs).toBeVisible();
  await expect(gradients).toBeVisible();
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
