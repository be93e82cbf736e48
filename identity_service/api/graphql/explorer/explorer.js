'use strict';

// Nothing that an agent types outlives the browser tab: keys and customers' identifiers
// stay in sessionStorage.
const storage = window.sessionStorage;
const KEY = 'identity-service:key';
const CARRIED = 'identity-service:variables';
const ENDPOINT = window.location.pathname;

/** Variables that were typed once and serve every question that has one of the name. */
const NAMES = ['space', 'type', 'value'];

const spaceField = document.getElementById('space');
const keyField = document.getElementById('key');

function carried() {
  return JSON.parse(storage.getItem(CARRIED) ?? '{}');
}

function carry(values) {
  storage.setItem(CARRIED, JSON.stringify({ ...carried(), ...values }));
  spaceField.value = carried().space;
}

/** The variables in a text; none while it is half typed. */
function variablesIn(text) {
  try {
    return JSON.parse(text) ?? {};
  } catch {
    return {};
  }
}

function carryTyped(text) {
  const typed = Object.entries(variablesIn(text));
  carry(Object.fromEntries(typed.filter(([name, value]) => NAMES.includes(name) && value)));
}

/** Put what was typed before into the variables of the question that is shown. */
function fillIn(editor) {
  const given = variablesIn(editor.getValue());
  const known = Object.entries(carried()).filter(([name]) => name in given);
  const filled = JSON.stringify({ ...given, ...Object.fromEntries(known) }, null, 2);
  if (known.length && filled !== editor.getValue()) editor.setValue(filled);
}

const webSocket = new URL(ENDPOINT, window.location.href);
webSocket.protocol = webSocket.protocol.replace('http', 'ws');

const send = GraphiQL.createFetcher({
  url: ENDPOINT,
  subscriptionUrl: webSocket.href,
  enableIncrementalDelivery: false,
});

function authorized() {
  const key = storage.getItem(KEY);
  return key ? { Authorization: `Bearer ${key}` } : {};
}

function isUnknown(result) {
  return result?.errors?.some((error) => error.extensions?.code === 'UNAUTHORISED');
}

async function fetcher(parameters, options) {
  const variables = { space: carried().space, ...parameters.variables };
  // The schema is open to all, and so it is there before the key is right.
  const forSchema = parameters.operationName === 'IntrospectionQuery';
  const headers = { ...options?.headers, ...(forSchema ? {} : authorized()) };
  const result = await send({ ...parameters, variables }, { ...options, headers });
  if (!forSchema) showState(isUnknown(result) || result?.data?.space === null);
  return result;
}

function showState(refused = false) {
  const status = document.getElementById('state');
  const state = !storage.getItem(KEY) ? 'missing' : refused ? 'refused' : 'set';
  status.dataset.state = state;
  status.textContent = {
    missing: 'No key yet',
    refused: 'No such space, or not with this key',
    set: 'Space and key set for every question',
  }[state];
}

/** A key that opens one space says which. */
async function useKey() {
  storage.setItem(KEY, keyField.value.trim().replace(/^bearer\s+/i, ''));
  showState();
  if (!storage.getItem(KEY)) return;
  const query = 'query SpacesOfThisKey { spaces { name } }';
  const headers = { 'Content-Type': 'application/json', ...authorized() };
  const response = await fetch(ENDPOINT, { method: 'POST', headers, body: JSON.stringify({ query }) });
  const spaces = (await response.json()).data?.spaces ?? [];
  if (spaces.length === 1) useSpace(spaces[0].name);
  showState(!spaces.length);
}

let shownVariables = null;

function useSpace(space) {
  carry({ space });
  if (shownVariables) fillIn(shownVariables);
}

// Tab and Shift-Tab go on to what comes next on the page, instead of into the text.
const LEAVING = { Tab: false, 'Shift-Tab': false };

/** Shows nothing: GraphiQL has its editors only for what stands inside it. */
function Editors() {
  const { queryEditor, variableEditor, responseEditor, activeTabIndex } = GraphiQL.React.useEditorContext();
  React.useEffect(() => {
    for (const editor of [queryEditor, variableEditor, responseEditor]) editor?.addKeyMap(LEAVING);
  }, [queryEditor, variableEditor, responseEditor]);
  React.useEffect(() => {
    shownVariables = variableEditor;
    variableEditor?.on('change', (editor, change) => {
      // Without a change GraphiQL looks anew at what it has; set values are those of a question.
      if (change && change.origin !== 'setValue') carryTyped(editor.getValue());
    });
  }, [variableEditor]);
  React.useEffect(() => {
    if (variableEditor) fillIn(variableEditor);
  }, [variableEditor, activeTabIndex]);
  return ' ';
}

const tabs = JSON.parse(document.getElementById('tabs').textContent);

// GraphiQL fills its editors from these, not from its tabs, and opens one more tab when no tab
// holds the same; it does not keep them in step itself.
const stored = JSON.parse(storage.getItem('graphiql:tabState'));
const active = stored ? stored.tabs[stored.activeTabIndex] : tabs[0];
for (const name of ['query', 'variables']) {
  storage.setItem(`graphiql:${name}`, active[name] ?? '');
}

carry({ space: variablesIn(tabs[0].variables).space, ...carried() });
keyField.value = storage.getItem(KEY) ?? '';
keyField.addEventListener('change', useKey);
spaceField.addEventListener('input', () => useSpace(spaceField.value.trim()));
showState();

ReactDOM.createRoot(document.getElementById('explorer')).render(
  React.createElement(
    GraphiQL,
    {
      fetcher,
      storage,
      isHeadersEditorEnabled: false,
      showPersistHeadersSettings: false,
      defaultTabs: tabs,
      defaultEditorToolsVisibility: 'variables',
    },
    React.createElement(GraphiQL.Logo, null, React.createElement(Editors)),
  ),
);
