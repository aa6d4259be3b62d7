// `graphql-ws` over `ws`, as its documentation teaches, with one subscription over Redis. `bench/node.py` has it installed.
import { EventEmitter, on } from "node:events";
import { createServer } from "node:http";
import { buildSchema } from "graphql";
import { useServer } from "graphql-ws/use/ws";
import { Redis } from "ioredis";
import { WebSocketServer } from "ws";

const [redisUrl, port] = process.argv.slice(2);
const schema = buildSchema(`
  type StockLevel { available: Int! }
  type StockLevelChanged { cursor: String! availableAfter: Int! stockLevel: StockLevel! }
  type Query { ok: Boolean }
  type Subscription { stockLevelChanged(productId: ID, locationId: ID): StockLevelChanged! }
`);
const changes = new EventEmitter().setMaxListeners(0);
schema.getSubscriptionType().getFields().stockLevelChanged.subscribe = async function* (_, { productId, locationId }) {
  const channel = productId ? `stock:${productId}:${locationId}` : "stock";
  for await (const [told] of on(changes, channel)) yield { stockLevelChanged: told };
};

const redis = new Redis(redisUrl);
redis.on("pmessage", (_, channel, message) => {
  const { available, ...told } = JSON.parse(message);
  changes.emit(channel, { ...told, stockLevel: { available } });
});
await redis.psubscribe("stock*");

const server = createServer();
useServer({ schema }, new WebSocketServer({ server, path: "/graphql" }));
server.listen({ port: Number(port), host: "127.0.0.1", backlog: 2048 });
