/** The steps of the stale write, as a list that grows. */

export class Steps {
  #list;

  /** @param {HTMLOListElement} list */
  constructor(list) {
    this.#list = list;
  }

  /** Forget all steps. */
  clear() {
    this.#list.replaceChildren();
  }

  /** Add a step, as `staleWrite` gives it. */
  add({ who, request, condition, answer, says, versions = [], tone }) {
    const step = element("li", `step ${tone}`);
    step.dataset.who = who;
    const sent = element("p", "sent");
    sent.append(element("b", "who", who), element("code", "", request));
    if (condition) sent.append(element("code", "condition", condition));
    const got = element("p", "got");
    got.append(element("b", "answer", answer), " ", ...withVersions(says));
    step.append(sent, got);
    if (versions.length) step.append(comparison(versions));
    this.#list.append(step);
  }
}

/** A sentence, the versions in it as code, so that no line ends within one. */
function withVersions(sentence) {
  return sentence.split(/("\d+-\d+")/).map((part, index) => (index % 2 ? element("code", "version", part) : part));
}

function comparison(versions) {
  const list = element("dl", "versions");
  for (const [name, version] of versions) {
    const pair = element("div", "");
    pair.append(element("dt", "", `${name}_version`), element("dd", "", version));
    list.append(pair);
  }
  return list;
}

function element(name, kind, text = "") {
  const made = document.createElement(name);
  if (kind) made.className = kind;
  made.textContent = text;
  return made;
}
