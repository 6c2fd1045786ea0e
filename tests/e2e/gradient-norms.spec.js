// Norms of gradients and weights, layer by layer.

import { expect, test } from "./support/playground.js";

const panel = (page) => page.getByRole("region", { name: "Gradients and weights" });
const table = (page) => page.getByRole("table", { name: "Sizes by layer" });

/** The norms of each layer: gradient, weights. */
async function norms(page) {
  const rows = await table(page).getByRole("row").all();
  return Promise.all(rows.slice(1).map(async (row) => {
    const cells = (await row.getByRole("cell").allTextContents()).map((text) => text.trim()).filter(Boolean);
    return { name: await row.getByRole("rowheader").textContent(), gradient: Number(cells[0]), weights: Number(cells[1]) };
  }));
}

test("in deep sigmoid layers the gradient vanishes, and batch normalisation restores it", async ({ page, playground, host }) => {
  await playground.open(`${host}/#v=1&preset=deep-sigmoid&initialiser=normal`);
  await expect(panel(page)).toContainText("Train, and see");
  await playground.step.click();
  await expect(table(page)).toBeVisible();
  const deep = await norms(page);
  expect(deep.map(({ name }) => name)).toEqual(["F1", "F2", "F3", "F4", "F5", "Output"]);
  for (let i = 1; i < deep.length; i += 1) expect(deep[i].gradient).toBeGreaterThan(deep[i - 1].gradient);
  await expect(panel(page)).toContainText(/k\^5 = .* It vanishes/);
  await page.getByRole("switch", { name: "Batch normalisation" }).check();
  await playground.reset.click();
  await expect(table(page)).toHaveCount(0);
  await playground.step.click();
  await expect(panel(page)).toContainText("All layers learn.");
});

test("a penalty shrinks the weights", async ({ page, playground, host }) => {
  await playground.open(`${host}/#v=1&l2=0.1&images=5000`);
  await playground.step.click();
  await expect(table(page)).toBeVisible();
  const first = await norms(page);
  await playground.takeSteps(100);
  const later = await norms(page);
  for (const i of [2, 3]) expect(later[i].weights, later[i].name).toBeLessThan(first[i].weights);
});
