// The Chromium that tests and benchmarks drive.

import { existsSync } from "node:fs";
import { chromium } from "@playwright/test";

export { chromium };

const executablePath = process.env.CHROMIUM || "/usr/bin/chromium";
if (!existsSync(executablePath)) {
  throw new Error(`There is no Chromium at ${executablePath}: install it, or set CHROMIUM to its program.`);
}

/** A name of this machine that browsers do not trust as they trust localhost. */
export const INSECURE_NAME = "lenet.test";

/** What Playwright 1.65 switches off: the list below takes its place. */
const OF_PLAYWRIGHT = [
  "AvoidUnnecessaryBeforeUnloadCheckSync", "DestroyProfileOnBrowserClose", "HttpsUpgrades", "HttpsFirstBalancedModeAutoEnable", "LensOverlay",
  "MediaRouter", "PaintHolding", "ThirdPartyStoragePartitioning", "AvoidCorsURLLoaderRestartOnRedirect", "OptimizationHints",
  "NetworkTimeServiceQuerying", "AimEnabled", "PreconnectToSearch",
];
/** The pages in which Chromium draws its own address bar: they took a third of the time of opening ours. */
const OF_BROWSER = ["WebUIOmniboxPopup", "WebUIOmniboxAimPopup"];

const args = [
  `--disable-features=${[...OF_PLAYWRIGHT, ...OF_BROWSER].join(",")}`,
  `--host-resolver-rules=MAP ${INSECURE_NAME} 127.0.0.1`,
  "--no-sandbox",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** Offers WebGPU, in software where the machine has no GPU. */
export const withWebGpu = { executablePath, args: [...args, "--enable-unsafe-webgpu"] };

/** Offers no GPU: the page chooses a device by measuring both, and the choice would depend on the machine. */
export const withoutGpu = { executablePath, args: [...args, "--disable-gpu"] };
