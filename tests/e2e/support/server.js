// A static host as plain as they come: serves dist/ at / and at /lenet-playground/, with no special headers. Tests give it
// the headers and faults of worse hosts. Run alone (`node server.js [port]`), it serves until stopped.

import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { INSECURE_NAME } from "./browser.js";

const DIST = fileURLToPath(new URL("../../../dist", import.meta.url));
/** MNIST as raw IDX files, which benchmarks read from /data/. */
const DATA = process.env.LENET_MNIST;
export const SUBPATH = "/lenet-playground/";
const TYPES = {
  ".css": "text/css",
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".json": "application/json",
  ".svg": "image/svg+xml",
  ".wasm": "application/wasm",
  ".webmanifest": "application/manifest+json",
};

async function find(pathname) {
  let path = decodeURIComponent(pathname);
  if (path.startsWith(SUBPATH)) path = path.slice(SUBPATH.length - 1);
  if (path.endsWith("/")) path += "index.html";
  const data = DATA && path.startsWith("/data/");
  const root = data ? DATA : DIST;
  const file = resolve(join(root, data ? path.slice("/data".length) : path));
  if (!file.startsWith(root + sep)) return null;
  const found = await stat(file).catch(() => null);
  return found?.isFile() ? { file, size: found.size } : null;
}

/**
 * Starts the host. `headers` go with every answer. `faults` are pairs of a pattern of paths and one of the answers of
 * faults.js; the first whose pattern matches answers instead. Both may be changed while the host runs.
 */
export async function serve(port = 0, { headers = {}, faults = [] } = {}) {
  const host = { headers, faults };
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url, "http://host");
    const found = await find(pathname).catch(() => null);
    const type = found && (TYPES[extname(found.file)] ?? "application/octet-stream");
    for (const [name, value] of Object.entries(host.headers)) response.setHeader(name, value);
    const fault = host.faults.find(([pattern]) => pattern.test(pathname));
    if (fault) return fault[1](response, found && { ...found, type }, request);
    if (!found) return response.writeHead(404).end();
    response.writeHead(200, { "content-type": type, "content-length": found.size });
    createReadStream(found.file).pipe(response);
  });
  await new Promise((done, failed) => server.once("error", failed).listen(port, "127.0.0.1", done));
  const address = server.address();
  return Object.assign(host, {
    origin: `http://127.0.0.1:${address.port}`,
    /** The same host by a name that browsers do not trust: plain http that is not localhost. */
    insecureOrigin: `http://${INSECURE_NAME}:${address.port}`,
    stop: () => new Promise((done) => (server.close(done), server.closeAllConnections())),
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  console.log((await serve(Number(process.argv[2] ?? 0))).origin);
}
