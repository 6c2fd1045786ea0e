// Perhaps not a digit: the sign of an answer that is less certain than those to nearly all test digits.

import { expect, test } from "./support/playground.js";

const doubt = (page) => page.locator(".verdict .truth").getByText(/^Perhaps not a digit: surer of 98 % of digits$/);
const announced = (page) => page.locator(".verdict [aria-live=polite]");

/** The number before the last per cent sign of a text, as a share. */
const share = async (locator) => Number((await locator.textContent()).match(/([\d.]+) %\D*$/)[1]) / 100;

test("a drawing that is no digit is doubted, a digit is not, and the text says from where on", async ({ page, playground, host }) => {
  await playground.open(`${host}/#v=1`);
  await playground.downloaded();
  const { certainty } = (await playground.log.events("PretrainedTested")).at(-1);
  expect(certainty).toBeGreaterThan(0.5);
  const bars = page.getByRole("list", { name: "Probabilities" });
  for (const [drawing, isDoubted] of [[7, false], ["bar", true], [1, false], ["grid", true]]) {
    await playground.clear.click();
    const blank = (await bars.boundingBox()).y;
    await playground.draw(drawing);
    await expect(playground.prediction).toHaveText(/^\d [\d.]+ %$/);
    await expect(doubt(page)).toHaveCount(isDoubted ? 1 : 0);
    if (isDoubted) {
      expect(await share(playground.prediction)).toBeLessThan(certainty);
      await expect(announced(page)).toHaveText(/^Reads as \d\. Perhaps not a digit: the answers to 98 % of the test digits get [\d.]+ % or more\.$/);
      expect(Math.abs((await share(announced(page))) - certainty)).toBeLessThan(0.001);
    } else {
      expect(await share(playground.prediction)).toBeGreaterThan(certainty - 0.001);
    }
    // Nothing below it moves.
    expect((await bars.boundingBox()).y).toBe(blank);
  }
});

test("the threshold is that of the network where training stopped, and none is known while it trains", async ({ page, playground, host }) => {
  await playground.open(`${host}/#v=1&device=cpu`);
  await playground.downloaded();
  await playground.draw("bar");
  await expect(doubt(page)).toHaveCount(1);
  const before = await doubt(page).getAttribute("title");
  await playground.takeSteps(3);
  const { certainty } = (await playground.log.events("Tested")).at(-1);
  // A network of three steps is sure of nothing.
  expect(certainty).toBeLessThan(0.5);
  const probability = await share(playground.prediction);
  await expect(doubt(page)).toHaveCount(probability < certainty ? 1 : 0);
  if (probability < certainty) expect(await doubt(page).getAttribute("title")).not.toBe(before);
  await playground.train.click();
  await expect(doubt(page)).toHaveCount(0);
  await playground.stop();
});

test("an image of the test set is a digit, however it is read", async ({ page, playground, host }) => {
  // The pretrained network is not certain of test image 115, a 4.
  await playground.open(`${host}/#v=1&image=115`);
  await playground.downloaded();
  await expect(page.getByText(/labelled 4/).filter({ visible: true }).first()).toBeVisible();
  const { certainty } = (await playground.log.events("PretrainedTested")).at(-1);
  expect(await share(playground.prediction)).toBeLessThan(certainty);
  await expect(doubt(page)).toHaveCount(0);
});
