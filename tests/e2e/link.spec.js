// The address carries the state: it follows the settings, and they follow it.

import { expect, test } from "./playground.js";

const hash = (page) => new URL(page.url()).hash;

test("the address follows the settings, and opens them again", async ({ page, playground, host }) => {
  await playground.open(`${host}/`);
  expect(hash(page)).toBe("");
  await page.getByRole("combobox", { name: "Preset" }).selectOption({ label: "One convolution" });
  await page.getByRole("combobox", { name: "Batch size" }).selectOption("16");
  await page.getByRole("switch", { name: "Dropout" }).check();
  await expect.poll(() => hash(page)).toBe("#v=1&preset=one-conv&batch=16&dropout=on");
  await page.reload();
  await expect(page.getByRole("combobox", { name: "Batch size" })).toHaveValue("16");
  await expect(page.getByRole("switch", { name: "Dropout" })).toBeChecked();
});

test("copy link copies the address", async ({ page, playground, host, context }) => {
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  await playground.open(`${host}/`);
  await page.getByRole("spinbutton", { name: "Seed" }).fill("7");
  await page.getByRole("spinbutton", { name: "Seed" }).press("Tab");
  await page.getByRole("button", { name: "Copy link" }).click();
  await expect(page.getByRole("button", { name: "Copied" })).toBeVisible();
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(`${host}/#v=1&seed=7`);
});

test("a link that is not understood gives a sentence and the page as it always is", async ({ page, playground, host }) => {
  await playground.open(`${host}/#v=1&lr=fast&preset=%F0`);
  await expect(page.getByRole("alert")).toHaveText(/^The link is not understood: .*\.$/);
  await expect(page.getByRole("combobox", { name: "Preset" })).toHaveValue("lenet5");
  await page.getByRole("button", { name: "Dismiss" }).click();
  // Another link, put into the address of the open page.
  await page.evaluate(() => { location.hash = "#v=1&preset=mlp30&lr=0.02"; });
  await expect(page.getByRole("combobox", { name: "Preset" })).toHaveValue("mlp30");
  await expect(page.getByRole("combobox", { name: "Learning rate" })).toHaveValue("0.02");
});

test("a link hides what a class should not see", async ({ page, playground, host }) => {
  await playground.open(`${host}/#v=1&hide=seed,tricks`);
  await expect(page.getByRole("combobox", { name: "Optimiser" })).toBeVisible();
  await expect(page.getByRole("spinbutton", { name: "Seed" })).toHaveCount(0);
  await expect(page.locator("summary", { hasText: "Tricks" })).toHaveCount(0);
  await page.evaluate(() => { location.hash = "#v=1&hide=settings"; });
  await expect(page.getByRole("region", { name: "Settings" })).toHaveCount(0);
});

test("a link chooses the theme and large type, in which drawing works", async ({ page, playground, host }) => {
  const paper = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  await playground.open(`${host}/#v=1&theme=dark&present=1`);
  expect(await paper()).toBe("rgb(18, 20, 25)");
  await playground.draw(7);
  await expect(playground.prediction).toHaveText(/^\s*7/);
  await page.emulateMedia({ colorScheme: "dark" });
  await page.evaluate(() => { location.hash = "#v=1&theme=light"; });
  await expect.poll(paper).toBe("rgb(244, 243, 239)");
});
