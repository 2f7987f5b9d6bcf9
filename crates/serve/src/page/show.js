// What the networks say, in words, numbers and bars.

function element(name, className, ...children) {
  const made = document.createElement(name);
  if (className) made.className = className;
  made.append(...children);
  return made;
}

// Never 0 or 100 where it is not quite.
function percent(probability) {
  if (probability > 0 && probability < 0.001) return "< 0.1\u00a0%";
  if (probability < 1 && probability > 0.999) return "> 99.9\u00a0%";
  return `${(100 * probability).toFixed(1)}\u00a0%`;
}

const inWords = (holds) => (holds ? "first ≤ second" : "first > second");

function posterior(which, values) {
  const top = values.indexOf(Math.max(...values));
  const bars = values.map((value, digit) => {
    const fill = element("b");
    fill.style.height = `${100 * value}%`;
    return element("span", digit === top ? "top" : "", element("i", "", fill), String(digit));
  });
  const ten = element("div", "ten", ...bars);
  ten.setAttribute("role", "img");
  const told = values.map((value, digit) => `${digit}: ${percent(value)}`).join(", ");
  ten.setAttribute("aria-label", `The ${which} digit by probability. ${told}`);
  const words = element("p", "", `${which}: `, element("strong", "", String(top)), `, ${percent(values[top])}`);
  return element("div", "digit", words, ten);
}

// One network's line.
class Line {
  #rest = [];
  #verdict = element("div", "verdict");
  #item;

  constructor({ name, recipe, note }) {
    const who = element("div", "who", element("h3", "", name));
    if (recipe) who.append(element("span", "", `recipe ${recipe}`));
    if (note) who.append(element("p", "", note.replaceAll(" %", "\u00a0%")));
    this.#item = element("li", "", who, this.#verdict);
    this.show(null, null);
  }

  get item() {
    return this.#item;
  }

  // `truth` is whether first ≤ second is true, where that is known.
  show(answer, truth) {
    this.#rest.forEach((part) => part.remove());
    this.#rest = [];
    const probability = answer?.probability ?? null;
    const fill = element("span", answer?.holds ? "fill yes" : "fill");
    fill.style.width = `${100 * (probability ?? 0)}%`;
    const bar = element("div", "bar", fill);
    bar.setAttribute("aria-hidden", "true");
    if (probability === null) {
      this.#verdict.replaceChildren(element("p", "chance", "no answer yet"), bar);
      if (answer?.error) this.#add(element("p", "failed", `It could not answer: ${answer.error}`));
      return;
    }
    const says = element("span", `says ${answer.holds ? "yes" : "no"}`, inWords(answer.holds));
    const number = element("strong", "", percent(probability));
    const chance = element("p", "chance", element("span", "", "P(first ≤ second) "), number);
    const line = element("p", "", says);
    if (truth !== null) {
      line.append(element("strong", "mark", answer.holds === truth ? "✓ right" : "✗ wrong"));
    }
    this.#verdict.replaceChildren(line, bar, chance);
    if (answer.digits) {
      this.#add(...["first", "second"].map((which, place) => posterior(which, answer.digits[place])));
    } else this.#add(element("p", "none", "It was not trained to name the digits."));
  }

  #add(...parts) {
    this.#rest.push(...parts);
    this.#item.append(...parts);
  }
}

// What most of them say.
function summary(answers) {
  const given = answers.filter((answer) => answer.holds !== null);
  const yes = given.filter((answer) => answer.holds).length;
  if (given.length === 0) return "No network could answer.";
  const [count, word] = 2 * yes >= given.length ? [yes, inWords(true)] : [given.length - yes, inWords(false)];
  if (given.length === 1) return `The network says ${word}.`;
  const who = count === given.length ? `All ${count}` : `${count} of ${given.length}`;
  return `${who} networks say ${word}.`;
}
