// Two people use one browser, one after the other:
// browser.html?vendor=VENDOR&address=ADDRESS&key=WRITE_KEY&reset=true|false
//
// `reset`: the first one logs out, and the page says so to the SDK. Errors are posted to failed.

const asked = new URLSearchParams(location.search)
const vendor = asked.get('vendor')
const address = asked.get('address')
const key = asked.get('key')
const reset = asked.get('reset') === 'true'

const people = [
  { login: 'u-1001', email: 'Ada@Example.com' },
  { login: 'u-2002', email: 'bob@example.com' },
]

function script(file) {
  return new Promise((resolve, reject) => {
    const element = document.createElement('script')
    element.src = `node_modules/${file}`
    element.onload = resolve
    element.onerror = () => reject(new Error(`There is no ${file}`))
    document.head.append(element)
  })
}

// Segment's words, which RudderStack and Jitsu speak as well.
async function trackingApi(sdk, ...given) {
  for (const { login, email } of people) {
    await sdk.page('Home')
    await sdk.identify(login, { email })
    await sdk.track('Order Completed', { total: 12.5 })
    if (reset) await sdk.reset(...given)
  }
}

const use = {
  async segment() {
    await script('@segment/analytics-next/dist/umd/index.js')
    const { host } = new URL(address)
    const [sdk] = await AnalyticsNext.AnalyticsBrowser.load(
      { writeKey: key, cdnURL: address },
      { integrations: { 'Segment.io': { apiHost: `${host}/v1`, protocol: 'http' } } },
    )
    await trackingApi(sdk)
  },

  async rudderstack() {
    await script('@rudderstack/analytics-js/dist/npm/modern/bundled/umd/index.js')
    const sdk = new rudderanalytics.RudderAnalytics()
    sdk.load(key, address, { configUrl: address })
    await new Promise((resolve) => sdk.ready(resolve))
    await trackingApi(sdk, true) // without, a reset keeps the browser's id
  },

  async jitsu() {
    const { jitsuAnalytics } = await import('./node_modules/@jitsu/js/dist/jitsu.es.js')
    await trackingApi(jitsuAnalytics({ host: address, writeKey: `${key}:any` }))
  },

  async posthog() {
    const { default: sdk } = await import(
      './node_modules/posthog-js/dist/module.full.no-external.js'
    )
    sdk.init(key, { api_host: address, capture_pageview: false, autocapture: false })
    for (const { login, email } of people) {
      sdk.capture('$pageview')
      sdk.identify(login, { email })
      sdk.capture('Order Completed', { total: 12.5 })
      if (reset) sdk.reset(true)
    }
  },

  async snowplow() {
    await script('@snowplow/browser-tracker/dist/index.umd.min.js')
    const { newTracker, setUserId, trackPageView, clearUserData } = snowplowBrowserTracking
    newTracker('sp', address, {
      appId: 'web-shop',
      postPath: `/com.snowplowanalytics.snowplow/tp2?writeKey=${key}`,
    })
    for (const { login } of people) {
      trackPageView()
      setUserId(login)
      trackPageView()
      if (reset) {
        setUserId(null)
        clearUserData()
      }
    }
  },
}

try {
  await use[vendor]()
} catch (error) {
  await fetch('failed', { method: 'POST', body: String(error.stack ?? error) })
}
