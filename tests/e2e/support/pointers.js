// Pointers and keys that Playwright's mouse and keyboard have not: fingers, pens, palms, other keyboard layouts. Events are made in
// the page, so a browser that never says that a pointer was lifted is easily had.

/** Pointers on an element; positions are shares of its width and height. */
export class Pointers {
  constructor(element) {
    this.element = element;
  }

  /** Sends one event, such as `send("pointerdown", "pen", 5, [0.5, 0.5])`. */
  async send(type, pointerType, pointerId, [x, y] = [0.5, 0.5], options = {}) {
    await this.element.evaluate((element, { type, pointerType, pointerId, x, y, options }) => {
      const { left, top, width, height } = element.getBoundingClientRect();
      const pressed = type === "pointerdown" || (type === "pointermove" && options.buttons !== 0);
      element.dispatchEvent(new PointerEvent(type, {
        bubbles: true, cancelable: true, composed: true, pointerType, pointerId, isPrimary: true,
        clientX: left + x * width, clientY: top + y * height,
        button: type === "pointermove" ? -1 : 0, buttons: pressed ? 1 : 0, ...options,
      }));
    }, { type, pointerType, pointerId, x, y, options });
  }

  /** Puts a pointer down and moves it; `end` is the event that follows, or none. */
  async stroke(pointerType, pointerId, points, end = "pointerup") {
    const [first, ...rest] = points;
    await this.send("pointerdown", pointerType, pointerId, first);
    for (const point of rest) await this.send("pointermove", pointerType, pointerId, point);
    if (end) await this.send(end, pointerType, pointerId, points.at(-1));
  }
}

/** Presses a key of another keyboard layout where the focus is. */
export async function pressKey(page, key, code, options = {}) {
  await page.evaluate(({ key, code, options }) => {
    const event = new KeyboardEvent("keydown", { key, code, bubbles: true, cancelable: true, ...options });
    (document.activeElement ?? document.body).dispatchEvent(event);
  }, { key, code, options });
}

/** Two frames later, everything that was drawn is painted. */
export const painted = (page) =>
  page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
