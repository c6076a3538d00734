/** The HTTP client: one call, and what came of it. Nothing is ever sent twice. */

/** Milliseconds until an answer counts as lost; the service itself answers within its REQUEST_TIMEOUT, 10 s by default. */
export const PATIENCE = 30_000;

const FOREIGN = "What answers does not speak as the service does.";

/** A call that did not end as it should, told in a sentence for the reader; `status` is 0 if there was no answer. */
export class CallFailed extends Error {
  constructor(sentence, status, outcome) {
    super(sentence);
    this.status = status;
    /** Of a write: "not-applied" if it certainly changed nothing, else "unknown". */
    this.outcome = outcome;
  }
}

export class Client {
  #headers;

  /** A client of the service this page came from; without a token one that does not say who it is. */
  constructor(token = "") {
    this.#headers = token ? { Authorization: `Bearer ${token}` } : {};
  }

  /**
   * Send a request and wait for its answer.
   *
   * @param {string} method - such as "POST"
   * @param {string} path - relative to the page: "occ/page-views"
   * @param {{body?: object, headers?: object, outlive?: boolean}} options - `outlive`: send it even if the page ends
   * @returns {Promise<{status: number, etag: string, body: object, took: number}>} the answer, whatever its status;
   *   `took` in milliseconds, until its last byte
   * @throws {CallFailed} if there was none
   */
  async call(method, path, { body, headers = {}, outlive = false } = {}) {
    const began = performance.now();
    const type = body && { "Content-Type": "application/json" };
    const content = body && { body: JSON.stringify(body) };
    let response, text;
    try {
      response = await fetch(path, {
        method,
        ...content,
        headers: { ...this.#headers, ...type, ...headers },
        cache: "no-store",
        credentials: "omit",
        redirect: "error",
        keepalive: outlive,
        signal: AbortSignal.timeout(PATIENCE),
      });
      text = await response.text();
    } catch (error) {
      throw new CallFailed(reasonOf(error), 0, "unknown");
    }
    const took = performance.now() - began;
    return { status: response.status, etag: response.headers.get("ETag") ?? "", body: parsed(text), took };
  }

  /**
   * Do the same, and throw a `CallFailed` also for an answer that is no success.
   *
   * @param {string[]} numbers - what a success tells in whole numbers; else something before the service has answered.
   *   A value may have 64 bits, which are more than a number here holds exactly: the page's own counters are small.
   */
  async succeed(method, path, options, numbers = ["value"]) {
    const answer = await this.call(method, path, options);
    const succeeded = answer.status >= 200 && answer.status <= 299;
    if (!succeeded || !numbers.every((name) => Number.isSafeInteger(answer.body[name]))) throw this.failure(answer);
    return answer;
  }

  /** Increment a counter by 1, or as `options` say; the answer tells `value`, `attempts` and `conflicts`. */
  increment(strategy, id, options) {
    return this.succeed("POST", `${strategy}/${id}`, options, ["value", "attempts", "conflicts"]);
  }

  /** Remove a counter, and return whether it is gone. */
  async remove(id, options) {
    const { status } = await this.call("DELETE", `counters/${id}`, options);
    return status === 204 || status === 404;
  }

  /** What to throw for an answer that is not the one there should be. */
  failure(answer) {
    return new CallFailed(sentenceOf(answer, this.#headers), answer.status, outcomeOf(answer));
  }
}

function reasonOf(error) {
  return error.name === "TimeoutError"
    ? `The service has not answered within ${PATIENCE / 1000} seconds.`
    : "The service cannot be reached. Does it run, and is there a network?";
}

function sentenceOf({ status, body }, { Authorization: token }) {
  if (status < 400) return FOREIGN;
  const detail = body.detail || body.title || `It answered with status ${status}.`;
  switch (status) {
    case 401:
      return token ? `The token is not the service's: ${detail}` : `A token is needed: ${detail}`;
    case 403:
      return `The token does not allow the race: ${detail}`;
    case 503:
      return `The service is there, but cannot count now: ${detail}`;
    default:
      return `The service refused (${status}): ${detail}`;
  }
}

function outcomeOf({ status, body }) {
  // From 400 on a request was refused; from 500 on the service says what became of it, and else nobody knows.
  return body.outcome ?? (status >= 400 && status < 500 ? "not-applied" : "unknown");
}

function parsed(text) {
  try {
    return JSON.parse(text) ?? {};
  } catch {
    return {}; // no answer of the service's, but of something before it
  }
}
