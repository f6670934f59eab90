import { connect, probe } from '@bt/net'
import { Conversation } from '@bt/test-support/conversation'
import type { ClientName, TalkerCommand, TalkerEvent } from './trouble_messages.js'

/** How a {@link start_talker} client connects. */
export interface TalkerSettings {
  readonly client: ClientName
  /** The server, as `host:port`. */
  readonly host: string
  readonly heartbeat_ms: number
  /** The upper bound of the delays before it reconnects. */
  readonly max_delay_ms: number
  /** How often it sends a message. */
  readonly interval_ms: number
}

/**
 * Starts a client that sends numbered messages for as long as it lives, and reconnects with a new token each
 * time. Returns a function that takes commands. Runs in Node and in a page.
 */
export function start_talker(
  { client, host, heartbeat_ms, max_delay_ms, interval_ms }: TalkerSettings,
  report: (event: TalkerEvent) => void,
): (command: TalkerCommand) => void {
  const conversation = new Conversation()
  let was_open = false
  const ws = connect({
    type: 'ws',
    url: async ({ signal }) => {
      const response = await fetch(`http://${host}/token?client=${client}`, { signal: signal as AbortSignal })
      return `ws://${host}/ws?client=${client}&token=${await response.text()}`
    },
    heartbeat: heartbeat_ms,
    // A page can't ping.
    probe: client === 'page' ? probe({ send: 'ping', expect: 'pong' }) : undefined,
    reconnect: {
      max_delay: max_delay_ms,
      retries: (info, error) => {
        const { status } = (error?.cause ?? {}) as { readonly status?: number }
        return info.code === 4401 || status === 401 ? true : undefined
      },
    },
    on_open: () => {
      was_open = true
      report({ event: 'open', at_ms: Date.now() })
    },
    on_message: text => {
      conversation.hear(text)
      report({ event: 'message', at_ms: Date.now() })
    },
    on_reconnecting: ({ info, error }) => {
      const at_ms = Date.now()
      if (was_open) {
        conversation.lost(info.unsent)
        report({ event: 'lost', at_ms, cause: info.cause, code: info.code })
      } else report({ event: 'failed', at_ms, why: error?.code ?? `closed with ${info.code}` })
      was_open = false
    },
    on_close: ({ code }) => report({ event: 'closed', at_ms: Date.now(), code }),
    // What is lost is reported by `on_reconnecting`.
    on_error: () => {},
  })
  const timer = setInterval(() => conversation.say(text => ws.send(text) === true), interval_ms)
  return command => {
    if (command === 'stop') clearInterval(timer)
    else report({ event: 'record', record: conversation.record })
  }
}
