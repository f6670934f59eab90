import { anchor_of } from '../anchor.mjs'

/** A link with its line number. */
export interface Link {
  readonly target: string
  readonly line: number
}

/** Returns the links and images of a Markdown page, except those in code. */
export function links_of(markdown: string): readonly Link[] {
  return without_code(markdown).flatMap((text, index) =>
    [
      ...text.matchAll(/\]\(\s*<?([^)\s>]+)>?(?:\s+"[^"]*")?\s*\)/g),
      ...text.matchAll(/^\s*\[[^\]]+\]:\s*<?([^\s>]+)/g),
      ...text.matchAll(/<(https?:[^\s>]*)>/g),
      ...text.matchAll(/\s(?:href|src)="([^"]*)"/g),
    ].map(([, target = '']) => ({ target, line: index + 1 })),
  )
}

/** Returns the anchors of a Markdown page: those of its headings, and its `id` and `name` attributes. */
export function anchors_of(markdown: string): ReadonlySet<string> {
  const anchors = new Set<string>()
  const lines = markdown.split('\n')
  for (const [index, text] of without_code(markdown).entries()) {
    // A line of a code block is empty here. A heading may have inline code, so it is read from `lines`.
    const heading = text === '' ? undefined : /^#{1,6}\s+(.*?)\s*#*$/.exec(lines[index] ?? '')?.[1]
    if (heading !== undefined) add(anchors, anchor_of(heading.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')))
    for (const [, id = ''] of text.matchAll(/<\w+[^>]*\s(?:id|name)="([^"]*)"/g)) anchors.add(id)
  }
  return anchors
}

/** Adds an anchor, with a number if another heading has the same text. */
function add(anchors: Set<string>, anchor: string): void {
  let numbered = anchor
  for (let count = 1; anchors.has(numbered); count += 1) numbered = `${anchor}-${count}`
  anchors.add(numbered)
}

/** Returns the lines of a page without their code. */
function without_code(markdown: string): string[] {
  let fence: string | undefined
  return markdown.split('\n').map(line => {
    const mark = /^\s*(`{3,}|~{3,})/.exec(line)?.[1]
    if (fence !== undefined) {
      if (line.trim() === fence) fence = undefined
      return ''
    }
    if (mark !== undefined) {
      fence = mark
      return ''
    }
    return line.replace(/(`+)(?!`).*?\1/g, '')
  })
}
