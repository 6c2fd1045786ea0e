// What the page shows is so at that moment, or is not shown; and no control panics when its setting goes away.

import { readFile } from "node:fs/promises";
import { expect, follow, onOnePage, situations, trains } from "./situations.js";

const control = (page, name) => page.getByRole("combobox", { name, exact: true });
const mistakes = (page) => page.getByRole("region", { name: "Mistakes and data" });

/** Chooses every option of a menu, one after another, and the first one again. */
async function chooseAll(page, name) {
  const all = await control(page, name).locator("option").evaluateAll((all) => all.map(({ value }) => value));
  const values = all.filter((value) => !["custom", "mixed"].includes(value));
  for (const value of [...values, values[0]]) {
    await control(page, name).evaluate((select, value) => {
      select.value = value;
      select.dispatchEvent(new Event("change", { bubbles: true }));
    }, value);
  }
}

/** Makes every setting that can go away go away, and come back. */
async function everySettingGoes(page) {
  for (const name of ["Optimiser", "Schedule", "Initialiser", "Preset", "Activation"]) await chooseAll(page, name);
  for (const value of ["0.001", "0"]) await control(page, "L2 penalty").selectOption(value);
  for (const name of ["Dropout", "Batch normalisation"]) {
    const trick = page.getByRole("switch", { name, exact: true });
    await trick.check();
    await trick.uncheck();
  }
}

/** The controls of the settings, by name. */
const controls = (page) =>
  page.getByRole("region", { name: "Settings" }).locator(".field select, .field input").evaluateAll((all) =>
    all.map((input) => input.closest("label").querySelector("span").textContent));

const goes = (situation, then) => ({ situation, then, holds: ({ playground }) => trains(playground) });

onOnePage("controls whose settings go away", { link: "/#v=1&image=7" }, [
  goes("in front of a class, in large type", async ({ page, playground }) => {
    await page.keyboard.press("p");
    await playground.showSettings();
    await everySettingGoes(page);
    await control(page, "Optimiser").selectOption("sgd");
    expect(await controls(page)).not.toContain("Beta 1");
    await control(page, "Schedule").selectOption("constant");
    expect(await controls(page)).not.toContain("Schedule epochs");
  }),
  goes("after single keys were switched off and on", async ({ page, playground }) => {
    await page.getByRole("button", { name: "Keys", exact: true }).click();
    const keys = page.getByRole("switch", { name: "Single keys work" });
    await keys.uncheck();
    await keys.check();
    await page.getByRole("dialog").getByRole("button", { name: "Close", exact: true }).click();
    await playground.showSettings();
    await everySettingGoes(page);
  }),
  goes("by links to other presets", async ({ page }) => {
    const links = ["#v=1&preset=mlp30", "#v=1&optimiser=sgd&schedule=constant", "#v=1", "#v=1&initialiser=zeros", "#v=1&preset=deep-sigmoid", "#v=1"];
    for (const link of [...links, ...links.map((link) => `${link}&present=1`), ...links.map((link) => `${link}&keys=0`)]) {
      await follow(page, link);
    }
    await follow(page, "#v=1&image=7");
  }),
  goes("a pooling layer is removed in the editor", async ({ page, playground }) => {
    await page.keyboard.press("p");
    await playground.showSettings();
    await page.locator("summary", { hasText: "Layers" }).click();
    const layers = page.getByRole("table", { name: "Layers" });
    for (const name of ["S4 max pool 2×2", "S2 max pool 2×2"]) {
      await layers.getByRole("button", { name, exact: true }).click();
      await page.getByRole("button", { name: "Remove layer" }).click();
    }
    await expect(control(page, "Pooling")).toHaveCount(0);
    await follow(page, "#v=1&image=7");
    await expect(control(page, "Pooling")).toHaveCount(1);
  }),
  goes("a link hides the field that somebody types in", async ({ page }) => {
    for (const [layer, field, hidden] of [[null, "Seed", "seed"], [/^C1 conv/, "Maps", "layers"], [/^C3 conv/, "Kernel", "settings"]]) {
      await follow(page, `#v=1&image=7${layer ? `&unfolded=network,layers,training` : ""}`);
      if (layer) await page.getByRole("button", { name: layer }).click();
      await page.getByRole("spinbutton", { name: field }).pressSequentially("1");
      await follow(page, `#v=1&image=7&hide=${hidden}`);
      await expect(page.getByRole("spinbutton", { name: field })).toHaveCount(0);
    }
    await follow(page, "#v=1&image=7");
  }),
  goes("the panel closes under a number that somebody types", async ({ page }) => {
    await page.getByRole("button", { name: "Browse the data" }).click();
    await page.getByRole("spinbutton", { name: "Go to number" }).pressSequentially("12");
    await page.keyboard.press("Escape");
    await expect(page.getByRole("spinbutton", { name: "Go to number" })).toHaveCount(0);
  }),
  goes("a pixel is inspected in a column that the next network does not have", async ({ page }) => {
    const maps = page.getByRole("application", { name: /^Pixels of C3/ });
    const { width, height } = await maps.boundingBox();
    await maps.hover({ position: { x: width / 6, y: height - 4 } });
    await expect(page.getByText(/^C3, map 16/).first()).toBeVisible();
    await control(page, "Preset").selectOption("mlp30");
    await expect(page.getByText(/^C3, map 16/)).toHaveCount(0);
  }),
  goes("another network comes while the outputs of one with other layers are open", async ({ page }) => {
    for (const layers of ["f,d4,d10", "f,d10", "f,d4,r,d10", "b,f,d10", "f,d10"]) {
      await follow(page, `#v=1&image=7&layers=${layers}&open=Output`);
      await expect(page.getByRole("table", { name: "Softmax" })).toBeVisible();
    }
  }),
]);

/** The accuracy of the header and that of the mistakes, in per cent. */
async function accuracies(page, playground) {
  const caption = mistakes(page).locator("caption");
  await expect(caption).toContainText("of the 10,000 test images");
  const misread = Number.parseInt((await caption.textContent()).replaceAll(",", ""), 10);
  return [await playground.accuracy.textContent(), `${((10_000 - misread) / 100).toFixed(2)} %`];
}

/** The accuracy before a change. */
let before;

onOnePage("accuracies", { link: "/#v=1&image=7" }, [
  {
    situation: "before training, the pretrained network reads, and is called so with its accuracy",
    then: async ({ page, playground }) => {
      await playground.downloaded();
      await page.getByRole("button", { name: "Mistakes", exact: true }).click();
    },
    holds: async ({ page, playground }) => {
      await expect(playground.accuracy).toHaveText(/^9\d\.\d\d %$/);
      await expect(page.getByText("(pretrained)")).toBeVisible();
      const [header, listed] = await accuracies(page, playground);
      expect(header).toBe(listed);
      await expect(mistakes(page)).toContainText(/read by: pretrained network \(9\d\.\d %\)/);
    },
  },
  {
    situation: "training stops between two measurements",
    then: async ({ playground }) => {
      await playground.train.click();
      await expect.poll(() => playground.steps()).toBeGreaterThan(60);
      await playground.stop();
    },
    holds: async ({ page, playground }) => {
      await expect(page.getByText("(pretrained)")).toHaveCount(0);
      await expect(mistakes(page)).toContainText(`step ${(await playground.steps()).toLocaleString("en")}`);
      await expect.poll(() => accuracies(page, playground).then(([header, listed]) => header === listed)).toBe(true);
      await expect(playground.throughput, "nothing trains").toHaveText("—");
    },
  },
  {
    situation: "the activation changes, and the weights stay",
    then: async ({ page, playground }) => {
      before = await playground.accuracy.textContent();
      await control(page, "Activation").selectOption("sigmoid");
    },
    holds: async ({ page, playground }) => {
      // The answer to the change, without which the last measurement counts.
      await playground.log.settle();
      await playground.measured();
      const [header, listed] = await accuracies(page, playground);
      expect(header).not.toBe(before);
      expect(header).toBe(listed);
    },
  },
  {
    situation: "another preset comes",
    then: ({ page }) => control(page, "Preset").selectOption("mlp30"),
    holds: async ({ playground }) => {
      await expect(playground.accuracy).not.toHaveText(before);
      const header = await playground.number(playground.accuracy);
      expect(Number.isNaN(header) || header < 60, `an untrained network: ${header} %`).toBe(true);
    },
  },
  {
    situation: "the preset is chosen and one setting changed",
    then: ({ page }) => control(page, "Learning rate").selectOption("0.01"),
    holds: ({ page }) => expect(control(page, "Preset").locator("option:checked")).toHaveText("Custom"),
  },
]);

/** In the page: watches a quarter of a thousand frames; returns the bars that said something else than their numbers. */
function contradictions() {
  const wrong = [];
  return new Promise((done) => {
    let frames = 0;
    const look = () => {
      for (const bar of document.querySelectorAll("ol.bars li")) {
        const fill = bar.querySelector(".fill");
        const shown = (100 * fill.getBoundingClientRect().width) / fill.parentElement.getBoundingClientRect().width;
        const text = bar.querySelector(".value").textContent;
        const said = text.startsWith("<") ? 0 : Number.parseFloat(text);
        if (Math.abs(shown - said) > 0.6) wrong.push(`${text}: ${shown.toFixed(1)} %`);
      }
      frames += 1;
      if (frames < 250) requestAnimationFrame(look);
      else done(wrong);
    };
    requestAnimationFrame(look);
  });
}

situations("truth", [
  {
    situation: "the trainer stops by a fault of its own",
    then: async ({ page, playground }) => {
      await playground.takeSteps(2);
      await page.workers()[0].evaluate(() => setTimeout(() => { throw new WebAssembly.RuntimeError("unreachable"); }));
    },
    holds: async ({ page }) => {
      await expect(page.getByRole("alert").filter({ hasText: "what was trained is kept" })).toBeVisible();
      await expect(page.getByRole("button", { name: "Reload" })).toBeVisible();
    },
    excuses: /unreachable/,
  },
  {
    situation: "numbers change while training, and each bar says the same as its number",
    link: "/#v=1&image=7",
    then: ({ playground }) => playground.train.click(),
    holds: async ({ page }) => expect(await page.evaluate(contradictions)).toEqual([]),
  },
  {
    situation: "training diverges, and neither the page nor its tables say NaN",
    link: "/#v=1&image=7&activation=none&optimiser=sgd&lr=3&open=Output&panel=mistakes",
    then: async ({ page, playground }) => {
      await playground.downloaded();
      await playground.train.click();
      await expect(page.getByRole("button", { name: /^Back to step/ })).toBeVisible();
      await playground.log.settle();
    },
    holds: async ({ page }) => {
      const words = () => page.evaluate(() => {
        const labels = [...document.querySelectorAll("[aria-label], [aria-valuetext], [title]")];
        const spoken = labels.flatMap((e) => [e.ariaLabel, e.getAttribute("aria-valuetext"), e.title]);
        return [document.body.innerText, ...spoken].filter((text) => /NaN|Infinity|\binf\b/.test(text ?? ""));
      });
      expect(await words()).toEqual([]);
      // Pixels of every column have their arithmetic, too.
      for (const maps of await page.getByRole("application", { name: /^Pixels of/ }).all()) {
        await maps.focus();
        expect(await words()).toEqual([]);
      }
      for (const name of ["CSV of Loss", "CSV of Accuracy"]) {
        const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name }).click()]);
        expect((await readFile(await download.path())).toString()).not.toMatch(/NaN|inf/);
      }
    },
  },
  {
    situation: "a window slides over the first, dark windows, in the colours of the finished map",
    link: "/#v=1&image=7&open=C1",
    then: async ({ page, playground }) => {
      await playground.downloaded();
      await expect(page.getByRole("region", { name: "Draw a digit" })).toContainText("Test image 7");
      await page.getByRole("application", { name: /^Window over/ }).press("Home");
      await page.getByRole("combobox", { name: "Speed" }).selectOption("1 a second");
    },
    holds: async ({ page }) => {
      const map = page.getByRole("img", { name: "The map that the window computes" });
      const pixel = (x, y) => map.evaluate((canvas, [x, y]) => [...canvas.getContext("2d").getImageData(x, y, 1, 1).data], [x, y]);
      await expect.poll(async () => (await pixel(27, 27))[3], "it is painted").toBe(255);
      const finished = await pixel(0, 0);
      await page.getByRole("button", { name: "Slide", exact: true }).click();
      await expect.poll(async () => (await pixel(27, 27))[3], "the end is not reached").toBeLessThan(255);
      expect(await pixel(0, 0)).toEqual(finished);
      await page.getByRole("button", { name: "Stop sliding" }).click();
    },
  },
  {
    situation: "where all four values under a pooling window are black, none of them wins",
    link: "/#v=1&image=7&open=S2",
    holds: async ({ page }) => {
      const figure = page.getByRole("figure").filter({ hasText: "Before pooling" });
      await expect(figure.getByRole("img")).not.toHaveClass(/empty/);
      const frames = figure.locator(".framed .mark");
      await expect(frames).toHaveAttribute("d", /^M/);
      const corners = (await frames.getAttribute("d")).split("M").slice(1).map((frame) => frame.match(/^\d+ \d+/)[0].split(" ").map(Number));
      expect(corners.length).toBeLessThan(6 * 14 * 14);
      // The uppermost rows of the first map are black.
      expect(corners.filter(([x, y]) => x < 28 && y < 2)).toEqual([]);
    },
  },
  {
    situation: "one step was taken, and is not called steps",
    then: ({ playground }) => playground.takeSteps(1),
    holds: async ({ page }) => {
      const present = page.getByRole("row").filter({ has: page.getByRole("rowheader", { name: "Present run" }) });
      await expect(present).toContainText("1 step");
      await expect(present).not.toContainText("1 steps");
    },
  },
  {
    situation: "a filter is changed by keys, again and again, and its cell keeps the focus",
    link: "/#v=1&image=7&open=filter",
    then: async ({ page }) => {
      const cell = page.getByRole("button", { name: /^Row 1, column 1:/ });
      await cell.focus();
      for (const key of ["+", "+", "ArrowRight", "-", "-", "-", " "]) await page.keyboard.press(key);
    },
    holds: async ({ page }) => {
      await expect(page.getByRole("button", { name: "Row 1, column 2: 1" })).toBeFocused();
      await expect(page.getByRole("button", { name: "Row 1, column 1: 0" })).toBeVisible();
    },
  },
  {
    situation: "tricks are compared where they matter",
    then: async ({ page, playground }) => {
      await playground.downloaded();
      await page.getByRole("button", { name: "Where it matters" }).click();
      await page.getByRole("button", { name: "With and without Dropout" }).click();
    },
    holds: async ({ page }) => {
      await expect(page.getByText(/^Comparing Dropout: A is at epoch .* of 150\./)).toBeVisible();
      const run = page.getByRole("row").filter({ has: page.getByRole("rowheader", { name: "Run B" }) });
      await expect(run).toContainText("Training images 200 (now 60,000)");
      await page.getByRole("button", { name: "End comparison" }).click();
    },
  },
]);
