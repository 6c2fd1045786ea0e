// The Chromium that tests and benchmarks drive.

import { existsSync } from "node:fs";
import { chromium } from "@playwright/test";

export { chromium };

const executablePath = process.env.CHROMIUM || "/usr/bin/chromium";
if (!existsSync(executablePath)) {
  throw new Error(`There is no Chromium at ${executablePath}: install it, or set CHROMIUM to its program.`);
}

export const launchOptions = {
  executablePath,
  args: [
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--enable-unsafe-webgpu",
  ],
};
