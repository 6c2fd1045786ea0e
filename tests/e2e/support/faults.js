// Answers of broken hosts, for `faults` of server.js: each gets the response, and the file with its size and type, or null.

import { readFile } from "node:fs/promises";
import { gzipSync } from "node:zlib";

/** The host answers with an error. */
export const status = (code) => (response) => response.writeHead(code).end();

/** The file is not there. */
export const gone = (response) => response.writeHead(404, { "content-type": "text/html" }).end("<!doctype html><p>Not found</p>");

/** A page: of a network that wants a password, of a filter, or of a host that answers every address with its first page. */
export const page = (html) => (response) => response.writeHead(200, { "content-type": "text/html" }).end(html);
export const portal = page("<!doctype html><title>Guest network</title><p>Accept the terms to go on.</p>");

/** The first half of the file, as if it were all of it. */
export const cutShort = async (response, { file, type }) => {
  const bytes = await readFile(file);
  response.writeHead(200, { "content-type": type }).end(bytes.subarray(0, bytes.length >> 1));
};

/** The connection ends in the middle of the file. */
export const broken = async (response, { file, type, size }) => {
  const bytes = await readFile(file);
  response.writeHead(200, { "content-type": type, "content-length": size });
  response.write(bytes.subarray(0, size >> 1), () => response.destroy());
};

/** No answer ever comes. */
export const silent = () => {};

/** The first kilobyte comes, and nothing after it. */
export const stalled = async (response, { file, type, size }) => {
  const bytes = await readFile(file);
  response.writeHead(200, { "content-type": type, "content-length": size });
  response.write(bytes.subarray(0, Math.min(1024, size - 1)));
};

/** Another host's page. */
export const redirect = (address) => (response) => response.writeHead(302, { location: address }).end();

/** The file under another type, or with a header more. */
export const withHeaders = (headers) => async (response, { file, type }) => {
  response.writeHead(200, { "content-type": type, ...headers }).end(await readFile(file));
};

/** The file in a content encoding, which the browser takes off again: gzip files as they are, others compressed for the way. */
export const gzipped = async (response, { file, type }) => {
  const bytes = await readFile(file);
  const isGzip = bytes[0] === 0x1f && bytes[1] === 0x8b;
  response.writeHead(200, { "content-type": type, "content-encoding": "gzip" }).end(isGzip ? bytes : gzipSync(bytes));
};

/** The file, changed by a function from text to text. */
export const edited = (edit) => async (response, { file, type }) => {
  response.writeHead(200, { "content-type": type }).end(edit(await readFile(file, "utf8")));
};

/** The file once `release` has been called. */
export function withheld() {
  let release;
  const released = new Promise((done) => (release = done));
  const fault = async (response, { file, type }) => {
    await released;
    response.writeHead(200, { "content-type": type }).end(await readFile(file));
  };
  return { fault, release };
}
