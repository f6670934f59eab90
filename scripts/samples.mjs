// The code that stands in pages, for the tests that try it.

/**
 * A block of code in a page, between fences.
 * @typedef {object} Block
 * @property {string} language what stands behind the opening fence; empty where nothing does
 * @property {string} code its lines, each with its end, without the indent of the fence
 * @property {number} line where its code begins, in lines of the page, from 1 on
 * @property {string | undefined} sample the name by which a test runs it: `<!-- sample: name -->` in the line before, or `<!-- run -->`, where one needs no name
 */

/**
 * All blocks of a page, in order.
 * @returns {readonly Block[]}
 */
export function blocks_of(/** @type {string} */ page) {
  /** @type {Block[]} */
  const blocks = []
  /** @type {{ indent: string, fence: string, block: Block } | undefined} */
  let open
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
      open.block.code += `${line.startsWith(open.indent) ? line.slice(open.indent.length) : line}\n`
    }
    before = line
  }
  if (open !== undefined) throw new Error(`the block that begins in line ${open.block.line} has no end`)
  return blocks
}

/**
 * The blocks of a page that a test runs, by name.
 * @returns {ReadonlyMap<string, string>}
 */
export function samples_of(/** @type {string} */ page) {
  return new Map(
    blocks_of(page).flatMap(({ sample, code }) => (sample === undefined ? [] : [[sample, code]])),
  )
}
