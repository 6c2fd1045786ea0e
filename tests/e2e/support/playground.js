// What the tests share: a host for the page, the page by its accessible names, and a mouse that draws digits.

import { test as base, expect as playwrightExpect } from "@playwright/test";
import { Log } from "./log.js";
import { serve, SUBPATH } from "./server.js";

export { SUBPATH };

/** `expect.poll` looks often: of itself it waits for up to a second between two looks, in which the page trains on all cores. */
const poll = (look, options) =>
  playwrightExpect.poll(look, { intervals: [50, 100, 200], ...(typeof options === "string" ? { message: options } : options) });
export const expect = new Proxy(playwrightExpect, { get: (target, name) => (name === "poll" ? poll : Reflect.get(target, name)) });

const arc = (x, y, rx, ry, from, to) =>
  Array.from({ length: 25 }, (_, i) => {
    const angle = ((from + ((to - from) * i) / 24) * Math.PI) / 180;
    return [x + rx * Math.cos(angle), y + ry * Math.sin(angle)];
  });

/** The fragment of the page's address, which holds its state. */
export const hash = (page) => new URL(page.url()).hash;

/** The canvas of a chart. */
export const chart = (page, title = "Loss") => page.getByRole("img", { name: new RegExp(`^${title} over epochs`) });

/** Strokes of digits and of other drawings, as shares of the pad's width and height. */
export const DIGITS = {
  0: [arc(0.5, 0.5, 0.22, 0.32, -90, 270)],
  1: [[[0.53, 0.18], [0.47, 0.82]]],
  3: [[...arc(0.47, 0.34, 0.19, 0.16, -150, 90), ...arc(0.47, 0.66, 0.21, 0.17, -90, 150)]],
  7: [[[0.25, 0.22], [0.75, 0.22], [0.42, 0.82]]],
  bar: [[[0.1, 0.5], [0.9, 0.5]]],
  grid: [[[0.35, 0.15], [0.35, 0.85]], [[0.65, 0.15], [0.65, 0.85]], [[0.15, 0.35], [0.85, 0.35]], [[0.15, 0.65], [0.85, 0.65]]],
};

export class Playground {
  constructor(page) {
    this.page = page;
    /** The messages and the drawing of the page, in their order. */
    this.log = new Log(page);
    this.pad = page.getByRole("application", { name: "Drawing pad" });
    for (const name of ["Train", "Pause", "Step", "Reset", "Clear", "Undo", "Retry"]) {
      this[name.toLowerCase()] = page.getByRole("button", { name, exact: true });
    }
    const output = (name) => page.getByRole("status", { name, exact: true });
    this.prediction = output("Prediction");
    this.accuracy = output("Test accuracy");
    this.loss = output("Training loss");
    this.epoch = output("Epoch");
    this.throughput = output("Throughput");
    this.download = page.getByRole("progressbar", { name: "MNIST download" });
    this.network = page.getByRole("region", { name: "Network" });
  }

  async open(address) {
    await this.page.goto(address);
    await expect(this.train).toBeVisible();
  }

  /** Brings the settings on the screen, which are a drawer in large type. */
  async showSettings() {
    const preset = this.page.getByRole("combobox", { name: "Preset", exact: true });
    if (!(await preset.isVisible())) await this.page.getByRole("button", { name: "Settings", exact: true }).click();
    await expect(preset).toBeVisible();
  }

  /** Opens every section that is folded, which only phones have. */
  async unfold() {
    const folded = this.page.getByRole("heading").getByRole("button", { expanded: false });
    while (await folded.count()) await folded.first().click();
  }

  /** Waits until all of MNIST is downloaded. */
  async downloaded() {
    await expect(this.download).toHaveCount(0);
    await this.measured();
  }

  /** Draws a digit with the mouse, once the pad stands still (hover waits for that): a page that still loads moves it. */
  async draw(digit) {
    await this.pad.evaluate((pad) => pad.scrollIntoView({ block: "center", inline: "center" }));
    await this.pad.hover();
    const box = await this.pad.boundingBox();
    const { mouse } = this.page;
    for (const stroke of DIGITS[digit]) {
      const [first, ...rest] = stroke.map(([x, y]) => [box.x + x * box.width, box.y + y * box.height]);
      await mouse.move(...first);
      await mouse.down();
      for (const point of rest) await mouse.move(...point, { steps: rest.length > 5 ? 1 : 8 });
      await mouse.up();
    }
  }

  /** Steps taken, as the page shows them. */
  async steps() {
    return Number(await this.epoch.getAttribute("data-step"));
  }

  /** Takes single steps. Each is a point of the curves, so the curves are the same on every machine. */
  async takeSteps(count) {
    // What was changed just now may put the steps back to 0.
    await this.log.settle();
    await this.step.evaluate(async (button, count) => {
      const { dataset } = document.querySelector("[data-step]");
      const before = Number(dataset.step);
      for (let step = before + 1; step <= before + count; step += 1) {
        const taken = globalThis.pageLog.next("Progress", (progress) => progress.step === step);
        button.click();
        await taken;
      }
    }, count);
    await this.log.settle();
    await this.measured();
  }

  /**
   * Waits until the network that the page shows is measured on the test set: the one where training stopped, or the pretrained one.
   * That begins once the test set is downloaded. Runs of a comparison are measured as they train.
   */
  async measured() {
    const comparison = this.page.getByRole("progressbar", { name: /^Progress of the (comparison|sweep)$/ });
    if (await this.download.or(comparison).or(this.pause).first().isVisible()) return;
    const isMeasured = () => {
      const step = Number(document.querySelector("[data-step]").dataset.step);
      const { entries } = globalThis.pageLog;
      if (step === 0) {
        const shown = entries.findLast(({ message }) => message === "Snapshot");
        return shown?.source !== "pretrained" || entries.some(({ message }) => message === "PretrainedTested");
      }
      // A report of another step or another network comes before the measurement of this one.
      const changed = entries.findLastIndex(({ message, step: at }) => message === "Network" || (message === "Progress" && at !== step));
      return entries.slice(changed + 1).some(({ message, step: at }) => message === "Tested" && at === step);
    };
    await expect.poll(() => this.page.evaluate(isMeasured), "the network is measured").toBe(true);
    await this.log.settle();
  }

  /** Trains until the page shows more than this many epochs, and pauses. */
  async trainFor(epochs) {
    await this.train.click();
    await expect.poll(() => this.number(this.epoch)).toBeGreaterThan(epochs);
    await this.stop();
  }

  /** Pauses, and waits until the page shows the state that training stopped in. */
  async stop() {
    await this.pause.click();
    await expect(this.train).toBeVisible();
    await this.log.settle();
    await this.measured();
  }

  /** The number that an output shows, NaN if it shows none. */
  async number(output) {
    return Number.parseFloat((await output.textContent()).replaceAll(",", ""));
  }

  /** All pixels of the feature maps of C1. */
  maps() {
    return this.network.getByRole("img", { name: /^C1\b/ }).evaluate((canvas) => canvas.toDataURL());
  }

  /** All pixels of the pad. */
  ink() {
    return this.pad.evaluate((pad) => pad.toDataURL());
  }
}

export const test = base.extend({
  /** Tests that provoke errors switch off the check that there are none. */
  forgiving: [false, { option: true }],

  /** Tests of drawing switch on its record. */
  recordsDrawing: [false, { option: true }],

  host: [
    async ({}, use) => {
      const host = await serve();
      await use(host.origin);
      await host.stop();
    },
    { scope: "worker" },
  ],

  /** The playground; fails if the page leaves an error in the console, an exception, or a failed request. */
  playground: async ({ page, forgiving, recordsDrawing }, use) => {
    const problems = [];
    page.on("console", (message) => message.type() === "error" && problems.push(`console: ${message.text()}`));
    page.on("pageerror", (error) => problems.push(`exception: ${error.message}`));
    page.on("requestfailed", (request) => {
      // Requests under way when the test closes or leaves the page are aborted.
      const { errorText } = request.failure();
      if (errorText !== "net::ERR_ABORTED") problems.push(`request: ${request.url()}: ${errorText}`);
    });
    page.on("response", (response) => {
      if (response.status() >= 400) problems.push(`response: ${response.url()}: ${response.status()}`);
    });
    const playground = new Playground(page);
    await playground.log.start(recordsDrawing);
    await use(playground);
    if (!forgiving) expect(problems).toEqual([]);
  },
});
