import { defineConfig } from "@playwright/test";
import { withoutGpu } from "./support/browser.js";

export default defineConfig({
  testDir: ".",
  // What people look at proves nothing by itself.
  testIgnore: process.env.REVIEW ? [] : "review/**",
  outputDir: "results/failures",
  // Pages wait for much: two at a time keep two cores busy. No test measures time, so none minds the other.
  workers: 2,
  retries: 0,
  // No test measures time. These limits end tests whose outcome never comes; a machine that is busy with other work takes
  // several times as long as an idle one.
  timeout: 600_000,
  expect: { timeout: 120_000 },
  forbidOnly: Boolean(process.env.CI),
  reporter: [["list"]],
  use: {
    viewport: { width: 1440, height: 900 },
    colorScheme: "light",
    screenshot: "only-on-failure",
    launchOptions: withoutGpu,
  },
});
