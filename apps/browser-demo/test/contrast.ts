/**
 * Runs in the page: lists what has less contrast than WCAG 2.2 AA requires, 4.5 for text (1.4.3) and 3 for
 * the edges of controls and the lines of plots (1.4.11). Disabled controls are exempt.
 */
export function low_contrasts(): string[] {
  type Color = [number, number, number, number]
  const color_of = (text: string): Color => {
    const [r = 0, g = 0, b = 0, alpha = 1] = (text.match(/[\d.]+/g) ?? []).map(Number)
    return [r, g, b, alpha]
  }
  const luminance = ([r, g, b]: Color): number => {
    const [red = 0, green = 0, blue = 0] = [r, g, b].map(value => {
      const part = value / 255
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4
    })
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
  }
  const contrast = (a: Color, b: Color): number => {
    const [dark = 0, light = 0] = [luminance(a), luminance(b)].sort((x, y) => x - y)
    return (light + 0.05) / (dark + 0.05)
  }
  const ground_of = (start: Element | null): Color => {
    for (let at = start; at !== null; at = at.parentElement) {
      const color = color_of(getComputedStyle(at).backgroundColor)
      if (color[3] === 1) return color
    }
    return [255, 255, 255, 1]
  }
  const found: string[] = []
  const check = (what: string, color: string, ground: Color, least: number): void => {
    const ratio = contrast(color_of(color), ground)
    if (ratio < least) found.push(`${what}: ${ratio.toFixed(2)} (${color} on ${ground.slice(0, 3)})`)
  }
  const is_shown = (target: Element): boolean =>
    target.checkVisibility() && !target.matches('.unseen, [aria-disabled], :disabled, :has(> :disabled) *')

  for (const target of document.body.querySelectorAll('*')) {
    const has_text = [...target.childNodes].some(
      ({ nodeType, data }: Node & { data?: string }) => nodeType === 3 && data?.trim(),
    )
    if (has_text && is_shown(target))
      check(
        `text of ${target.outerHTML.slice(0, 60)}`,
        getComputedStyle(target).color,
        ground_of(target),
        4.5,
      )
  }
  for (const field of document.querySelectorAll('.field')) {
    check('placeholder', getComputedStyle(field, '::placeholder').color, ground_of(field), 4.5)
  }
  for (const control of document.querySelectorAll(
    '.button:not(.primary), .field, .choice span, .switch input, .space, .gauge, .end',
  )) {
    if (is_shown(control))
      check(
        `edge of ${control.outerHTML.slice(0, 60)}`,
        getComputedStyle(control).borderTopColor,
        ground_of(control.parentElement),
        3,
      )
  }
  for (const key of document.querySelectorAll('.key'))
    check(`line ${key.id}`, getComputedStyle(key).color, ground_of(key), 3)
  for (const mark of document.querySelectorAll('.level, .badge'))
    if (is_shown(mark))
      check(mark.className, getComputedStyle(mark).backgroundColor, ground_of(mark.parentElement), 3)
  return found
}
