/** Something that waits to be let in. */
interface Waiting {
  readonly size: number
  readonly start: () => void
}

/** Lets so much be under way at once, and the rest begin in the order in which it came. */
export class Admission {
  readonly #most: number
  readonly #waiting: Waiting[] = []
  #under_way = 0

  constructor(most: number) {
    this.#most = most
  }

  /** Runs a task of that size as soon as there is room for it; one that is too large for any room, alone. */
  run(size: number, task: () => Promise<void>): Promise<void> {
    if (this.#waiting.length === 0 && this.#has_room_for(size)) return this.#start(size, task)
    return new Promise(resolve => {
      this.#waiting.push({ size, start: () => resolve(this.#start(size, task)) })
    })
  }

  #has_room_for(size: number): boolean {
    return this.#under_way === 0 || this.#under_way + size <= this.#most
  }

  #start(size: number, task: () => Promise<void>): Promise<void> {
    this.#under_way += size
    const done = task()
    const leave = (): void => {
      this.#under_way -= size
      for (
        let [next] = this.#waiting;
        next !== undefined && this.#has_room_for(next.size);
        [next] = this.#waiting
      ) {
        this.#waiting.shift()
        next.start()
      }
    }
    done.then(leave, leave)
    return done
  }
}
