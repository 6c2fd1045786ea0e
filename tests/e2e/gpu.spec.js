// Training on WebGPU, in software where the machine has no GPU.

import { withWebGpu } from "./support/browser.js";
import { expect, test } from "./support/playground.js";
import { inWorkers } from "./support/storage.js";

test.use({ launchOptions: withWebGpu });
// Nothing else shares its browser, so nothing else would share the cores at the end of the suite.
test.describe.configure({ mode: "parallel" });

/** The speed of the clock on which the trainer counts its patience: a GPU in software on a busy machine takes longer than it waits. */
const SLOWLY = 0.1;
/** In each worker: a clock whose speed `setClock` sets. How long the patience is, `gpu_faults.rs` tests on a clock of its own. */
const CLOCK = `{
  const now = performance.now.bind(performance);
  let [shown, since, speed] = [now(), now(), ${SLOWLY}];
  performance.now = () => shown + (now() - since) * speed;
  globalThis.setClock = (next) => { [shown, since, speed] = [performance.now(), now(), next]; };
}`;
test.beforeEach(({ page }) => inWorkers(page, CLOCK));

/** Waits for the end of the trainer's patience with a GPU that never answers, however slow the machine is: its clock may keep time. */
async function runsOut(trainer, patience) {
  await trainer.evaluate(() => globalThis.setClock(1));
  await patience();
  await trainer.evaluate((speed) => globalThis.setClock(speed), SLOWLY);
}

/** The worker of the trainer, once it runs. */
const trainerOf = async (page) => {
  await expect.poll(() => page.workers().length).toBeGreaterThan(0);
  return page.workers()[0];
};

/** The control that chooses the device, and the status that names the one in use. */
const device = (page) => ({
  choice: page.getByRole("combobox", { name: "Device", exact: true }),
  used: page.getByRole("status", { name: "Device in use", exact: true }),
});

test("WebGPU trains, and the CPU continues with its weights", async ({ page, playground, host }) => {
  const { choice, used } = device(page);
  await playground.open(`${host}/`);
  await playground.draw(7);
  await choice.selectOption("WebGPU");
  await playground.train.click();
  await expect(used).toHaveText(/^WebGPU \(.+\)/);
  const before = await playground.maps();
  const from = await playground.steps();
  await expect.poll(() => playground.steps()).toBeGreaterThan(from + 20);
  await expect.poll(() => playground.maps(), "the maps show the weights of the GPU").not.toBe(before);
  await playground.stop();
  const paused = await playground.steps();
  const stopped = await playground.log.length();
  await playground.log.settle();
  // A report may repeat the step at which it was paused, as when another core gets ready.
  expect((await playground.log.events("Progress", stopped)).filter(({ step }) => step !== paused)).toEqual([]);
  await choice.selectOption("CPU");
  await expect(used).toHaveText(/^CPU/);
  await playground.train.click();
  await expect.poll(() => playground.steps()).toBeGreaterThan(paused + 100);
  expect(await playground.number(playground.loss), "the CPU continues with the weights of the GPU").toBeLessThan(2);
});

test("the page measures both devices and takes the faster one", async ({ page, playground, host }) => {
  const { used } = device(page);
  await playground.open(`${host}/`);
  await playground.train.click();
  await expect(used).toHaveText(/[\d,]+ images\/s\. .*[\d,]+ images\/s\./);
  const [first, second] = (await used.textContent()).match(/[\d,]+(?= images)/g).map((n) => Number(n.replace(/,/g, "")));
  expect(first, "the device in use comes first").toBeGreaterThanOrEqual(second);
});

test("a lost GPU is replaced by the CPU, and by a new GPU later", async ({ page, playground, host }) => {
  const { choice, used } = device(page);
  await playground.open(`${host}/`);
  const trainer = await trainerOf(page);
  await trainer.evaluate(() => {
    const request = GPUAdapter.prototype.requestDevice;
    GPUAdapter.prototype.requestDevice = async function (...options) {
      globalThis.device = await request.apply(this, options);
      return globalThis.device;
    };
  });
  await choice.selectOption("WebGPU");
  await playground.train.click();
  await expect(used).toHaveText(/^WebGPU/);
  /** The step of the last weights that came back from the GPU, which the page shows. */
  const saved = async () => (await playground.log.events("Snapshot")).at(-1).source;
  const begin = await playground.steps();
  await expect.poll(saved).toBeGreaterThan(begin + 10);
  // The note is shown only until the next GPU is ready.
  const notes = await used.evaluateHandle((output) => {
    const notes = [];
    new MutationObserver(() => notes.push(output.textContent)).observe(output, { subtree: true, childList: true, characterData: true });
    return notes;
  });
  const destroyed = await playground.log.length();
  const least = await saved();
  await trainer.evaluate(() => globalThis.device.destroy());
  const note = async () => {
    const shown = await notes.evaluate((notes) => notes.join("\n"));
    return Number(shown.match(/The GPU was lost\. Training goes on from step ([\d,]+) on the CPU/)?.[1].replace(/,/g, ""));
  };
  await expect.poll(note).toBeGreaterThan(0);
  const from = await note();
  expect(from, "no state is lost that the page has shown").toBeGreaterThanOrEqual(least);
  const steps = async () => (await playground.log.events("Progress", destroyed)).map(({ step }) => step);
  await expect.poll(async () => (await steps()).at(-1)).toBeGreaterThan(from + 10);
  const all = await steps();
  const resumed = all.lastIndexOf(from);
  expect(resumed, "training resumes at the step that the note names").toBeGreaterThanOrEqual(0);
  expect(all.slice(resumed)).toEqual(all.slice(resumed).toSorted((a, b) => a - b));
  await expect(used, "a new GPU takes over").toHaveText(/^WebGPU \(.+\)\.$/);
  const again = await playground.steps();
  await expect.poll(() => playground.steps()).toBeGreaterThan(again + 5);
});

test("without a WebGPU adapter the CPU trains, and the page says why", async ({ page, playground, host }) => {
  const { choice, used } = device(page);
  await playground.open(`${host}/`);
  await (await trainerOf(page)).evaluate(() => {
    GPU.prototype.requestAdapter = async () => null;
  });
  await choice.selectOption("WebGPU");
  await playground.train.click();
  await expect(used).toHaveText(/^CPU.* This browser offers no WebGPU adapter\. The CPU trains\./);
  await expect.poll(() => playground.steps()).toBeGreaterThan(50);
});

test("training waits for a GPU that takes over when another core answers", async ({ page, playground, host }) => {
  const { used } = device(page);
  await playground.open(`${host}/`);
  // The slow clock prolongs the measurement of the cores until the GPU is ready: its own measurement then begins on a message
  // of another core.
  await playground.train.click();
  await expect(used).toHaveText(/[\d,]+ images\/s\. .*[\d,]+ images\/s\./);
});

/** Replaces a method in the trainer's worker, until `restored` is called. */
const replaced = async (trainer, owner, name, body) => {
  await trainer.evaluate(([owner, name, body]) => {
    const { prototype } = globalThis[owner];
    const original = prototype[name];
    globalThis.restore = () => (prototype[name] = original);
    prototype[name] = new Function("original", `return ${body}`)(original);
  }, [owner, name, body]);
  return () => trainer.evaluate(() => void globalThis.restore());
};

test.describe("a GPU that fails", () => {
  // Where wgpu panics because of it, the console says so to developers.
  test.use({ forgiving: true });

  test("a GPU that throws, or falls silent, is left for the CPU, and Train asks for it again", async ({ page, playground, host }) => {
    const { choice, used } = device(page);
    await playground.open(`${host}/`);
    const trainer = await trainerOf(page);
    await choice.selectOption("WebGPU");
    const onGpu = async () => {
      await playground.train.click();
      await expect(used).toHaveText(/^WebGPU \(.+\)\.$/);
      const from = await playground.steps();
      await expect.poll(() => playground.steps()).toBeGreaterThan(from + 5);
    };
    const goesOn = async () => {
      const from = await playground.steps();
      await expect.poll(() => playground.steps()).toBeGreaterThan(from + 20);
    };
    const throws = "function () { throw new Error('The driver has failed.'); }";
    for (const [owner, name] of [["GPUQueue", "submit"], ["GPUBuffer", "mapAsync"]]) {
      await test.step(`${owner}.${name} throws`, async () => {
        await onGpu();
        const restored = await replaced(trainer, owner, name, throws);
        await expect(used).toHaveText(/^CPU.* The GPU .*CPU/);
        await goesOn();
        await restored();
        await playground.stop();
      });
    }
    await test.step("mapAsync never answers", async () => {
      await onGpu();
      const restored = await replaced(trainer, "GPUBuffer", "mapAsync", "() => new Promise(() => {})");
      await runsOut(trainer, () =>
        expect(used).toHaveText(/^CPU.* The GPU has not answered in time\. Training goes on from step [\d,]+ on the CPU/));
      await goesOn();
      await playground.stop();
      await restored();
      await onGpu();
      // Pause and the choice of the device need no answer.
      const again = await replaced(trainer, "GPUBuffer", "mapAsync", "() => new Promise(() => {})");
      await runsOut(trainer, () => playground.stop());
      await choice.selectOption("CPU");
      await playground.train.click();
      await expect(used).toHaveText(/^CPU/);
      await goesOn();
      await again();
      await playground.stop();
    });
    await choice.selectOption("WebGPU");
    await test.step("createBuffer throws when the network changes", async () => {
      await onGpu();
      const restored = await replaced(trainer, "GPUDevice", "createBuffer", throws);
      await page.getByRole("combobox", { name: "Preset", exact: true }).selectOption({ index: 3 });
      await expect(used).toHaveText(/^CPU.* (The GPU|This browser's WebGPU) failed\. The CPU trains/);
      await goesOn();
      await restored();
      await playground.stop();
      await onGpu();
      await playground.stop();
    });
  });
});

test("a GPU that does not open is asked for again, and the CPU trains meanwhile", async ({ page, playground, host }) => {
  const { choice, used } = device(page);
  await playground.open(`${host}/`);
  const trainer = await trainerOf(page);
  const request = (body) => replaced(trainer, "GPU", "requestAdapter", body);
  await choice.selectOption("WebGPU");
  const trainsOnCpu = async (note) => {
    await playground.train.click();
    await runsOut(trainer, () => expect(used).toHaveText(note));
    const from = await playground.steps();
    await expect.poll(() => playground.steps()).toBeGreaterThan(from + 20);
    await playground.stop();
  };
  let restored = await request("function () { throw new Error('WebGPU is on a blocklist.'); }");
  await trainsOnCpu(/^CPU.* This browser's WebGPU failed\. The CPU trains\./);
  await restored();
  restored = await request("() => new Promise(() => {})");
  await trainsOnCpu(/^CPU.* The GPU has not answered yet\. The CPU trains meanwhile\./);
  await restored();
  const device_ = await replaced(trainer, "GPUAdapter", "requestDevice", "async () => { throw new Error('Not now.'); }");
  await trainsOnCpu(/^CPU.* The GPU refused to start/);
  await device_();
  // Null once; then it answers, without anybody asking for it.
  await request(`function (...options) {
    setClock(1);
    GPU.prototype.requestAdapter = function () {
      setClock(${SLOWLY});
      globalThis.restore();
      return original.apply(this, options);
    };
    return Promise.resolve(null);
  }`);
  await playground.train.click();
  await expect(used).toHaveText(/^WebGPU \(.+\)\.$/);
});

test("buffers are destroyed with the network that they were for", async ({ page, playground, host }) => {
  const { choice, used } = device(page);
  await playground.open(`${host}/`);
  const trainer = await trainerOf(page);
  await trainer.evaluate(() => {
    const { createBuffer } = GPUDevice.prototype;
    const { destroy } = GPUBuffer.prototype;
    globalThis.live = new Set();
    GPUDevice.prototype.createBuffer = function (options) {
      const buffer = createBuffer.call(this, options);
      globalThis.live.add(buffer);
      return buffer;
    };
    GPUBuffer.prototype.destroy = function () {
      globalThis.live.delete(this);
      return destroy.call(this);
    };
  });
  const bytes = () => trainer.evaluate(() => [...globalThis.live].reduce((sum, { size }) => sum + size, 0));
  await choice.selectOption("WebGPU");
  await playground.train.click();
  const preset = page.getByRole("combobox", { name: "Preset", exact: true });
  const most = [];
  for (const index of [1, 0, 1, 0, 1]) {
    await preset.selectOption({ index });
    const from = await playground.log.length();
    // The CPU trains until the next network is built.
    await expect.poll(async () => (await playground.log.events("Device", from)).length).toBeGreaterThan(0);
    // The page says so a moment later.
    await playground.log.settle();
    await expect(used).toHaveText(/^WebGPU/);
    most.push(await bytes());
  }
  // The images take 55 MB, a network some 10; staging buffers come and go.
  await expect.poll(bytes, `the same network takes as much the third time: ${most}`).toBeLessThan(1.1 * most[0]);
});
