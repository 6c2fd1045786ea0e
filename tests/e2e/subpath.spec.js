// The page in a folder of a host, as GitHub Pages serves projects.

import { expect, SUBPATH, test } from "./support/playground.js";

test("the page works from a sub-path", async ({ page, playground, host }) => {
  const outside = [];
  page.on("request", (request) => {
    const { protocol, pathname } = new URL(request.url());
    if (protocol.startsWith("http") && !pathname.startsWith(SUBPATH)) outside.push(request.url());
  });
  await playground.open(host + SUBPATH);
  await playground.draw(7);
  await expect(playground.prediction).toHaveText(/^\s*7/);
  await playground.step.click();
  await expect.poll(() => playground.steps()).toBe(1);
  expect(outside, "requests outside of the sub-path").toEqual([]);
});
