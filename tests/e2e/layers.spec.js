// The layer editor: by mouse, by keyboard, and with layers that do not fit.

import { expect, test } from "./support/playground.js";

test.beforeEach(async ({ page, playground, host }) => {
  await playground.open(`${host}/`);
  await page.locator("summary", { hasText: "Layers" }).click();
});

const table = (page) => page.getByRole("table", { name: "Layers" });
const row = (page, text) => table(page).getByRole("row").filter({ hasText: text });
const choose = (page, name) => table(page).getByRole("button", { name, exact: true }).click();

test("shapes and parameters follow a number while it is typed", async ({ page, playground }) => {
  await choose(page, "C1 conv 5×5, pad 2");
  await page.getByRole("spinbutton", { name: "Maps" }).fill("8");
  await expect(row(page, "C1")).toContainText("8@28×28");
  await expect(row(page, "C1")).toContainText("208");
  await page.getByRole("spinbutton", { name: "Kernel" }).fill("3");
  await expect(row(page, "C1")).toContainText("8@30×30");
  await expect(page.getByRole("combobox", { name: "Preset" }).locator("option:checked")).toHaveText("Custom");
  await playground.step.click();
  await expect.poll(() => playground.steps()).toBe(1);
});

test("layers that do not fit show a sentence, and training keeps the last ones that did", async ({ page, playground }) => {
  await choose(page, "flatten");
  await page.getByRole("button", { name: "Remove layer" }).click();
  await expect(table(page).getByRole("alert")).toHaveText(/put Flatten before it\.$/);
  await expect(page.locator("summary", { hasText: "Layers" })).toContainText("do not fit");
  await expect(page.getByRole("spinbutton", { name: "Units" }), "the next layer is selected").toHaveValue("120");
  await playground.step.click();
  await expect.poll(() => playground.steps(), "the last network that fitted is trained").toBe(1);
  await expect(page.getByRole("alert")).toHaveCount(1);

  await choose(page, "S4 max pool 2×2");
  await page.getByRole("combobox", { name: "New layer" }).selectOption({ label: "flatten" });
  await page.getByRole("button", { name: "Add below" }).click();
  await expect(table(page).getByRole("alert")).toHaveCount(0);
  await expect(page.getByRole("combobox", { name: "Preset" })).toHaveValue("lenet5");
});

test("layers are moved and removed by keyboard, and keep the focus", async ({ page }) => {
  const names = () => table(page).getByRole("button").allTextContents();
  const before = await names();
  const second = table(page).getByRole("button").nth(1);
  await second.focus();
  await page.keyboard.press("Alt+ArrowDown");
  await expect.poll(names).toEqual([before[0], before[2], before[1], ...before.slice(3)]);
  await expect(table(page).getByRole("button").nth(2)).toBeFocused();
  await page.keyboard.press("Alt+ArrowUp");
  await expect.poll(names).toEqual(before);
  await expect(second).toBeFocused();
  await page.keyboard.press("Delete");
  await expect.poll(names).toEqual([before[0], ...before.slice(2)]);
  await expect(second, "the next layer has the focus").toBeFocused();
});
