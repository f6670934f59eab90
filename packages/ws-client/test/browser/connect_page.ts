import { connect, probe } from '../../src/index.browser.js'

/** The bundle of this file lets a test call `connect` in a page, or in a worker that a page has started. */
declare global {
  var connect_to: (url: string, options?: object) => ReturnType<typeof connect>
  var make_probe: typeof probe
}

globalThis.connect_to = (url, options) => connect({ type: 'ws', url, ...options })

globalThis.make_probe = probe

globalThis.addEventListener('message', ({ data: url }: MessageEvent<string>) => {
  const ws = connect({ type: 'ws', url, on_close: info => globalThis.postMessage(info) })
  ws.on_message(data => {
    globalThis.postMessage(data)
    if (data === 'echo:b') ws.close(4_000, 'from a worker')
  })
  ws.send('a')
  ws.send('b')
})
