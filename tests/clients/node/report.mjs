// Reports two people with the SDK of one vendor: node report.mjs VENDOR ADDRESS WRITE_KEY.
//
// As in ../test_python_sdks.py. Ends with status 1 where the SDK says that it could not send.

const [vendor, address, key] = process.argv.slice(2)

const people = [
  {
    login: 'u-1001',
    browser: '3f1b0c52-7c5e-4f0e-9d59-3b6d6a0e11aa',
    email: 'Ada@Example.com',
    olderId: 'legacy-77',
  },
  {
    login: 'u-2002',
    browser: '9a7e21d4-58b1-4f6c-8c3b-51f0b7c2d0bb',
    email: 'bob@example.com',
    olderId: 'legacy-88',
  },
]
const kiosk = 'c2b7a0c6-4c06-4b64-8f6e-0b3b0b8d1f00'

function fail(error) {
  console.error(error)
  process.exitCode = 1
}

function trackingApi(sdk) {
  for (const { login, browser, email, olderId } of people) {
    sdk.page({ anonymousId: browser, name: 'Home' })
    sdk.identify({ userId: login, anonymousId: browser, traits: { email } })
    sdk.track({ userId: login, event: 'Order Completed', properties: { total: 12.5 } })
    sdk.group({ userId: login, groupId: 'acme', traits: { name: 'Acme' } })
    sdk.alias({ userId: login, previousId: olderId })
    sdk.track({ userId: login, anonymousId: kiosk, event: 'Signed In' })
  }
}

const report = {
  async segment() {
    const { Analytics } = await import('@segment/analytics-node')
    const sdk = new Analytics({ writeKey: key, host: address })
    sdk.on('error', fail)
    trackingApi(sdk)
    await sdk.closeAndFlush()
  },

  async rudderstack() {
    const { default: Analytics } = await import('@rudderstack/rudder-sdk-node')
    const sdk = new Analytics(key, { dataPlaneUrl: address, errorHandler: fail })
    trackingApi(sdk)
    await sdk.flush()
  },

  async posthog() {
    const { PostHog } = await import('posthog-node')
    const sdk = new PostHog(key, { host: address })
    sdk.on('error', fail)
    for (const { login, browser, email, olderId } of people) {
      sdk.capture({ distinctId: browser, event: '$pageview' })
      sdk.identify({ distinctId: login, properties: { $set: { email }, $anon_distinct_id: browser } })
      sdk.capture({ distinctId: login, event: 'Order Completed', properties: { total: 12.5 } })
      sdk.groupIdentify({ groupType: 'company', groupKey: 'acme', distinctId: login })
      sdk.alias({ distinctId: login, alias: olderId })
      sdk.capture({ distinctId: login, event: 'Signed In', properties: { $device_id: kiosk } })
    }
    await sdk.shutdown()
  },

  async snowplow() {
    const { buildPageView, newTracker } = await import('@snowplow/node-tracker')
    const tracker = newTracker(
      { namespace: 'sp', appId: 'web-shop' },
      {
        endpoint: address,
        postPath: `/com.snowplowanalytics.snowplow/tp2?writeKey=${key}`,
        onRequestFailure: fail,
      },
    )
    for (const { login, browser } of people) {
      for (const [user, device] of [[undefined, browser], [login, browser], [login, kiosk]]) {
        tracker.setUserId(user)
        tracker.setDomainUserId(device)
        tracker.track(buildPageView({ pageUrl: 'https://shop.example/', pageTitle: 'Home' }))
      }
    }
    await tracker.flush()
  },
}

await report[vendor]()
