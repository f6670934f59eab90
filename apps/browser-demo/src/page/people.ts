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

  /** These, and no others, are at a node. Returns who has come, and who has gone; that this page is here it knows by itself. */
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

  /** What somebody is called: with the node, where it is another one than this page's. */
  name_of({ name, node }: Person): string {
    return node === this.#you?.node ? name : `${name} · ${node}`
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
      item.textContent = person === this.#you ? `${person.name} (you)` : this.name_of(person)
      return item
    })
    this.#list.replaceChildren(...items)
    set_text(this.#count, items.length === 0 ? 'not connected' : `${items.length} here`)
  }
}
