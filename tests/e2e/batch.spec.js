// One batch: a single step shows its images, what the network read, the loss of each, and which weights moved most.

import { expect, test } from "./support/playground.js";

const LINK = "#v=1&images=1000";
const summary = (page) => page.getByText(/^step \d+: \d+ of \d+ images right, mean loss /);
const images = (page) => page.getByRole("list", { name: /largest loss/ }).getByRole("button");
const layers = (page) => page.getByRole("list", { name: /^How far the step moved the weights/ }).getByRole("button");
/** The label, the class, the loss and the index of each image. */
const samples = async (page) => {
  const names = await images(page).evaluateAll((all) => all.map((image) => image.title));
  return names.map((name) => {
    const [, label, read, loss, index] = name.match(/^Labelled (\d), read as (\d) with (?:< 0.1|[\d.]+) %, loss ([\d.e−-]+): training image (\d+)$/);
    return { label, read, loss: Number(loss.replace("−", "-")), index: Number(index) };
  });
};
/** The step, the images that were read right, all of them, and the mean loss. */
const told = async (page) => (await summary(page).textContent()).match(/[\d.]+/g).map(Number);

/** A page that has taken a step. */
async function open(playground, host, more = "") {
  await playground.open(`${host}/${LINK}${more}`);
  await playground.downloaded();
  await playground.takeSteps(1);
  await expect(images(playground.page).first()).toBeVisible();
}

test("a step shows its images with their losses, and what moved", async ({ page, playground, host }) => {
  await open(playground, host);
  const [step, right, all, loss] = await told(page);
  expect([step, all]).toEqual([1, 64]);
  const list = await samples(page);
  expect(list).toHaveLength(64);
  expect(new Set(list.map(({ index }) => index)).size, "each image once").toBe(64);
  expect(list.every(({ index }) => index < 1000), "of the subset").toBe(true);
  expect(list.filter(({ label, read }) => label === read)).toHaveLength(right);
  expect(list.map(({ loss }) => loss)).toEqual(list.map(({ loss }) => loss).sort((a, b) => b - a));
  const mean = list.reduce((sum, { loss }) => sum + loss, 0) / 64;
  expect(Math.abs(mean - loss)).toBeLessThan(0.01 * loss);
  expect((await playground.number(playground.loss)).toFixed(2), "the loss of the step").toBe(loss.toFixed(2));

  await expect(layers(page)).toHaveCount(5);
  for (const [at, name] of ["C1", "C3", "F5", "F6", "Output"].entries()) {
    await expect(layers(page).nth(at)).toHaveAccessibleName(new RegExp(`^Weights of ${name} moved by [\\d.]+ % most of all [\\d,]+ weights by [\\d.]+ each$`));
  }
  // The first step of Adam moves all weights as far. The next step has other images.
  await playground.takeSteps(1);
  await expect.poll(async () => (await told(page))[0]).toBe(2);
  expect((await samples(page)).map(({ index }) => index).sort()).not.toEqual(list.map(({ index }) => index).sort());
});

test("an image goes to the pad, and a layer opens at what moved most", async ({ page, playground, host }) => {
  // Plain gradient descent moves each weight as far as its gradient is large.
  await open(playground, host, "&optimiser=sgd");
  const [first, second] = await samples(page);
  await expect(images(page).first()).toHaveAccessibleName(new RegExp(`^Labelled ${first.label} read as ${first.read} with a loss of [\\d.]+$`));
  await images(page).first().click();
  await expect(images(page).first()).toHaveAttribute("aria-current", "true");
  await expect(page.getByText(`Training image ${first.index}`).first()).toBeVisible();
  await page.keyboard.press("ArrowRight");
  await expect(images(page).nth(1)).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(page.getByText(`Training image ${second.index}`).first()).toBeVisible();
  expect((await told(page))[0], "the arrow took no step").toBe(1);

  await expect(layers(page).first()).toHaveAccessibleName(/^Weights of C1 moved by [\d.]+ % most of all filter [1-6], row [1-5], column [1-5] −?[\d.]+ [+−] [\d.]+$/);
  const name = await layers(page).first().textContent();
  const filter = Number(name.match(/filter (\d+)/)[1]);
  await layers(page).first().click();
  await expect(page.getByRole("heading", { name: /^C1: / })).toBeVisible();
  const linked = (key) => new URLSearchParams(new URL(page.url()).hash.slice(1)).get(key);
  await expect.poll(() => linked("open")).toBe("C1");
  expect(linked("map") ?? "1").toBe(String(filter));
});

test("of a large batch the images with the largest losses are shown", async ({ page, playground, host }) => {
  await open(playground, host, "&batch=128");
  await expect(page.getByRole("list", { name: "The 64 images with the largest losses" })).toBeVisible();
  await expect(page.getByText("and 64 with smaller losses")).toBeAttached();
  const [, right, all, loss] = await told(page);
  const list = await samples(page);
  expect(all).toBe(128);
  expect(list.filter(({ label, read }) => label === read).length).toBeLessThanOrEqual(right);
  const rest = all * loss - list.reduce((sum, { loss }) => sum + loss, 0);
  expect(rest / 64, "the others are smaller").toBeLessThan(list[63].loss);
});

test("it goes with the weights that it is about", async ({ page, playground, host }) => {
  await open(playground, host);
  // A step later than this one there is another, a step before it nothing.
  await page.getByRole("button", { name: "Reset" }).click();
  await expect(summary(page)).toHaveCount(0);
  await playground.takeSteps(1);
  await expect(summary(page)).toContainText("step 1");
  await page.getByRole("combobox", { name: "Activation", exact: true }).selectOption("Sigmoid");
  await expect(summary(page), "of another network").toHaveCount(0);
});

test("it goes when something else is trained, and can be folded", async ({ page, playground, host }) => {
  await open(playground, host);
  await page.getByText("One batch", { exact: true }).click();
  await expect(images(page).first()).toBeHidden();
  await playground.takeSteps(1);
  await expect(summary(page), "it stays folded").toContainText("step 2");
  await expect(images(page).first()).toBeHidden();
  await page.getByText("One batch", { exact: true }).click();
  await expect(images(page).first()).toBeVisible();

  await playground.train.click();
  await expect(summary(page), "these images are not the last ones any more").toHaveCount(0);
  await playground.stop();
  await playground.takeSteps(1);
  await expect(summary(page)).toBeVisible();
  await page.getByRole("slider", { name: "Checkpoint" }).fill("0");
  await expect(summary(page), "another moment is shown").toHaveCount(0);
  await page.getByRole("button", { name: "Back to now" }).click();
  await expect(summary(page)).toBeVisible();
  await page.getByRole("button", { name: "Reset" }).click();
  await expect(summary(page)).toHaveCount(0);
});
