// Extracts the code blocks of Markdown pages, for the tests that run them.

/** A fenced code block of a page. */
export interface Block {
  /** The info string of the opening fence; empty if there is none. */
  readonly language: string
  /** Its lines, each with its line break, without the indent of the fence. */
  readonly code: string
  /** The line number of its first line of code, from 1 on. */
  readonly line: number
  /** The name for tests, from `<!-- sample: name -->` or `<!-- run -->` in the line before. */
  readonly sample: string | undefined
}

/** Returns all code blocks of a page, in order. */
export function blocks_of(page: string): readonly Block[] {
  const blocks: Block[] = []
  let open: { readonly indent: string; readonly fence: string; block: Block } | undefined
  let before = ''
  for (const [index, line] of page.split('\n').entries()) {
    if (open === undefined) {
      const [, indent, fence, language = ''] = /^(\s*)(`{3,}|~{3,})\s*(.*?)\s*$/.exec(line) ?? []
      if (indent !== undefined && fence !== undefined) {
        const sample = /^\s*<!-- (?:sample: )?(.*) -->$/.exec(before)?.[1]
        open = { indent, fence, block: { language, code: '', line: index + 2, sample } }
      }
    } else if (line.trim() === open.fence) {
      blocks.push(open.block)
      open = undefined
    } else {
      const text = line.startsWith(open.indent) ? line.slice(open.indent.length) : line
      open.block = { ...open.block, code: `${open.block.code}${text}\n` }
    }
    before = line
  }
  if (open !== undefined) throw new Error(`the block that begins in line ${open.block.line} has no end`)
  return blocks
}

/** Returns the code of the blocks that tests run, by name. */
export function samples_of(page: string): ReadonlyMap<string, string> {
  return new Map(
    blocks_of(page).flatMap(({ sample, code }) => (sample === undefined ? [] : [[sample, code]])),
  )
}
