"use strict";
// The query editor. The credential of its header box goes with HTTP requests as a header, and with subscriptions as the
// payload of connection_init, for a browser cannot send headers with a WebSocket.

const address = location.origin + location.pathname;
const FIRST_QUERY = `# Lading: the whole supply chain as one live graph.
#
# Strangers see what is published. To see more, put
# "Bearer …" into the headers below: it goes with
# queries, mutations and subscriptions alike.

query Catalogue {
  products(first: 5) {
    nodes { sku name available }
    totalCount
  }
}
`;

/** The headers that say something: an empty one is as good as none. */
function told(headers) {
  const entries = Object.entries(headers ?? {}).map(([name, value]) => [name, String(value).trim()]);
  return Object.fromEntries(entries.filter(([, value]) => value !== "" && value !== "Bearer"));
}

/** Whether a request asks to follow rather than to be answered once. */
function follows({ operationName }, { documentAST }) {
  const operations = (documentAST?.definitions ?? []).filter(({ kind }) => kind === "OperationDefinition");
  const chosen = operations.find(({ name }) => !operationName || name?.value === operationName);
  return chosen?.operation === "subscription";
}

async function ask(request, headers) {
  const response = await fetch(address, {
    method: "POST",
    headers: { Accept: "application/graphql-response+json, application/json", "Content-Type": "application/json", ...headers },
    body: JSON.stringify(request),
  });
  return response.json();
}

async function* follow(request, headers) {
  const client = graphqlWs.createClient({ url: address.replace(/^http/, "ws"), connectionParams: headers });
  try {
    yield* client.iterate(request);
  } catch (failure) {
    throw failure instanceof CloseEvent ? new Error(`The stream ended: ${failure.reason || "no reason was told"} (${failure.code})`) : failure;
  } finally {
    client.dispose();
  }
}

function fetcher(request, options = {}) {
  const headers = told(options.headers);
  return follows(request, options) ? follow(request, headers) : ask(request, headers);
}

const { createElement } = React;
ReactDOM.createRoot(document.getElementById("page")).render(
  createElement(
    GraphiQL,
    {
      fetcher,
      defaultQuery: FIRST_QUERY,
      defaultHeaders: '{\n  "Authorization": ""\n}',
      defaultEditorToolsVisibility: "headers",
      shouldPersistHeaders: false,
    },
    createElement(GraphiQL.Logo, null, "Lading"),
  ),
);
