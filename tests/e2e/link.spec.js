// The fragment of the address holds the state of the page: it follows the settings, and they follow it.

import { Playground, expect, hash, test } from "./support/playground.js";

test("the address follows the settings and restores them", async ({ page, playground, host }) => {
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

for (const has of ["a clipboard", "no clipboard, as on plain http"]) {
  test(`copy link copies the address where the page has ${has}`, async ({ page, playground, host, context }) => {
    await context.grantPermissions(["clipboard-read", "clipboard-write"]);
    if (has !== "a clipboard") await page.addInitScript(() => delete Navigator.prototype.clipboard);
    await playground.open(`${host}/`);
    await page.getByRole("spinbutton", { name: "Seed" }).fill("7");
    await page.getByRole("spinbutton", { name: "Seed" }).press("Tab");
    await page.getByRole("button", { name: "Share" }).click();
    await page.getByRole("button", { name: "Copy link" }).click();
    await expect(page.getByText("The link is copied.")).toBeVisible();
    const other = await context.newPage();
    await other.goto(`${host}/worker.js`);
    expect(await other.evaluate(() => navigator.clipboard.readText())).toBe(`${host}/#v=1&seed=7`);
  });
}

test("a link of which nothing is understood shows a sentence and changes nothing", async ({ page, playground, host }) => {
  await playground.open(`${host}/#v=1&lr=fast&preset=%F0`);
  await expect(page.getByRole("alert")).toHaveText(/^Part of the link was ignored: lr=fast \(use a number from 0\.0001 to 3\), preset=.*\.$/);
  await expect(page.getByRole("combobox", { name: "Preset" })).toHaveValue("lenet5");
  await page.getByRole("button", { name: "Dismiss" }).click();
  // The user edits the address of the open page.
  await page.evaluate(() => { location.hash = "#v=1&preset=mlp30&lr=0.02"; });
  await expect.poll(() => hash(page)).toBe("#v=1&preset=mlp30&lr=0.02");
  await expect(page.getByRole("combobox", { name: "Learning rate" })).toHaveValue("0.02");
});

test("a link that arrives before the page has written its own state is followed", async ({ page, playground, host }) => {
  await playground.open(`${host}/`);
  await page.evaluate(() => {
    location.hash = "#v=1&preset=mlp30";
    // The page writes its state a moment after a change: here between the edit and its event.
    history.replaceState(null, "", "#v=1&batch=16");
  });
  await expect(page.getByRole("combobox", { name: "Preset" })).toHaveValue("mlp30");
  await expect.poll(() => hash(page)).toBe("#v=1&preset=mlp30");
});

test("a link hides settings from a class", async ({ page, playground, host }) => {
  await playground.open(`${host}/#v=1&hide=seed,tricks`);
  await expect(page.getByRole("combobox", { name: "Optimiser" })).toBeVisible();
  await expect(page.getByRole("spinbutton", { name: "Seed" })).toHaveCount(0);
  await expect(page.locator("summary", { hasText: "Tricks" })).toHaveCount(0);
  await page.evaluate(() => { location.hash = "#v=1&hide=settings"; });
  await expect(page.getByRole("region", { name: "Settings" })).toHaveCount(0);
});

test("a link chooses the theme and large type, and drawing still works", async ({ page, playground, host }) => {
  const paper = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  await playground.open(`${host}/#v=1&theme=dark&present=1`);
  expect(await paper()).toBe("rgb(18, 20, 25)");
  await playground.draw(7);
  await expect(playground.prediction).toHaveText(/^\s*7/);
  await page.emulateMedia({ colorScheme: "dark" });
  await page.evaluate(() => { location.hash = "#v=1&theme=light"; });
  await expect.poll(paper).toBe("rgb(244, 243, 239)");
});

test("the address follows the open panels, and a link opens the same ones", async ({ page, playground, host, context }) => {
  await playground.open(`${host}/`);
  const entries = await page.evaluate(() => history.length);
  await page.getByRole("button", { name: /^C3\b/ }).click();
  await page.getByRole("combobox", { name: "Map", exact: true }).selectOption({ label: "5" });
  await page.getByRole("switch", { name: "Log scale" }).check();
  await page.getByRole("group", { name: "Curves shown" }).getByRole("button", { name: "training" }).click();
  await page.getByRole("slider", { name: "Smoothing", exact: true }).fill("40");
  await page.getByRole("button", { name: "Mistakes", exact: true }).click();
  await page.getByRole("button", { name: /^4 read as 9\b/ }).click();
  await page.locator("summary", { hasText: "Tricks" }).click();
  const link = "#v=1&open=C3&map=5&panel=mistakes&cell=4-9&curves=test&log=1&average=40&unfolded=network,training";
  await expect.poll(() => hash(page)).toBe(link);
  expect(await page.evaluate(() => history.length), "opening panels adds no history entries").toBe(entries);

  const other = new Playground(await context.newPage());
  await other.open(`${host}/${link}`);
  const there = other.page;
  await expect(there.getByRole("heading", { name: "C3: convolution" })).toBeVisible();
  await expect(there.getByRole("combobox", { name: "Map", exact: true }).locator("option:checked")).toHaveText("5");
  await expect(there.getByRole("switch", { name: "Log scale" })).toBeChecked();
  await expect(there.getByRole("button", { name: "training", exact: true })).toHaveAttribute("aria-pressed", "false");
  await expect(there.getByRole("slider", { name: "Smoothing", exact: true })).toHaveValue("40");
  await expect(there.getByRole("heading", { name: "4 read as 9" })).toBeVisible();
  await expect(there.getByRole("button", { name: /^4 read as 9\b/ })).toHaveAttribute("aria-pressed", "true");
  await expect(there.getByRole("switch", { name: "Dropout" })).toBeHidden();
  await expect.poll(() => hash(there)).toBe(link);

  // Closed panels are not in the link, and a link without a panel closes it.
  await page.getByRole("button", { name: "Mistakes", exact: true }).click();
  await expect.poll(() => hash(page)).not.toContain("cell");
  await page.evaluate(() => { location.hash = "#v=1&open=filter&filter=curve"; });
  await expect(page.getByRole("heading", { name: "C3: convolution" })).toHaveCount(0);
  await expect(page.getByRole("button", { name: "Curve", exact: true })).toHaveAttribute("aria-pressed", "true");
  await expect(page.getByRole("switch", { name: "Log scale" })).not.toBeChecked();
});

test("a link opens the data at the same set, digit and page", async ({ page, playground, host }) => {
  await playground.open(`${host}/#v=1&panel=data&set=training&digit=7&page=3`);
  await expect(page.getByRole("heading", { name: "All training images labelled 7" })).toBeVisible();
  await expect(page.getByRole("status", { name: "Images shown" })).toHaveText(/^101–150 of 6,265$/);
  await expect(page.getByRole("combobox", { name: "Digit" })).toHaveValue("7");
  await page.getByRole("button", { name: "Next images" }).click();
  await expect.poll(() => hash(page)).toBe("#v=1&panel=data&set=training&digit=7&page=4");
  await page.getByRole("combobox", { name: "Digit" }).selectOption("3");
  await expect.poll(() => hash(page), "another digit starts at its first page").toBe("#v=1&panel=data&set=training&digit=3");
});

test("an open layer stays open while the network has it", async ({ page, playground, host }) => {
  await playground.open(`${host}/#v=1&open=C3&map=12`);
  const opened = page.getByRole("heading", { name: "C3: convolution" });
  await expect(opened).toBeVisible();
  await page.getByRole("switch", { name: "Batch normalisation" }).check();
  await expect(page.getByRole("region", { name: "Statistics of the batch normalisation" })).toBeVisible();
  await expect(page.getByRole("switch", { name: "Batch normalisation" }), "the focus stays").toBeFocused();
  await page.getByRole("combobox", { name: "Preset" }).selectOption("mlp30");
  await expect(opened).toHaveCount(0);
  await page.evaluate(() => { location.hash = "#v=1&preset=mlp30&open=C3"; });
  await expect(page.getByRole("alert")).toHaveText("Part of the link was ignored: open=C3 (this network has no such layer).");
});
