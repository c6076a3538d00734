/** The counters that this page has made, so that it can remove them again. */

export class Counters {
  #client;
  #prefix;
  #made = new Set();

  /**
   * @param {Client} client - which may create and delete counters
   * @param {string} prefix - what their ids begin with
   */
  constructor(client, prefix) {
    this.#client = client;
    this.#prefix = prefix;
  }

  /** Create a counter at `value` under an id that nobody uses; return the id. */
  async create(purpose, value = 0) {
    const id = `${this.#prefix}${randomName()}-${purpose}`;
    // Noted before it is there: if the answer is lost, it is.
    this.#made.add(id);
    const options = { body: { value }, headers: { "If-None-Match": "*" } };
    try {
      await this.#client.succeed("PUT", `counters/${id}`, options);
    } catch (error) {
      if (error.outcome === "not-applied") this.#made.delete(id);
      throw error;
    }
    return id;
  }

  /** Remove a counter, if it is there. */
  async remove(id) {
    if (await this.#client.remove(id)) this.#made.delete(id);
  }

  /** Remove all that are left, and return the ids of those that still may be. */
  async removeAll() {
    for (const id of this.#made) {
      await this.remove(id).catch(() => {});
    }
    return [...this.#made];
  }

  /**
   * Ask for the removal of all that are left while the page ends, and return their ids.
   *
   * Nobody hears the answers, and an increment under way may come after it and make its counter anew.
   */
  abandon() {
    for (const id of this.#made) this.#client.remove(id, { outlive: true }).catch(() => {});
    return [...this.#made];
  }
}

function randomName() {
  return Array.from(crypto.getRandomValues(new Uint8Array(5)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
