import { give_up } from '../process/commands.js'
import { run_client } from './client_subject.js'

/** The part of the standard WebSocket that is used here. */
interface StandardWebSocket {
  onopen: () => void
  onmessage: () => void
  onerror: (event: unknown) => void
  send(text: string): void
  close(): void
}

const { WebSocket } = globalThis as unknown as { WebSocket: new (url: string) => StandardWebSocket }

run_client({
  open: async (port, listener) => {
    const ws = new WebSocket(`ws://127.0.0.1:${port}/ws`)
    ws.onerror = () => give_up("Bun's WebSocket has failed")
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
