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

const args = [
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
