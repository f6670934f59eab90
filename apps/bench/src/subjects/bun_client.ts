import { give_up } from '../process/commands.js'
import { drive } from './client_subject.js'

/** What is used of the WebSocket that Bun has, as browsers have it. */
interface StandardWebSocket {
  onopen: () => void
  onmessage: () => void
  onerror: (event: unknown) => void
  send(text: string): void
  close(): void
}

const { WebSocket } = globalThis as unknown as { WebSocket: new (url: string) => StandardWebSocket }

drive({
  open: async (port, listener) => {
    const ws = new WebSocket(`ws://127.0.0.1:${port}/ws`)
    ws.onerror = () => give_up('a WebSocket of Bun has failed')
    ws.onmessage = () => listener.on_message()
    await new Promise<void>(resolve => {
      ws.onopen = resolve
    })
    return {
      send: text => ws.send(text),
      close: () => {
        ws.onerror = () => {}
        ws.close()
      },
    }
  },
})
