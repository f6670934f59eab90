const texts = new WeakMap<Element, string>()

/** Returns the element with an id, and throws if it is missing or of another type. */
export function element<Type extends Element = HTMLElement>(
  id: string,
  type: new () => Type = HTMLElement as unknown as new () => Type,
): Type {
  const found = document.getElementById(id)
  if (found instanceof type) return found
  throw new Error(`the page has no ${type.name} with the id ${id}`)
}

/** Writes a text only if it has changed, because each write costs a layout. */
export function set_text(target: Element, text: string): void {
  if (texts.get(target) === text) return
  texts.set(target, text)
  target.textContent = text
}

/** Writes a `data-` attribute only if it has changed. */
export function set_data(target: HTMLElement, name: string, value: string): void {
  if (target.dataset[name] !== value) target.dataset[name] = value
}

/** Enables or disables a control. It stays focusable, so that keyboard users keep their place. */
export function set_usable(button: HTMLElement, is_usable: boolean): void {
  if (is_usable) button.removeAttribute('aria-disabled')
  else button.setAttribute('aria-disabled', 'true')
}

/** Calls `act` when an enabled button is pressed. */
export function on_press(button: HTMLElement, act: () => void): void {
  button.addEventListener('click', () => {
    if (button.getAttribute('aria-disabled') !== 'true') act()
  })
}

/**
 * Calls `act` with the text of a form's only field on submit, and clears the field if `act` returns `true`.
 */
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
