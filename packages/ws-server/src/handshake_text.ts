import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { has_token, without_blanks } from '@bt/ws-protocol'
import { judge } from './judge.js'
import { KEY_HEADER, packed_headers } from './packed_headers.js'
import { own_copy, Recent } from './recent.js'

/** What is read of a request to upgrade; one of `node:http` has it all. */
export type UpgradeRequest = Pick<
  IncomingMessage,
  'method' | 'httpVersion' | 'url' | 'headers' | 'rawHeaders' | 'socket'
> & {
  /** The headers as {@link packed_headers}: there where they are packed already, and were judged. */
  readonly packed?: string
}

/** A handshake that was read as one, and what came behind it. */
export interface ReadHandshake {
  /** What it says; its `rawHeaders` are without the key. */
  readonly request: Omit<UpgradeRequest, 'socket'>
  /** The bytes behind it. */
  readonly head: Buffer
}

/** What handshakes have in common that differ in nothing but their keys. */
type CommonHandshake = Required<Pick<UpgradeRequest, 'headers' | 'rawHeaders' | 'packed'>> & {
  readonly url: string
}

/** More is left to Node, which has a limit of its own. */
const MOST_BYTES = 8_192
const END = Buffer.from('\r\n\r\n')
const NOTHING = Buffer.alloc(0)
/** One that is in order, to be judged with, for those who have another one that is. */
const SOME_KEY = 'AAAAAAAAAAAAAAAAAAAAAA=='
const KEY_LINE = /\r\nsec-websocket-key:[\t ]*[+/0-9A-Za-z]{22}==(?=\r\n|$)/i
const REQUEST_LINE = /^GET (\/[!-~]*) HTTP\/1\.1$/
/** RFC 9112 §5. No part of it can match what the next one does, so that its time is in proportion to the text, whatever that is. */
const HEADER_LINE = /([\w!#$%&'*+.^`|~-]+):([\t -~\x80-\xff]*)(?:\r\n|$)/y
const START = { method: 'GET', httpVersion: '1.1' }
/** What `node:http` has a way of its own with. */
const NOT_PLAIN = ['content-length', 'transfer-encoding', 'set-cookie', 'expect']

/**
 * Reads WebSocket handshakes as nearly all clients send them: at once, and without anything that could be understood in two ways. What many
 * send is taken apart once.
 */
export class HandshakeReader {
  readonly #common = new Recent(common_of)

  /** `undefined` for everything else, which may be right or wrong: that is for an HTTP parser to say. */
  read(bytes: Buffer): ReadHandshake | undefined {
    const end = bytes.indexOf(END)
    if (end === -1 || end > MOST_BYTES) return undefined
    const text = bytes.toString('latin1', 0, end)
    const key_line = KEY_LINE.exec(text)
    if (key_line === null) return undefined
    const key_end = key_line.index + key_line[0].length
    const common = this.#common.of(text.slice(0, key_line.index) + text.slice(key_end))
    if (common === undefined) return undefined
    // Of the bytes, since a part of the text would keep all of it alive.
    const key = bytes.toString('latin1', key_end - SOME_KEY.length, key_end)
    const headers = { ...common.headers, [KEY_HEADER]: key }
    const behind = end + END.length
    const head = behind === bytes.length ? NOTHING : bytes.subarray(behind)
    // Written out, since to spread what they have in common takes as long as all the rest.
    const { method, httpVersion } = START
    const { url, rawHeaders, packed } = common
    return { request: { method, httpVersion, url, rawHeaders, packed, headers }, head }
  }
}

/** Takes apart a handshake whose key was taken out of it; `undefined` also for one that is to be refused. */
function common_of(text: string): CommonHandshake | undefined {
  const first_end = text.indexOf('\r\n')
  const url = REQUEST_LINE.exec(text.slice(0, first_end))?.[1]
  if (url === undefined || first_end === -1) return undefined
  const headers: IncomingHttpHeaders = {}
  const rawHeaders: string[] = []
  HEADER_LINE.lastIndex = first_end + 2
  while (HEADER_LINE.lastIndex < text.length) {
    const [, name, value] = HEADER_LINE.exec(text) ?? []
    if (name === undefined || value === undefined) return undefined
    const key = name.toLowerCase()
    // What comes twice is joined, or not, by rules for each name.
    if (headers[key] !== undefined || key === KEY_HEADER) return undefined
    headers[key] = without_blanks(value)
    rawHeaders.push(name, headers[key])
  }
  if (!has_token(headers.connection, 'upgrade')) return undefined
  if (NOT_PLAIN.some(name => headers[name] !== undefined)) return undefined
  if (judge({ ...START, headers: { ...headers, [KEY_HEADER]: SOME_KEY }, rawHeaders })) return undefined
  return { url: own_copy(url), headers, rawHeaders, packed: packed_headers(headers) }
}
