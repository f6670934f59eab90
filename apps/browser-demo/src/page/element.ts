const texts = new WeakMap<Element, string>()

/** The element with an id. It has to be of a type: the page is broken where it is not. */
export function element<Type extends Element = HTMLElement>(
  id: string,
  type: new () => Type = HTMLElement as unknown as new () => Type,
): Type {
  const found = document.getElementById(id)
  if (found instanceof type) return found
  throw new Error(`the page has no ${type.name} with the id ${id}`)
}

/** Writes a text where it is another than before: what stays the same costs no layout. */
export function set_text(target: Element, text: string): void {
  if (texts.get(target) === text) return
  texts.set(target, text)
  target.textContent = text
}

/** Writes a `data-` attribute where it is another than before. */
export function set_data(target: HTMLElement, name: string, value: string): void {
  if (target.dataset[name] !== value) target.dataset[name] = value
}

/** Whether a control can be used. It stays focusable: whoever is on it by keyboard must not lose their place. */
export function set_usable(button: HTMLElement, is_usable: boolean): void {
  if (is_usable) button.removeAttribute('aria-disabled')
  else button.setAttribute('aria-disabled', 'true')
}

/** Calls `act` when a button is pressed that can be used. */
export function on_press(button: HTMLElement, act: () => void): void {
  button.addEventListener('click', () => {
    if (button.getAttribute('aria-disabled') !== 'true') act()
  })
}

/** Calls `act` with the text of a form's one field when it is sent; where `act` says `true`, the field is emptied. */
export function on_line(
  form: HTMLFormElement,
  field: HTMLInputElement,
  act: (text: string) => boolean,
): void {
  form.addEventListener('submit', event => {
    event.preventDefault()
    const text = field.value.trim()
    if (text !== '' && act(text)) field.value = ''
  })
}
