// The page: two fields, a line for each network, and what goes between them.

// Milliseconds between two looks for a server that is gone.
const AGAIN = 1000;

const [status, trouble, truth, list, another] = ["status", "trouble", "truth", "answers", "another"].map((id) =>
  document.getElementById(id),
);
const sections = [...document.querySelectorAll(".field")];
const seen = sections.map((section) => section.querySelector(".seen"));
const fields = sections.map((section) => new Field(section, changed));
let lines = [];
let samples = 0;
let lastTaken = Math.floor(Math.random() * 1e6);
let away = false;
// The field that keys are for.
let current = 0;

sections.forEach((section, place) => {
  for (const event of ["focusin", "pointerdown"]) section.addEventListener(event, () => (current = place));
});

const latest = new Latest(answered, failed);

// The index of the sample that both fields show, untouched; null where they do not.
function shownSample() {
  const [first, second] = fields.map((field) => field.state.sample);
  return first === second ? first : null;
}

function question() {
  const sample = shownSample();
  if (sample !== null) return { path: `/samples/${sample}` };
  const body = new Uint8Array(2 * SIDE * SIDE);
  fields.forEach((field, place) => body.set(field.levels(), place * SIDE * SIDE));
  return { path: "/answers", body };
}

function changed(anew) {
  if (away) return;
  if (shownSample() === null) truth.textContent = "";
  const blank = fields.map((field) => field.blank);
  if (!blank.includes(true)) return latest.ask(question, anew);
  latest.drop();
  trouble.hidden = true;
  forget();
  const missing = blank.includes(false) ? (blank[0] ? "the first digit" : "the second digit") : "a digit on each field";
  status.textContent = `Draw ${missing}${samples > 0 ? ", or take a pair of the test split" : ""}.`;
}

// What was answered is no longer about what is drawn.
function forget() {
  status.textContent = "";
  seen.forEach((canvas) => canvas.getContext("2d").clearRect(0, 0, 14, 14));
  lines.forEach((line) => line.show(null, null));
}

function answered({ sample, digits, seen: images, answers }, { start }) {
  // It came late: there is another pair by now.
  if (sample && !start && shownSample() !== sample.index) return;
  trouble.hidden = true;
  if (start) fields.forEach((field, place) => field.put(sample.index, digits[place]));
  images.forEach((levels, place) => greyImage(levels, 14, seen[place]));
  let holds = null;
  truth.textContent = "";
  if (sample) {
    const [first, second] = sample.classes;
    holds = first <= second;
    const word = holds ? "true" : "false";
    truth.textContent =
      `Pair ${sample.index} of the test split: ${first} and ${second}, so first\u00a0≤\u00a0second is ${word}. ` +
      "Draw on it and see what changes.";
  }
  lines.forEach((line, place) => line.show(answers[place], holds));
  status.textContent = summary(answers);
}

function failed(error) {
  if (!(error instanceof Refused) && error.name !== "TimeoutError") return begin();
  trouble.textContent =
    error instanceof Refused ? `The server says: ${error.message}.` : "The server takes too long to answer.";
  trouble.hidden = false;
  forget();
}

function takeSample() {
  if (samples === 0 || away) return;
  // Any but the last.
  const others = Math.floor(Math.random() * Math.max(samples - 1, 1));
  lastTaken = (lastTaken + 1 + others) % samples;
  const index = lastTaken;
  latest.ask(() => ({ path: `/samples/${index}`, start: true }), true);
}

another.addEventListener("click", takeSample);
document.addEventListener("keydown", (event) => {
  const { key, ctrlKey, metaKey, altKey, shiftKey, repeat } = event;
  if (altKey) return;
  if (ctrlKey || metaKey) {
    if (key.toLowerCase() !== "z" || shiftKey) return;
    fields[current].undo();
  } else if (key === "Delete" || key === "Backspace") fields[current].clear();
  else if (key.toLowerCase() === "n" && !repeat) takeSample();
  else if (key === "1" || key === "2") fields[key - 1].ink.focus();
  else return;
  event.preventDefault();
});

// Asks who is there, as often as it takes.
async function begin() {
  if (away) return;
  away = true;
  while (away) {
    try {
      const told = await ask({ path: "/networks" });
      lines = told.networks.map((network) => new Line(network));
      list.replaceChildren(...lines.map((line) => line.item));
      samples = told.samples;
      another.hidden = document.getElementById("another-key").hidden = samples === 0;
      another.disabled = false;
      trouble.hidden = true;
      away = false;
    } catch {
      another.disabled = true;
      status.textContent = "";
      trouble.textContent = "The server does not answer. Start it again: this page goes on when it is back.";
      trouble.hidden = false;
      await new Promise((resolve) => setTimeout(resolve, AGAIN));
    }
  }
  changed(true);
}

begin();
