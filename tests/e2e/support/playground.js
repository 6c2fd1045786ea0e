// What the tests share: a host for the page, a handle on the page by its accessible names, and a hand that draws.

import { test as base, expect } from "@playwright/test";
import { serve, SUBPATH } from "./server.js";

export { expect, SUBPATH };

const arc = (x, y, rx, ry, from, to) =>
  Array.from({ length: 25 }, (_, i) => {
    const angle = ((from + ((to - from) * i) / 24) * Math.PI) / 180;
    return [x + rx * Math.cos(angle), y + ry * Math.sin(angle)];
  });

/** What the page's address tells of its state. */
export const hash = (page) => new URL(page.url()).hash;

/** Strokes of digits, in parts of the pad. */
export const DIGITS = {
  0: [arc(0.5, 0.5, 0.22, 0.32, -90, 270)],
  1: [[[0.53, 0.18], [0.47, 0.82]]],
  3: [[...arc(0.47, 0.34, 0.19, 0.16, -150, 90), ...arc(0.47, 0.66, 0.21, 0.17, -90, 150)]],
  7: [[[0.25, 0.22], [0.75, 0.22], [0.42, 0.82]]],
};

export class Playground {
  constructor(page) {
    this.page = page;
    this.pad = page.getByRole("application", { name: "Drawing pad" }).or(
      page.getByRole("img", { name: "Drawing pad" }),
    );
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

  /** Draws with the mouse. */
  async draw(digit) {
    await this.pad.scrollIntoViewIfNeeded();
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

  async steps() {
    return Number(await this.epoch.getAttribute("data-step"));
  }

  /** The number an output shows, NaN if there is none yet. */
  async number(output) {
    return Number.parseFloat((await output.textContent()).replaceAll(",", ""));
  }

  /** All pixels of the first feature maps. */
  maps() {
    return this.network.getByRole("img", { name: /^C1\b/ }).evaluate((canvas) => canvas.toDataURL());
  }

  /** The drawing as the pad shows it. */
  ink() {
    return this.pad.evaluate((pad) => pad.toDataURL());
  }
}

export const test = base.extend({
  /** Tests that break something on purpose look at the errors themselves. */
  forgiving: [false, { option: true }],

  host: [
    async ({}, use) => {
      const host = await serve();
      await use(host.origin);
      await host.stop();
    },
    { scope: "worker" },
  ],

  /** The playground, which must leave no error behind: console, exceptions, requests. */
  playground: async ({ page, forgiving }, use) => {
    const problems = [];
    page.on("console", (message) => message.type() === "error" && problems.push(`console: ${message.text()}`));
    page.on("pageerror", (error) => problems.push(`exception: ${error.message}`));
    page.on("requestfailed", (request) => {
      // What was still under way when the test closed or left the page is no failure.
      const { errorText } = request.failure();
      if (errorText !== "net::ERR_ABORTED") problems.push(`request: ${request.url()}: ${errorText}`);
    });
    page.on("response", (response) => {
      if (response.status() >= 400) problems.push(`response: ${response.url()}: ${response.status()}`);
    });
    await use(new Playground(page));
    if (!forgiving) expect(problems).toEqual([]);
  },
});
