import { existsSync } from "node:fs";
import { defineConfig } from "@playwright/test";

const chromium = process.env.CHROMIUM || "/usr/bin/chromium";
if (!existsSync(chromium)) {
  throw new Error(`There is no Chromium at ${chromium}: install it, or set CHROMIUM to its program.`);
}

export const launchOptions = {
  executablePath: chromium,
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

export default defineConfig({
  testDir: ".",
  outputDir: "results/failures",
  // Training wants the cores for itself, and times are part of what is tested.
  workers: 1,
  retries: 0,
  timeout: 60_000,
  expect: { timeout: 15_000 },
  forbidOnly: Boolean(process.env.CI),
  reporter: [["list"]],
  use: {
    viewport: { width: 1440, height: 900 },
    colorScheme: "light",
    screenshot: "only-on-failure",
    launchOptions,
  },
});
