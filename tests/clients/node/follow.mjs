// Follows two changes with the client of `graphql-ws` or `graphql-sse`, and cancels.
// Arguments: ws or sse, the address, a key, the space, where to begin, and how often to try again.
// Prints a word a line.
import * as sse from "graphql-sse";
import * as ws from "graphql-ws";

const [by, url, key, space, after, retryAttempts] = process.argv.slice(2);
const authorization = `Bearer ${key}`;
const soon = () => new Promise((passed) => setTimeout(passed, 100));
const again = { retryAttempts: Number(retryAttempts), retry: soon, retryWait: soon };

const query = `subscription($space: String!, $after: String) {
  changes(space: $space, after: $after) { cursor identifiers { value } }
}`;
const request = { query, variables: { space, after } };

const clients = {
  ws: () =>
    ws.createClient({
      ...again,
      url: url.replace("http", "ws"),
      connectionParams: { authorization },
      shouldRetry: () => true,
    }),
  sse: () => sse.createClient({ ...again, url, headers: { authorization } }),
};
const client = clients[by]();
let followed = 0;

try {
  for await (const { data, errors } of client.iterate(request)) {
    if (errors) throw errors[0];
    request.variables.after = data.changes.cursor; // where a connection that is made again goes on
    console.log(data.changes.identifiers[0].value);
    if (++followed === 2) break;
  }
  console.log("cancelled");
} catch (problem) {
  console.log(`refused: ${problem.code ?? problem.response?.status ?? problem}`);
}
await client.dispose();
