// The pad under all kinds of pointers, keys of other keyboards, and undoing.

import { painted, Pointers, pressKey } from "../support/pointers.js";
import { expect, onOnePage, reads, situations } from "./situations.js";

const DOWN = [[0.5, 0.2], [0.5, 0.35], [0.5, 0.5], [0.5, 0.65], [0.5, 0.8]];
const ACROSS = [[0.2, 0.5], [0.35, 0.5], [0.5, 0.5], [0.65, 0.5], [0.8, 0.5]];

/** The pixels of the pad once all is painted. */
async function ink({ page, playground }) {
  await painted(page);
  return playground.ink();
}

/** Empties the pad. */
async function clear({ playground }) {
  if (await playground.clear.isEnabled()) await playground.clear.click();
}

/** What the pad looks like with this stroke alone. */
async function alone(all, points) {
  await clear(all);
  await new Pointers(all.playground.pad).stroke("mouse", 1, points);
  const pixels = await ink(all);
  await clear(all);
  return pixels;
}

/** What is on the pad is this stroke alone. */
async function holdsOnly(all, points) {
  const now = await ink(all);
  expect(now === (await alone(all, points)), "the stroke that was meant, and no other mark").toBe(true);
}

async function isBlank(all) {
  const now = await ink(all);
  await clear(all);
  expect(now === (await ink(all)), "no mark").toBe(true);
}

/** Rows that each begin with an empty pad and pointers that are lifted. */
const rows = [
  {
    situation: "a mouse button is released where nobody sees it, and the mouse comes back hovering",
    then: async (all) => {
      const pointers = new Pointers(all.playground.pad);
      await pointers.stroke("mouse", 1, DOWN, null);
      await pointers.send("pointermove", "mouse", 1, [0.9, 0.9], { buttons: 0 });
      await pointers.send("pointermove", "mouse", 1, [0.1, 0.1], { buttons: 0 });
    },
    holds: (all) => holdsOnly(all, DOWN),
  },
  {
    situation: "of a finger only the loss of its capture is told, and then the mouse draws",
    then: async (all) => {
      const pointers = new Pointers(all.playground.pad);
      await pointers.stroke("touch", 7, DOWN, "lostpointercapture");
      await pointers.send("pointermove", "touch", 7, [0.9, 0.9]);
      await all.playground.undo.click();
      await pointers.stroke("mouse", 1, ACROSS);
    },
    holds: (all) => holdsOnly(all, ACROSS),
  },
  {
    situation: "of a pen nothing more is ever told, and then the mouse draws",
    then: async (all) => {
      const pointers = new Pointers(all.playground.pad);
      await pointers.stroke("pen", 9, DOWN, null);
      await pointers.stroke("mouse", 1, ACROSS);
      await all.playground.undo.click();
    },
    holds: (all) => holdsOnly(all, DOWN),
  },
  {
    situation: "the browser cancels a pen in the middle of its stroke, which stays",
    then: async (all) => {
      const pointers = new Pointers(all.playground.pad);
      await pointers.stroke("pen", 9, DOWN, "pointercancel");
      await pointers.send("pointermove", "pen", 9, [0.9, 0.9]);
    },
    holds: (all) => holdsOnly(all, DOWN),
  },
  {
    situation: "the palm lands first, stays and moves while the pen draws",
    then: async (all) => {
      const pointers = new Pointers(all.playground.pad);
      await pointers.send("pointerdown", "touch", 3, [0.8, 0.9]);
      await pointers.send("pointermove", "touch", 3, [0.82, 0.92]);
      await pointers.send("pointerdown", "pen", 9, DOWN[0]);
      for (const point of DOWN) {
        await pointers.send("pointermove", "pen", 9, point);
        await pointers.send("pointermove", "touch", 3, [point[0] + 0.3, point[1]]);
      }
      await pointers.send("pointerdown", "touch", 4, [0.9, 0.95], { isPrimary: false });
      await pointers.send("pointerup", "touch", 3);
      await pointers.send("pointermove", "pen", 9, DOWN.at(-1));
      await pointers.send("pointerup", "pen", 9, DOWN.at(-1));
      await pointers.send("pointerup", "touch", 4);
    },
    holds: (all) => holdsOnly(all, DOWN),
  },
  {
    situation: "two fingers are meant to zoom, then three",
    then: async (all) => {
      const pointers = new Pointers(all.playground.pad);
      for (const fingers of [[1, 2], [3, 4, 5]]) {
        for (const [at, finger] of fingers.entries()) {
          await pointers.send("pointerdown", "touch", finger, [0.3 + 0.2 * at, 0.5], { isPrimary: at === 0 });
        }
        for (const distance of [0.1, 0.2, 0.3]) {
          for (const [at, finger] of fingers.entries()) {
            await pointers.send("pointermove", "touch", finger, [0.3 + at * 0.2, 0.5 + distance]);
          }
        }
        for (const finger of fingers) await pointers.send("pointerup", "touch", finger);
      }
    },
    holds: async (all) => {
      await isBlank(all);
      await new Pointers(all.playground.pad).stroke("touch", 6, ACROSS);
      await holdsOnly(all, ACROSS);
    },
  },
  {
    situation: "the browser takes a finger to scroll before it has drawn much",
    then: async (all) => {
      await new Pointers(all.playground.pad).stroke("touch", 1, [[0.5, 0.5], [0.5, 0.52]], "pointercancel");
    },
    holds: isBlank,
  },
  {
    situation: "another finger touches the pad beside a long stroke",
    then: async (all) => {
      const pointers = new Pointers(all.playground.pad);
      await pointers.stroke("touch", 1, DOWN.slice(0, 4), null);
      await pointers.send("pointerdown", "touch", 2, [0.9, 0.9], { isPrimary: false });
      await pointers.send("pointermove", "touch", 1, DOWN[4]);
      await pointers.send("pointerup", "touch", 1, DOWN[4]);
      await pointers.send("pointermove", "touch", 2, [0.1, 0.1], { isPrimary: false });
      await pointers.send("pointerup", "touch", 2);
    },
    holds: (all) => holdsOnly(all, DOWN),
  },
  {
    situation: "the right button is pressed in the middle of a stroke, and the left one released before it",
    then: async ({ page, playground }) => {
      const box = await playground.pad.boundingBox();
      const to = ([x, y]) => page.mouse.move(box.x + x * box.width, box.y + y * box.height);
      await to(DOWN[0]);
      await page.mouse.down();
      for (const point of DOWN) await to(point);
      await page.mouse.down({ button: "right" });
      await page.mouse.up();
      await to([0.9, 0.9]);
      await page.mouse.up({ button: "right" });
      await to([0.1, 0.1]);
    },
    holds: (all) => holdsOnly(all, DOWN),
  },
  {
    situation: "the left button is pressed while the right one is held",
    then: async (all) => {
      const pointers = new Pointers(all.playground.pad);
      await pointers.send("pointerdown", "mouse", 1, [0.1, 0.1], { button: 2, buttons: 2 });
      await pointers.send("pointermove", "mouse", 1, [0.1, 0.2], { buttons: 2 });
      await pointers.send("pointermove", "mouse", 1, DOWN[0], { button: 0, buttons: 3 });
      for (const point of DOWN.slice(1)) await pointers.send("pointermove", "mouse", 1, point, { buttons: 3 });
      await pointers.send("pointermove", "mouse", 1, DOWN.at(-1), { button: 0, buttons: 2 });
      await pointers.send("pointermove", "mouse", 1, [0.9, 0.9], { buttons: 2 });
      await pointers.send("pointerup", "mouse", 1, [0.9, 0.9], { button: 2 });
    },
    holds: (all) => holdsOnly(all, DOWN),
  },
  {
    situation: "strokes are taken back and drawn again, by button and by the keys of three layouts, in the middle of a stroke, too",
    then: async (all) => {
      const { page, playground } = all;
      const pointers = new Pointers(playground.pad);
      const redo = page.getByRole("button", { name: "Redo", exact: true });
      await expect(redo).toBeDisabled();
      await pointers.stroke("mouse", 1, DOWN);
      const one = await ink(all);
      await pointers.stroke("mouse", 1, ACROSS);
      const two = await ink(all);
      const control = { ctrlKey: true };
      for (const [undo, again] of [
        [() => page.keyboard.press("Control+z"), () => page.keyboard.press("Control+y")],
        [() => page.keyboard.press("Control+z"), () => page.keyboard.press("Control+Shift+z")],
        [() => playground.undo.click(), () => redo.click()],
        [() => pressKey(page, "я", "KeyZ", control), () => pressKey(page, "н", "KeyY", control)],
        [() => pressKey(page, "z", "KeyW", control), () => pressKey(page, "Z", "KeyW", { ...control, shiftKey: true })],
        [() => pressKey(page, "Z", "KeyZ", { metaKey: true }), () => pressKey(page, "Z", "KeyZ", { metaKey: true, shiftKey: true })],
      ]) {
        await undo();
        expect((await ink(all)) === one).toBe(true);
        await again();
        expect((await ink(all)) === two).toBe(true);
      }
      await clear(all);
      await page.keyboard.press("Control+z");
      expect((await ink(all)) === two, "a cleared pad comes back").toBe(true);
      await playground.undo.click();
      await pointers.stroke("mouse", 1, [[0.1, 0.1], [0.2, 0.1]], null);
      await page.keyboard.press("Control+z");
      await pointers.send("pointermove", "mouse", 1, [0.9, 0.9]);
      await pointers.send("pointerup", "mouse", 1, [0.9, 0.9]);
    },
    holds: (all) => holdsOnly(all, DOWN),
  },
];

onOnePage(
  "pointers of all kinds leave the marks that were meant, and no others",
  {},
  rows.map((row) => ({ ...row, then: async (all) => (await clear(all), row.then(all)) })),
);

situations("the pad", [
  {
    situation: "the browser gives no points between two frames, and hides the pixels of canvases",
    before: ({ page }) => page.addInitScript(() => {
      delete PointerEvent.prototype.getCoalescedEvents;
      delete PointerEvent.prototype.getPredictedEvents;
      const { getImageData } = CanvasRenderingContext2D.prototype;
      CanvasRenderingContext2D.prototype.getImageData = function (...area) {
        const image = getImageData.apply(this, area);
        image.data.fill(255);
        return image;
      };
    }),
    holds: ({ playground }) => reads(playground),
  },
  {
    situation: "a stroke has 20,000 points, while it trains",
    before: ({ page }) => page.addInitScript(() => {
      globalThis.areas = [];
      const { putImageData } = CanvasRenderingContext2D.prototype;
      CanvasRenderingContext2D.prototype.putImageData = function (image, ...place) {
        if (this.canvas.ariaLabel === "Drawing pad") globalThis.areas.push(image.width * image.height);
        return putImageData.call(this, image, ...place);
      };
    }),
    then: async (all) => {
      const { page, playground } = all;
      await playground.train.click();
      await new Pointers(playground.pad).send("pointerdown", "mouse", 1, [0.5, 0.7]);
      await painted(page);
      await page.evaluate(() => { globalThis.areas = []; });
      await playground.pad.evaluate(async (pad) => {
        const { left, top, width, height } = pad.getBoundingClientRect();
        for (let point = 0; point < 20_000; point += 1) {
          // A slow spiral: the points of a frame are near each other.
          const [angle, radius] = [point / 1600, 0.2 + point / 200_000];
          pad.dispatchEvent(new PointerEvent("pointermove", {
            bubbles: true, pointerId: 1, buttons: 1, button: -1,
            clientX: left + (0.5 + radius * Math.sin(angle)) * width, clientY: top + (0.5 + radius * Math.cos(angle)) * height,
          }));
          if (point % 400 === 399) await new Promise((done) => requestAnimationFrame(done));
        }
      });
      await painted(page);
    },
    holds: async ({ page, playground }) => {
      const areas = await page.evaluate(() => globalThis.areas);
      expect(areas.length).toBeGreaterThan(20);
      expect(Math.max(...areas), "only what is new is painted").toBeLessThan(420 * 420 / 10);
      await playground.stop();
      // A network of a few steps need not know a 7: the pretrained one reads again.
      await playground.reset.click();
      await expect.poll(() => playground.steps()).toBe(0);
      await reads(playground);
    },
  },
]);

/** How many commands of a kind the page has sent. */
const sent = async ({ playground }, command, from) => (await playground.log.commands(from)).filter((name) => name === command).length;

onOnePage("keys work on every keyboard, and right after drawing", {}, [
  {
    situation: "Space and the arrow are pressed right after a digit was drawn",
    then: async ({ page, playground }) => {
      await playground.draw(7);
      await page.keyboard.press("Space");
      await expect(playground.pause).toBeVisible();
      await page.keyboard.press("Space");
      await expect(playground.train).toBeVisible();
      await playground.reset.click();
      await playground.draw(1);
      await page.keyboard.press("ArrowRight");
    },
    holds: ({ playground }) => expect.poll(() => playground.steps()).toBe(1),
  },
  {
    situation: "the pad is drawn on by keyboard after a stroke of the mouse, and letters still work there",
    then: async (all) => {
      const { page, playground } = all;
      await clear(all);
      await playground.draw(1);
      const drawn = await ink(all);
      await page.keyboard.press("d");
      await expect(playground.pad).toBeFocused();
      await page.keyboard.press("Space");
      await page.keyboard.press("ArrowRight");
      await page.keyboard.press("ArrowRight");
      await page.keyboard.press("Space");
      expect((await ink(all)) === drawn).toBe(false);
      await page.keyboard.press("Control+z");
      expect((await ink(all)) === drawn).toBe(true);
      expect(await playground.steps(), "no step was taken").toBe(1);
      await page.keyboard.press("?");
    },
    holds: async ({ page }) => {
      await expect(page.getByRole("dialog", { name: "Keys" })).toBeVisible();
      await page.keyboard.press("Escape");
      await expect(page.getByRole("dialog", { name: "Keys" })).toBeHidden();
    },
  },
  ...[
    ["Caps Lock is on", "R", "KeyR", "Reset", 1],
    ["the layout is Russian", "к", "KeyR", "Reset", 1],
    ["the layout is Greek", "ρ", "KeyR", "Reset", 1],
    ["the layout is Hebrew", "ר", "KeyR", "Reset", 1],
    ["a Chinese input method is on", "Process", "KeyR", "Reset", 1],
    ["the layout is Dvorak, where R stands elsewhere", "r", "KeyO", "Reset", 1],
    ["the layout is Dvorak, and another letter stands at the place of R", "p", "KeyR", "Reset", 0],
    ["the space of the layout is one that does not break", "\u00a0", "Space", "Train", 1],
  ].map(([situation, key, code, command, count]) => ({
    situation,
    then: async (all) => {
      const { page, playground } = all;
      if (await playground.pause.isVisible()) await playground.stop();
      await playground.pad.evaluate(() => document.activeElement.blur());
      all.from = await playground.log.length();
      await pressKey(page, key, code);
    },
    holds: async (all) => {
      await all.playground.log.settle();
      expect(await sent(all, command, all.from)).toBe(count);
    },
  })),
]);

onOnePage("the buttons that train", {}, [
  {
    situation: "Step is pressed twenty times at once",
    then: ({ playground }) => playground.step.evaluate((button) => {
      for (let press = 0; press < 20; press += 1) button.click();
    }),
    holds: ({ playground }) => expect.poll(() => playground.steps()).toBe(20),
  },
  {
    situation: "Pause is pressed while the trainer does not answer: the button answers at once",
    then: async ({ playground }) => {
      await playground.train.click();
      await expect.poll(() => playground.steps()).toBeGreaterThan(20);
      await playground.log.hold();
      await playground.pause.click();
    },
    holds: async ({ playground }) => {
      await expect(playground.train).toBeVisible();
      await playground.log.release();
      await playground.log.settle();
      await expect(playground.train).toBeVisible();
      const steps = await playground.steps();
      await playground.log.settle();
      expect(await playground.steps()).toBe(steps);
    },
  },
  {
    situation: "Train and Pause are pressed many times in a row",
    then: ({ playground }) => playground.train.evaluate((button) => {
      for (let press = 0; press < 11; press += 1) button.click();
    }),
    holds: async ({ playground }) => {
      await expect(playground.pause).toBeVisible();
      await playground.log.settle();
      await expect(playground.pause).toBeVisible();
      await playground.stop();
    },
  },
]);
