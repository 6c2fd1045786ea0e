// The learning rate range test: charts over the rate, and the place where the loss falls most steeply.

import { readFile } from "node:fs/promises";
import { chart, expect, test } from "./support/playground.js";

/** A test of 6,000 images from 3e-7 to 3, and a training that stops behind it. */
const LINK = "#v=1&preset=mlp30&lr=0.003&images=5000&batch=16&schedule=range-test&schedule-epochs=0.1&stop=epoch&stop-epoch=2";

const readOut = (page) => page.getByRole("slider", { name: "Read-out of Loss" });
const sentence = (page) => page.getByText(/^Steepest descent of the training loss: /);

/** Trains until training stops by itself; returns the rate of the steepest place. */
async function rangeTest(page, playground) {
  // It may be over before anybody sees it train.
  const stopped = page.getByRole("status").filter({ hasText: /^Training stopped at epoch 2/ });
  await expect(stopped).toHaveCount(0);
  await playground.train.click();
  await expect(stopped).toBeVisible();
  await playground.log.settle();
  const [, rate] = (await sentence(page).textContent()).match(/at learning rate ([\d.]+(?:e-\d+)?)\.$/);
  return Number(rate);
}

test("a range test goes over the learning rate and names where the loss falls most steeply", async ({ page, playground, host }) => {
  await playground.open(`${host}/${LINK}`);
  await playground.downloaded();
  const overRates = page.getByRole("img", { name: /^Loss over learning rates: / });
  await expect(overRates).toHaveAccessibleName("Loss over learning rates: no points yet");
  await expect(chart(page)).toHaveCount(0);
  await expect(page.getByRole("button", { name: "All rates" })).toBeVisible();
  await expect(sentence(page)).toHaveCount(0);

  const rate = await rangeTest(page, playground);
  expect(rate).toBeGreaterThan(1e-5);
  expect(rate).toBeLessThan(0.1);
  await expect(overRates).toHaveAccessibleName(/Steepest descent of the training loss: at learning rate /);

  // The axis begins at a ten-thousandth of the rate, and ends at a thousand times the rate.
  const slider = readOut(page);
  await slider.focus();
  await slider.press("Home");
  await expect(slider).toHaveAttribute("aria-valuetext", /^learning rate 3\.00e-7; present run: training \d\.\d{4}/);
  await expect(slider).toHaveAttribute("aria-valuenow", "3.00e-7");
  await slider.press("End");
  await expect(slider).toHaveAttribute("aria-valuetext", /^learning rate 3\.00; present run: training \d/);
  await expect(page.locator(".reading").first()).toContainText("rate 3.00");

  const [file] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "CSV of Loss" }).click()]);
  const [head, ...lines] = (await readFile(await file.path())).toString().trimEnd().split("\n");
  expect(head).toBe("run,settings,curve,epoch,learning rate,value");
  const rates = lines.filter((line) => line.includes(",training loss,")).map((line) => Number(line.split(",")[4]));
  expect(rates, "a point for each hundredth of the test").toHaveLength(100);
  expect(rates).toEqual(rates.toSorted((a, b) => a - b));
  expect(rates[0]).toBeGreaterThan(3e-7);
  expect(rates.at(-1)).toBeLessThan(3);

  // The same seed finds the same place, whatever else the machine does.
  await playground.reset.click();
  await expect.poll(() => playground.steps()).toBe(0);
  await expect(sentence(page)).toHaveCount(0);
  expect(await rangeTest(page, playground)).toBe(rate);

  await page.getByRole("combobox", { name: "Schedule", exact: true }).selectOption("constant");
  await expect(chart(page)).toBeVisible();
  await expect(overRates).toHaveCount(0);
  await expect(sentence(page)).toHaveCount(0);
});
