// The picture fills the stage: how large the maps are, and that no word lies on another or on a map.

import { expect, test } from "../support/playground.js";

/** The side of a map of a layer on the screen, in pixels: the canvas holds `columns` maps with `gap` values between them. */
const mapSide = (page, layer, columns, values) =>
  page.getByRole("img", { name: new RegExp(`^${layer}\\b`) }).evaluate((canvas, [columns, values]) => {
    const { width } = canvas.getBoundingClientRect();
    return (width * values) / (columns * (values + 1) - 1);
  }, [columns, values]);

for (const [width, height, link, least] of [
  [1440, 900, "", { C1: 110, C3: 60, S4: 60 }],
  [1280, 720, "", { C1: 100 }],
  [1920, 1080, "&present=1", { C1: 180, C3: 60, S4: 60 }],
]) {
  test.describe(() => {
    test.use({ viewport: { width, height } });

    test(`maps are large and the whole network is in sight at ${width}x${height} ${link}`, async ({ page, playground, host }) => {
      await playground.open(`${host}/#v=1${link}`);
      const shapes = { C1: [2, 28], C3: [3, 10], S4: [3, 5] };
      for (const [layer, side] of Object.entries(least)) {
        expect(await mapSide(page, layer, ...shapes[layer]), layer).toBeGreaterThanOrEqual(side - 0.01);
      }
      const picture = await page.getByRole("region", { name: "Network picture" }).boundingBox();
      expect(picture.y + picture.height, "the picture ends above the lower edge").toBeLessThanOrEqual(height);
    });
  });
}

/** Runs in the page: pairs of words that touch, words that lie on maps, and words that leave the panel. */
function collisions() {
  const panel = document.querySelector(".network");
  const boxesOf = (element) => {
    const range = document.createRange();
    range.selectNodeContents(element);
    return [...range.getClientRects()].filter(({ width, height }) => width > 1 && height > 1);
  };
  const isShown = (element) => element.checkVisibility() && !element.closest(".visually-hidden");
  const leaves = (selector) => [...panel.querySelectorAll(selector)].filter((element) => isShown(element) && element.children.length === 0);
  const words = leaves("figcaption :is(b, span), .parameters, .filters :is(b, span), .title :is(h2, span, button), .output > span:first-child")
    .concat([...panel.querySelectorAll(".parameters")].filter((element) => isShown(element) && element.children.length > 0));
  const maps = [...panel.querySelectorAll("canvas")];
  const of = (elements) => elements.flatMap((element) => boxesOf(element).map((box) => ({ box, text: element.textContent.trim() })));
  const [labels, pictures] = [of(words), maps.map((canvas) => ({ box: canvas.getBoundingClientRect(), text: canvas.ariaLabel }))];
  const touch = (a, b) => a.left < b.right - 0.5 && b.left < a.right - 0.5 && a.top < b.bottom - 1.5 && b.top < a.bottom - 1.5;
  const found = [];
  for (const [i, a] of labels.entries()) {
    for (const b of [...labels.slice(i + 1), ...pictures]) if (touch(a.box, b.box)) found.push(`${a.text} | ${b.text}`);
    const edge = panel.getBoundingClientRect();
    if (a.box.left < edge.left || a.box.right > edge.right) found.push(`${a.text} leaves the panel`);
  }
  return found;
}

/** Letters as wide as those of other systems: DejaVu's, which are the widest, and a tenth more and less. */
const FONTS = ["100%", "110%", "88%"];

test("no word touches another or a map, at any width, with any preset", async ({ page, playground, host }) => {
  await playground.open(`${host}/`);
  const presets = await page.getByRole("combobox", { name: "Preset", exact: true }).evaluate((menu) => [...menu.options].map(({ value }) => value));
  await page.evaluate(async (sizes) => {
    const sheet = new CSSStyleSheet();
    const face = (size) => `@font-face { font-family: "Letters of ${size}"; src: local("DejaVu Sans"); size-adjust: ${size}; }`;
    sheet.replaceSync(sizes.map(face).join(" "));
    document.adoptedStyleSheets = [sheet];
    for (const size of sizes) await document.fonts.load(`1em "Letters of ${size}"`);
  }, FONTS);
  /** In the page: gives it these letters, and waits until it is painted with them. */
  const write = (size) => {
    document.body.style.setProperty("font-family", `"Letters of ${size}"`, "important");
    return new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
  };
  // The innermost loop is over letters: a window takes much longer to change than they do.
  for (const preset of presets) {
    for (const large of ["", "&present=1"]) {
      await page.evaluate((link) => { location.hash = link; }, `#v=1&preset=${preset}${large}`);
      for (const width of [320, 390, 600, 768, 1024, 1180, 1280, 1366, 1440, 1680, 1920, 2560]) {
        await page.setViewportSize({ width, height: Math.round(width * 0.5625) + 100 });
        for (const size of FONTS) {
          await page.evaluate(write, size);
          expect(await page.evaluate(collisions), `${preset} at ${width} ${large}, letters of ${size}`).toEqual([]);
        }
      }
    }
  }
});
