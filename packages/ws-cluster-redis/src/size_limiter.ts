interface WaitingTask {
  readonly size: number
  readonly start: () => void
}

/**
 * Limits the total size of the tasks that run at once. The others wait, and start in the order of their
 * calls.
 */
export class SizeLimiter {
  readonly #max_size: number
  readonly #waiting: WaitingTask[] = []
  #running_size = 0

  constructor(max_size: number) {
    this.#max_size = max_size
  }

  /** Runs a task as soon as its size fits; a task that exceeds the limit runs alone. */
  run(size: number, task: () => Promise<void>): Promise<void> {
    if (this.#waiting.length === 0 && this.#has_room_for(size)) return this.#start(size, task)
    return new Promise(resolve => {
      this.#waiting.push({ size, start: () => resolve(this.#start(size, task)) })
    })
  }

  #has_room_for(size: number): boolean {
    return this.#running_size === 0 || this.#running_size + size <= this.#max_size
  }

  #start(size: number, task: () => Promise<void>): Promise<void> {
    this.#running_size += size
    const done = task()
    const release = (): void => {
      this.#running_size -= size
      for (
        let [next] = this.#waiting;
        next !== undefined && this.#has_room_for(next.size);
        [next] = this.#waiting
      ) {
        this.#waiting.shift()
        next.start()
      }
    }
    done.then(release, release)
    return done
  }
}
