import type { Person } from '../shared/message.js'
import { set_text } from './element.js'

/** Who is here, and the list of them at the top of the page. */
export class People {
  readonly #list: HTMLElement
  readonly #count: HTMLElement
  readonly #here = new Map<number, Person>()
  #you: Person | undefined

  constructor(list: HTMLElement, count: HTMLElement) {
    this.#list = list
    this.#count = count
  }

  /** Who this page is, as the server named it last; `undefined` where it never did. */
  get you(): Person | undefined {
    return this.#you
  }

  /** The connection is open: these are here. */
  welcome(you: Person, others: readonly Person[]): void {
    this.#you = you
    this.#here.clear()
    for (const person of [you, ...others]) this.#here.set(person.id, person)
    this.#show()
  }

  /** Somebody has come. */
  add(person: Person): void {
    this.#here.set(person.id, person)
    this.#show()
  }

  /** Somebody has gone. Returns who it was. */
  remove(id: number): Person | undefined {
    const person = this.#here.get(id)
    this.#here.delete(id)
    this.#show()
    return person
  }

  /** Who has this number. */
  find(id: number): Person | undefined {
    return this.#here.get(id)
  }

  /** The connection has ended: nobody is seen any more. */
  clear(): void {
    this.#here.clear()
    this.#show()
  }

  #show(): void {
    const items = Array.from(this.#here.values(), person => {
      const item = document.createElement('li')
      item.dataset.color = String(person.color)
      item.textContent = person === this.#you ? `${person.name} (you)` : person.name
      return item
    })
    this.#list.replaceChildren(...items)
    set_text(this.#count, items.length === 0 ? 'not connected' : `${items.length} here`)
  }
}
