// Connects in a worker to `?url=…`. A test controls the page through `window.worker_page`: unless `is_quick`
// is set, a list is finished only when the test calls `release`.
import type { ToPage } from '../../../examples/socket_worker.ts'
import { connect_in_worker, type WorkerSocket } from '../../../examples/worker_client.ts'

/** What a test reads and controls. */
export interface WorkerPage {
  readonly socket: WorkerSocket
  /** The lists that `on_messages` was called with. */
  readonly lists: string[][]
  /** The other callbacks, as text. */
  readonly events: string[]
  /** Whether each list is finished at once. */
  is_quick: boolean
  /** Finishes the current list. */
  release: () => void
  /** The largest number of unfinished lists at the same time. */
  max_at_once: number
  /** How many lists the worker has posted. */
  posted: number
}

declare global {
  interface Window {
    worker_page: WorkerPage
  }
}

/** A worker that counts the lists that it posts. */
class CountedWorker extends Worker {
  constructor(url: string | URL, options?: WorkerOptions) {
    super(url, options)
    this.addEventListener('message', ({ data }: MessageEvent<ToPage>) => {
      if (data.type === 'messages') window.worker_page.posted += 1
    })
  }
}
window.Worker = CountedWorker

let at_once = 0
const { searchParams } = new URL(location.href)
const socket = connect_in_worker(searchParams.get('url') ?? '', {
  on_messages: async list => {
    const { worker_page } = window
    worker_page.lists.push([...list])
    at_once += 1
    worker_page.max_at_once = Math.max(worker_page.max_at_once, at_once)
    if (!worker_page.is_quick)
      await new Promise<void>(resolve => {
        worker_page.release = resolve
      })
    at_once -= 1
  },
  on_open: () => window.worker_page.events.push('open'),
  on_reconnecting: () => window.worker_page.events.push('reconnecting'),
  on_close: (code, reason) => window.worker_page.events.push(`closed ${code} ${reason}`.trim()),
  on_error: message => window.worker_page.events.push(`error ${message}`),
})
window.worker_page = {
  socket,
  lists: [],
  events: [],
  is_quick: true,
  release: () => {},
  max_at_once: 0,
  posted: 0,
}
