import type { connect as Connect } from '@bt/net'
import { give_up } from '../process/commands.js'
import { run_client } from './client_subject.js'
import { MAX_MESSAGE_BYTES, MAX_QUEUE_BYTES } from './server_subject.js'

// The first argument names another build to measure.
const { connect } = (await import(process.argv[2] ?? '@bt/net')) as { connect: typeof Connect }

run_client({
  open: async (port, listener) => {
    const ws = connect({
      type: 'ws',
      url: `ws://127.0.0.1:${port}/ws`,
      max_payload: MAX_MESSAGE_BYTES,
      max_queue: MAX_QUEUE_BYTES,
      on_error: give_up,
    })
    ws.on_message(() => listener.on_message())
    await ws.opened
    return {
      send: text => {
        const sent = ws.send(text)
        if (sent !== true) give_up(sent)
      },
      close: () => {
        ws.on_error(() => {})
        ws.close()
      },
    }
  },
})
