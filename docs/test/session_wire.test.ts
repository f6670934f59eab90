import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { read_control, SESSION_PROTOCOL } from '@bt/ws-protocol/internal'
import { expect, test } from 'vitest'
import { page_at, ROOT } from './pages.ts'

const { text } = page_at('docs/session_wire.md')

/** Returns the bytes that the page shows in hexadecimal, if they are a control message. */
const control_messages = Array.from(text.matchAll(/`(00(?: [0-9a-f]{2})+)`/g), ([, hex = '']) =>
  read_control(new Uint8Array(Buffer.from(hex.replaceAll(' ', ''), 'hex'))),
)

test('the control messages on the page are valid, and of every kind that it shows', () => {
  expect(control_messages.map(message => message?.type)).toEqual([
    'hello',
    'hello',
    'welcome',
    'hello',
    'welcome',
    'ack',
    'end',
  ])
})

test('the page shows what the fields of its first control message are', () => {
  const [hello] = control_messages
  expect(hello).toMatchObject({ received: 16_256, handled: 129, window: 32_768 })
  expect(text).toContain('16,256 received, 129 handled, and a window of 32,768 bytes')
})

test('the page and the test vectors are about the subprotocol of the code', () => {
  expect(text).toContain(`subprotocol \`${SESSION_PROTOCOL}\``)
  const vectors = 'packages/ws-protocol/test/session/control_vectors.json'
  expect(text).toContain(`](../${vectors})`)
  expect(JSON.parse(readFileSync(join(ROOT, vectors), 'utf8'))).toMatchObject({ protocol: SESSION_PROTOCOL })
})
