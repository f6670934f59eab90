import { anchor_of } from '../anchor.mjs'

/** A link, and the line that it is in. */
export interface Link {
  readonly target: string
  readonly line: number
}

/** The links and pictures of a page in Markdown; what stands in code is none. */
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

/** What may stand behind `#` in a link to a page: its headings, and what it names itself. */
export function anchors_of(markdown: string): ReadonlySet<string> {
  const anchors = new Set<string>()
  const lines = markdown.split('\n')
  for (const [index, text] of without_code(markdown).entries()) {
    // Inside of a fence the line is empty; elsewhere, code is part of a heading's name.
    const heading = text === '' ? undefined : /^#{1,6}\s+(.*?)\s*#*$/.exec(lines[index] ?? '')?.[1]
    if (heading !== undefined) add(anchors, anchor_of(heading.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')))
    for (const [, id = ''] of text.matchAll(/<\w+[^>]*\s(?:id|name)="([^"]*)"/g)) anchors.add(id)
  }
  return anchors
}

/** The same heading again gets a number. */
function add(anchors: Set<string>, anchor: string): void {
  let numbered = anchor
  for (let count = 1; anchors.has(numbered); count += 1) numbered = `${anchor}-${count}`
  anchors.add(numbered)
}

/** The lines of a page, with nothing where code is. */
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
