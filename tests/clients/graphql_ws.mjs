import { createClient } from "graphql-ws";
import { changes, show, snapshot, token, url } from "./documents.mjs";

let cursor;
const client = createClient({
  url: url.replace("http", "ws"),
  connectionParams: () => ({ authorization: `Bearer ${token}` }),
  retryAttempts: Infinity,
  shouldRetry: () => true,
});
for await (const { data } of client.iterate({ query: snapshot })) {
  show(data.stockLevels.nodes);
  cursor = data.eventCursor;
}
const after = { get after() { return cursor; } }; // read anew at each retry
for await (const { data } of client.iterate({ query: changes, variables: after })) {
  show(data.stockLevelChanged);
  cursor = data.stockLevelChanged.cursor;
}
