// Removes the texts of errors: whatever only ends up in the message of a `NetError`.
import { Edits } from './edits.mjs'
import { calls_of, is_assigned, is_function, nodes_in, parameter_index, parse } from './syntax_tree.mjs'

/** The properties of the rules of options that only say something. */
export const TEXT_MEMBERS = ['expects', 'shown']

/** The functions that format a value for a text. They have no effects, and never return an empty text. */
const FORMATTERS = new Set([
  'describe_cause',
  'describe_count',
  'describe_parts',
  'describe_secret',
  'describe_type',
  'describe_url',
  'describe_value',
  'shown_text',
  'shown_url',
])

const EMPTY = "''"

/** What is left of a text that is not part of a message, but tested: whether it is there. */
const MARK = "'-'"

/** @typedef {import('./syntax_tree.mjs').Node} Node */
/** @typedef {import('./syntax_tree.mjs').Binding} Binding */

/** The variables that a message keeps: they name an option or a callback. */
const KEPT = new Set(['name', 'unknown', 'callback'])

/**
 * Returns whether a message keeps a variable. The bundler adds a number to names that occur twice.
 * @param {Binding} binding
 */
const is_kept = ({ name }) => KEPT.has(name.replace(/\d+$/, ''))

/**
 * Returns the code with `net_error(code, detail, options)` in place of `new NetError(code, text, options)`, where
 * `detail` is what a message keeps, or an empty text.
 * @param {string} code
 */
export function without_texts(code) {
  const { nodes, bindings, bound } = parse(code)
  const edits = new Edits(code)
  const made = nodes.filter(
    ({ type, callee }) =>
      type === 'NewExpression' && bound(callee)?.declaration.imported?.name === 'NetError',
  )
  /** The expressions that are only texts. @type {Set<Node>} */
  const texts = new Set(made.map(node => node.arguments[1]))
  for (const { type, key, value, parent } of nodes)
    if (type === 'Property' && parent?.type === 'ObjectExpression' && TEXT_MEMBERS.includes(key.name))
      texts.add(value)
  const is_in_text = (/** @type {Node | undefined} */ node) => {
    while (node !== undefined && !texts.has(node)) node = node.parent
    return node !== undefined
  }
  /** The variables that are only texts. @type {Set<Binding>} */
  const found = new Set()
  for (;;) {
    const before = found.size
    for (const binding of bindings) {
      if (found.has(binding) || is_kept(binding) || binding.references.length === 0) continue
      const is_own_value = (/** @type {Node} */ node) =>
        binding.references.some(other => is_assigned(other) && is_within(node, other.parent?.right))
      if (!binding.references.every(node => is_in_text(node) || is_assigned(node) || is_own_value(node)))
        continue
      const sources = sources_of(binding, bound, nodes)
      if (sources === undefined) continue
      found.add(binding)
      for (const source of sources) texts.add(source)
    }
    if (found.size === before) break
  }

  const text_around = (/** @type {Node} */ node) => {
    while (!texts.has(node)) node = /** @type {Node} */ (node.parent)
    return node
  }
  const outermost = [...texts].filter(text => !is_in_text(text.parent))
  /** @type {(text: Node, seen?: Set<Node>) => string} */
  const kept = (text, seen = new Set()) => {
    if (seen.has(text)) return ''
    seen.add(text)
    const binding = bound(text)
    // A variable of a function within the text is unknown outside.
    if (binding !== undefined && is_kept(binding) && !is_within(binding.identifier, text_around(text)))
      return binding.name
    if (binding !== undefined && found.has(binding)) {
      if (is_function(binding.declaration))
        return sources_of(binding, bound, nodes)?.some(source => kept(source, seen) !== '')
          ? binding.name
          : ''
      return binding.declaration.init === null ? '' : kept(binding.declaration.init, seen)
    }
    for (const node of nodes_in(text).slice(1)) {
      const name = kept(node, seen)
      if (name !== '') return name
    }
    return ''
  }
  const contents = outermost.map(text => /** @type {const} */ ([text, kept(text) || EMPTY]))
  for (const { start, callee } of made) edits.replace(start, callee.end, 'net_error')
  for (const [text, content] of contents) {
    const list = text.parent?.arguments
    // Without a text, the call ends with the argument before it.
    const start = content === EMPTY && list?.at(-1) === text ? list.at(-2)?.end : undefined
    if (start === undefined) edits.replace(text.start, text.end, content)
    else edits.replace(start, text.end)
  }
  for (const node of nodes)
    if (is_text(node) && !is_in_text(node) && !is_part_of_text(node.parent))
      edits.replace(node.start, node.end, MARK)
  return edits.text
}

/**
 * @param {Node} node
 * @param {Node} outer
 */
const is_within = (node, outer) => node.start >= outer.start && node.end <= outer.end

/**
 * Returns whether the parts of an expression are only compared.
 * @param {Node | undefined} node
 */
const is_compared = node =>
  node?.type === 'SwitchCase' || (node?.type === 'BinaryExpression' && node.operator !== '+')

/**
 * Returns whether an expression is a text for people: words with a space, or what a formatter returns.
 * @param {Node} node
 */
function is_text({ type, value, quasis, callee, parent }) {
  if (is_compared(parent)) return false
  if (type === 'Literal') return typeof value === 'string' && / /.test(value)
  if (type === 'TemplateLiteral')
    return quasis.some((/** @type {Node} */ part) => / /.test(part.value.cooked))
  return type === 'CallExpression' && FORMATTERS.has(callee.name)
}

/**
 * @param {Node | undefined} node
 * @returns {boolean}
 */
const is_part_of_text = node => node !== undefined && (is_text(node) || is_part_of_text(node.parent))

/**
 * Returns the expressions whose values a variable can have, or `undefined` if they are not all known: those of
 * a constant, or of a parameter of a function that is only called directly.
 * @param {Binding} binding
 * @param {(node: Node) => Binding | undefined} bound
 * @param {Node[]} nodes
 * @returns {Node[] | undefined}
 */
function sources_of({ declaration, identifier, references }, bound, nodes) {
  if (declaration.type === 'VariableDeclarator' && declaration.id === identifier)
    return [declaration.init, ...references.filter(is_assigned).map(({ parent }) => parent?.right)].filter(
      source => source,
    )
  if (!is_function(declaration)) return undefined
  const index = parameter_index(declaration, identifier)
  const calls = index === -1 ? undefined : calls_of(declaration, bound, nodes)
  if (calls?.some(call => call.arguments.some((/** @type {Node} */ { type }) => type === 'SpreadElement')))
    return undefined
  return calls?.map(call => call.arguments[index]).filter(argument => argument !== undefined)
}

/**
 * Checks that no text for people is left.
 * @param {string} code
 */
export function check_texts(code) {
  const left = parse(code).nodes.find(
    ({ type, value, parent }) =>
      type === 'Literal' && typeof value === 'string' && /\w \w/.test(value) && !is_compared(parent),
  )
  if (left !== undefined)
    throw new Error(`the code for pages has the text "${left.value}": texts.mjs has to know where it is used`)
}
