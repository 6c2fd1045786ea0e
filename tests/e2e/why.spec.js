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

const method = (page) => page.getByRole("combobox", { name: "Evidence found by" });
const gradientPicture = (page) => page.getByRole("img", { name: "The drawing, coloured by the gradient of the logit" });

/** The numbers of the sentence about the gradient: the logit, and where and by how much a pixel raises and lowers it most. */
const gradient = async (page, digit) => {
  const sentence = new RegExp(`logit of ${digit} is ([−\\d.]+)\\. A tenth of white more at row (\\d+), column (\\d+) raises it most \\(by ([\\d.]+), solid frame\\), and row (\\d+), column (\\d+) lowers it most \\(by ([\\d.]+), dashed frame\\)\\.$`);
  await expect(evidence(page)).toHaveText(sentence);
  return (await evidence(page).textContent()).match(sentence).slice(1).map((number) => Number(number.replace("−", "-")));
};

test("the gradient names the pixels that raise and lower a digit's logit most, and a link brings it back", async ({ page, playground, host }) => {
  await playground.open(`${host}/#v=1&image=0&why=answer`);
  await playground.downloaded();
  await expect(evidence(page)).toHaveText(/^Without/);
  const occlusion = await colours(page);
  await method(page).selectOption("gradient");
  const [logit, row, column, raises] = await gradient(page, 7);
  await expect(picture(page)).toHaveCount(0);
  expect(await gradientPicture(page).evaluate((canvas) => canvas.toDataURL())).not.toBe(occlusion);
  // Test image 0 is a clear 7; the pixel that raises the logit most is the most orange one, and its frame lies round it.
  expect(logit).toBeGreaterThan(5);
  expect(raises).toBeGreaterThan(0);
  const [red, , blue] = await gradientPicture(page).evaluate(
    (canvas, [x, y]) => Array.from(canvas.getContext("2d").getImageData(x, y, 1, 1).data), [column - 1, row - 1],
  );
  expect(red).toBeGreaterThan(blue + 50);
  const [left, top] = (await page.locator(".evidence .mark").first().getAttribute("d")).match(/\d+/g).map(Number);
  expect([left, top]).toEqual([Math.max(column - 2, 0), Math.max(row - 2, 0)]);
  await expect.poll(() => page.url()).toContain("why=answer&evidence=gradient");

  await page.reload();
  await expect(playground.train).toBeVisible();
  await playground.downloaded();
  await expect(method(page)).toHaveValue("gradient");
  expect(await gradient(page, 7)).toContain(logit);
  // Of a digit that it is not, the logit is lower.
  await menu(page).selectOption("1");
  expect((await gradient(page, 1))[0]).toBeLessThan(logit);
  await playground.clear.click();
  await expect(evidence(page)).toHaveText(/^Draw a digit/);
  await expect(page.locator(".evidence .mark").first()).toHaveAttribute("d", "");
});

test("the gradient is that of the thinned network that is shown, and follows training", async ({ page, playground, host }) => {
  await playground.open(`${host}/#v=1&preset=lenet-tricks&image=0&mask=2&why=3&evidence=gradient`);
  await playground.downloaded();
  await expect(evidence(page)).toHaveText(/^With the units that are shown, the logit of 3 is /);
  const thinned = await evidence(page).textContent();
  await page.getByRole("region", { name: "Network picture" }).getByRole("button", { name: "Show all units again" }).click();
  await expect(evidence(page)).toHaveText(/^The logit of 3 is /);
  expect((await evidence(page).textContent()).toLowerCase()).not.toBe(thinned.replace("With the units that are shown, ", ""));
  const before = await evidence(page).textContent();
  await playground.takeSteps(20);
  await expect(evidence(page)).not.toHaveText(before);
  await gradient(page, 3);
});

test("the evidence is announced when another digit or method is chosen", async ({ page, playground, host }) => {
  await playground.open(`${host}/#v=1&image=0&why=answer`);
  await playground.downloaded();
  const announced = page.locator(".why [aria-live=polite]");
  await expect(announced).toHaveText(/, 7 falls from /);
  await menu(page).selectOption("1");
  await expect(announced).toHaveText(/, 1 rises from /);
  await expect(announced).toHaveText(await evidence(page).textContent());
  await method(page).selectOption("gradient");
  await expect(announced).toHaveText(/^The logit of 1 is /);
  await playground.clear.click();
  await expect(announced).toHaveText(/^Draw a digit/);
});
