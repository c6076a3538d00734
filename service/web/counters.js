/** The counters that this page has made, so that it can remove them again. */

export class Counters {
  #client;
  #made = new Set();

  /** @param {Client} client - which may create and delete counters */
  constructor(client) {
    this.#client = client;
  }

  /** Create a counter at `value` under an id that begins with `prefix` and nobody uses; return the id. */
  async create(prefix, purpose, value = 0) {
    const id = `${prefix}${randomName()}-${purpose}`;
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
    const { status } = await this.#client.call("DELETE", `counters/${id}`);
    if (status === 204 || status === 404) this.#made.delete(id);
  }

  /** Remove all that are left, and return the ids of those that still are. */
  async removeAll() {
    for (const id of this.#made) {
      await this.remove(id).catch(() => {});
    }
    return [...this.#made];
  }

  /** Remove all that are left while the page ends, as well as a browser then can: nobody hears the answers. */
  abandon() {
    for (const id of this.#made) this.#client.call("DELETE", `counters/${id}`, { outlive: true }).catch(() => {});
  }
}

function randomName() {
  return Array.from(crypto.getRandomValues(new Uint8Array(5)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
