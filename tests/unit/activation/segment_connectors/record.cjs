// What Segment's own connectors send for two customers and their events, as `requests.json`.
// Not part of a test run: `npm install --ignore-scripts` beside this file, then `node record.cjs`.

const { writeFileSync } = require("node:fs");

// Before the connectors take it: what they ask for is written down, and goes nowhere.
const crossFetch = require("cross-fetch");
const sent = [];
let answers = {};
const noted = async (request, init) => {
  const asked = new crossFetch.Request(request, init);
  const text = await asked.text();
  const type = asked.headers.get("content-type") ?? "";
  const body = type.includes("urlencoded") ? Object.fromEntries(new URLSearchParams(text)) : JSON.parse(text);
  sent.push({ method: asked.method, url: asked.url, body });
  const path = new URL(asked.url).pathname;
  return new crossFetch.Response(JSON.stringify(answers[path] ?? { message: "success" }), {
    status: 200,
    headers: { "content-type": "application/json" },
  });
};
require.cache[require.resolve("cross-fetch")].exports = Object.assign(noted, crossFetch, { default: noted });

const { Destination } = require("@segment/actions-core");
const AT = "2026-11-20T10:00:00.000Z";
const people = [
  { userId: "u-1", traits: { email: "ann@example.com", first_name: "Ann", orders: 3, regular: true } },
  { userId: "u-2", traits: { email: "bob@example.com", first_name: "Bob", orders: 0, regular: false } },
].map((each) => ({ type: "identify", timestamp: AT, ...each }));
const events = [
  { userId: "u-1", event: "Order Completed", messageId: "m-1", properties: { total: 9.5, sku: "A" } },
  { userId: "u-2", event: "Order Completed", messageId: "m-2", properties: { total: 12, sku: "B" } },
].map((each) => ({ type: "track", timestamp: AT, ...each }));

const path = (name) => ({ "@path": `$.${name}` });
const traits = (...names) => Object.fromEntries(names.map((name) => [name, path(`traits.${name}`)]));

async function record(vendor, action, data, mapping, settings = {}, answered = {}) {
  const definition = require(`@segment/action-destinations/dist/destinations/${vendor}`).default;
  const destination = new Destination(definition);
  answers = answered;
  sent.length = 0;
  const input = { mapping, settings };
  if (definition.actions[action].performBatch) {
    await destination.executeBatch(action, { events: data, ...input });
  } else {
    for (const event of data) await destination.executeAction(action, { event, ...input });
  }
  return sent.map((each) => ({ ...each }));
}

async function main() {
  const customerio = { siteId: "the-site", apiKey: "the-api-key" };
  const braze = { endpoint: "https://rest.iad-01.braze.com", api_key: "the-api-key", app_id: "" };
  const mixpanel = { projectToken: "p1", apiSecret: "s", apiRegion: "US" };
  const found = {
    "/contacts/search": { total_count: 1, data: [{ id: "c-7" }] },
  };
  const contact = {
    email: path("traits.email"),
    properties: { ...traits("first_name"), orders: path("traits.orders") },
  };
  const recorded = {
    "customerio people": await record("customerio", "createUpdatePerson", people, {
      id: path("userId"),
      custom_attributes: traits("email", "first_name", "orders", "regular"),
      timestamp: path("timestamp"),
      convert_timestamp: false,
    }, customerio),
    "customerio erasures": await record("customerio", "suppressPerson", people, {
      person_id: path("userId"),
    }, customerio),
    "customerio events": await record("customerio", "trackEvent", events, {
      id: path("userId"),
      name: path("event"),
      event_id: path("messageId"),
      timestamp: path("timestamp"),
      data: path("properties"),
      convert_timestamp: false,
    }, customerio),
    "braze people": await record("braze", "updateUserProfile", people, {
      external_id: path("userId"),
      email: path("traits.email"),
      first_name: path("traits.first_name"),
      custom_attributes: traits("orders", "regular"),
    }, braze),
    "braze events": await record("braze", "trackEvent", events, {
      external_id: path("userId"),
      name: path("event"),
      time: path("timestamp"),
      properties: path("properties"),
    }, braze),
    "hubspot people": await record("hubspot", "upsertContact", people, contact, {}, {
      "/crm/v3/objects/contacts/batch/read": {
        numErrors: 1,
        errors: [{ status: "error", category: "OBJECT_NOT_FOUND", context: { ids: people.map((each) => each.traits.email) } }],
      },
    }),
    "mixpanel people": await record("mixpanel", "identifyUser", people, {
      user_id: path("userId"),
      traits: traits("orders", "regular"),
    }, mixpanel),
    "mixpanel events": await record("mixpanel", "trackEvent", events, {
      event: path("event"),
      distinct_id: path("userId"),
      time: path("timestamp"),
      insert_id: path("messageId"),
      event_properties: path("properties"),
    }, mixpanel),
    "intercom new people": await record("intercom", "identifyContact", people, {
      role: "user",
      external_id: path("userId"),
      email: path("traits.email"),
      custom_attributes: traits("first_name", "orders", "regular"),
    }),
    "intercom known people": await record("intercom", "identifyContact", people.slice(0, 1), {
      role: "user",
      external_id: path("userId"),
      email: path("traits.email"),
      custom_attributes: traits("first_name", "orders", "regular"),
    }, {}, found),
    "intercom events": await record("intercom", "trackEvent", events, {
      event_name: path("event"),
      user_id: path("userId"),
      created_at: path("timestamp"),
      metadata: path("properties"),
    }),
  };
  const { version } = require("@segment/action-destinations/package.json");
  const text = JSON.stringify({ "@segment/action-destinations": version, ...recorded }, null, 2);
  writeFileSync(`${__dirname}/requests.json`, `${text}\n`);
}

main();
