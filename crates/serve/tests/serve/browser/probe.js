// Looks at the page from inside, as its readers meet it: the lines of text that it leaves are what is wrong.
(() => {
  const problems = [];
  const complain = (text) => problems.push(text);
  const all = (selector) => [...document.querySelectorAll(selector)];
  const named = (element) => `${element.tagName} '${element.textContent.trim().slice(0, 40)}'`;
  const channels = (colour) => colour.match(/[\d.]+/g).map(Number);
  const shown = (element) => element.checkVisibility() && !element.closest(".hidden, .skip");

  let level = 0;
  for (const heading of all("h1, h2, h3, h4")) {
    const next = Number(heading.tagName[1]);
    if (next > level + 1) complain(`${named(heading)} skips a level`);
    level = next;
  }
  if (all("h1").length !== 1) complain("there is not one h1");
  if (!document.documentElement.lang) complain("the language is not said");
  const ids = all("[id]").map((element) => element.id);
  if (new Set(ids).size !== ids.length) complain("an id is there twice");
  for (const attribute of ["aria-labelledby", "href"]) {
    for (const element of all(`body [${attribute}]`)) {
      const target = element.getAttribute(attribute).replace(/^#/, "");
      if (!ids.includes(target)) complain(`${named(element)} points to ${target}`);
    }
  }
  for (const picture of all("canvas, [role=img]")) {
    if ((picture.ariaLabel ?? "").length < 10) complain(`${picture.className} has no words`);
  }
  const names = all("button").map((button) => button.ariaLabel ?? button.textContent);
  if (new Set(names).size !== names.length) complain("two buttons have one name");
  for (const button of all("button").filter(shown)) {
    if (!(button.ariaLabel ?? "").startsWith(button.ariaLabel ? button.textContent : "")) complain(`${named(button)} is called otherwise`);
    const { width, height } = button.getBoundingClientRect();
    if (Math.min(width, height) < 44) complain(`${named(button)} is ${width}×${height}`);
  }

  // Nothing is wider than the window, and no word is cut off.
  const width = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth > width) complain(`the page is wider than ${width}`);
  for (const element of all("body *").filter(shown)) {
    const box = element.getBoundingClientRect();
    if (box.left < -0.5 || box.right > width + 0.5) complain(`${named(element)} sticks out`);
    if (element.scrollWidth > element.clientWidth + 1 && getComputedStyle(element).overflowX !== "visible") {
      complain(`${named(element)} is cut off`);
    }
  }

  // Letters are large enough, and stand out from what is behind them: 4.5 : 1 (WCAG 2.2, 1.4.3).
  const luminance = (colour) => {
    const [red, green, blue] = channels(colour).slice(0, 3).map((value) => {
      const part = value / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const contrast = (a, b) => {
    const [light, dark] = [luminance(a), luminance(b)].sort((x, y) => y - x);
    return (light + 0.05) / (dark + 0.05);
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
  for (const element of all("body *").filter((at) => hasWords(at) && shown(at))) {
    if (element.closest("script, style, noscript")) continue;
    const style = getComputedStyle(element);
    if (parseFloat(style.fontSize) < 12) complain(`${named(element)} is ${style.fontSize} high`);
    const found = contrast(style.color, behind(element));
    if (found < 4.5) complain(`${named(element)} has a contrast of ${found.toFixed(1)}`);
  }
  // Bars and edges: 3 : 1 (WCAG 2.2, 1.4.11).
  for (const bar of all(".fill, .ten b")) {
    const style = getComputedStyle(bar);
    const found = contrast(style.backgroundColor, behind(bar.parentElement));
    if (found < 3) complain(`a bar has a contrast of ${found.toFixed(1)}`);
  }
  for (const edged of all("button:enabled, .ink, .bar")) {
    const found = contrast(getComputedStyle(edged).borderTopColor, behind(edged.parentElement));
    if (found < 3) complain(`an edge of ${edged.className} has a contrast of ${found.toFixed(1)}`);
  }

  return {
    width,
    dark: matchMedia("(prefers-color-scheme: dark)").matches,
    moves: all(".fill, .ten b").some((bar) => getComputedStyle(bar).transitionDuration !== "0s"),
    problems,
  };
})();
