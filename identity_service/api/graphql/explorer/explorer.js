'use strict';

// Nothing that an agent types outlives the browser tab: keys and customers' identifiers
// stay in sessionStorage.
const storage = window.sessionStorage;
const KEY = 'identity-service:authorization';
const ENDPOINT = window.location.pathname;

const isAuthorization = (name) => name.toLowerCase() === 'authorization';
const isBlank = (authorization) => /^\s*(bearer)?\s*$/i.test(authorization);

/** Every editor tab has headers of its own; a key typed in one serves all that have none. */
function remember(headers) {
  const typed = Object.entries(headers).find(([name]) => isAuthorization(name))?.[1];
  if (typeof typed === 'string' && !isBlank(typed)) storage.setItem(KEY, typed);
}

function rememberTyped(text) {
  try {
    remember(JSON.parse(text));
  } catch {
    return; // Half typed.
  }
  showKey();
}

function withKey(headers) {
  remember(headers);
  const others = Object.entries(headers).filter(([name]) => !isAuthorization(name));
  const authorization = storage.getItem(KEY);
  return Object.fromEntries(authorization ? [...others, ['Authorization', authorization]] : others);
}

function showKey(refused = false) {
  const status = document.getElementById('key');
  const state = !storage.getItem(KEY) ? 'missing' : refused ? 'refused' : 'set';
  status.dataset.state = state;
  status.textContent = {
    missing: 'No key yet',
    refused: 'No such space, or not with this key',
    set: 'Key set for every question',
  }[state];
}

const webSocket = new URL(ENDPOINT, window.location.href);
webSocket.protocol = webSocket.protocol.replace('http', 'ws');

const send = GraphiQL.createFetcher({
  url: ENDPOINT,
  subscriptionUrl: webSocket.href,
  enableIncrementalDelivery: false,
});

async function fetcher(parameters, options) {
  const result = await send(parameters, { ...options, headers: withKey(options?.headers ?? {}) });
  const isUnknown = result?.errors?.some((error) => error.extensions?.code === 'UNAUTHORISED');
  showKey(isUnknown || result?.data?.space === null);
  return result;
}

const headers = JSON.stringify({ Authorization: 'Bearer ' }, null, 2);
const tabs = JSON.parse(document.getElementById('tabs').textContent).map((tab) => ({ ...tab, headers }));

// GraphiQL fills its editors from these three, not from its tabs, and opens one more tab when
// no tab holds the same; it does not keep them in step itself.
const stored = JSON.parse(storage.getItem('graphiql:tabState'));
const active = stored ? stored.tabs[stored.activeTabIndex] : tabs[0];
for (const name of ['query', 'variables', 'headers']) {
  storage.setItem(`graphiql:${name}`, active[name] ?? '');
}

showKey();
ReactDOM.createRoot(document.getElementById('explorer')).render(
  React.createElement(
    GraphiQL,
    {
      fetcher,
      storage,
      shouldPersistHeaders: true,
      showPersistHeadersSettings: false,
      defaultHeaders: headers,
      onEditHeaders: rememberTyped,
      defaultTabs: tabs,
      defaultEditorToolsVisibility: storage.getItem(KEY) ? 'variables' : 'headers',
    },
    React.createElement(GraphiQL.Logo, null, ' '),
  ),
);
