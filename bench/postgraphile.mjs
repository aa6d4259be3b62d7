// PostGraphile 5 with its recommended presets, and those for aggregates and filters, over one database.
// `bench/node.py` has it installed.
import { createServer } from "node:http";
import { postgraphile } from "postgraphile";
import { grafserv } from "postgraphile/grafserv/node";
import { makePgService } from "postgraphile/adaptors/pg";
import { PostGraphileAmberPreset } from "postgraphile/presets/amber";
import { PgSimplifyInflectionPreset } from "@graphile/simplify-inflection";
import { PgAggregatesPreset } from "@graphile/pg-aggregates";
import { PostGraphileConnectionFilterPreset } from "postgraphile-plugin-connection-filter";

const [connectionString, port, connections] = process.argv.slice(2);
// The plugin counts only distinct values, which sorts every group; its documentation shows how to add what is missing.
const CountRowsPlugin = {
  name: "CountRowsPlugin",
  version: "1.0.0",
  after: ["PgAggregatesSpecsPlugin"],
  schema: {
    hooks: {
      build(build) {
        const { sql, dataplanPg } = build;
        build.pgAggregateSpecs.push({
          id: "rows",
          humanLabel: "rows",
          HumanLabel: "Rows",
          isSuitableType: () => true,
          sqlAggregateWrap: (fragment) => sql`count(${fragment})`,
          pgTypeCodecModifier: () => dataplanPg.TYPES.bigint,
        });
        return build;
      },
    },
  },
};
const preset = {
  extends: [
    PostGraphileAmberPreset,
    PgSimplifyInflectionPreset,
    PgAggregatesPreset,
    PostGraphileConnectionFilterPreset,
  ],
  plugins: [CountRowsPlugin],
  pgServices: [
    makePgService({
      connectionString,
      schemas: ["public"],
      poolConfig: { max: Number(connections), options: "-c jit=off -c TimeZone=UTC" },
    }),
  ],
  grafserv: { graphiql: false, websockets: false },
  grafast: { explain: false },
};
const server = createServer();
await postgraphile(preset).createServ(grafserv).addTo(server);
server.listen(Number(port), "127.0.0.1");
