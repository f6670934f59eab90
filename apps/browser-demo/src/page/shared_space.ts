import type { Person, Place } from '../shared/message.js'

const SEND_EVERY_MS = 50
// Farther to the right, a name would not fit beside its cursor.
const FLIP_FROM = 0.7
const KEY_STEP = 0.03
const CENTER: Place = { x: 0.5, y: 0.5 }

const KEYS: Readonly<Record<string, Place>> = {
  ArrowLeft: { x: -KEY_STEP, y: 0 },
  ArrowRight: { x: KEY_STEP, y: 0 },
  ArrowUp: { x: 0, y: -KEY_STEP },
  ArrowDown: { x: 0, y: KEY_STEP },
}

interface Cursor {
  readonly pointer: HTMLElement
  place: Place
}

/** The area in which everybody sees the cursors of all tabs, which follow the pointer or the arrow keys. */
export class SharedSpace {
  readonly #area: HTMLElement
  readonly #on_move: (place: Place | null) => void
  readonly #cursors = new Map<number, Cursor>()
  #you: Person | undefined
  #own: Place | null = null
  #has_moved = false
  #last_sent_ms = 0

  /** Calls `on_move` when this page's cursor has moved, at most a few times per second. */
  constructor(area: HTMLElement, on_move: (place: Place | null) => void) {
    this.#area = area
    this.#on_move = on_move
    for (const type of ['pointerdown', 'pointermove'] as const)
      area.addEventListener(type, event => this.#move_own(this.#place_of(event)))
    area.addEventListener('pointerleave', () => this.#move_own(null))
    area.addEventListener('blur', () => this.#move_own(null))
    area.addEventListener('keydown', event => this.#key(event))
    new ResizeObserver(() => this.#place_all()).observe(area)
  }

  /** Sets the person of this page's cursor; `undefined` while it is not connected. */
  set_you(you: Person | undefined): void {
    for (const id of [...this.#cursors.keys()]) this.remove(id)
    this.#you = you
    this.#own = null
  }

  /** Moves a person's cursor; `null` removes it from the area. */
  show(person: Person, place: Place | null): void {
    if (place === null) {
      this.remove(person.id)
      return
    }
    const cursor = this.#cursors.get(person.id) ?? this.#add(person, place)
    cursor.place = place
    this.#place(cursor)
  }

  remove(id: number): void {
    this.#cursors.get(id)?.pointer.remove()
    this.#cursors.delete(id)
    this.#area.classList.toggle('used', this.#cursors.size > 0)
  }

  /** Reports this page's cursor, if it has moved and the interval has passed. */
  tick(now_ms: number): void {
    if (!this.#has_moved || now_ms - this.#last_sent_ms < SEND_EVERY_MS) return
    this.#has_moved = false
    this.#last_sent_ms = now_ms
    this.#on_move(this.#own)
  }

  #key(event: KeyboardEvent): void {
    const step = KEYS[event.key]
    if (step === undefined || event.ctrlKey || event.altKey || event.metaKey) return
    event.preventDefault()
    const { x, y } = this.#own ?? CENTER
    this.#move_own({ x: within(x + step.x), y: within(y + step.y) })
  }

  #move_own(place: Place | null): void {
    if (this.#you === undefined || place === this.#own) return
    this.#own = place
    this.#has_moved = true
    this.show(this.#you, place)
  }

  #place_of({ clientX, clientY }: PointerEvent): Place {
    const { left, top, width, height } = this.#area.getBoundingClientRect()
    return { x: within((clientX - left) / width), y: within((clientY - top) / height) }
  }

  #add(person: Person, place: Place): Cursor {
    const pointer = document.createElement('div')
    pointer.className = 'cursor'
    pointer.dataset.color = String(person.color)
    const name = document.createElement('span')
    name.textContent = person === this.#you ? 'you' : person.name
    pointer.append(name)
    this.#area.append(pointer)
    this.#area.classList.add('used')
    const cursor = { pointer, place }
    this.#cursors.set(person.id, cursor)
    return cursor
  }

  #place_all(): void {
    for (const cursor of this.#cursors.values()) this.#place(cursor)
  }

  #place({ pointer, place }: Cursor): void {
    const { clientWidth, clientHeight } = this.#area
    pointer.classList.toggle('flipped', place.x > FLIP_FROM)
    pointer.style.transform = `translate(${place.x * clientWidth}px, ${place.y * clientHeight}px)`
  }
}

function within(part: number): number {
  return Math.min(1, Math.max(0, part))
}
