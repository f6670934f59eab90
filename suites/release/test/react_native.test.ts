import { runInNewContext } from 'node:vm'
import { transformAsync } from '@babel/core'
import { listen } from '@bt/net'
import { afterAll, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { bundle_with_esbuild, remove_entries } from './bundles.ts'

const PROGRAM = `
import { connect } from '@bt/net'
globalThis.run = async url => {
  const ws = connect({ type: 'ws', url })
  const calls = []
  ws.on_open(() => { calls.push('open') })
  ws.on_message(data => { calls.push(data); ws.close() })
  ws.on_close(() => { calls.push('close') })
  ws.send('hello')
  await ws.closed
  return calls
}
`

afterAll(remove_entries)

/** Compiles classes as the preset of React Native does: private fields become plain properties. */
async function compile(code: string): Promise<string> {
  const options = { loose: true }
  const result = await transformAsync(code, {
    configFile: false,
    babelrc: false,
    compact: true,
    sourceType: 'script',
    plugins: [
      ['@babel/plugin-transform-class-properties', options],
      ['@babel/plugin-transform-private-methods', options],
      '@babel/plugin-transform-classes',
    ],
  })
  return result?.code ?? ''
}

// Without the callbacks, the connection never closes.
it('a client calls its callbacks when its private fields are plain properties', {
  timeout: 30_000,
}, async () => {
  const bundle = await bundle_with_esbuild(PROGRAM, {
    platform: 'neutral',
    mainFields: [],
    conditions: ['react-native'],
    format: 'iife',
  })
  const code = await compile(bundle)
  expect(code).not.toMatch(/this\.#/)
  const server = listen({
    type: 'ws',
    bind: '127.0.0.1:0',
    on_message: (socket, data) => void socket.send(`echo:${data}`),
  })
  await server.opened
  const app = { WebSocket, AbortController, performance, queueMicrotask, setTimeout, clearTimeout }
  runInNewContext(code, app)
  const run = Reflect.get(app, 'run')
  expect(await run(`ws://${server.addr}/ws`)).toEqual(['open', 'echo:hello', 'close'])
  await server.close()
})
