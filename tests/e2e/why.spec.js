// Why this answer: parts of the drawing are covered, and the page shows what that changes.

import { expect, test } from "./support/playground.js";

const evidence = (page) => page.getByRole("status", { name: "Evidence" });
const picture = (page) => page.getByRole("img", { name: "The drawing, coloured by what covering a part changes" });
const menu = (page) => page.getByRole("combobox", { name: "Evidence for" });
const frame = (page) => page.locator(".evidence .mark");
const colours = (page) => picture(page).evaluate((canvas) => canvas.toDataURL());

test("the part of a digit that speaks for it is framed, and another digit has other evidence", async ({ page, playground, host }) => {
  // Test image 0 is a 7.
  await playground.open(`${host}/#v=1&image=0`);
  await playground.downloaded();
  await expect(playground.prediction).toHaveText(/^7/);
  await page.getByText("Why this answer?").click();
  await expect(evidence(page)).toHaveText(/^Without what is in the frame \(rows \d+ to \d+, columns \d+ to \d+\), 7 falls from [\d.]+ % to [\d.]+ %\.$/);
  const [whole, least] = (await evidence(page).textContent()).match(/[\d.]+(?= %)/g).map(Number);
  expect(least).toBeLessThan(whole);
  // The whole is what the page says beside it.
  await expect(playground.prediction).toHaveText(new RegExp(` ${whole.toFixed(1)} %$`));
  // The frame lies on ink: where nothing is drawn, covering changes nothing.
  const [column, row] = (await frame(page).getAttribute("d")).match(/\d+/g).map(Number);
  const ink = await page.getByRole("img", { name: /^The drawing as the network sees it/ }).evaluate((canvas, [column, row]) => {
    const { data } = canvas.getContext("2d").getImageData(column, row, 7, 7);
    return Math.max(...data.filter((_, at) => at % 4 === 0));
  }, [column, row]);
  expect(ink).toBeGreaterThan(100);

  const sevens = await colours(page);
  await menu(page).selectOption("1");
  await expect(evidence(page)).toHaveText(/, 1 rises from < 0.1 % to [\d.]+ %\.$/);
  await expect.poll(() => colours(page)).not.toBe(sevens);
  await expect.poll(() => page.url()).toContain("why=1");
  await playground.clear.click();
  await expect(evidence(page)).toHaveText(/^Draw a digit/);
  await expect(frame(page)).toHaveAttribute("d", "");
  await menu(page).selectOption("the answer");
  await playground.draw(7);
  await expect(evidence(page)).toHaveText(/^(Without|Whichever)/);
});

test("with a mask of dropout there is no evidence, and with all units there is", async ({ page, playground, host }) => {
  await playground.open(`${host}/#v=1&preset=lenet-tricks&image=0&mask=2&why=answer`);
  await playground.downloaded();
  await expect(evidence(page)).toHaveText("There is none while dropout is shown at work: show all units again.");
  await page.getByRole("region", { name: "Network picture" }).getByRole("button", { name: "Show all units again" }).click();
  await expect(evidence(page)).toHaveText(/^(Without|Whichever)/);
  // It follows the network while it learns.
  const blank = () => page.evaluate(() => Object.assign(document.createElement("canvas"), { width: 28, height: 28 }).toDataURL());
  await expect.poll(() => colours(page)).not.toBe(await blank());
  const before = await colours(page);
  await playground.takeSteps(20);
  await expect.poll(() => colours(page)).not.toBe(before);
  await page.getByText("Why this answer?").click();
  await expect(picture(page)).toHaveCount(0);
  await expect.poll(() => page.url()).not.toContain("why=");
});
