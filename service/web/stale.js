/** The stale write: two clients have read the same version, and only the first may write. */

const add = (by, version) => ({ body: { by }, headers: { "If-Match": version } });

/**
 * Replay it, step by step.
 *
 * @param {Client} client
 * @param {string} id - of a counter that is there
 * @param {(step: object) => void} show - called with each step: `who`, `request`, `condition`, `answer`, `says` and
 *   `tone`, all texts; `versions`, if there are any to compare, as pairs of a name and a version
 * @returns {Promise<number>} what the counter holds in the end
 * @throws {CallFailed} if a call fails that should not
 */
export async function staleWrite(client, id, show) {
  const path = `counters/${id}`;
  const read = async (who, says) => {
    const answer = await client.succeed("GET", path);
    show({ who, request: `GET /${path}`, answer: "200 OK", says: says(answer), tone: "read" });
    return answer.etag;
  };
  const attempt = (who, by, version) => ({
    who,
    request: `POST /occ/${id} {"by": ${by}}`,
    condition: `If-Match: ${version}`,
  });
  const write = async (who, by, version, says) => {
    const answer = await client.increment("occ", id, add(by, version));
    show({ ...attempt(who, by, version), answer: "200 OK", says: says(answer), tone: "written" });
    return answer.body.value;
  };

  const seenByAda = await read("Ada", ({ body, etag }) => `Ada sees ${body.value}, at version ${etag}.`);
  const seenByBen = await read("Ben", ({ body, etag }) => `Ben sees ${body.value}, at version ${etag}: the same.`);

  await write("Ada", 1, seenByAda, ({ body, etag }) => `Ada's 1 is added: ${body.value}, at version ${etag}.`);

  const stale = await client.call("POST", `occ/${id}`, add(10, seenByBen));
  const { required_version: required, current_version: current } = stale.body;
  if (stale.status !== 412 || !required || !current) throw client.failure(stale);
  show({
    ...attempt("Ben", 10, seenByBen),
    answer: "412 Precondition Failed",
    says: stale.body.detail,
    versions: [
      ["required", required],
      ["current", current],
    ],
    tone: "refused",
  });

  const seenAgain = await read("Ben", ({ body, etag }) => `Ben looks again: ${body.value}, at version ${etag}.`);
  return write("Ben", 10, seenAgain, ({ body }) => `Ben's 10 is added to what Ada left: ${body.value}.`);
}
