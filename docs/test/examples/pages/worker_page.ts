// Connects in a worker to `?url=…`. Buttons and fields do what a test wants of it; lists are shown one at a time, each when `release` is called.
import type { ToPage } from '../../../examples/socket_worker.ts'
import { connect_in_worker, type WorkerSocket } from '../../../examples/worker_client.ts'

/** What a test does with the page. */
export interface WorkerPage {
  readonly socket: WorkerSocket
  /** The lists that have come, the last of them perhaps not done with. */
  readonly lists: string[][]
  /** What else was told. */
  readonly told: string[]
  /** Whether lists are done with at once. */
  is_quick: boolean
  /** Is done with the list that is shown. */
  release: () => void
  /** How many lists there ever were at the same time. */
  most_at_once: number
  /** How many lists the worker has handed over, whether they were shown or not. */
  handed_over: number
}

declare global {
  interface Window {
    worker_page: WorkerPage
  }
}

/** A worker whose lists are counted as they come. */
class CountedWorker extends Worker {
  constructor(url: string | URL, options?: WorkerOptions) {
    super(url, options)
    this.addEventListener('message', ({ data }: MessageEvent<ToPage>) => {
      if (data.type === 'messages') window.worker_page.handed_over += 1
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
    worker_page.most_at_once = Math.max(worker_page.most_at_once, at_once)
    if (!worker_page.is_quick)
      await new Promise<void>(resolve => {
        worker_page.release = resolve
      })
    at_once -= 1
  },
  on_open: () => window.worker_page.told.push('open'),
  on_reconnecting: () => window.worker_page.told.push('reconnecting'),
  on_close: (code, reason) => window.worker_page.told.push(`closed ${code} ${reason}`.trim()),
  on_error: message => window.worker_page.told.push(`error ${message}`),
})
window.worker_page = {
  socket,
  lists: [],
  told: [],
  is_quick: true,
  release: () => {},
  most_at_once: 0,
  handed_over: 0,
}
