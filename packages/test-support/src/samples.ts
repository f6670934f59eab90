// The code that stands in pages, for the tests that try it.

/** A block of code in a page, between fences. */
export interface Block {
  /** What stands behind the opening fence; empty if nothing does. */
  readonly language: string
  /** Its lines, each with its end, without the indent of the fence. */
  readonly code: string
  /** Where its code begins, in lines of the page, from 1 on. */
  readonly line: number
  /** The name by which a test runs it: `<!-- sample: name -->` in the line before, or `<!-- run -->`, which needs no name. */
  readonly sample: string | undefined
}

/** Returns all blocks of a page, in order. */
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

/** Returns the blocks of a page that a test runs, by name. */
export function samples_of(page: string): ReadonlyMap<string, string> {
  return new Map(
    blocks_of(page).flatMap(({ sample, code }) => (sample === undefined ? [] : [[sample, code]])),
  )
}
