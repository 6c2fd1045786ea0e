// Settings and moments in which the mathematics used to go wrong.

import { expect, onOnePage, says, situations } from "./situations.js";

const setting = (page, name) => page.getByRole("combobox", { name, exact: true });
const verdict = (page) => page.getByRole("region", { name: "Gradients and weights" });

/** The reports of training, from the entry `from` of the log on. */
const reports = async (playground, from) =>
  (await playground.log.events("Progress", from)).filter(({ loss }) => loss !== null);

/** Trains until a report fulfils a condition, and pauses. */
async function trainUntil(playground, fulfils) {
  await playground.train.click();
  await expect.poll(async () => fulfils((await reports(playground, 0)).at(-1))).toBe(true);
  await playground.stop();
}

situations("mathematics", [
  {
    situation: "fifty images and the default preset, whose rate falls with the epochs: they are learned by heart",
    link: "/#v=1&images=50",
    then: async ({ playground }) => {
      await playground.downloaded();
      await trainUntil(playground, (last) => last?.step >= 150);
    },
    holds: async ({ playground }) => {
      const last = (await reports(playground, 0)).at(-1);
      expect(last.loss).toBeLessThan(0.01);
      expect(last.epoch, "an epoch is one step").toBe(last.step);
    },
  },
  {
    situation: "a deep network whose weights are all 0.1: the layers in the middle do not learn, and are named",
    link: "/#v=1&initialiser=constant&initial-value=0.1",
    then: async ({ playground }) => playground.takeSteps(3),
    holds: async ({ page }) => {
      await expect(verdict(page)).toContainText("hardly learn");
      await expect(verdict(page)).not.toContainText("All layers learn");
    },
  },
  {
    situation: "batch normalisation goes that stood behind an activation: the loss stays",
    link: "/#v=1&images=5000&layers=f,d30,r,b,d10",
    then: async ({ page, playground }) => {
      await playground.takeSteps(120);
      await page.evaluate(() => (location.hash = "#v=1&images=5000&layers=f,d30,r,d10"));
      await expect(page.getByRole("switch", { name: "Batch normalisation" })).not.toBeChecked();
    },
    holds: async ({ playground }) => {
      const before = (await reports(playground, 0)).at(-1);
      await playground.takeSteps(1);
      const after = (await reports(playground, 0)).at(-1);
      expect(after.step).toBe(before.step + 1);
      expect(after.loss).toBeLessThan(before.loss + 0.5);
    },
  },
]);

onOnePage("mathematics: one run through changes of the images and the network", { link: "/#v=1&images=5000" }, [
  {
    situation: "fewer images in the middle of a training: it goes on at its epoch, and learns them by heart",
    then: async ({ page, playground }) => {
      await playground.downloaded();
      await playground.takeSteps(90);
      await setting(page, "Training images").selectOption("50");
      await playground.takeSteps(60);
    },
    holds: async ({ playground }) => {
      const all = await reports(playground, 0);
      const epochs = all.map(({ epoch }) => epoch);
      expect(epochs.every((epoch, at) => at === 0 || (epoch > epochs[at - 1] && epoch - epochs[at - 1] <= 1)), `${epochs}`).toBe(true);
      expect(all.at(-1).loss).toBeLessThan(0.05);
    },
  },
  {
    situation: "all images again: the curves do not run backwards",
    then: async ({ page, playground }) => {
      await setting(page, "Training images").selectOption("5000");
      await playground.takeSteps(10);
    },
    holds: async ({ playground }) => {
      const epochs = (await reports(playground, 0)).map(({ epoch }) => epoch);
      expect(epochs, `${epochs}`).toEqual(epochs.toSorted((a, b) => a - b));
    },
  },
  {
    situation: "another preset in the middle of a training: no verdict on gradients before its first step",
    then: async ({ page }) => setting(page, "Preset").selectOption({ label: "MLP 784-30-10" }),
    holds: async ({ page, playground }) => {
      await expect(verdict(page)).toContainText("Train, and see");
      await expect(verdict(page)).not.toContainText("learn nothing");
      await playground.takeSteps(1);
      await expect(verdict(page)).toContainText("k = ");
    },
  },
  {
    situation: "batches of one image with batch normalisation: a sentence, and nothing is trained until it can be",
    then: async ({ page }) => {
      await page.getByRole("switch", { name: "Batch normalisation" }).check();
      await setting(page, "Batch size").selectOption("1");
    },
    holds: async ({ page, playground }) => {
      await says(page, "needs at least two");
      const before = await playground.steps();
      await playground.train.click();
      await playground.log.settle();
      await expect(playground.train).toBeVisible();
      expect(await playground.steps()).toBe(before);
      await setting(page, "Batch size").selectOption("64");
      await playground.takeSteps(1);
      expect(await playground.steps()).toBe(before + 1);
    },
  },
]);
