import { Client, fetchExchange, subscriptionExchange } from "@urql/core";
import { createClient } from "graphql-ws";
import { changes, show, snapshot, token, url } from "./documents.mjs";

let cursor;
const authorization = `Bearer ${token}`;
const socket = createClient({
  url: url.replace("http", "ws"),
  connectionParams: () => ({ authorization }),
  retryAttempts: Infinity,
  shouldRetry: () => true,
});
const forwardSubscription = ({ query }) => ({
  // `after` is read anew at each retry
  subscribe: (sink) => ({ unsubscribe: socket.subscribe({ query, variables: { get after() { return cursor; } } }, sink) }),
});
const urql = new Client({
  url,
  preferGetMethod: false,
  fetchOptions: () => ({ headers: { authorization } }),
  exchanges: [fetchExchange, subscriptionExchange({ forwardSubscription })],
});
const { data } = await urql.query(snapshot, {});
show(data.stockLevels.nodes);
cursor = data.eventCursor;
urql.subscription(changes, {}).subscribe(({ data }) => {
  show(data.stockLevelChanged);
  cursor = data.stockLevelChanged.cursor;
});
