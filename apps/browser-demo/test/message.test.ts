import { expect, it } from 'vitest'
import { parse_control } from '../src/shared/control.ts'
import {
  is_load,
  load_text,
  message_text,
  type PageMessage,
  parse_page_message,
  parse_server_message,
  type ServerMessage,
} from '../src/shared/message.ts'

const OTTER = { id: 1, name: 'Otter', color: 0 }
const PLACE = { x: 0, y: 1 }

it.each<PageMessage>([
  { type: 'ping', at_ms: 1.5 },
  { type: 'say', text: '' },
  { type: 'chat', text: 'hello' },
  { type: 'cursor', place: PLACE },
  { type: 'cursor', place: null },
  { type: 'number', number: 1 },
])('parses the message of a page: %o', message => {
  expect(parse_page_message(message_text(message))).toEqual(message)
})

it.each<ServerMessage>([
  { type: 'welcome', you: OTTER, people: [OTTER], key: 'a' },
  { type: 'joined', person: OTTER },
  { type: 'left', id: 1 },
  { type: 'pong', at_ms: 1, queued_bytes: 2, held_back: 3 },
  { type: 'echo', text: '' },
  { type: 'chat', id: 1, text: 'hello' },
  { type: 'chat', id: 1, text: 'hello', from: { ...OTTER, node: '8082' } },
  { type: 'roster', node: '8082', page: 'http://127.0.0.1:8080/', people: [{ ...OTTER, node: '8082' }] },
  { type: 'cluster', node: '8082', broker: 'NATS at 127.0.0.1:4222', is_joined: true },
  { type: 'cursor', id: 1, place: PLACE },
  { type: 'cursor', id: 1, place: null },
  { type: 'number', run: 1, number: 2 },
  { type: 'returned', number: 1 },
])('parses the message of the server: %o', message => {
  expect(parse_server_message(message_text(message))).toEqual(message)
})

it.each([
  '',
  'hello',
  'null',
  '[]',
  '1',
  '{}',
  '{"type":"shout","text":"a"}',
  '{"type":"ping"}',
  '{"type":"ping","at_ms":"1"}',
  '{"type":"say","text":1}',
  '{"type":"chat","text":""}',
  `{"type":"chat","text":"${'a'.repeat(501)}"}`,
  '{"type":"cursor"}',
  '{"type":"number","number":"1"}',
  '{"type":"cursor","place":{"x":1.1,"y":0}}',
  '{"type":"cursor","place":{"x":0}}',
])('does not take %s for a message of a page', text => {
  expect(parse_page_message(text)).toBeUndefined()
})

it.each([
  '{"type":"joined","person":{"id":1,"name":"Otter","color":8}}',
  '{"type":"joined","person":{"id":1,"name":"Otter","color":0,"node":1}}',
  '{"type":"roster","node":"8082","page":"javascript:alert(1)","people":[]}',
  '{"type":"roster","node":"8082","page":"http://127.0.0.1:8080/"}',
  '{"type":"cluster","node":"8082","broker":"NATS"}',
  '{"type":"joined","person":{"id":1,"name":"Otter","color":0.5}}',
  '{"type":"welcome","you":{"id":1,"name":"Otter","color":0},"people":{},"key":"a"}',
  '{"type":"welcome","you":{"id":1,"name":"Otter","color":0},"people":[1],"key":"a"}',
  '{"type":"pong","at_ms":1}',
  '{"type":"left","id":"1"}',
  '{"type":"number","number":1}',
  '{"type":"returned"}',
])('does not take %s for a message of the server', text => {
  expect(parse_server_message(text)).toBeUndefined()
})

it('creates load of the requested size, and recognizes only load as load', () => {
  expect(load_text(64)).toHaveLength(64)
  expect(is_load(load_text(1))).toBe(true)
  expect(is_load(message_text({ type: 'say', text: '.' }))).toBe(false)
  expect(is_load('')).toBe(false)
})

it('parses controls', () => {
  expect(parse_control('{"key":"a","action":"cut"}')).toEqual({ key: 'a', action: 'cut' })
  expect(parse_control('{"key":"a","action":"slow","is_on":true}')).toMatchObject({ is_on: true })
  expect(parse_control('{"key":"a","action":"feed","rate":20000,"size_bytes":64}')).toMatchObject({
    rate: 20_000,
  })
})

it.each([
  '{"action":"cut"}',
  '{"key":"a","action":"slow"}',
  '{"key":"a","action":"feed","rate":20001,"size_bytes":64}',
  '{"key":"a","action":"feed","rate":1.5,"size_bytes":64}',
  '{"key":"a","action":"feed","rate":1,"size_bytes":0}',
  '{"key":"a","action":"feed","rate":1,"size_bytes":16385}',
])('does not take %s for a control', text => {
  expect(parse_control(text)).toBeUndefined()
})
