// A plugin of typedoc, which makes one site of the guides and the reference. Which pages there are, in which order and under which names, is
// said by README.md beside this file, the home page: each of its headings is a shelf of the navigation, each item below it a page.
import { readdirSync, readFileSync } from 'node:fs'
import { basename, dirname, extname, join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import {
  Application,
  Converter,
  KindRouter,
  PageEvent,
  ReflectionCategory,
  ReflectionKind,
  Slugger,
} from 'typedoc'
import { anchor_of } from './anchor.mjs'

const HERE = dirname(fileURLToPath(import.meta.url))
const HOME = 'README.md'
const EXAMPLES = 'examples/README.md'
const REFERENCE = 'Reference'

/**
 * A page of the site: its file, relative to this folder, its name in the navigation, and the shelf that it is on.
 * @typedef {{ readonly file: string, readonly title: string, readonly shelf: string }} Page
 */

/** What typedoc calls when it starts. */
export function load(/** @type {import('typedoc').Application} */ app) {
  const pages = all_pages()
  const files = pages.map(({ file }) => join(HERE, file))
  app.renderer.defineRouter('pages', PageRouter)
  app.on(Application.EVENT_BOOTSTRAP_END, () => {
    app.options.setValue('projectDocuments', files)
    app.options.setValue('markdownItLoader', name_code_in_headings)
  })
  // Typedoc links to the folder of the home page, which leads there on a server, and not from a file; and to a file of code as such, which
  // browsers take for a film.
  app.renderer.on(PageEvent.END, page => {
    page.contents = page.contents
      ?.replaceAll(/ href="((?:\.\.?\/)+)"/g, ' href="$1index.html"')
      .replaceAll(/ href="((?:\.\.\/)*)media\/(\w+\.tsx?)"/g, (link, up, name) =>
        examples().includes(name) ? ` href="${up}${address_of(EXAMPLES)}#${anchor_of(name)}"` : link,
      )
  })
  app.converter.on(Converter.EVENT_CREATE_DOCUMENT, (_context, document) => {
    const page = pages.find(({ file }) => file === file_of(document))
    if (page !== undefined) document.name = page.title
    if (page?.file === EXAMPLES) document.content.push({ kind: 'text', text: shown_examples() })
  })
  app.converter.on(Converter.EVENT_CREATE_DECLARATION, (_context, declaration) => {
    if (declaration.kindOf(ReflectionKind.Module)) declaration.name = name_of(declaration.name)
  })
  // Later than typedoc's own groups and categories, which know no order but that of letters.
  app.converter.on(Converter.EVENT_RESOLVE_END, ({ project }) => arrange(project, pages), -300)
}

/**
 * All pages but the home page, in the order of the navigation: those that it lists, and behind an index (the README.md of a folder) those that this
 * one lists and are not there yet, all on one shelf.
 * @returns {readonly Page[]}
 */
export function all_pages() {
  const listed = pages_of(HOME).flatMap(page =>
    page.file.startsWith('..') || basename(page.file) !== HOME
      ? [page]
      : [page, ...pages_of(page.file).map(below => ({ ...below, shelf: page.shelf }))],
  )
  const first = new Map(listed.toReversed().map(page => [page.file, page]))
  return listed.filter(page => page.file !== HOME && first.get(page.file) === page)
}

/**
 * The pages that an index lists.
 * @returns {readonly Page[]}
 */
function pages_of(/** @type {string} */ index) {
  let shelf = ''
  return readFileSync(join(HERE, index), 'utf8')
    .split('\n')
    .flatMap(line => {
      shelf = /^## (.*)$/.exec(line)?.[1] ?? shelf
      const [, title, path] = /^(?:-|\d+\.) \[(.*?)\]\(([^#)]*\.md)\)/.exec(line) ?? []
      if (title === undefined || path === undefined) return []
      return [{ file: slashed(join(dirname(index), path)), title: title.replaceAll('`', ''), shelf }]
    })
}

/** What a module is imported by, of its path: `ws-protocol/src/node`. */
function name_of(/** @type {string} */ path) {
  return `@bt/${path.replace('/src', '')}`
}

/** The files of the examples' programs. */
function examples() {
  const names = readdirSync(dirname(join(HERE, EXAMPLES)))
  return names.filter(name => /\.tsx?$/.test(name)).sort()
}

/** The programs of the examples, in Markdown: on a code host a link shows them, on the site their page does. */
function shown_examples() {
  return examples()
    .map(name => {
      const code = readFileSync(join(HERE, dirname(EXAMPLES), name), 'utf8')
      return `\n\n## \`${name}\`\n\n\`\`\`\`${extname(name).slice(1)}\n${code}\`\`\`\`\n`
    })
    .join('')
}

/** The file of a document, relative to this folder. */
function file_of(/** @type {import('typedoc').Reflection} */ document) {
  return slashed(relative(HERE, document.project.files.getReflectionPath(document) ?? ''))
}

function slashed(/** @type {string} */ path) {
  return path.replaceAll(sep, '/')
}

/** Puts the pages, and the packages, on their shelves. */
function arrange(
  /** @type {import('typedoc').ProjectReflection} */ project,
  /** @type {readonly Page[]} */ pages,
) {
  /** @type {Map<string, ReflectionCategory>} */
  const shelves = new Map()
  const put = (
    /** @type {string} */ shelf,
    /** @type {ReflectionCategory['children'][number] | undefined} */ child,
  ) => {
    if (child === undefined) throw new Error(`a page of the shelf ${shelf} is not there`)
    const category = shelves.get(shelf) ?? new ReflectionCategory(shelf)
    shelves.set(shelf, category)
    category.children.push(child)
  }
  for (const { file, shelf } of pages)
    put(
      shelf,
      project.documents?.find(document => file_of(document) === file),
    )
  for (const child of project.children ?? []) put(REFERENCE, child)
  project.categories = [...shelves.values()]
  delete project.groups
}

/**
 * Of a heading's name, typedoc knows its text and not its code. So code becomes text there, between tags.
 * @param {any} parser of markdown-it, which typedoc brings along
 */
function name_code_in_headings(parser) {
  parser.core.ruler.push('name_code_in_headings', (/** @type {any} */ { tokens, Token }) => {
    for (const [index, token] of tokens.entries()) {
      if (token.type !== 'inline' || tokens[index - 1].type !== 'heading_open') continue
      token.children = token.children.flatMap((/** @type {any} */ child) => {
        if (child.type !== 'code_inline') return [child]
        const parts = [
          new Token('html_inline', '', 0),
          new Token('text', '', 0),
          new Token('html_inline', '', 0),
        ]
        for (const [part, content] of ['<code>', child.content, '</code>'].entries())
          parts[part].content = content
        return parts
      })
    }
  })
}

/** Where a page is on the site. */
export function address_of(/** @type {string} */ file) {
  return file
    .replace('../', 'project/')
    .replace(/\/README\.md$/, '/index.md')
    .replace(/\.md$/, '.html')
}

/** A guide's address on the site is its path here; the reference is where typedoc has it. */
class PageRouter extends KindRouter {
  /** @override */
  buildPages(/** @type {import('typedoc').ProjectReflection} */ project) {
    const pages = super.buildPages(project)
    this.sluggers.set(project, new HeadingSlugger(this.sluggerConfiguration))
    return pages
  }

  /** @override */
  buildChildPages(
    /** @type {import('typedoc').RouterTarget} */ target,
    /** @type {import('typedoc').PageDefinition[]} */ pages,
  ) {
    super.buildChildPages(target, pages)
    if (is_document(target)) this.sluggers.set(target, new HeadingSlugger(this.sluggerConfiguration))
  }

  /** @override */
  getIdealBaseName(/** @type {import('typedoc').Reflection} */ target) {
    if (!is_document(target)) return super.getIdealBaseName(target)
    return file_of(target)
      .replaceAll('../', 'project/')
      .replace(/\.md$/, '')
      .replace(/\/README$/, '/index')
  }
}

/** Headings have the anchors of a code host, so that a link holds in both places. */
class HeadingSlugger extends Slugger {
  /** @override */
  serialize(/** @type {string} */ heading) {
    return anchor_of(heading)
  }
}

/** @returns {target is import('typedoc').DocumentReflection} */
function is_document(/** @type {import('typedoc').RouterTarget} */ target) {
  return 'isDocument' in target && target.isDocument()
}
