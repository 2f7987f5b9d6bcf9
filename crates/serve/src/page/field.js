// A field to draw on. Places and widths are in pixels of a drawing, of which there are SIDE across.
const SIDE = 112;
// As wide as MNIST's strokes are to its digits.
const PEN = 9;
const EMPTY = { sample: null, base: null, strokes: [] };

// An image of size×size grey levels, as a canvas.
function greyImage(levels, size, canvas = document.createElement("canvas")) {
  canvas.width = canvas.height = size;
  const context = canvas.getContext("2d");
  const image = context.createImageData(size, size);
  levels.forEach((level, index) => image.data.set([level, level, level, 255], 4 * index));
  context.putImageData(image, 0, 0);
  return canvas;
}

function paint(context, { base, strokes }) {
  const scale = context.canvas.width / SIDE;
  context.setTransform(scale, 0, 0, scale, 0, 0);
  context.fillStyle = "#000000";
  context.fillRect(0, 0, SIDE, SIDE);
  context.imageSmoothingEnabled = false;
  if (base) context.drawImage(base, 0, 0, SIDE, SIDE);
  context.strokeStyle = context.fillStyle = "#ffffff";
  context.lineCap = "round";
  for (const stroke of strokes) {
    let last = stroke[0];
    context.beginPath();
    context.arc(last.x, last.y, last.width / 2, 0, 2 * Math.PI);
    context.fill();
    for (const point of stroke.slice(1)) {
      context.lineWidth = point.width;
      context.beginPath();
      context.moveTo(last.x, last.y);
      context.lineTo(point.x, point.y);
      context.stroke();
      last = point;
    }
  }
}

// A state is never changed: what is drawn makes another, and undoing goes back to one before.
class Field {
  #ink;
  #undo;
  #clear;
  #name;
  #changed;
  #states = [EMPTY];
  #pointer = null;
  #copy = Object.assign(document.createElement("canvas"), { width: SIDE, height: SIDE }).getContext("2d", {
    willReadFrequently: true,
  });

  // `changed` is called after each change; told true where the state is another, not a stroke that goes on.
  constructor(section, changed) {
    this.#ink = section.querySelector(".ink");
    this.#undo = section.querySelector(".undo");
    this.#clear = section.querySelector(".clear");
    this.#name = section.querySelector("h2").textContent;
    this.#changed = changed;
    this.#undo.addEventListener("click", () => this.undo());
    this.#clear.addEventListener("click", () => this.clear());
    this.#ink.addEventListener("pointerdown", (event) => this.#begin(event));
    this.#ink.addEventListener("pointermove", (event) => this.#goOn(event));
    for (const end of ["pointerup", "pointercancel", "lostpointercapture"]) {
      this.#ink.addEventListener(end, (event) => this.#end(event));
    }
    new ResizeObserver(() => this.#resize()).observe(this.#ink);
    this.#show();
  }

  get state() {
    return this.#states.at(-1);
  }

  get blank() {
    return !this.state.base && this.state.strokes.length === 0;
  }

  get ink() {
    return this.#ink;
  }

  // Its grey levels, row by row.
  levels() {
    paint(this.#copy, this.state);
    const { data } = this.#copy.getImageData(0, 0, SIDE, SIDE);
    return Uint8Array.from({ length: SIDE * SIDE }, (_, index) => data[4 * index]);
  }

  put(sample, digit) {
    this.#pointer = null;
    this.#push({ sample, base: greyImage(digit, 28), strokes: [] });
  }

  undo() {
    this.#pointer = null;
    if (this.#states.length > 1) this.#states.pop();
    this.#show();
    this.#changed(true);
  }

  clear() {
    this.#pointer = null;
    if (!this.blank) this.#push(EMPTY);
    this.#changed(true);
  }

  #push(state) {
    this.#states.push(state);
    this.#show();
  }

  #point(event) {
    const { left, top, width, height } = this.#ink.getBoundingClientRect();
    // Others tell no pressure, or only whether there is some.
    const pressed = event.pointerType === "pen" && event.pressure > 0 ? 0.5 + event.pressure : 1;
    return {
      x: ((event.clientX - left) / width) * SIDE,
      y: ((event.clientY - top) / height) * SIDE,
      width: PEN * pressed,
    };
  }

  #begin(event) {
    if (event.button !== 0 || this.#pointer !== null) return;
    this.#pointer = event.pointerId;
    this.#ink.setPointerCapture(event.pointerId);
    const { base, strokes } = this.state;
    this.#push({ sample: null, base, strokes: [...strokes, [this.#point(event)]] });
    this.#changed(false);
  }

  #goOn(event) {
    if (event.pointerId !== this.#pointer) return;
    // Not where the server is reached by HTTP from another machine.
    const events = event.getCoalescedEvents?.() ?? [];
    this.state.strokes.at(-1).push(...(events.length ? events : [event]).map((each) => this.#point(each)));
    this.#show();
    this.#changed(false);
  }

  #end(event) {
    if (event.pointerId === this.#pointer) this.#pointer = null;
  }

  #resize() {
    const size = Math.round(this.#ink.clientWidth * devicePixelRatio);
    if (size > 0 && size !== this.#ink.width) this.#ink.width = this.#ink.height = size;
    this.#show();
  }

  #show() {
    paint(this.#ink.getContext("2d"), this.state);
    this.#undo.disabled = this.#states.length === 1;
    this.#clear.disabled = this.blank;
    const holds = this.blank ? "an empty field" : "a drawing";
    this.#ink.setAttribute("aria-label", `${this.#name}: ${holds} to draw on with mouse, pen or finger`);
  }
}
