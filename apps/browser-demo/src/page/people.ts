import type { Person } from '../shared/message.js'
import { set_text } from './element.js'

/** The people in the room, and the list of them at the top of the page. */
export class People {
  readonly #list: HTMLElement
  readonly #count: HTMLElement
  readonly #here = new Map<number, Person>()
  #you: Person | undefined

  constructor(list: HTMLElement, count: HTMLElement) {
    this.#list = list
    this.#count = count
  }

  /** The person of this page, as the server named it last; `undefined` before the first welcome. */
  get you(): Person | undefined {
    return this.#you
  }

  /** Sets everybody who is here when the connection opens. */
  welcome(you: Person, others: readonly Person[]): void {
    this.#you = you
    this.#here.clear()
    for (const person of [you, ...others]) this.#here.set(person.id, person)
    this.#show()
  }

  add(person: Person): void {
    this.#here.set(person.id, person)
    this.#show()
  }

  /** Removes a person, and returns them. */
  remove(id: number): Person | undefined {
    const person = this.#here.get(id)
    this.#here.delete(id)
    this.#show()
    return person
  }

  /** Replaces the people of a node. Returns who has come and who has gone, without this page's own person. */
  at_node(
    node: string,
    listed: readonly Person[],
  ): { readonly joined: readonly Person[]; readonly left: readonly Person[] } {
    const ids = new Set(listed.map(({ id }) => id))
    const joined = listed.filter(({ id }) => !this.#here.has(id) && id !== this.#you?.id)
    const left = [...this.#here.values()].filter(
      person => person.node === node && !ids.has(person.id) && person !== this.#you,
    )
    for (const person of joined) this.#here.set(person.id, person)
    for (const { id } of left) this.#here.delete(id)
    if (joined.length + left.length > 0) this.#show()
    return { joined, left }
  }

  /** Returns a person's name, with the node if it is not this page's. */
  name_of({ name, node }: Person): string {
    return node === this.#you?.node ? name : `${name} · ${node}`
  }

  /** Returns the person with this id. */
  find(id: number): Person | undefined {
    return this.#here.get(id)
  }

  /** Empties the list when the connection has ended. */
  clear(): void {
    this.#here.clear()
    this.#show()
  }

  #show(): void {
    const items = Array.from(this.#here.values(), person => {
      const item = document.createElement('li')
      item.dataset.color = String(person.color)
      item.textContent = person === this.#you ? `${person.name} (you)` : this.name_of(person)
      return item
    })
    this.#list.replaceChildren(...items)
    set_text(this.#count, items.length === 0 ? 'not connected' : `${items.length} here`)
  }
}
