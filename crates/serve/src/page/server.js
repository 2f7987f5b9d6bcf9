// Questions to the server: one at a time, and of those that came meanwhile only the newest.

// Milliseconds between a change and its question, in which other changes may come.
const PAUSE = 50;
// Milliseconds after which an answer is not waited for.
const PATIENCE = 25_000;

// What the server has refused, in its words.
class Refused extends Error {}

async function ask({ path, body }, signal = null) {
  const limit = AbortSignal.timeout(PATIENCE);
  const options = { cache: "no-store", signal: signal ? AbortSignal.any([signal, limit]) : limit };
  if (body) {
    options.method = "POST";
    options.headers = { "Content-Type": "application/octet-stream" };
    options.body = body;
  }
  const response = await fetch(path, options);
  if (response.ok) return response.json();
  const told = await response.json().catch(() => ({}));
  throw new Refused(told.error ?? `the server answered with status ${response.status}`);
}

class Latest {
  #next = null;
  #asked = null;
  #timer = 0;
  #answered;
  #failed;

  constructor(answered, failed) {
    this.#answered = answered;
    this.#failed = failed;
  }

  // `question` makes what is asked, when its turn has come. The one before is let finish, so that there are
  // answers while one draws; where `anew`, it would be about another pair, and is dropped.
  ask(question, anew) {
    this.#next = question;
    if (anew) this.#asked?.abort();
    if (anew) return void this.#go();
    this.#timer ||= setTimeout(() => {
      this.#timer = 0;
      this.#go();
    }, PAUSE);
  }

  drop() {
    this.#next = null;
    this.#asked?.abort();
  }

  async #go() {
    if (this.#asked || !this.#next) return;
    const question = this.#next();
    this.#next = null;
    const asked = (this.#asked = new AbortController());
    try {
      const answer = await ask(question, asked.signal);
      if (!asked.signal.aborted) this.#answered(answer, question);
    } catch (error) {
      if (!asked.signal.aborted) this.#failed(error);
    }
    this.#asked = null;
    if (this.#next) this.#go();
  }
}
