import type { IncomingMessage } from 'node:http'
import { deflate_offers } from '@bt/ws-protocol'

/** What is wrong with a 101 that `ws` would take (RFC 6455 §4.1, §4.2.2; RFC 7692 §5.1); `undefined` where nothing is. */
export function judge_answer({
  httpVersion,
  headers,
}: Pick<IncomingMessage, 'httpVersion' | 'headers'>): string | undefined {
  if (httpVersion !== '1.1') return `the HTTP version of the answer is ${httpVersion}, and has to be 1.1`
  const extensions = headers['sec-websocket-extensions']
  if (extensions === undefined || deflate_offers(extensions, 'server')?.length === 1) return undefined
  return 'the Sec-WebSocket-Extensions of the answer is not what was offered'
}
