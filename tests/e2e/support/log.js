// One log of what a page does, in its order: messages between the page and its trainer, drawing, and reads of the layout.
// It counts what happens, so it says the same on every machine.

/** Commands and events by the number that postcard gives them: their order in crates/trainer/src/messages.rs. */
const COMMANDS = [
  "Configure", "Train", "Pause", "Step", "Reset", "Undo", "Show", "Watch", "Labels", "Images", "Restore", "RetryDownload",
  "UseDevice", "UseCores", "Compare", "EndComparison", "OpenStorage", "KeepRecord", "KeepView", "Resume", "SetAside",
  "ForgetReplaced", "Painted", "ShowCheckpoint", "ContinueFrom", "Sweep",
];
const EVENTS = [
  "Download", "State", "Progress", "Tested", "Snapshot", "Diverged", "ActiveRun", "Device", "Failed", "Predictions", "Labels", "Images",
  "Kept", "Restored", "Replaced", "NotKept", "Network", "PretrainedTested", "Note", "Checkpoints", "Shown", "Stopped",
  "StepTaken",
];

/** Runs in the page before its scripts. */
function record({ COMMANDS, EVENTS, drawing }) {
  const log = [];
  const note = (entry) => log.push(entry);
  const name = (element) => element.ariaLabel || element.closest?.("[aria-label]")?.ariaLabel || element.className || element.tagName;

  /** Reads postcard: numbers of seven bits a byte, lists with their length first. */
  class Reader {
    constructor(bytes) {
      this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      this.at = 0;
    }
    number() {
      for (let value = 0, scale = 1; ; scale *= 128) {
        const byte = this.view.getUint8(this.at++);
        value += (byte & 127) * scale;
        if (byte < 128) return value;
      }
    }
    float() {
      return this.view.getFloat32((this.at += 4) - 4, true);
    }
    double() {
      return this.view.getFloat64((this.at += 8) - 8, true);
    }
    list(item) {
      return Array.from({ length: this.number() }, item);
    }
    floats() {
      const count = this.number();
      this.at += 4 * count;
      return count;
    }
    layers() {
      return this.list(() => ({ layer: this.number(), values: this.floats() }));
    }
    source() {
      return this.number() === 0 ? "pretrained" : this.number();
    }
  }
  const read = {
    State: (reader) => ({ state: reader.number() }),
    Progress: (reader) => ({
      step: reader.number(), epoch: reader.double(), rate: reader.float(), loss: reader.number() === 0 ? null : reader.float(),
    }),
    Tested: (reader) => ({
      step: reader.number(), epoch: reader.double(), loss: reader.float(), accuracy: reader.float(),
      certainty: reader.number() === 0 ? null : reader.float(),
    }),
    PretrainedTested: (reader) => read.Tested(reader),
    ActiveRun: (reader) => ({ run: reader.number() === 0 ? null : reader.number() }),
    Predictions: (reader) => ({ source: reader.source() }),
    Snapshot: (reader) => ({
      source: reader.source(), probabilities: reader.floats(), activations: reader.layers(),
      changed: reader.list(() => ({ layer: reader.number(), share: reader.float() })), weights: reader.layers(),
    }),
    Watch: (reader) => ({
      activations: reader.list(() => reader.number()), weights: reader.list(() => reader.number()), norms: reader.number() === 1,
      details: reader.list(() => reader.number()), predictions: reader.number() === 1,
    }),
  };
  const message = (kinds, data) => {
    if (!(data instanceof ArrayBuffer)) return null;
    const reader = new Reader(new Uint8Array(data));
    const kind = kinds[reader.number()];
    return { message: kind, bytes: data.byteLength, ...read[kind]?.(reader) };
  };

  /** What the trainer says in a message: several events, or at its start, none. */
  const events = (data) => (Array.isArray(data) ? data.map((buffer) => message(EVENTS, buffer)) : []);

  const { postMessage } = Worker.prototype;
  let trainer;
  let begin;
  /** The page has handled the trainer's first message: what comes to the trainer before that is lost. */
  const begun = new Promise((done) => (begin = done));
  let held = null;
  let asked = 0;
  const answered = [];
  const handlers = [];
  const passed = new WeakSet();
  const hear = (event) => {
    const entries = events(event.data);
    if (entries[0]?.message === "Images" && asked > 0 && entries[0].bytes === 4) {
      // The answer to a question of the test's own.
      event.stopImmediatePropagation();
      asked -= 1;
      answered.shift()();
    } else if (held && !passed.has(event)) {
      event.stopImmediatePropagation();
      held.push(event.data);
    } else {
      entries.forEach((entry) => note({ from: "trainer", ...entry }));
    }
  };
  globalThis.Worker = class extends Worker {
    constructor(...options) {
      super(...options);
      trainer = this;
      this.addEventListener("message", hear);
    }
    postMessage(data, ...options) {
      const entry = message(COMMANDS, data);
      if (entry) note({ from: "page", ...entry });
      else {
        this.addEventListener("message", (event) => {
          begin();
          for (const entry of events(event.data)) [...handlers].forEach((handler) => handler(entry));
        });
      }
      super.postMessage(data, ...options);
    }
  };

  globalThis.pageLog = {
    entries: log,
    /** Calls this after each message that the page has handled. */
    afterEach: (handler) => handlers.push(handler),
    /** The next event of this kind that fulfils a condition, once the page has handled it. */
    next: (kind, fulfils = () => true) =>
      new Promise((done) => {
        const handler = (entry) => {
          if (entry?.message !== kind || !fulfils(entry)) return;
          handlers.splice(handlers.indexOf(handler), 1);
          done(entry);
        };
        handlers.push(handler);
      }),
    /** Keeps the trainer's messages back. */
    hold: () => (held = []),
    /** Lets them go. */
    release: () => {
      const waiting = held ?? [];
      held = null;
      for (const data of waiting) {
        const event = new MessageEvent("message", { data });
        passed.add(event);
        trainer.dispatchEvent(event);
      }
    },
    /** Until the page has handled all that the trainer has said by now: asks it for no images, and takes the answer. */
    settle: async () => {
      await begun;
      await new Promise((done) => {
        asked += 1;
        answered.push(done);
        const nothing = new Uint8Array([COMMANDS.indexOf("Images"), 0, 0]).buffer;
        postMessage.call(trainer, nothing, [nothing]);
      });
    },
  };

  // Only for the tests that want it: axe reads the layout so often that recording it took minutes.
  if (!drawing) return;
  const context = CanvasRenderingContext2D.prototype;
  const watchDraws = (method, collapse) => {
    const draw = context[method];
    context[method] = function (...options) {
      if (!collapse || log.at(-1)?.canvas !== this.canvas) note({ draws: name(this.canvas), canvas: this.canvas });
      return draw.apply(this, options);
    };
  };
  watchDraws("putImageData", false);
  // Many strokes are one drawing.
  ["drawImage", "fill", "stroke", "fillRect", "strokeRect", "clearRect", "fillText"].forEach((method) => watchDraws(method, true));

  const watchReads = (owner, what) => {
    const property = Object.getOwnPropertyDescriptor(owner, what);
    const noting = (read) => function (...options) {
      note({ reads: what, of: this instanceof Element ? name(this) : "window" });
      return read.apply(this, options);
    };
    const reading = property.get ? { get: noting(property.get) } : { value: noting(property.value) };
    Object.defineProperty(owner, what, { ...property, ...reading });
  };
  const box = ["Width", "Height", "Top", "Left"];
  box.forEach((side) => watchReads(Element.prototype, `client${side}`));
  box.forEach((side) => watchReads(Element.prototype, `scroll${side}`));
  box.forEach((side) => watchReads(HTMLElement.prototype, `offset${side}`));
  ["getBoundingClientRect", "getClientRects"].forEach((what) => watchReads(Element.prototype, what));
  ["innerWidth", "innerHeight", "scrollX", "scrollY", "getComputedStyle"].forEach((what) => watchReads(globalThis, what));
}

/** The script that records messages, and drawing with reads of the layout where they are wanted. */
export const recorder = (drawing) => `(${record})(${JSON.stringify({ COMMANDS, EVENTS, drawing })})`;

export class Log {
  constructor(page) {
    this.page = page;
  }

  /** Begins to record; to be called before Playwright opens the page. */
  async start(drawing = false) {
    await this.page.addInitScript(recorder(drawing));
  }

  /** How many entries there are. */
  length() {
    return this.page.evaluate(() => globalThis.pageLog.entries.length);
  }

  /** The entries after the first `from`, all or those that have these properties. */
  since(from = 0, properties = {}) {
    return this.page.evaluate(([from, properties]) => {
      const wanted = (entry) => Object.entries(properties).every(([name, value]) => entry[name] === value);
      return globalThis.pageLog.entries.slice(from).filter(wanted).map(({ canvas, ...entry }) => entry);
    }, [from, properties]);
  }

  /** The names of the commands that the page has sent since, but for the word that it has painted, which follows each snapshot. */
  async commands(from = 0) {
    const sent = (await this.since(from, { from: "page" })).map((entry) => entry.message);
    return sent.filter((message) => message !== "Painted");
  }

  /** The trainer's events since, of one kind or all. */
  events(kind, from = 0) {
    return this.since(from, { from: "trainer", ...(kind && { message: kind }) });
  }

  hold() {
    return this.page.evaluate(() => void globalThis.pageLog.hold());
  }

  release() {
    return this.page.evaluate(() => globalThis.pageLog.release());
  }

  settle() {
    return this.page.evaluate(() => globalThis.pageLog.settle());
  }
}
