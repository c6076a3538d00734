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
  const request = (by) => `POST /occ/${id} {"by": ${by}}`;

  const seenByAda = await read("Ada", ({ body, etag }) => `Ada sees ${body.value}, at version ${etag}.`);
  const seenByBen = await read("Ben", ({ body, etag }) => `Ben sees ${body.value}, at version ${etag}: the same.`);

  const written = await client.succeed("POST", `occ/${id}`, add(1, seenByAda));
  show({
    who: "Ada",
    request: request(1),
    condition: `If-Match: ${seenByAda}`,
    answer: "200 OK",
    says: `Ada's 1 is added: ${written.body.value}, at version ${written.etag}.`,
    tone: "written",
  });

  const stale = await client.call("POST", `occ/${id}`, add(10, seenByBen));
  const { required_version: required, current_version: current } = stale.body;
  show({
    who: "Ben",
    request: request(10),
    condition: `If-Match: ${seenByBen}`,
    answer: `${stale.status} ${stale.status === 412 ? "Precondition Failed" : ""}`,
    says: stale.body.detail,
    versions: [
      ["required", required],
      ["current", current],
    ],
    tone: "refused",
  });

  const seenAgain = await read("Ben", ({ body, etag }) => `Ben looks again: ${body.value}, at version ${etag}.`);
  const decided = await client.succeed("POST", `occ/${id}`, add(10, seenAgain));
  show({
    who: "Ben",
    request: request(10),
    condition: `If-Match: ${seenAgain}`,
    answer: "200 OK",
    says: `Ben's 10 is added to what Ada left: ${decided.body.value}.`,
    tone: "written",
  });
  return decided.body.value;
}
