import { type PortHarness, type PortPeer, port_cases } from '@bt/ws-protocol/testing'
import { browser_platform } from '../../src/browser/platform.js'
import { WebSocketPort } from '../../src/browser/web_socket_port.js'

/**
 * The bundle of this file runs the suite of every port in a page; its peers are in the process of the test.
 */
declare global {
  interface Window {
    run_port_case(name: string): Promise<void>
    /** Provided by the test: starts a new peer, and returns its URL. */
    make_peer(): Promise<{ readonly id: number; readonly url: string }>
    /** Provided by the test: calls a peer; bytes cross as {@link Bytes}. */
    call_peer(id: number, call: keyof PortPeer, ...args: unknown[]): Promise<unknown>
    /** Provided by the test: a peer sends these, one after the other. */
    send_from_peer(id: number, messages: readonly unknown[]): Promise<void>
  }
}

/** Bytes as text, one character for each: a list of a million numbers would take seconds to cross. */
interface Bytes {
  readonly latin1: string
}

const to_wire = (data: string | Uint8Array): string | Bytes =>
  typeof data === 'string' ? data : { latin1: Array.from(data, byte => String.fromCharCode(byte)).join('') }
const from_wire = (data: string | Bytes): string | Uint8Array =>
  typeof data === 'string' ? data : Uint8Array.from(data.latin1, character => character.charCodeAt(0))

const harness: PortHarness = {
  platform: browser_platform,
  side: 'client',
  seen_by_peer: code => code + 3_000,
  async open(connection, attach) {
    const { id, url } = await window.make_peer()
    // What the peer is to send is passed on in one go at the end of a turn, or before what it is to do next.
    let messages: unknown[] = []
    let passing_on = Promise.resolve()
    const pass_on = (): void => {
      if (messages.length > 0) passing_on = window.send_from_peer(id, messages)
      messages = []
    }
    const send = async (data: string | Uint8Array): Promise<void> => {
      messages.push(to_wire(data))
      await Promise.resolve().then(pass_on)
      await passing_on
    }
    const call = (name: keyof PortPeer, ...args: unknown[]): Promise<unknown> => {
      pass_on()
      return window.call_peer(id, name, ...args)
    }
    const socket = new WebSocket(url)
    attach(new WebSocketPort(socket, { url, max_payload: 1_048_576 }, connection))
    await new Promise(resolve => socket.addEventListener('open', resolve))
    await call('accepted' as keyof PortPeer)
    return {
      send,
      receive: async count => ((await call('receive', count)) as (string | Bytes)[]).map(from_wire),
      stop_reading: () => call('stop_reading') as Promise<void>,
      resume_reading: () => call('resume_reading') as Promise<void>,
      close: (code, reason) => call('close', code, reason) as Promise<void>,
      drop: () => call('drop') as Promise<void>,
      closed: () => call('closed') as ReturnType<PortPeer['closed']>,
    }
  },
}

window.run_port_case = async name => port_cases.find(port_case => port_case.name === name)?.run(harness)
