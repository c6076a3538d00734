/** The HTTP client: one call, and what came of it. Nothing is ever sent twice. */

const PATIENCE = 30_000; // milliseconds; the service itself answers within its REQUEST_TIMEOUT, 10 s by default

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

  /** Do the same, and throw a `CallFailed` also for an answer that is no success. */
  async succeed(method, path, options) {
    const answer = await this.call(method, path, options);
    if (answer.status < 200 || answer.status > 299) {
      throw new CallFailed(sentenceOf(answer, this.#headers), answer.status, outcomeOf(answer));
    }
    return answer;
  }
}

function reasonOf(error) {
  return error.name === "TimeoutError"
    ? `The service has not answered within ${PATIENCE / 1000} seconds.`
    : "The service cannot be reached. Does it run, and is there a network?";
}

function sentenceOf({ status, body }, { Authorization: token }) {
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
  // Below 500 a request was refused; above, the service says what became of it, and else nobody knows.
  return body.outcome ?? (status < 500 ? "not-applied" : "unknown");
}

function parsed(text) {
  try {
    return JSON.parse(text) ?? {};
  } catch {
    return {}; // no answer of the service's, but of something before it
  }
}
