// axe finds no violation of WCAG 2.2 AA in any view: every panel, in light and dark, on a phone, in large type. Of all that axe looks
// at, only contrast depends on the theme, and contrast on nothing else; and on the size of the window, only what is in LAYOUT. Each
// theme and each size gets what may differ, and the page as it opens all of it.

import axe from "axe-core";
import { expect, test } from "./support/playground.js";

const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];

/** The rule that depends on the theme. */
const CONTRAST = "color-contrast";
const everything = { type: "tag", values: TAGS };
const onlyContrast = { type: "rule", values: [CONTRAST] };
/** The rules that depend on boxes. */
const LAYOUT = ["target-size", "scrollable-region-focusable", "css-orientation-lock"];
const onlyLayout = { type: "rule", values: LAYOUT };

/** In the page: what axe finds wrong. It also tells what it finds right, element by element, which took nine tenths of its time. */
const violationsOf = (runOnly) => globalThis.axe.run(document, { runOnly, resultTypes: ["violations"] }).then(({ violations }) => violations);

async function violates(page, rules, view) {
  // A layer opens with an animation, in which axe would catch it half transparent.
  await page.evaluate(() => Promise.all(document.getAnimations()
    .filter(({ timeline }) => timeline === document.timeline)
    .map(({ finished }) => finished.catch(() => {}))));
  expect(page.frames(), "axe looks into no other frame").toHaveLength(1);
  // A page that was left has taken its axe with it.
  if (!(await page.evaluate(() => "axe" in globalThis))) await page.evaluate(axe.source);
  const violations = await page.evaluate(violationsOf, rules);
  const found = violations.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.html} ${node.failureSummary}`));
  expect(found, view).toEqual([]);
}

/** Views that a link opens, and an element that shows that they are open. */
const VIEWS = [
  ["open=C1&batchnorm=on&image=0&window=9,12&kernel=3", (page) => page.getByRole("region", { name: "Statistics of the batch normalisation" })],
  ["open=S2&image=0", (page) => page.getByRole("img", { name: /^Before pooling/ })],
  ["open=F5&dropout=on&image=0&mask=3", (page) => page.getByRole("button", { name: /^Mask 3\b.* \d$/, pressed: true })],
  ["image=0&why=7", (page) => page.getByRole("status", { name: "Evidence" }).filter({ hasText: /^(Without|Whichever)/ })],
  ["image=0&why=7&evidence=gradient", (page) => page.getByRole("status", { name: "Evidence" }).filter({ hasText: /^The logit of 7/ })],
  ["open=Output", (page) => page.getByRole("heading", { name: "Output: dense and softmax" })],
  ["preset=mlp30&open=F1", (page) => page.getByRole("heading", { name: "F1: dense" })],
  ["open=filter&filter=curve", (page) => page.getByRole("heading", { name: "Try a filter" })],
  ["unfolded=network,layers,training,tricks,augmentation&rotation=10", (page) => page.getByRole("table", { name: "Layers" })],
  ["panel=mistakes", (page) => page.getByRole("heading", { name: "Most confident mistakes" })],
  ["panel=data&misread=1&log=1&curves=test", (page) => page.getByRole("list", { name: "Misread test images" })],
  ["hide=settings&present=1", (page) => page.getByRole("region", { name: "Network picture" })],
];

for (const [name, options, theme, rules] of [
  ["light", {}, "light", everything],
  ["dark", {}, "dark", onlyContrast],
  ["on a phone", { viewport: { width: 390, height: 844 } }, "light", onlyLayout],
  ["in large type", {}, "light&present=1", onlyLayout],
]) {
  const check = (page, view) => violates(page, rules, view);

  test.describe(() => {
    test.use(options);

    test(`views that a link opens have no violation, ${name}`, async ({ page, playground, host }) => {
      await playground.open(`${host}/#v=1&theme=${theme}`);
      await playground.downloaded();
      await violates(page, everything, "as it opens");
      await playground.unfold();
      await violates(page, everything, "with all sections open");
      await playground.draw(7);
      await playground.step.click();
      await expect(page.getByRole("table", { name: "Sizes by layer" })).toBeVisible();
      await check(page, "gradients and weights");
      await page.getByRole("slider", { name: "Checkpoint" }).fill("0");
      await expect(page.getByRole("button", { name: "Back to now" })).toBeVisible();
      await check(page, "wound back");
      for (const [view, sign] of VIEWS) {
        const link = view.includes("present") ? `${view}&theme=${theme.split("&")[0]}` : `${view}&theme=${theme}`;
        await page.evaluate((link) => { location.hash = `#v=1&${link}`; }, link);
        if (view.includes("unfolded")) await playground.showSettings();
        await expect(sign(page).first()).toBeVisible();
        await check(page, view);
      }
    });

    test(`toasts, dialogs and states of a session have no violation, ${name}`, async ({ page, playground, host }) => {
      await playground.open(`${host}/#v=1&theme=${theme}&panel=mistakes`);
      await playground.unfold();
      await playground.downloaded();
      await playground.step.click();
      await expect.poll(() => playground.steps()).toBe(1);
      await expect(page.getByText("read by: your network, step 1", { exact: true })).toBeVisible();
      await page.getByRole("button", { name: /^\d read as \d: [1-9]/ }).first().click();
      await page.getByRole("list", { name: /^\d read as \d$/ }).getByRole("button").first().click();
      await expect(page.getByRole("button", { name: "Go to the pad" })).toBeVisible();
      await check(page, "an image on the pad");
      // Layers that do not fit show a sentence.
      await playground.showSettings();
      await page.locator("summary", { hasText: "Layers" }).click();
      await page.getByRole("button", { name: "flatten", exact: true }).click();
      await page.getByRole("button", { name: "Remove layer" }).click();
      await check(page, "layers that do not fit");
      await playground.showSettings();
      await page.locator("summary", { hasText: "Layers" }).click();
      // An inspected pixel, and the read-out of the curves beside a pinned run.
      await page.getByRole("application", { name: /^Pixels of C3:/ }).focus();
      await expect(page.getByRole("status", { name: "Arithmetic" })).toHaveText(/\d/);
      await page.getByRole("button", { name: "Pin this run" }).click();
      await page.getByRole("slider", { name: "Read-out of Loss" }).focus();
      await expect(page.locator(".reading").first()).toBeVisible();
      await check(page, "a pixel, a pinned run, the read-out of the curves");
      await playground.reset.click();
      await expect(page.getByText(/^The run was reset/)).toBeVisible();
      await page.evaluate(() => { location.hash = "#v=1&lr=fast"; });
      await expect(page.getByRole("alert")).toBeVisible();
      await check(page, "toasts");
      await page.getByRole("button", { name: "Dismiss" }).last().click();
      await playground.unfold();
      await page.getByRole("combobox", { name: "Length of a comparison" }).selectOption({ label: "600,000 images (10 epochs)" });
      await page.getByRole("button", { name: "With and without Rotation" }).click();
      await expect(page.getByRole("progressbar", { name: "Progress of the comparison" })).toBeVisible();
      await check(page, "a comparison");
      await page.getByRole("heading", { name: "LeNet Playground" }).click();
      await page.keyboard.press("?");
      await expect(page.getByRole("dialog", { name: "Keys" })).toBeVisible();
      await check(page, "the keys");
    });
  });
}
