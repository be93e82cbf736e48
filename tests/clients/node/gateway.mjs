// A gateway over the service and a second subgraph, orders, put together by Apollo's composition.
// Arguments: the service's address, a reader key, its space. Prints one answer a line.
import { createServer } from "node:http";
import { composeServices } from "@apollo/composition";
import { getStitchedSchemaFromSupergraphSdl } from "@graphql-tools/federation";
import { buildSchema, graphql, parse } from "graphql";
import { createHandler } from "graphql-http/lib/use/http";

const [url, key, space] = process.argv.slice(2);
const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };

const TYPES = `
type Query { order(number: ID!): Order, orders: OrderConnection!, _service: _Service!, _entities(representations: [_Any!]!): [_Entity]! }
type Order { number: ID!, buyer: Identifier!, customer: Customer }
type Identifier { space: String!, type: String!, value: String!, orders: [Order!]! }
type Customer { id: ID! }
type OrderConnection { edges: [OrderEdge!]!, pageInfo: PageInfo! }
type OrderEdge { cursor: String!, node: Order! }
type PageInfo { hasNextPage: Boolean!, hasPreviousPage: Boolean!, startCursor: String, endCursor: String }
type _Service { sdl: String }
scalar _Any
union _Entity = Identifier
`;
const KEYS = `
extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key", "@shareable"])
extend type Identifier @key(fields: "space type value")
extend type Customer @key(fields: "id", resolvable: false)
`;

const ORDERS = [
  { number: "7", value: "Ann@Example.com" },
  { number: "8", value: "nobody@example.com" },
  { number: "9", value: "ann@example.com", space: "of-somebody-else" },
].map((each) => ({ space, ...each }));

function order({ number, space, value }) {
  return { number, buyer: identifier({ space, type: "email", value }) };
}

function identifier({ space, type, value }) {
  const theirs = ORDERS.filter((each) => each.space === space && each.value.toLowerCase() === value.toLowerCase());
  return { __typename: "Identifier", space, type, value, orders: () => theirs.map(order) };
}

const ordersSchema = buildSchema(TYPES);
const handler = createHandler({
  schema: ordersSchema,
  rootValue: {
    _service: { sdl: TYPES.replace("type PageInfo {", "type PageInfo @shareable {") + KEYS },
    _entities: ({ representations }) => representations.map(identifier),
    order: ({ number }) => order(ORDERS.find((each) => each.number === number)),
  },
});
const server = createServer(handler);
await new Promise((listening) => server.listen(0, "127.0.0.1", listening));

async function subgraph(name, url, headers) {
  const body = JSON.stringify({ query: "{ _service { sdl } }" });
  const answer = await (await fetch(url, { method: "POST", headers, body })).json();
  return { name, url, typeDefs: parse(answer.data._service.sdl) };
}

const composed = composeServices([
  await subgraph("identity", url, headers),
  await subgraph("orders", `http://127.0.0.1:${server.address().port}`, { "content-type": "application/json" }),
]);
if (composed.errors) throw new AggregateError(composed.errors, composed.errors.map(String).join("\n"));

const schema = getStitchedSchemaFromSupergraphSdl({
  supergraphSdl: composed.supergraphSdl,
  httpExecutorOpts: ({ name }) => (name.toLowerCase() === "identity" ? { headers: { authorization: headers.authorization } } : {}),
});
const CUSTOMER = "buyer { customer { identifiers { type value } } }";
for (const source of [
  `{ order(number: 7) { ${CUSTOMER} } }`,
  `{ order(number: 8) { ${CUSTOMER} } }`,
  `{ order(number: 9) { ${CUSTOMER} } }`,
  `{ space(name: "${space}") { customer(identifier: {type: "user_id", value: "ann"}) {
     ... on Customer { identifiers { value orders { number } } } } } }`,
]) {
  console.log(JSON.stringify(await graphql({ schema, source })));
}
server.close();
server.closeAllConnections();
