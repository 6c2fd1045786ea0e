// A session outlives its page: a page that is killed in mid-training and opened again ends in the same weights.

import { expect, Playground, test } from "./support/playground.js";
import { cores, inWorkers, storedRuns } from "./support/storage.js";

/** Every option is on. */
const EVERYTHING =
  "#v=1&preset=lenet-tricks&optimiser=adamw&batch=32&seed=5&l1=0.00001&l2=0.0001&penalise-biases=on&smoothing=0.1&initialiser=xavier" +
  "&rotation=10&shift=1.5&zoom=0.1&shear=0.1&elastic=1.5&crop=1";
const STEPS = 300;

/** Numbers from 100 to 200, by a seed that the test prints. */
const seed = Number(process.env.KILL_SEED ?? 14);
const steps = [1, 2].map((index) => 100 + ((seed * 7919 + index * 104729) % 101));

/** The weights once this many steps are stored. */
async function weights(playground, count) {
  const newest = async () => (await storedRuns(playground.page))[0];
  await expect.poll(async () => (await newest())?.steps).toBe(count);
  return (await newest()).hash;
}

test("a page that is killed and opened again ends in the same weights, on one core and on two", async ({ browser, host }) => {
  console.log(`    seed ${seed}: killed from step ${steps.join(" and ")} on`);
  const open = async (context, count) => {
    const page = await context.newPage();
    await inWorkers(page, cores(count));
    const playground = new Playground(page);
    await playground.log.start();
    await playground.open(`${host}/${EVERYTHING}`);
    return playground;
  };
  const context = await browser.newContext();
  const whole = await open(context, 2);
  await whole.takeSteps(STEPS);
  const expected = await weights(whole, STEPS);
  await context.close();

  for (const [index, count] of [1, 2].entries()) {
    const context = await browser.newContext();
    const killed = await open(context, count);
    await killed.train.click();
    await expect.poll(() => killed.steps(), { intervals: [50] }).toBeGreaterThanOrEqual(steps[index]);
    const crashed = killed.page.waitForEvent("crash");
    const devtools = await context.newCDPSession(killed.page);
    devtools.send("Page.crash").catch(() => {});
    await crashed;
    await killed.page.close();

    const again = await open(context, count);
    await expect(again.page.getByRole("status").filter({ hasText: /^Your last run is back, paused: / })).toBeVisible();
    const at = await again.steps();
    console.log(`    ${count} of 2 cores: back at step ${at}`);
    expect(at).toBeGreaterThan(0);
    expect(at).toBeLessThan(STEPS);
    await again.takeSteps(STEPS - at);
    expect(await weights(again, STEPS)).toBe(expected);
    await context.close();
  }
});
