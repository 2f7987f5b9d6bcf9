// Looks at the page from inside, as its readers meet it, and leaves what is wrong as lines of text.
// `problems` is there already: it has listened for errors since before the page began.
const complain = (text) => problems.push(text);
const all = (selector, within = document) => [...within.querySelectorAll(selector)];
const named = (element) => `${element.tagName} '${element.textContent.trim().slice(0, 40)}'`;

const channels = (colour) => colour.match(/[\d.]+/g).map(Number);

// Headings go down one level at a time, and there is one title.
let level = 0;
for (const heading of all("h1, h2, h3, h4, h5, h6")) {
  const next = Number(heading.tagName[1]);
  if (next > level + 1) complain(`${named(heading)} skips a level`);
  level = next;
}
if (all("h1").length !== 1) complain("there is not one h1");
if (!document.documentElement.lang) complain("the language is not said");

// Every identifier is there once, every link and description leads somewhere.
const ids = all("[id]").map((element) => element.id);
if (new Set(ids).size !== ids.length) complain("an id is there twice");
for (const link of all("a[href]")) {
  const target = link.getAttribute("href");
  if (target.startsWith("https://")) {
    if (link.rel !== "noopener") complain(`${named(link)} may reach back`);
  } else if (!target.startsWith("#")) complain(`${named(link)} leads to ${target}`);
  else if (!ids.includes(target.slice(1))) complain(`${named(link)} leads nowhere`);
}
for (const picture of all("svg")) {
  const words = (picture.getAttribute("aria-labelledby") ?? "").split(" ");
  const text = words.map((id) => document.getElementById(id)?.textContent ?? "");
  if (picture.getAttribute("role") !== "img") complain("a picture is no img");
  if (text.length < 2 || text.some((part) => part.length < 3)) complain("a picture has no words");
}
for (const figure of all("figure")) {
  if (!figure.querySelector("figcaption")?.textContent.includes(". ")) complain("a figure has no caption");
  if (all("svg", figure).length === 0) complain(`${named(figure)} is empty`);
}
for (const table of all("table")) {
  if (!table.caption?.textContent) complain("a table has no caption");
  if (all("thead th[scope=col]", table).length === 0) complain("a table has no titles");
}

// Nothing is wider than the window but what scrolls in a frame of its own, which keys can reach.
const width = document.documentElement.clientWidth;
if (document.documentElement.scrollWidth > width) complain(`the page is wider than ${width}`);
for (const frame of all(".scroll")) {
  if (frame.tabIndex !== 0 || !frame.ariaLabel) complain("keys cannot scroll a table");
}

// Where a table goes on beyond its frame, the frame's edge is shaded, and no cell covers that; what
// the rows are about stays in sight. Nothing else is cut.
for (const element of all("body, body *").filter((at) => at.scrollWidth > at.clientWidth + 1)) {
  const { overflowX, backgroundAttachment, backgroundImage } = getComputedStyle(element);
  if (overflowX === "visible" || element.closest("svg, .hidden")) continue;
  const shades = backgroundImage.split("linear-gradient").length - 1;
  const [covers, edges] = ["local", "scroll"].map((how) => backgroundAttachment.split(how).length - 1);
  const scrolls = element.matches(".scroll") && overflowX === "auto";
  if (!scrolls || shades !== 4 || covers !== 2 || edges !== 2) {
    complain(`${named(element)} is cut without a cue`);
  }
  for (const cell of all("th, td", element)) {
    const style = getComputedStyle(cell);
    const sticks = style.position === "sticky" && cell.cellIndex === 0;
    if (channels(style.backgroundColor)[3] !== 0 && !sticks) complain(`${named(cell)} covers a cue`);
  }
}

// Letters are nine pixels high at least, and stand out from what is behind them: 4.5 : 1 (WCAG 2.2).
const luminance = (colour) => {
  const [red, green, blue] = channels(colour).slice(0, 3).map((value) => {
    const part = value / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
};
const behind = (element) => {
  for (let at = element; at; at = at.parentElement) {
    const colour = getComputedStyle(at).backgroundColor;
    if (channels(colour)[3] !== 0) return colour;
  }
  return "rgb(255, 255, 255)";
};
const hasWords = (element) =>
  [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.data.trim());
for (const element of all("body *, svg text").filter(hasWords)) {
  if (element.closest("script, style, title, desc")) continue;
  const style = getComputedStyle(element);
  // Turned or not.
  const scale = element.tagName === "text" ? Math.hypot(element.getScreenCTM().a, element.getScreenCTM().b) : 1;
  const size = parseFloat(style.fontSize) * scale;
  if (size < 9) complain(`${named(element)} is ${size.toFixed(1)} pixels high`);
  const ink = luminance(element.tagName === "text" ? style.fill : style.color);
  const paper = luminance(behind(element));
  const contrast = (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05);
  if (contrast < 4.5) complain(`${named(element)} has a contrast of ${contrast.toFixed(1)}`);
}

// In a picture no words are cut off, and none lie on others.
for (const picture of all("svg")) {
  const frame = picture.getBoundingClientRect();
  const boxes = all("text", picture).map((text) => [text, text.getBoundingClientRect()]);
  for (const [text, box] of boxes) {
    const outside = Math.max(frame.left - box.left, box.right - frame.right, box.bottom - frame.bottom);
    if (outside > 1) complain(`${named(text)} is cut off in ${picture.id || named(picture)}`);
  }
  boxes.forEach(([text, a], index) => {
    for (const [other, b] of boxes.slice(index + 1)) {
      const across = Math.min(a.right, b.right) - Math.max(a.left, b.left);
      // Boxes are as high as the highest letters may be, so that lines may touch.
      const down = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
      if (across > 1 && down > 0.35 * Math.min(a.height, b.height)) {
        complain(`${named(text)} lies on ${named(other)}`);
      }
    }
  });
}

// A press on a title sorts: numbers as numbers, once more the other way round, with keys as well.
const sortable = all("table.sortable").find((table) => table.tBodies[0].rows.length > 1);
const column = [...sortable.tHead.rows[0].cells].findIndex((cell) => cell.classList.contains("number"));
const title = sortable.tHead.rows[0].cells[column];
const button = title.querySelector("button");
const values = () =>
  [...sortable.tBodies[0].rows].map((row) => parseFloat(row.cells[column].textContent.replace("−", "-")));
for (const [direction, sign] of [["ascending", 1], ["descending", -1]]) {
  button.focus();
  if (document.activeElement !== button) complain("a title cannot have the focus");
  button.click();
  const sorted = values().toSorted((a, b) => sign * (a - b));
  if (values().join() !== sorted.join()) complain(`${direction}: ${values().join()}`);
  if (title.ariaSort !== direction) complain(`aria-sort is ${title.ariaSort}`);
}

// Everything is on the page already.
for (const entry of performance.getEntriesByType("resource")) complain(`asked for ${entry.name}`);

const report = document.createElement("pre");
report.id = "probe";
report.textContent = JSON.stringify({
  width,
  dark: matchMedia("(prefers-color-scheme: dark)").matches,
  tables: all("table").length,
  figures: all("figure").map((figure) => figure.id),
  problems,
});
document.body.append(report);
