// Situations in which the page cannot start, and some in which it can though much is missing.

import { fileURLToPath, pathToFileURL } from "node:url";
import { broken, cutShort, edited, gone, gzipped, page as html, portal, redirect, silent, stalled, status, withHeaders } from "../support/faults.js";
import { expect, reads, says, situations, trains } from "./situations.js";

const INDEX = fileURLToPath(new URL("../../../dist/index.html", import.meta.url));
/** A policy that a careful site sends with every file. */
const POLICY = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data: blob:; worker-src 'self' blob:";
const MODULE = /\.wasm$/;
const GLUE = /\/web-[0-9a-f]+\.js$/;
const STYLES = /\.css$/;

const empty = (response, { type }) => response.writeHead(200, { "content-type": type }).end();

/** Errors that belong to files which do not load. */
const NOT_LOADED = /Failed to load (resource|module script)|SyntaxError|Unexpected (token|end)|Blocked script execution|Invalid or unexpected|MIME type|ERR_|CORS|from origin 'null'/;

/** The page says why it does not start, and offers to try again. */
const startFails = (why) => async ({ page }) => {
  await says(page, why);
  await expect(page.getByRole("button", { name: "Reload" })).toBeVisible();
  await expect(page.getByText("Getting the network ready…")).toBeHidden();
};

/** The page does not start yet, and says after three seconds what it waits for. */
const startWaits = (what) => async ({ page }) => {
  await page.clock.runFor(3000);
  await says(page, new RegExp(`^Still loading ${what}`));
  await expect(page.getByRole("button", { name: "Reload" })).toBeVisible();
};

/** The text that index.html has for a start script that does not run. */
const scriptIsMissing = async ({ page }) => {
  await expect(page.getByText("A part of the page did not load. Reload it.")).toBeVisible();
};

/** Everything works. */
const starts = async ({ playground }) => {
  // Late texts move the pad. Until the page is there, there is no download either.
  await expect(playground.train).toBeVisible();
  await playground.downloaded();
  await reads(playground);
  await trains(playground);
};

/** The page works, but for its training worker. */
const workerFails = (why) => ({ page }) => says(page, why);

const fails = (situation, file, fault, why, more = {}) => ({
  situation, host: { faults: [[file, fault]] }, opens: false, excuses: NOT_LOADED, holds: startFails(why), ...more,
});
const waits = (situation, file, fault, what) =>
  fails(situation, file, fault, "", { before: ({ page }) => page.clock.install(), holds: startWaits(what) });

situations("a file of the page", [
  fails("the module is gone", MODULE, gone, /_bg\.wasm is not on this host \(404\)/),
  fails("the module is a sign-in page", MODULE, portal, /A web page came instead of web-.*\.wasm/),
  fails("the module redirects to another host", MODULE, redirect("https://portal.invalid/"), /wasm could not be loaded: .*sign in/, {
    excuses: /Failed to load resource|CORS|Content Security Policy|ERR_/,
  }),
  fails("the module is empty", MODULE, empty, /wasm arrived damaged/),
  fails("the module is cut short", MODULE, cutShort, /wasm arrived damaged or cut short/),
  fails("the module's connection breaks each time", MODULE, broken, /wasm could not be loaded: the connection broke/),
  fails("the host is overloaded", MODULE, status(503), /answers 503 instead of web-.*\.wasm/),
  waits("the module does not come", MODULE, silent, "web-.*_bg.wasm: nothing of it"),
  waits("the module stops after a kilobyte", MODULE, stalled, "web-.*_bg.wasm: 0.0 MB are here"),
  fails("the glue is gone", GLUE, gone, /web-[0-9a-f]+\.js is not on this host/),
  fails("the glue is a sign-in page", GLUE, portal, /A web page came instead of web-[0-9a-f]+\.js/),
  fails("the glue is cut short", GLUE, cutShort, /web-[0-9a-f]+\.js arrived damaged/),
  waits("the glue does not come", GLUE, silent, "web-[0-9a-f]+\\.js"),
  fails("the glue comes as plain text", GLUE, withHeaders({ "content-type": "text/plain", "x-content-type-options": "nosniff" }),
    /as text\/plain, which browsers do not run/),
  fails("load.js is gone", /load\.js$/, gone, /load\.js is not on this host/),
  fails("load.js is a sign-in page", /load\.js$/, portal, /A web page came instead of load\.js/),
  waits("load.js does not come", /load\.js$/, silent, "load\\.js"),
  fails("start.js is gone", /start\.js$/, gone, "", { holds: scriptIsMissing }),
  fails("start.js is a sign-in page", /start\.js$/, portal, "", { holds: scriptIsMissing }),
  fails("start.js is cut short", /start\.js$/, cutShort, "", { holds: scriptIsMissing }),
  fails("start.js does not come", /start\.js$/, silent, "", { holds: scriptIsMissing }),
  fails("worker.js is gone", /worker\.js$/, gone, "", { opens: true, holds: workerFails(/worker\.js is not on this host/) }),
  fails("worker.js is a sign-in page", /worker\.js$/, portal, "", { opens: true, holds: workerFails(/A web page came instead of worker\.js/) }),
  fails("worker.js is cut short", /worker\.js$/, cutShort, "", { opens: true, holds: workerFails(/worker\.js arrived damaged/) }),
  fails("worker.js is gone, and Train is pressed", /worker\.js$/, gone, "", {
    opens: true,
    then: async ({ page, playground }) => {
      await workerFails(/worker\.js is not on this host/)({ page });
      await page.getByRole("alert").getByRole("button", { name: "Dismiss" }).click();
      await playground.train.click();
    },
    holds: async ({ page, playground }) => {
      await workerFails(/worker\.js is not on this host/)({ page });
      await expect(playground.train, "nothing trains").toBeVisible();
    },
  }),
  {
    situation: "worker.js does not come",
    host: { faults: [[/worker\.js$/, silent]] },
    before: ({ page }) => page.clock.install(),
    then: ({ page }) => page.clock.runFor(3000),
    holds: ({ page }) => says(page, "Still loading worker.js"),
  },
  fails("stylesheets are gone", STYLES, gone, "", {
    opens: true,
    holds: async (all) => {
      await says(all.page, "A stylesheet of the page has not come");
      await starts(all);
    },
  }),
  fails("stylesheets are sign-in pages", STYLES, portal, "", {
    opens: true,
    holds: ({ page }) => says(page, "A stylesheet of the page has not come"),
  }),
  fails("a stylesheet does not come", /page-[0-9a-f]+\.css$/, silent, "", {
    before: ({ page }) => page.clock.install(),
    holds: async (all) => {
      await all.page.clock.runFor(3000);
      await says(all.page, "A stylesheet of the page has not come");
      await starts(all);
    },
  }),
  {
    situation: "a stylesheet fails once",
    host: { faults: [] },
    opens: false,
    excuses: NOT_LOADED,
    before: ({ host }) => {
      let first = true;
      host.faults.push([/page-[0-9a-f]+\.css$/, (response, file, request) => {
        if (!first) return withHeaders({})(response, file, request);
        first = false;
        return gone(response);
      }]);
    },
    holds: async ({ page, playground }) => {
      await expect(playground.train).toBeVisible();
      await expect.poll(() => page.evaluate(() => getComputedStyle(document.body).margin)).toBe("0px");
      await expect(page.getByText("A stylesheet")).toHaveCount(0);
    },
  },
  {
    situation: "the module's connection breaks once",
    host: { faults: [] },
    excuses: NOT_LOADED,
    before: ({ host }) => {
      let first = true;
      host.faults.push([MODULE, (response, file, request) => {
        const answer = first ? broken : withHeaders({});
        first = false;
        return answer(response, file, request);
      }]);
    },
    holds: starts,
  },
  {
    situation: "the network goes while the module comes, and is there again",
    host: { faults: [[MODULE, broken]] },
    opens: false,
    excuses: NOT_LOADED,
    before: ({ page }) => page.addInitScript(() => {
      Object.defineProperty(Navigator.prototype, "onLine", { get: () => false });
    }),
    then: async (all) => {
      await startFails(/There is no network connection, and web-.*\.wasm is not here/)(all);
      all.host.faults.length = 0;
      await all.page.evaluate(() => dispatchEvent(new Event("online")));
    },
    holds: starts,
  },
  {
    situation: "the module is stopped by a fault of its own, after the start",
    excuses: /unreachable/,
    then: async ({ page, playground }) => {
      await playground.downloaded();
      await page.evaluate(() => setTimeout(() => { throw new WebAssembly.RuntimeError("unreachable"); }));
    },
    holds: async ({ page, playground }) => {
      await says(page, "A fault of the page has stopped a part of it");
      await page.getByRole("button", { name: "Reload" }).click();
      await expect(page.getByText("A fault of the page")).toHaveCount(0);
      await trains(playground);
    },
  },
  {
    situation: "the module is stopped by a second fault, after the note about the first was dismissed; then its stack is full",
    excuses: /unreachable|Maximum call stack/,
    then: async ({ page, playground }) => {
      await playground.downloaded();
      const fault = () => page.evaluate(() => setTimeout(() => { throw new WebAssembly.RuntimeError("unreachable"); }));
      const dismiss = () => page.getByRole("alert").filter({ hasText: "A fault of the page" }).getByRole("button", { name: "Dismiss" }).click();
      await fault();
      await dismiss();
      await expect(page.getByText("A fault of the page")).toBeHidden();
      await fault();
      await dismiss();
      await page.evaluate(() => setTimeout(() => {
        const error = new RangeError("Maximum call stack size exceeded");
        error.stack += "\n    at wasm://wasm/web.wasm";
        throw error;
      }));
    },
    holds: ({ page }) => says(page, "A fault of the page has stopped a part of it"),
  },
  fails("index.html is an old copy, and the files of its release are gone", /\/(index\.html)?$/,
    edited((text) => text.replace(/-[0-9a-f]{12,16}(?=[._])/g, "-0123456789abcdef")), /0123456789abcdef.* is not on this host .*old copy of the page/),
]);

const lacks = (situation, script, why) => ({
  situation, opens: false, before: ({ page }) => page.addInitScript(script), holds: startFails(why),
});

situations("a browser", [
  lacks("has no WebAssembly", () => { delete globalThis.WebAssembly; }, /no WebAssembly/),
  lacks("has no SIMD", () => { WebAssembly.validate = () => false; }, /lacks SIMD/),
  lacks("has no modules", () => { delete HTMLScriptElement.prototype.noModule; }, /too old/),
  lacks("has no fetch", () => { delete globalThis.fetch; }, /too old/),
  lacks("cannot compile the module", () => {
    const refuse = () => Promise.reject(new WebAssembly.CompileError("unknown opcode"));
    WebAssembly.compile = refuse;
    WebAssembly.compileStreaming = refuse;
    WebAssembly.instantiate = refuse;
    WebAssembly.instantiateStreaming = refuse;
  }, /too old for it/),
  lacks("has no memory for the module", () => {
    WebAssembly.instantiate = () => Promise.reject(new RangeError("could not allocate memory"));
  }, /The page stopped while it started \(could not allocate memory\)/),
  {
    situation: "has no streaming compilation",
    before: ({ page }) => page.addInitScript(() => {
      delete WebAssembly.compileStreaming;
      delete WebAssembly.instantiateStreaming;
    }),
    holds: starts,
  },
  {
    situation: "keeps no cookies and no storage",
    before: ({ page }) => page.addInitScript(() => {
      for (const name of ["localStorage", "sessionStorage", "indexedDB", "caches"]) {
        const refuse = () => { throw new DOMException("Access is denied for this document.", "SecurityError"); };
        Object.defineProperty(globalThis, name, { get: refuse });
      }
    }),
    holds: starts,
  },
  {
    situation: "opens the page as a file",
    opens: false,
    then: ({ page }) => page.goto(pathToFileURL(INDEX).href),
    excuses: /file:|CORS|ERR_FAILED/,
    holds: startFails(/opened as a file/),
  },
  {
    situation: "runs no scripts",
    opens: false,
    then: async (all) => {
      const context = await all.browser.newContext({ javaScriptEnabled: false });
      all.quiet = await context.newPage();
      await all.quiet.goto(all.host.origin);
    },
    holds: async ({ quiet }) => {
      await expect(quiet.locator("noscript")).toBeVisible();
      await quiet.context().close();
    },
  },
]);

/** The page in a frame, on a page of the same host. */
const framed = (sandbox) => [/^\/course\.html$/, html(`<!doctype html><link rel="icon" href="data:,"><iframe title="Playground" width="1400" height="800" ${sandbox} src="/"></iframe>`)];
const frameOf = (page) => page.frameLocator("iframe");

situations("a host", [
  {
    situation: "sends a strict policy with every file",
    host: { headers: { "content-security-policy": POLICY } },
    holds: starts,
  },
  {
    situation: "sends a policy that forbids WebAssembly",
    host: { headers: { "content-security-policy": "default-src 'self'" } },
    opens: false,
    excuses: /Content Security Policy|Refused to|violates/,
    holds: startFails(/Content-Security-Policy of this site forbids WebAssembly/),
  },
  {
    situation: "sends a policy that forbids scripts",
    host: { headers: { "content-security-policy": "default-src 'self'; script-src 'none'" } },
    opens: false,
    excuses: /Content Security Policy|Refused to|violates/,
    holds: scriptIsMissing,
  },
  {
    situation: "sends a policy that takes the page its origin",
    host: { headers: { "content-security-policy": "sandbox allow-scripts" } },
    opens: false,
    excuses: NOT_LOADED,
    holds: startFails(/keeps the page apart from its own files \(sandbox\)/),
  },
  {
    situation: "sends the module under a wrong type that must not be guessed",
    host: {
      headers: { "x-content-type-options": "nosniff" },
      faults: [[MODULE, withHeaders({ "content-type": "application/octet-stream" })]],
    },
    holds: starts,
  },
  {
    situation: "sends the module as text",
    host: { headers: { "x-content-type-options": "nosniff" }, faults: [[MODULE, withHeaders({ "content-type": "text/html" })]] },
    holds: starts,
  },
  {
    situation: "isolates its pages",
    host: {
      headers: {
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-embedder-policy": "require-corp",
        "cross-origin-resource-policy": "same-origin",
      },
    },
    holds: async (all) => {
      expect(await all.page.evaluate(() => crossOriginIsolated)).toBe(true);
      await starts(all);
    },
  },
  { situation: "compresses all files, and calls gzip files encoded", host: { faults: [[/\.(js|css|wasm|json|bin|safetensors)$/, gzipped]] }, holds: starts },
  { situation: "lets nothing be kept", host: { headers: { "cache-control": "no-store", vary: "*" } }, holds: starts },
  {
    situation: "is a laptop on plain http",
    opens: false,
    then: async ({ page, playground, host }) => {
      await playground.open(host.insecureOrigin ?? host.origin.replace("127.0.0.1", "lenet.test"));
      expect(await page.evaluate(() => isSecureContext)).toBe(false);
    },
    holds: starts,
  },
  {
    situation: "shows the folder without its final slash, and has nothing beside it",
    host: { faults: [[/^\/course\/folder$/, (response) => withHeaders({})(response, { file: INDEX, type: "text/html" })]] },
    link: "/course/folder",
    opens: false,
    excuses: NOT_LOADED,
    holds: scriptIsMissing,
  },
  {
    situation: "shows the folder without its final slash, and its first page for every other address",
    host: { faults: [[/^\/course\//, (response) => withHeaders({})(response, { file: INDEX, type: "text/html" })]] },
    link: "/course/folder",
    opens: false,
    excuses: NOT_LOADED,
    holds: scriptIsMissing,
  },
  {
    situation: "shows the page in a frame of an origin of its own",
    host: { faults: [framed(`sandbox="allow-scripts"`)] },
    link: "/course.html",
    opens: false,
    excuses: NOT_LOADED,
    holds: async ({ page }) => {
      await expect(frameOf(page).getByRole("alert")).toContainText("keeps it apart from its own files");
      await expect(frameOf(page).getByRole("link", { name: "in a tab of its own" })).toBeVisible();
    },
  },
  {
    situation: "shows the page in a frame of an origin of its own, and lets every origin read",
    host: { headers: { "access-control-allow-origin": "*" }, faults: [framed(`sandbox="allow-scripts"`)] },
    link: "/course.html",
    opens: false,
    excuses: /autofocusing|screen-wake-lock/,
    holds: async ({ page }) => {
      const frame = frameOf(page);
      await expect(frame.getByRole("progressbar", { name: "MNIST download" })).toHaveCount(0);
      await frame.getByRole("button", { name: "Step", exact: true }).click();
      await expect(frame.getByRole("status", { name: "Epoch", exact: true })).toHaveAttribute("data-step", "1");
    },
  },
  {
    situation: "shows the page in a frame that keeps its origin",
    host: { faults: [framed(`sandbox="allow-scripts allow-same-origin"`)] },
    link: "/course.html",
    opens: false,
    holds: async ({ page }) => {
      await frameOf(page).getByRole("button", { name: "Step", exact: true }).click();
      await expect(frameOf(page).getByRole("status", { name: "Epoch", exact: true })).toHaveAttribute("data-step", "1");
    },
  },
  {
    situation: "shows the page in a frame without scripts",
    host: { faults: [framed("sandbox")] },
    link: "/course.html",
    opens: false,
    excuses: NOT_LOADED,
    holds: ({ page }) => expect(frameOf(page).locator("noscript")).toBeVisible(),
  },
]);
