// Links as they arrive: what mail programs, chats and hands do to them. What is understood is followed, the rest is told in one line.

import { hash } from "../support/playground.js";
import { expect, follow, onOnePage, reads, situations, trains } from "./situations.js";

const WANTED = "#v=1&preset=mlp30&lr=0.02&dropout=on";

const told = (page) => page.getByRole("alert").filter({ hasText: "link was ignored" });

/** The page is as the link wants it. The address says so, a moment later, in the page's own words. */
async function isAt(page, link, complaint) {
  await expect.poll(() => hash(page)).toBe(link);
  if (complaint) await expect(told(page)).toHaveText(complaint);
  else await expect(told(page)).toHaveCount(0);
}

async function dismiss(page) {
  const button = page.getByRole("button", { name: "Dismiss" });
  if (await button.isVisible()) await button.click();
}

/** A row: the link `arrives`, and the page is at the link `means`, with a line about the rest. */
const arrives = (situation, link, means = WANTED, complaint = null) => ({
  situation,
  then: async ({ page }) => {
    await dismiss(page);
    await follow(page, "#v=1&seed=3");
    await expect.poll(() => hash(page)).toBe("#v=1&seed=3");
    await follow(page, link);
  },
  holds: ({ page }) => isAt(page, means, complaint),
});

const ignored = (parts) => `Part of the link was ignored: ${parts}.`;

onOnePage("a link arrives as programs pass it on", { link: "/" }, [
  arrives("as it was sent", WANTED),
  arrives("its & became &amp;", "#v=1&amp;preset=mlp30&amp;lr=0.02&amp;dropout=on"),
  arrives("its & became &#38;", "#v=1&#38;preset=mlp30&#38;lr=0.02&#38;dropout=on"),
  arrives("the full stop of a sentence is at its end", `${WANTED}.`),
  arrives("it stood in brackets", `${WANTED})`),
  arrives("it stood in quotes, before a comma", `${WANTED}",`),
  arrives("it stood in typographic quotes", `${WANTED}”`),
  arrives("it stood in angle brackets, escaped", `${WANTED}&gt;`),
  arrives("it was percent-encoded as a whole", `#${encodeURIComponent(WANTED)}`),
  arrives("it was percent-encoded twice", `#${encodeURIComponent(encodeURIComponent(WANTED.slice(1)))}`),
  arrives("a line break fell into it", "#v=1&pre%0D%0Aset=mlp30&lr=0.%0A02&dropout=on"),
  arrives("spaces fell into it", "#v=1& preset=mlp30 &lr= 0.02&dropout=on "),
  arrives("a zero-width space fell into it", "#v=1&preset=mlp\u200b30&lr=0.02&dropout=on"),
  arrives("it was written in capitals", WANTED.toUpperCase()),
  arrives("it is in quoted-printable", WANTED.replaceAll("=", "=3D")),
  arrives("its version is missing", WANTED.replace("v=1&", "")),
  arrives("it has two hashes", `#${WANTED}`),
  arrives("it was pasted behind another one", `#v=1&lr=0.1${WANTED}`, WANTED, ignored("lr=0.1 (given twice)")),
  arrives("a newsletter marked it", `${WANTED}&utm_source=mail`, WANTED, ignored("utm_source=mail (unknown)")),
  arrives("a word is wrong", "#v=1&preset=mlp30&lr=0.02&dropout=1", "#v=1&preset=mlp30&lr=0.02", ignored("dropout=1 (use on or off)")),
  arrives("a number is wrong", "#v=1&preset=mlp30&lr=0,02&dropout=on", "#v=1&preset=mlp30&dropout=on",
    ignored("lr=0,02 (use a number from 0.0001 to 3)")),
  arrives("it was cut off", "#v=1&preset=mlp30&lr=0.02&dropo", "#v=1&preset=mlp30&lr=0.02", ignored("dropo (unknown)")),
  arrives("a part has no meaning beside the others", `${WANTED}&momentum=0.5`, WANTED,
    ignored("momentum=0.5 (has no effect with these settings)")),
  arrives("its layers do not fit together", "#v=1&layers=c6,m2,d10&batch=16", "#v=1&batch=16", /^Part of the link was ignored: layers=c6,m2,d10 \(.*\)\.$/),
  arrives("it opens a layer that this network does not have", "#v=1&preset=mlp30&open=C3", "#v=1&preset=mlp30",
    ignored("open=C3 (this network has no such layer)")),
  arrives("it opens a layer in small letters", "#v=1&open=c3&map=5", "#v=1&open=C3&map=5"),
  arrives("it names a device", "#v=1&device=cpu", "#v=1&device=cpu"),
  arrives("it names a device that is none", "#v=1&device=tpu&batch=16", "#v=1&batch=16", ignored("device=tpu (use automatic, webgpu or cpu)")),
  arrives("it hides something unknown beside something known", "#v=1&hide=seed,banner", "#v=1&hide=seed", ignored("hide=seed,banner (banner is not known)")),
  arrives("it is from another version", "#v=9&preset=mlp30", "#v=1&preset=mlp30", ignored("v=9 (made by another version of this page)")),
  arrives("it is no link of this page", "#top", "#v=1&seed=3", "The link was ignored: top (unknown)."),
  arrives("it is garbage", "#%ff%zz%", "#v=1&seed=3", /^The link was ignored: .*\.$/),
]);

situations("links", [
  {
    situation: "a bad link comes over settings that somebody made, and the page is loaded again",
    then: async ({ page }) => {
      await page.getByRole("combobox", { name: "Batch size" }).selectOption("16");
      await page.getByRole("switch", { name: "Dropout" }).check();
      await expect.poll(() => hash(page)).toBe("#v=1&batch=16&dropout=on");
      await follow(page, "#preset:mlp30");
      await expect(told(page)).toBeVisible();
      await expect.poll(() => hash(page)).toBe("#v=1&batch=16&dropout=on");
      await page.reload();
    },
    holds: async ({ page }) => {
      await expect(page.getByRole("combobox", { name: "Batch size" })).toHaveValue("16");
      await expect(page.getByRole("switch", { name: "Dropout" })).toBeChecked();
    },
  },
  {
    situation: "the page opens with a link of which a part is wrong",
    link: "/#v=1&amp;batch=16&amp;optimizer=sgd).",
    holds: async ({ page }) => {
      await expect(page.getByRole("combobox", { name: "Batch size" })).toHaveValue("16");
      await expect(told(page)).toHaveText(ignored("optimizer=sgd (unknown)"));
    },
  },
  {
    situation: "mangled links come one after another",
    then: ({ page }) => page.evaluate(mangledLinks, { seed: Number(process.env.LINK_SEED ?? 14), count: Number(process.env.LINKS ?? 200) }),
    holds: async ({ page, playground }) => {
      await dismiss(page);
      await follow(page, "#v=1&seed=5");
      await expect.poll(() => hash(page)).toBe("#v=1&seed=5");
      await reads(playground);
      await trains(playground);
    },
  },
]);

/** In the page: follows `count` links, each mangled by a generator that begins with `seed`. */
async function mangledLinks({ seed, count }) {
  const random = (n) => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % n;
  };
  const pick = (list) => list[random(list.length)];
  const LINKS = [
    "#v=1&preset=mlp30&lr=0.02&dropout=on&batch=16",
    "#v=1&layers=c6p2,b,r,m2,c16,r,a2,f,d84,t,o0.25,d10&optimiser=nesterov&momentum=0.95&open=C3&map=5",
    "#v=1&preset=lenet1998&schedule=one-cycle&schedule-epochs=3&l2=0.001&penalise-biases=on&hide=seed,tricks&theme=dark",
    "#v=1&preset=deep-sigmoid&initialiser=normal&initial-deviation=0.01&open=Output&unfolded=network,layers",
    "#v=1&rotation=15&shift=2&elastic=1&image=8&panel=data&set=training&digit=7&page=3&present=1&keys=0",
    "#v=1&open=filter&filter=0,1,-0.5,0,0,0,0,0.04,0&panel=mistakes&cell=4-9&curves=test&log=1&average=40&device=cpu",
    "#v=1&layers=f,d4,d10&open=Output",
    "#v=1&layers=f,d10&open=Output",
  ];
  const JUNK = ["&amp;", "%", "%25", "%0D%0A", "=", "#", "&", "-", "e9", "NaN", "é", ",", "9999999999", ".", "\u0000", "x", "\u200b", ")", "C3", "on"];
  const MANGLE = [
    (text, at) => text.slice(0, at) + pick(JUNK) + text.slice(at),
    (text, at) => text.slice(0, at) + text.slice(at + 1 + random(6)),
    (text, at) => text.slice(0, at),
    (text, at) => `${text}&${text.slice(at)}`,
    (text, at) => text.slice(0, at) + text.slice(at).toUpperCase(),
    (text) => `#${encodeURIComponent(text)}`,
    (text, at) => `${text.slice(0, at)}&${pick(LINKS).slice(1)}`,
    (text) => text.split("&").toSorted(() => random(3) - 1).join("&"),
  ];
  const address = location.href.split("#")[0];
  for (let i = 0; i < count; i += 1) {
    let link = pick(LINKS);
    for (let turns = random(4); turns >= 0; turns -= 1) link = pick(MANGLE)(link, random(link.length + 1));
    // Browsers let a page change its address some two hundred times in ten seconds: the page hears of each link all the same.
    dispatchEvent(new HashChangeEvent("hashchange", { newURL: address + (link.startsWith("#") ? link : `#${link}`) }));
    if (i % 10 === 9) await new Promise(requestAnimationFrame);
    else await new Promise((done) => setTimeout(done));
  }
}
